"""Expressions to values and layers to nodes, walking forward with every shape known.

Input: a syntax tree whose names are bound. Guarantee: one mistake gives one message. Output: a `Graph`, or None.
"""
