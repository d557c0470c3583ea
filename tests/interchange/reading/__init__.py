"""Networks of other programs, read as specs."""
