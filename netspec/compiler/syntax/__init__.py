"""Text to a syntax tree and back; the only user of Lark.

Comes in: a `Source`. Guaranteed: several mistakes of a file are found in one run (NS1xx). Goes out: `tree.File`, or
formatted text.
"""
