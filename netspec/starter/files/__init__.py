"""Folders, arrays and texts: which source reads them."""
