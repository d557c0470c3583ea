"""Sweeps: a run for each combination of given values (`netspec train --sweep`)."""
