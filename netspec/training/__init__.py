"""From a recipe and data to trained weights: losses, metrics, optimizers, schedules, the step and the loop.

Input: a network as a function, settings, splits. Guarantee: a resumed run continues bit for bit; the words of the
language here are declared without JAX. Output: weights, metrics by epoch, a run folder.
"""
