"""The numbers that say how good predictions are: pure functions of arrays."""
