"""Tables: which file, which columns, which target."""
