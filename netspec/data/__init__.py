"""Data: where examples come from, how they are divided, and what is wrong with them before the first step.

Input: the section `data` of a spec, files, or arrays. Guarantee: JAX is never imported, and NumPy only when
arrays are made. Output: `Facts` without loading, `Dataset`, `Splits`, diagnostics.
"""
