"""Data: where examples come from, how they are divided, and what is wrong with them before the first step.

Comes in: the section `data` of a spec, files, or arrays. Goes out: `Facts` without loading, `Dataset`, `Splits`,
diagnostics. Only pipeline.py imports JAX; NumPy and scikit-learn are imported when arrays are made.
"""

from netspec.data import check_errors, errors, predict_errors, source_errors
from netspec.data.base import Dataset, Source, source

__all__ = ["Dataset", "Source", "check_errors", "errors", "predict_errors", "source", "source_errors"]
