"""One module per command: the function ``command`` (its docstring is the help) and ``EXAMPLES``."""
