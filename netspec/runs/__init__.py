"""Work with run folders: list, compare, resume, evaluate, predict, several seeds.

Input: paths of runs. Guarantee: inspecting a run never modifies it. Output: `RunInfo`, differences, metrics,
predictions.
"""
