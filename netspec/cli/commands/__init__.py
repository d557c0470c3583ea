"""One file for each command, grouped by what they work on."""
