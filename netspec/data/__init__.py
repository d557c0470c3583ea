"""Data: where examples come from, how they are divided, and what is wrong with them before the first step.

Comes in: the section `data` of a spec, files, or arrays. Goes out: `Facts` without loading, `Dataset`, `Splits`,
diagnostics. Only pipeline.py imports JAX; NumPy and scikit-learn are imported when arrays are made.
"""

from netspec.data import check_errors, errors

__all__ = ["check_errors", "errors"]
