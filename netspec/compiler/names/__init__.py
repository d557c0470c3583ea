"""What each name and word refers to, and which option each argument of a call sets.

Comes in: a syntax tree. Guaranteed: nothing is evaluated. Goes out: a `Resolution`.
"""
