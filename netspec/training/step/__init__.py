"""One compiled training step, and what may be added to it.

Input: a recipe and a module. Output: programs from a state and a batch to the next state.
"""
