"""A whole spec: compiled, as a model, and as an experiment.

Input: a source. Guarantee: its sections are consistent with each other. Output: `Compilation`, its canonical form,
`Model`, and a training from settings to a run.
"""
