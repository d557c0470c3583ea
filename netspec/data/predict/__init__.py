"""What a person hands to `predict`, as the network takes it.

Comes in: files, rows, arrays, and the preprocessing of a run. Goes out: inputs, and a name for each example.
"""
