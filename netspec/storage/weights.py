"""Weights in files: safetensors with names such as `conv1/kernel`, and `@state/…` for what is not trained.

With both, predictions after reading are those before writing. Random state is not stored: predictions do not use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from flax import nnx
from safetensors import SafetensorError
from safetensors.numpy import load, save

from netspec._version import __version__
from netspec.language.diagnostics import fail
from netspec.storage import errors
from netspec.storage.tree_paths import Weights, difference, flatten, unflatten, widen

STATE = "@state/"
"""The prefix of the names of what is not trained; no layer can have this name."""


def weights_file(weights: Weights) -> bytes:
    """The content of a safetensors file."""
    arrays = {name: np.ascontiguousarray(array) for name, array in flat_weights(weights).items()}
    content: bytes = save(arrays, metadata={"made by": f"netspec {__version__}"})
    return content


def load_weights(path: Path) -> dict[str, Any]:
    """The arrays of a safetensors file by name. `path` is the file, or a run folder.

    Raises:
        CompileError: it is missing or damaged (NS475), or a folder of runs with several seeds (NS473).
    """
    if (path / "seeds.json").is_file():
        raise fail(errors.NoRun(run=str(path), reason=f"it holds a run for each seed, such as {path}/seed-0"))
    file = path / "weights.safetensors" if path.is_dir() else path
    try:
        return dict(load(file.read_bytes()))
    except (OSError, SafetensorError, ValueError) as error:
        raise errors.damaged(file, error) from error


def flat_weights(weights: Weights) -> dict[str, Any]:
    """Weights as arrays by name, in f32 whatever the precision of the run."""
    flat = flatten(weights.params) | {STATE + name: leaf for name, leaf in flatten(weights.other).items()}
    return {name: np.asarray(leaf) for name, leaf in widen(flat).items()}


def fit_weights(arrays: Mapping[str, Any], like: Weights, source: str) -> Weights:
    """Weights in the structure of a network from arrays by name. `source` is their origin, for messages.

    Raises:
        CompileError: they are not for this network (NS474).
    """
    wrong = difference(arrays, flat_weights(like))
    if wrong is not None:
        raise fail(errors.OtherNet(source=source, reason=wrong))
    params = {name: value for name, value in arrays.items() if not name.startswith(STATE)}
    state = {name.removeprefix(STATE): value for name, value in arrays.items() if name.startswith(STATE)}
    return Weights(unflatten(params, like.params), unflatten(state, like.other))


def weights_of(module: Any) -> Weights:
    """The weights of a live module."""
    _, params, _, other = nnx.split(module, nnx.Param, nnx.RngState, ...)
    return Weights(nnx.to_pure_dict(params), nnx.to_pure_dict(other))


def put_weights(module: Any, arrays: Mapping[str, Any], source: str) -> None:
    """Give a live module the weights of a file. `source` is their origin, for messages.

    Raises:
        CompileError: they are not for this network (NS474).
    """
    _, params, _, other = nnx.split(module, nnx.Param, nnx.RngState, ...)
    fitted = fit_weights(arrays, weights_of(module), source)
    for state, values in ((params, fitted.params), (other, fitted.other)):
        nnx.replace_by_pure_dict(state, values)
        nnx.update(module, state)
