"""Initial weights: those of another network are copied into a new one where names and shapes match.

Input: a run folder or a safetensors file, a live module, and the blocks that are wanted. Output: the module with
what was found, and an account of what was not. A weight is known by every path of names to it, and whether it is
trained or frozen makes no difference, so the weights of a network also fit one that freezes them. Random state stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
from flax import nnx
from msgspec import structs

from netspec.language.diagnostics import CompileError, Diagnostic, Problems, fail
from netspec.language.files.paths import exists, is_folder
from netspec.language.source import Span
from netspec.storage.weights import STATE, WeightFile, read_weights
from netspec.training.errors import analysis as errors
from netspec.training.experiment import MakeModule
from netspec.training.optimizers.layer_selection import find_part, is_inside

MAX_SHOWN = 8
"""How many weights of a kind a message names."""


@dataclass(frozen=True)
class Transfer:
    """What became of the weights of a network: those `taken`, those that stay random with the reason, and those
    of the source that match nothing (`unused`), all by name."""

    taken: tuple[str, ...]
    fresh: Mapping[str, str]
    unused: tuple[str, ...]


def read_start(source: str, folder: Path, span: Span | None = None) -> WeightFile:
    """The arrays of a run folder or a file by name, and warnings about the file; `source` is seen from `folder`, or
    from the current one.

    Raises:
        CompileError: it is not there or cannot be read (NS511).
    """
    path = next((path for path in (folder / source, Path(source)) if exists(path)), None)
    reason = advice = ""
    if path is None:
        reason = "there is no such file or folder"
    elif is_folder(path) and not (path / "weights.safetensors").is_file():
        reason = "the folder has no weights.safetensors"
    else:
        try:
            arrays, warnings = read_weights(path)
            placed = tuple(structs.replace(warning, span=span) for warning in warnings)
            return WeightFile({name.removeprefix(STATE): array for name, array in arrays.items()}, placed)
        except CompileError as error:
            (problem, *_) = error.diagnostics
            reason = problem.message
            advice = problem.hint_text if problem.case == "weights" else ""  # the checkpoint that still has them
    raise fail(errors.NoStart(span=span, source=source, reason=reason, advice=advice or errors.NoStart.advice))


def transfer(module: Any, arrays: Mapping[str, Any], parts: Sequence[str] = ()) -> Transfer:
    """Copy the weights that match into a live module.

    Args:
        module: the network; it is changed in place.
        arrays: what `read_start` gives.
        parts: names of layers or blocks; the others stay as they are. None: all.

    Raises:
        CompileError: the network has no part with such a name (NS452).
    """
    for name in parts:
        find_part(module, name)

    def is_chosen(name: str) -> bool:
        return not parts or any(is_inside(name, part) for part in parts)

    taken, fresh, used = [], dict[str, str](), set[str]()
    for names, variable in _variables(module):
        if not any(map(is_chosen, names)):
            continue
        key = next((name for name in names if name in arrays), None)
        if key is None:
            fresh[names[0]] = "not there"
            continue
        used.add(key)
        here, there = ("x".join(map(str, x.shape)) or "a number" for x in (variable[...], arrays[key]))
        if here == there:
            variable[...] = jnp.asarray(arrays[key], variable[...].dtype)
            taken.append(names[0])
        else:
            fresh[names[0]] = f"{there} there, {here} here"
    return Transfer(tuple(taken), fresh, tuple(name for name in arrays if is_chosen(name) and name not in used))


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
    `folder` that of the spec. Which weights fit is found out with a network that is built with `seed`.

    Raises:
        CompileError: the weights cannot be read (NS511), the network has no such part (NS452), or nothing of it or of a
            part finds a weight (NS509).
    """
    arrays, warnings = read_start(source, folder, spans.get("init"))
    try:
        result = transfer(make_module(nnx.Rngs(seed)), arrays, parts)
    except CompileError as error:
        raise CompileError([structs.replace(d, span=spans.get("init_parts")) for d in error.diagnostics]) from error
    _check_taken(result, source, parts, spans)

    def made(rngs: Any) -> Any:
        module = make_module(rngs)
        transfer(module, arrays, parts)
        return module

    if not (result.fresh or result.unused):
        return made, warnings
    count, fresh = len(result.taken), [f"{name} ({why})" for name, why in result.fresh.items()]
    warning = errors.PartlyTaken(
        span=spans.get("init"),
        taken=count,
        all=count + len(fresh),
        source=source,
        random=_some(fresh),
        unused=_some(sorted(result.unused)),
        case={(True, False): "random", (False, True): "unused"}.get((bool(fresh), bool(result.unused)), ""),
    )
    return made, (*warnings, warning)


def _check_taken(result: Transfer, source: str, parts: Sequence[str], spans: Mapping[str, Span]) -> None:
    problems = Problems()
    for part in parts or [""]:
        if any(not part or is_inside(name, part) for name in result.taken):
            continue
        here = [f"`{name}` is {why}" for name, why in result.fresh.items() if not part or is_inside(name, part)]
        problems.add(
            errors.NothingTaken(
                span=spans.get("init_parts" if part else "init"),
                source=source,
                what=f"`{part}`" if part else "this network",
                reason=_some(here) or "it has no weights",
            )
        )
    problems.raise_errors()


def _some(items: Sequence[str]) -> str:
    more = len(items) - MAX_SHOWN
    return ", ".join([*items[:MAX_SHOWN], *([f"and {more} more"] if more > 0 else [])])
