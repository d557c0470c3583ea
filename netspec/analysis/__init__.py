"""What can be measured or estimated of a spec: how it is lowered, step memory, learning rates, gradients.

Comes in: a compiled spec. Goes out: reports as plain data, which `cli` prints.
"""
