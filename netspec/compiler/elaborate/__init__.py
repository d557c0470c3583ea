"""Expressions to values and layers to nodes, walking forward with every shape known.

Comes in: a syntax tree whose names are bound. Guaranteed: one mistake gives one message. Goes out: a `Graph`, or None.
"""
