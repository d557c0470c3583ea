"""Networks for other programs: a model or a run as a file of another format, verified against the model itself.

Input: a model with its weights. Guarantee: what is written computes the same, up to rounding, or nothing is written.
Output: files.
"""
