"""The training loop and what follows it: epochs, callbacks, checkpoints, signals.

Input: a job and a run folder. Guarantee: nothing is lost on an interrupt. Output: the best weights and the
history.
"""
