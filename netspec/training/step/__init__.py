"""One compiled training step, and what may be added to it.

Comes in: a recipe and a module. Goes out: programs from a state and a batch to the next state.
"""
