"""Run folders on disk: checkpoints, weights, records, the lock; bytes, and nothing else.

Input: states as trees of arrays, records as plain data. Guarantee: a file is whole or absent, and damage is
noticed. Output: the same states and records, or a diagnostic.
"""
