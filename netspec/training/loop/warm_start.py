"""Initial weights: those of another network are copied into a new one where names and shapes match.

Comes in: a run folder or a safetensors file, a live module, and the blocks that are wanted. Goes out: the module with
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
from netspec.language.source import Span
from netspec.storage.weights import STATE, load_weights
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


def read_start(source: str, folder: Path, span: Span | None = None) -> dict[str, Any]:
    """The arrays of a run folder or a file by name; `source` is seen from `folder`, or from the current one.

    Raises:
        CompileError: it is not there or cannot be read (NS511).
    """
    places = [folder / source, Path(source)]
    path = next((place for place in places if place.exists()), None)
    if path is None:
        raise fail(errors.NoStart(span=span, source=source, reason="there is no such file or folder"))
    if path.is_dir() and not (path / "weights.safetensors").is_file():
        raise fail(errors.NoStart(span=span, source=source, reason="the folder has no weights.safetensors"))
    try:
        arrays = load_weights(path)
    except CompileError as error:
        raise fail(errors.NoStart(span=span, source=source, reason=error.diagnostics[0].message)) from error
    return {name.removeprefix(STATE): array for name, array in arrays.items()}


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
    taken, fresh, used = [], dict[str, str](), set[str]()
    for names, variable in _variables(module):
        if parts and not any(is_inside(name, part) for name in names for part in parts):
            continue
        key = next((name for name in names if name in arrays), None)
        if key is None:
            fresh[names[0]] = "not there"
            continue
        used.add(key)
        here, there = tuple(variable[...].shape), tuple(arrays[key].shape)
        if here == there:
            variable[...] = jnp.asarray(arrays[key], variable[...].dtype)
            taken.append(names[0])
        else:
            fresh[names[0]] = f"{_sizes(there)} there, {_sizes(here)} here"
    wanted = [name for name in arrays if not parts or any(is_inside(name, part) for part in parts)]
    return Transfer(tuple(taken), fresh, tuple(name for name in wanted if name not in used))


def _variables(module: Any) -> list[tuple[list[str], Any]]:
    """Every variable but random state, with all paths of names to it."""
    found: dict[int, tuple[list[str], Any]] = {}

    def walk(part: Any, path: tuple[str, ...]) -> None:
        for name, value in vars(part).items():
            if isinstance(value, nnx.Variable) and not isinstance(value, nnx.RngState):
                found.setdefault(id(value), ([], value))[0].append("/".join((*path, name)))
            elif isinstance(value, nnx.Module):
                walk(value, (*path, name))

    walk(module, ())
    return list(found.values())


def _sizes(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a number"


# ---------------------------------------------------------------- for a run


def start_from(
    make_module: MakeModule,
    seed: int,
    source: str,
    parts: Sequence[str],
    folder: Path,
    spans: Mapping[str, Span],
) -> tuple[MakeModule, tuple[Diagnostic, ...]]:
    """A `make_module` whose networks start from the weights of `source`, and a warning about weights that it lacks.

    Args:
        make_module: builds the network.
        seed: of the network that is built to find out which weights fit.
        source: `train.init`.
        parts: `train.init_parts`.
        folder: that of the spec.
        spans: the positions of these keys in the text.

    Raises:
        CompileError: the weights cannot be read (NS511), the network has no such part (NS452), or nothing of it or of a
            part finds a weight (NS509).
    """
    arrays = read_start(source, folder, spans.get("init"))
    try:
        found = transfer(make_module(nnx.Rngs(seed)), arrays, parts)
    except CompileError as error:
        raise CompileError(
            [structs.replace(found, span=spans.get("init_parts")) for found in error.diagnostics]
        ) from error
    _check_taken(found, source, parts, spans)

    def made(rngs: Any) -> Any:
        module = make_module(rngs)
        transfer(module, arrays, parts)
        return module

    if not (found.fresh or found.unused):
        return made, ()
    warning = errors.PartlyTaken(
        span=spans.get("init"),
        taken=len(found.taken),
        all=len(found.taken) + len(found.fresh),
        source=source,
        list=_account(found),
    )
    return made, (warning,)


def _check_taken(found: Transfer, source: str, parts: Sequence[str], spans: Mapping[str, Span]) -> None:
    problems = Problems()
    for part in parts or [""]:
        if any(not part or is_inside(name, part) for name in found.taken):
            continue
        here = [f"`{name}` is {why}" for name, why in found.fresh.items() if not part or is_inside(name, part)]
        problems.add(
            errors.NothingTaken(
                span=spans.get("init_parts" if part else "init"),
                source=source,
                what=f"`{part}`" if part else "this net",
                reason=_some(here, ", ") or "it has no weights",
            )
        )
    problems.raise_errors()


def _account(found: Transfer) -> str:
    lines = []
    if found.fresh:
        lines.append("random: " + _some([f"{name} ({why})" for name, why in found.fresh.items()], ", "))
    if found.unused:
        lines.append("not used: " + _some(sorted(found.unused), ", "))
    return "\n".join(lines)


def _some(items: Sequence[str], joint: str) -> str:
    more = len(items) - MAX_SHOWN
    return joint.join(items[:MAX_SHOWN]) + (f"{joint}and {more} more" if more > 0 else "")
