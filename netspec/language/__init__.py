"""The language itself, before any network: text and places in it, values, the declaration of words,
diagnostics.

Input: text, and declarations of words. Guarantee: nothing here knows a layer, a data source or JAX, and
importing it is cheap. Output: `Source` and `Span`, `Diagnostic`, kinds of options, the registry of words and
their reference pages.
"""
