"""Data: where examples come from, how they are divided, and what is wrong with them before the first step.

Comes in: the section `data` of a spec, files, or arrays. Guaranteed: JAX is never imported, and NumPy only when
arrays are made. Goes out: `Facts` without loading, `Dataset`, `Splits`, diagnostics.
"""
