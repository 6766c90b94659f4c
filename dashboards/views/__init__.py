"""One script per page; ``navigation`` lists them.

A folder named ``pages`` would be taken by Streamlit for pages of its own making, past ``app``.
"""
