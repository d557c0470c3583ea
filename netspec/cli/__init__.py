"""The command line; only here is anything written to the terminal.

Comes in: arguments. Goes out: text, JSON, an exit status (0 clean, 1 a mistake of the user, 2 a bug).
"""
