"""The language itself, before any network: text and places in it, values, the declaration of words,
diagnostics.

Comes in: text, and declarations of words. Guaranteed: nothing here knows a layer, a data source or JAX, and
importing it is cheap. Goes out: `Source` and `Span`, `Diagnostic`, kinds of options, the registry of words and
their reference pages.
"""
