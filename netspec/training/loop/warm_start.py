"""Initial weights: those of another network are copied into a new one where names and shapes match.

Input: a run folder or a safetensors file, a live module, and the blocks that are wanted. Output: the module with
what was found, and an account of what was not. A weight is known by every path of names to it, and whether it is
trained or frozen makes no difference, so the weights of a network also fit one that freezes them. Random state stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax.numpy as jnp
from flax import nnx
from msgspec import structs

from netspec.language.diagnostics import CompileError, Diagnostic, fail
from netspec.language.source import Span
from netspec.storage.weights import STATE, WeightFile, read_weights
from netspec.training.errors import analysis as errors
from netspec.training.experiment import MakeModule, Started
from netspec.training.loop.start_match import Transfer, find_start, match, report_transfer
from netspec.training.optimizers.layer_selection import find_part


def read_start(source: str, folder: Path, span: Span | None = None) -> WeightFile:
    """The arrays of a run folder or a file by name, and warnings about the file; `source` is seen from `folder`, or
    from the current one.

    Raises:
        CompileError: it is not there or cannot be read (NS511).
    """
    path = find_start(source, folder, span)
    try:
        arrays, warnings = read_weights(path)
    except CompileError as error:
        (problem, *_) = error.diagnostics
        advice = problem.hint_text if problem.case == "weights" else ""  # the checkpoint that still has them
        broken = partial(errors.NoStart, span=span, source=source, reason=problem.message)
        raise fail(broken(advice=advice) if advice else broken()) from error
    placed = tuple(structs.replace(warning, span=span) for warning in warnings)
    return WeightFile({name.removeprefix(STATE): array for name, array in arrays.items()}, placed)


def transfer(module: Any, arrays: Mapping[str, Any], parts: Sequence[str] = ()) -> Transfer:
    """Copy the weights that match into a live module, which is changed in place; arguments and errors are those of
    `matching`."""
    result = matching(module, arrays, parts)
    for names, variable in _variables(module):
        if (key := result.taken.get(names[0])) is not None:
            variable[...] = jnp.asarray(arrays[key], variable[...].dtype)
    return result


def matching(module: Any, arrays: Mapping[str, Any], parts: Sequence[str] = ()) -> Transfer:
    """Which weights of a network match.

    Args:
        module: the network, or one of shapes.
        arrays: what `read_start` gives.
        parts: names of layers or blocks; the others stay as they are. None: all.

    Raises:
        CompileError: the network has no part with such a name (NS452).
    """
    for name in parts:
        find_part(module, name)

    ours = [(names, tuple(variable.get_raw_value().shape)) for names, variable in _variables(module)]
    return match(ours, {name: tuple(array.shape) for name, array in arrays.items()}, parts)


def arrays_by_path(module: Any, arrays: Mapping[str, Any], parts: Sequence[str] = ()) -> dict[tuple[str, ...], Any]:
    """The arrays that a network takes, by every path to the weight; it may be one of shapes."""
    taken = matching(module, arrays, parts).taken
    return {
        tuple(name.split("/")): arrays[taken[names[0]]]
        for names, _ in _variables(module)
        if names[0] in taken
        for name in names
    }


def _variables(module: Any) -> list[tuple[list[str], Any]]:
    """Every variable but random state, with all paths of names to it."""
    variables: dict[int, tuple[list[str], Any]] = {}

    def walk(part: Any, path: tuple[str, ...]) -> None:
        for name, value in vars(part).items():
            if isinstance(value, nnx.Variable) and not isinstance(value, nnx.RngState):
                variables.setdefault(id(value), ([], value))[0].append("/".join((*path, name)))
            elif isinstance(value, nnx.Module):
                walk(value, (*path, name))

    walk(module, ())
    return list(variables.values())


# ---------------------------------------------------------------- for a run


def start_from(
    make_module: MakeModule, seed: int, source: str, parts: Sequence[str], folder: Path, spans: Mapping[str, Span]
) -> tuple[MakeModule, tuple[Diagnostic, ...]]:
    """A `make_module` whose networks start from the weights of `source`, and a warning about weights that it lacks.

    `source` and `parts` are `init` and `init_parts` of the section `train`, `spans` the positions of these keys,
    `folder` that of the spec. Which weights fit is found out with the shapes of a network, built with `seed`.

    Raises:
        CompileError: the weights cannot be read (NS511), the network has no such part (NS452), or nothing of it or of a
            part finds a weight (NS509).
    """
    arrays, warnings = read_start(source, folder, spans.get("init"))
    try:
        result = matching(nnx.eval_shape(lambda: make_module(nnx.Rngs(seed))), arrays, parts)
    except CompileError as error:
        raise CompileError([structs.replace(d, span=spans.get("init_parts")) for d in error.diagnostics]) from error
    reported = report_transfer(result, source, parts, spans)
    made = Started(
        make_module,
        put=lambda module: transfer(module, arrays, parts),
        arrays=lambda module: arrays_by_path(module, arrays, parts),
    )
    return made, (*warnings, *reported)
