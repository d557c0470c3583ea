"""What each name and word refers to, and which option each argument of a call sets.

Input: a syntax tree. Guarantee: nothing is evaluated. Output: a `Resolution`.
"""
