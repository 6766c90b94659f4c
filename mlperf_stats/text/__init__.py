"""Names, figures and warnings as people read them, the same on the terminal, in charts and in reports."""
