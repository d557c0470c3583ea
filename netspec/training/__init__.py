"""From a recipe and data to trained weights: losses, metrics, optimizers, schedules, the step and the loop.

Comes in: a network as a function, settings, splits. Guaranteed: a resumed run continues bit for bit; the words of the
language here are declared without JAX. Goes out: weights, metrics by epoch, a run folder.
"""
