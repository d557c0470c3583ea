"""File formats: how tables, IDX and NPZ files are read, and downloads.

Input: a path. Output: arrays, or a diagnostic that names file, row and column.
"""
