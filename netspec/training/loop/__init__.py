"""The training loop and what follows it: epochs, callbacks, checkpoints, signals.

Comes in: a job and a run folder. Guaranteed: nothing is lost on an interrupt. Goes out: the best weights and the
history.
"""
