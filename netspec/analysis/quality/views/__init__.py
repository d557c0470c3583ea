"""What the sections of a report show, as HTML."""
