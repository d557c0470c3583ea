"""What the declarations say about themselves.

Input: the vocabulary and the classes of diagnostics. Guarantee: nothing is written twice. Output: pages for words and
error codes, as text and as Markdown.
"""
