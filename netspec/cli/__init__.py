"""The command line: one file per command, and the only place that writes to the terminal."""
