"""What can be measured or estimated of a spec: how it is lowered, step memory, learning rates, gradients.

Input: a compiled spec. Guarantee: no run is created or changed. Output: reports as plain data, which `cli` prints.
"""
