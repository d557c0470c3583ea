"""What a language model continues: the ids before, and its other inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netspec.language.corrections import suggest
from netspec.language.diagnostics import CompileError, Diagnostic
from netspec.language.shape import Shape
from netspec.runs.generation.ends import Ends, padding_id
from netspec.runs.generation.errors import WrongPrompt
from netspec.runs.generation.vocabulary import Vocabulary
from netspec.spec.model import Model


@dataclass(frozen=True)
class Prompt:
    """The ids that are continued, and the other inputs with a batch axis of 1."""

    ids: Sequence[int]
    sources: Mapping[str, Any]
    warnings: list[Diagnostic] = field(default_factory=list)


class PromptError(CompileError, ValueError):
    """A prompt in Python is wrong: a CompileError as on the command line, and a ValueError."""


def wrong_prompt(reason: str, advice: str) -> PromptError:
    """The error, to be raised."""
    return PromptError([WrongPrompt(reason=reason, advice=advice)])


def read_prompt(given: Any, start: int | None, model: Model, ends: Ends, vocabulary: Vocabulary | None) -> Prompt:
    """What is given as the prompt, for a network.

    Raises:
        CompileError: the network does not take it (NS618).
    """
    if ends.sources:
        return _with_sources(given, start, model, ends)
    if start is not None:
        raise wrong_prompt("this network has no encoder", "put the first id at the beginning of the prompt")
    if isinstance(given, str):
        if vocabulary is None:
            raise wrong_prompt("the network was trained on ids, not on texts", "give ids, such as 5, 2, 9")
        if not given:
            raise wrong_prompt("it is empty", "give at least the first character or word of the text")
        ids, warning = vocabulary.encode(given)
        if not ids:
            raise wrong_prompt("it has no word", "give at least the first word of the text")
        return Prompt(ids, {}, [] if warning is None else [warning])
    return Prompt(_ids(given, ends.vocabulary, "the prompt"), {})


def _with_sources(given: Any, start: int | None, model: Model, ends: Ends) -> Prompt:
    """The inputs of an encoder; the target begins with one id."""
    inputs = model.inputs
    if isinstance(given, str):
        raise wrong_prompt("a network with an encoder takes ids or arrays", f"give those of {_listed(ends.sources)}")
    if start is None:
        reason = "the id that every target begins with is missing"
        raise wrong_prompt(reason, "`start=1` in Python, `--start-id 1` on the command line, as in the training data")
    (first,) = _ids([start], ends.vocabulary, "the start")
    if not isinstance(given, Mapping):
        if len(ends.sources) > 1:
            raise wrong_prompt("the network has several inputs", f"give a dict with {_listed(ends.sources)}")
        given = {ends.sources[0]: given}
    for name in given:
        if name not in ends.sources:
            raise wrong_prompt(f"`{name}` is not an input of it", suggest(str(name), ends.sources, what="inputs"))
    missing = [name for name in ends.sources if name not in given]
    if missing:
        raise wrong_prompt(f"{_listed(missing)} is missing", f"give a dict with {_listed(ends.sources)}")
    graph = model.compilation.optimized
    sources = {name: _source(given[name], name, inputs[name], padding_id(graph, name)) for name in ends.sources}
    scaled = {n: model.normalization[n].apply(x) if n in model.normalization else x for n, x in sources.items()}
    return Prompt([first], scaled)


def _source(given: Any, name: str, shape: Shape, pad: int | None) -> Any:
    """One input of an encoder, with a batch axis; short sequences of ids are padded."""
    if not shape.is_tokens:
        array = np.asarray(given, np.float32)
        fits = array.ndim == shape.rank and all(
            not isinstance(size, int) or size == n for size, n in zip(shape.sizes, array.shape, strict=False)
        )
        if not fits:
            raise wrong_prompt(f"`{name}` has the shape {array.shape}", f"it is one example of {shape}")
        return array[None]
    ids = _ids(given, shape.vocabulary if isinstance(shape.vocabulary, int) else None, f"`{name}`")
    steps = shape.sizes[0]
    if isinstance(steps, int) and len(ids) != steps:
        if len(ids) > steps or pad is None:
            advice = f"give {'at most ' if pad is not None else ''}{steps}, the length that it was trained on"
            raise wrong_prompt(f"`{name}` has {len(ids)} ids", advice)
        ids += [pad] * (steps - len(ids))
    return np.asarray([ids], np.int32)


def _ids(given: Any, vocabulary: int | None, what: str) -> list[int]:
    """Checked ids."""
    array = np.asarray(given)
    most = f"from 0 to {vocabulary - 1}" if vocabulary is not None else "from 0"
    if array.ndim != 1 or not array.size or array.dtype.kind not in "iu":
        raise wrong_prompt(f"{what} is not a list of ids", f"give whole numbers {most}, such as 5, 2, 9")
    if array.min() < 0 or (vocabulary is not None and array.max() >= vocabulary):
        wrong = next(i for i in array.tolist() if i < 0 or (vocabulary is not None and i >= vocabulary))
        raise wrong_prompt(f"{what} has the id {wrong}", f"the ids of this network are {most}")
    return [int(i) for i in array]


def _listed(names: Sequence[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)
