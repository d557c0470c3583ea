"""Text to a syntax tree and back; the only user of Lark.

Input: a `Source`. Guarantee: several mistakes of a file are found in one run (NS1xx). Output: `tree.File`, or
formatted text.
"""
