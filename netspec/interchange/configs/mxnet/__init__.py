"""MXNet: a symbol, which is a graph of operators in JSON, and arrays in a `.params` file.

Input: the two files; the shape of the input, where the symbol does not say it. Output: a sketch.
"""
