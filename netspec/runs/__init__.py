"""Work with run folders: list, compare, resume, evaluate, predict, several seeds.

Comes in: paths of runs. Goes out: `RunInfo`, differences, metrics, predictions.
"""
