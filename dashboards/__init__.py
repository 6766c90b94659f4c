"""The dashboard: a Streamlit app over the same analysis and charts as the command line.

Pages are thin: they read what the address asks for, call an analysis, and show its answer.
"""
