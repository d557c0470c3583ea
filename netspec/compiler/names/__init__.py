"""What each name and word stands for, and where the arguments of a call go.

Comes in: a syntax tree. Guaranteed: nothing is evaluated. Goes out: a `Resolution`.
"""
