"""Weights in files: safetensors with names such as `conv1/kernel`, and `@state/…` for what is not trained.

With both, predictions after reading are those before writing. Random state is not stored: predictions do not use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import nnx

from netspec._version import __version__
from netspec.language.diagnostics import CompileError, Diagnostic, fail
from netspec.language.files.atomic_files import reason_of, replace_file
from netspec.language.files.paths import is_file, is_folder
from netspec.language.files.regular_file import read_regular
from netspec.language.record import Frozen
from netspec.storage import errors
from netspec.storage.array_file import Damaged, array_file, read_stored
from netspec.storage.checkpoints.read import check_checkpoint
from netspec.storage.checksums import CHECKSUMS, read_text
from netspec.storage.published import check_readable, is_published, weights_in
from netspec.storage.records import parse_record, typed
from netspec.storage.run_files import (
    CHECKPOINTS,
    SEARCH,
    SWEEP,
    TEXT_LIMIT,
    check_inside,
    checkpoints_in,
    member_folders,
    repeated_by,
)
from netspec.storage.tree_paths import Weights, difference, flatten, unflatten, widen

STATE = "@state/"
"""The prefix of the names of what is not trained; no layer can have this name."""
WEIGHTS = "weights.safetensors"
INDEX = ".safetensors.index.json"
MADE_BY = "made by"
"""The metadata of every file of weights that netspec writes."""


def weights_file(weights: Weights, metadata: Mapping[str, str] | None = None) -> bytes:
    """The content of a safetensors file; `metadata` are texts by name."""
    return b"".join(weights_parts(weights, metadata))


def weights_parts(weights: Weights, metadata: Mapping[str, str] | None = None) -> list[bytes | memoryview]:
    """The same in parts, which take less memory than as a whole."""
    texts = {MADE_BY: f"netspec {__version__}", **(metadata or {})}
    return array_file(flat_weights(weights), texts)


class WeightFile(NamedTuple):
    """Arrays by name, in f32 where the file has shorter ones, and warnings about the file."""

    arrays: dict[str, Any]
    warnings: tuple[Diagnostic, ...] = ()


def load_weights(path: Path) -> dict[str, Any]:
    """The arrays of `read_weights`, where nobody is to be warned."""
    return read_weights(path).arrays


def read_weights(path: Path) -> WeightFile:
    """The weights of a run folder, of a safetensors file, or of an index of several
    (`model.safetensors.index.json`); with a warning for a file of another tool, which has no checksum.

    Raises:
        CompileError: it is missing or damaged (NS475), or a folder of several runs (NS554, NS604).
    """
    check_one_run(path)
    if is_folder(path):
        return WeightFile(_weights_of_run(path))
    files = _shards(path) if path.name.endswith(INDEX) else [path]
    arrays, unchecked = dict[str, Any](), list[Path]()
    for file in files:
        try:
            stored = read_stored(file)
        except Damaged as error:
            raise errors.damaged(file, str(error)) from error
        arrays |= _widened(stored.arrays)
        if not (stored.is_checked or MADE_BY in stored.metadata):  # netspec 0.1 wrote weights without one
            unchecked.append(file)
    warning = errors.NoChecksum(file=str(path), case="shards" if len(files) > 1 else "")
    return WeightFile(arrays, (warning,) if unchecked else ())


def _weights_of_run(run: Path) -> dict[str, Any]:
    """The weights of a run, or of an exported model. Those of netspec 0.1 have no checksum; a run with `checksums.json`
    has written one."""
    is_exported = is_published(run)
    file = weights_in(run)
    try:
        (check_readable if is_exported else check_inside)(run, file)
        stored = read_stored(file)
    except (Damaged, OSError) as error:
        raise errors.damaged(file, error) if is_exported else _damaged_weights(run, reason_of(error)) from error
    if not stored.is_checked and (run / CHECKSUMS).exists():
        raise _damaged_weights(run, "it has no checksum, so it is not what the run has written")
    return _widened(stored.arrays)


def _damaged_weights(run: Path, reason: str) -> CompileError:
    """The error (NS475) for damaged weights of a run, with the newest checkpoint that holds them."""
    for path in reversed(checkpoints_in(run / CHECKPOINTS)):
        try:
            check_checkpoint(run, path)
        except Damaged:
            continue
        weights, checkpoint = str(run / WEIGHTS), f"{CHECKPOINTS}/{path.name}"
        return fail(
            errors.DamagedFile(file=weights, case="weights", reason=reason, run=str(run), checkpoint=checkpoint)
        )
    return errors.damaged(run / WEIGHTS, reason)


def is_intact(run: Path) -> bool:
    """Whether the weights of a run can be read."""
    try:
        _weights_of_run(run)
    except CompileError:
        return False
    return True


def add_checksum(file: Path) -> None:
    """Write a file of weights that has no checksum again, with one; a damaged one stays.

    Raises:
        OSError: it cannot be written.
    """
    try:
        stored = read_stored(file)
    except Damaged:
        return
    if not stored.is_checked:
        replace_file(file, array_file(stored.arrays, stored.metadata))


def _shards(index: Path) -> list[Path]:
    """The files of an index, which are beside it."""
    try:
        text = read_regular(index, TEXT_LIMIT).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise errors.damaged(index, error) from error
    names = dict.fromkeys(typed(parse_record(text, index), ShardIndex, index).weight_map.values())
    for name in names:
        if Path(name).name != name or "\0" in name:
            raise errors.damaged(index, f"`{name[:80]}` is not the name of a file beside it")
    return [index.parent / name for name in names]


class ShardIndex(Frozen):
    """Which file has an array, by its name."""

    weight_map: dict[str, str]


def _widened(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The same numbers, those shorter than f32 as f32: a network computes with it."""
    return {
        name: array.astype(np.float32)
        if jnp.issubdtype(array.dtype, jnp.floating) and array.dtype.itemsize < 4
        else array
        for name, array in arrays.items()
    }


def check_one_run(path: Path) -> None:
    """Raises CompileError for a folder that holds runs with several seeds or of a sweep (NS554), or folds (NS604)."""
    check_not_search(path)
    noun = repeated_by(path)
    if noun is None:
        return
    names = [member.name for member in member_folders(path) if member.is_dir()]
    first = names[0] if names else f"{noun}-1"
    if noun == "fold":
        raise fail(errors.SeveralFolds(run=str(path), count=len(names), first=first))
    if noun == "run":
        best = parse_record(read_text(path, SWEEP), path / SWEEP).get("best")
        first = f"the best one is `{path}/run-{best}`" if best is not None else f"`{path}/{first}`, …"
    raise fail(errors.SeveralRuns(run=str(path), case=noun, count=len(names), first=first))


def check_not_search(path: Path) -> None:
    """Raises CompileError for the folder of a search, with the runs of its best spec, if there are any (NS554)."""
    if not is_file(path / SEARCH):
        return
    runs = sorted(run.parent for run in path.glob("*/seed-*/weights.safetensors"))
    best = f"its best spec is trained: give `{runs[0]}`\n" if runs else ""
    raise fail(errors.SeveralRuns(run=str(path), case="search", first=best))


def flat_weights(weights: Weights) -> dict[str, Any]:
    """Weights as arrays by name, in f32 whatever the precision of the run."""
    flat = flatten(weights.params) | {STATE + name: leaf for name, leaf in flatten(weights.other).items()}
    return {name: np.asarray(widen(np.asarray(leaf))) for name, leaf in flat.items()}


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
