"""A page of HTML in one file: sections below each other, in light and dark, with nothing loaded from elsewhere."""
