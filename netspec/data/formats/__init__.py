"""File formats: how tables, IDX and NPZ files are read, and downloads.

Comes in: a path. Goes out: arrays, or a diagnostic that names file, row and column.
"""
