"""Reports: documents of text, tables and pictures, as one HTML file or as Markdown."""
