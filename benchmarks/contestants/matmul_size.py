"""The matrix product that stands for the peak."""

SIZE = 1024
FLOPS = 2 * SIZE**3
