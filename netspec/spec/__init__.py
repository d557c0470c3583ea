"""A whole spec: compiled, its sections held against each other, as a model, and as an experiment.

Comes in: a source. Goes out: `Compilation`, its canonical form, `Model`, and a training from settings to a run.
"""
