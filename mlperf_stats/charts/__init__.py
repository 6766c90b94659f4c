"""Pictures of analysis results: one function per picture, each gives an Altair chart."""
