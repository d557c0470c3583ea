"""Plain data as text for a terminal: tables, curves, progress."""
