"""Texts in files: one of them as windows of characters or words, and folders with one text in each file."""
