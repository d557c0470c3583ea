"""Commands that explain the language."""
