"""What a person hands to `predict`, as the network takes it.

Input: files, rows, arrays, and the preprocessing of a run. Output: inputs, and a name for each example.
"""
