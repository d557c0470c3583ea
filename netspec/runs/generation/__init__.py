"""Texts from language models: one step after the other, compiled, with what earlier steps have left carried along.

Input: a model and a prompt. Guarantee: the logits of each step are those of the whole network, up to rounding. Output:
ids and texts, as they come.
"""
