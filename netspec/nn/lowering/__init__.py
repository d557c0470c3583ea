"""How a layer is computed on the current device: the choice, and the computations that differ from Flax.

Input: calls from `netspec.nn` and the device. Guarantee: the same numbers as the reference, to rounding. Goes
out: the chosen computation, noted for `show --stage plan`.
"""
