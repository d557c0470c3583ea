"""Run folders on disk: checkpoints, weights, records, the lock; bytes, and nothing else.

Comes in: states as trees of arrays, records as plain data. Guaranteed: a file is whole or absent, and damage is
noticed. Goes out: the same states and records, or a diagnostic.
"""
