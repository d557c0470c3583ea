"""Which weights of a file a network starts with: matched by name and shape, before JAX is loaded.

Input: the names and shapes of the weights of a network, and of a run folder or a safetensors file. Output: `Transfer`,
and what is reported of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from netspec.language.diagnostics import Diagnostic, Problems, fail
from netspec.language.files.paths import exists, is_folder
from netspec.language.source import Span
from netspec.storage.published import weights_in
from netspec.storage.run_files import repeated_by
from netspec.training.errors import analysis as errors
from netspec.training.optimizers.layer_selection import is_inside

MAX_SHOWN = 8
"""How many weights of a kind a message names."""
WEIGHTS = "weights.safetensors"
STATE = "@state/"
"""What the names of untrained numbers begin with in a file."""

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Transfer:
    """What becomes of the weights of a network: those `taken`, with their names in the source, those that stay random
    with the reason, and those of the source that match nothing (`unused`)."""

    taken: Mapping[str, str]
    fresh: Mapping[str, str]
    unused: tuple[str, ...]


def find_start(source: str, folder: Path, span: Span | None = None) -> Path:
    """The run folder or file that `init` names, seen from `folder` or from the current one.

    Raises:
        CompileError: there is none, or it has no weights (NS511).
    """
    path = next((path for path in (folder / source, Path(source)) if exists(path)), None)
    if path is None:
        raise fail(errors.NoStart(span=span, source=source, reason="there is no such file or folder"))
    if is_folder(path) and not weights_in(path).is_file():
        reason = f"the folder has no {WEIGHTS}"
        if (noun := repeated_by(path)) is not None:
            of = "combination of values" if noun == "run" else noun
            reason = f"it holds a run for each {of}, such as {source}/{noun}-{0 if noun == 'seed' else 1}"
        raise fail(errors.NoStart(span=span, source=source, reason=reason))
    return path


def shapes_of_file(path: Path, source: str, span: Span | None = None) -> dict[str, Shape] | None:
    """The names and shapes of the weights of a run folder or a safetensors file, without the numbers; None for an index
    of several files.

    Raises:
        CompileError: it is not such a file (NS511).
    """
    from safetensors import SafetensorError, safe_open

    file = weights_in(path) if is_folder(path) else path
    if file.suffix == ".json":
        return None
    try:
        with safe_open(file, framework="numpy") as opened:
            return {name.removeprefix(STATE): tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise fail(errors.NoStart(span=span, source=source, reason=f"{file} is damaged: {error}")) from error


def match(ours: Sequence[tuple[Sequence[str], Shape]], theirs: Mapping[str, Shape], parts: Sequence[str]) -> Transfer:
    """Match weights by name and shape.

    Args:
        ours: the weights of the network, each with all paths of names to it.
        theirs: those of the source.
        parts: names of layers or blocks; the others stay as they are. None: all.
    """

    def is_chosen(name: str) -> bool:
        return not parts or any(is_inside(name, part) for part in parts)

    taken, fresh, used = dict[str, str](), dict[str, str](), set[str]()
    for names, shape in ours:
        if not any(map(is_chosen, names)):
            continue
        key = next((name for name in names if name in theirs), None)
        if key is None:
            fresh[names[0]] = "not there"
            continue
        used.add(key)
        here, there = ("x".join(map(str, sizes)) or "a number" for sizes in (shape, theirs[key]))
        if here == there:
            taken[names[0]] = key
        else:
            fresh[names[0]] = f"{there} there, {here} here"
    return Transfer(taken, fresh, tuple(name for name in theirs if is_chosen(name) and name not in used))


def report_transfer(
    result: Transfer, source: str, parts: Sequence[str], spans: Mapping[str, Span]
) -> tuple[Diagnostic, ...]:
    """A warning about the weights that stay random or are not used.

    Raises:
        CompileError: nothing of the network, or of a part, finds a weight (NS509).
    """
    _check_taken(result, source, parts, spans)
    if not (result.fresh or result.unused):
        return ()
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
    return (warning,)


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
