"""A language model that continues prompts: which programs it needs, and what comes of them.

Input: a model, prompts, settings. Output: `Generation`, the ids one after the other, or texts.
"""

from __future__ import annotations

from collections.abc import Generator as Pieces, Iterator, Mapping
from typing import Any

import numpy as np

from netspec.language.diagnostics import Diagnostic, fail
from netspec.language.record import Frozen
from netspec.runs.generation.beams import beam_search
from netspec.runs.generation.ends import Ends, language_ends
from netspec.runs.generation.errors import LongerThanTrained, ReadsLaterSteps, Recomputed
from netspec.runs.generation.prompt import Prompt, read_prompt
from netspec.runs.generation.sampling import draw, prepared, score
from netspec.runs.generation.steps import CachedSteps, Finish, Sequences, WholeSteps, power_of_two, reads_later_steps
from netspec.runs.generation.vocabulary import TextStream, vocabulary_of
from netspec.spec.model import Model

MAX_LENGTH = 1_000_000


class Settings(Frozen):
    """How a prompt is continued; see `netspec.generate`."""

    length: int = 200
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0
    beams: int | None = None
    length_penalty: float = 0.6
    stop: tuple[str, ...] = ()
    stop_ids: tuple[int, ...] = ()


class Generator:
    """A language model with its programs, for any number of prompts.

    Args:
        model: with its weights, which may change between two prompts.
        is_cached: compute each step from what earlier ones have left, where the network can; otherwise the whole
            sequence each time.

    Raises:
        CompileError: it is not a language model.
    """

    def __init__(self, model: Model, *, is_cached: bool = True) -> None:
        self.model, self.ends, self.preprocessing = model, language_ends(model), model.preprocessing
        self.vocabulary = vocabulary_of(model.preprocessing) if not self.ends.sources else None
        self.warnings: list[Diagnostic] = []
        self._is_cached = is_cached and self.ends.is_cached
        self._steps: dict[Finish, CachedSteps | WholeSteps] = {}
        if not self.ends.is_cached:
            if reads_later_steps(model, self.ends):
                raise fail(ReadsLaterSteps(network=model.name, case="found", advice=_advice(self.ends)))
            first = self.ends.form.obstacles[0]
            self.warnings.append(Recomputed(layer=first.layer, reason=first.reason, span=first.span))
        banned = {*self.ends.banned, *(self.vocabulary.banned if self.vocabulary is not None else ())}
        self.allowed = np.array([i not in banned for i in range(self.ends.vocabulary)])

    @classmethod
    def of(cls, model: Model) -> Generator:
        """The generator of a model, whose programs are compiled once."""
        known = vars(model).get("_generator")  # with the model, so that both are freed together
        if not isinstance(known, Generator) or known.preprocessing is not model.preprocessing:
            vars(model)["_generator"] = known = cls(model)
        return known

    def prompt(self, given: Any, start: int | None = None) -> Prompt:
        """What is continued.

        Raises:
            CompileError: the network does not take it (NS618).
        """
        return read_prompt(given, start, self.model, self.ends, self.vocabulary)

    def begin(self, sources: Mapping[str, Any], finish: Finish, steps: int, count: int = 1) -> Sequences:
        """`count` new sequences side by side, of at most `steps` steps."""
        if finish not in self._steps:
            kind = CachedSteps if self._is_cached else WholeSteps
            self._steps[finish] = kind(self.model, self.ends, finish)
        copies = {name: np.repeat(array, count, axis=0) for name, array in sources.items()}
        return self._steps[finish].begin(self.model, copies, self.ends.max_steps or power_of_two(steps))

    def generate(self, prompt: Prompt, settings: Settings) -> Generation:
        """The continuation of a prompt, which is computed as it is read."""
        return Generation(self, prompt, settings)


class Generation:
    """A continuation of a prompt. Its pieces, texts or ids, are computed as they are read.

    Args:
        of: the language model.
        prompt: what is continued.
        settings: how.
    """

    def __init__(self, of: Generator, prompt: Prompt, settings: Settings) -> None:
        self.of, self.prompt, self.settings = of, prompt, settings
        self.ids: list[int] = []
        """The ids so far, without one that ended them."""
        self.reason = "length"
        """Why it ends: `length`, `stop`, or `window`, the longest sequence that the network knows."""
        self.score: float | None = None
        """Of beam search: the logarithm of the probability, divided by the length penalty."""
        window = of.ends.max_steps
        steps = len(prompt.ids) + settings.length - 1
        self.warnings = [*of.warnings, *prompt.warnings]
        if window is not None and steps > window:
            case = "ends" if self._ends_at_window else ""
            self.warnings.append(LongerThanTrained(window=window, kept=_kept(window), case=case))

    @property
    def _ends_at_window(self) -> bool:
        return bool(self.of.ends.sources) or self.settings.beams is not None

    def texts(self) -> Pieces[str]:
        """The text in pieces, for a model with a vocabulary."""
        assert self.of.vocabulary is not None
        stream = TextStream(self.of.vocabulary, self.prompt.ids, self.settings.stop)
        for i in self.steps():
            if piece := stream.add(i):
                yield piece
            if stream.is_ended:
                self.reason = "stop"
                return
        if piece := stream.finish():
            yield piece

    def pieces(self) -> Pieces[Any]:
        """Texts, or ids where the model has no vocabulary."""
        return self.texts() if self.of.vocabulary is not None else self.steps()

    def steps(self) -> Pieces[int]:
        """The ids, one after the other."""
        found = self._drawn() if self.settings.beams is None else self._best(self.settings.beams)
        for i in found:
            if i in self.settings.stop_ids:
                self.reason = "stop"
                return
            self.ids.append(i)
            yield i

    def _drawn(self) -> Iterator[int]:
        settings, of = self.settings, self.of
        how = prepared(settings.seed, settings.temperature, settings.top_k, settings.top_p, of.allowed)
        window, context = of.ends.max_steps, [*self.prompt.ids]
        if window is not None and len(context) > window:
            context = context[-_kept(window) :]
        steps = len(context) + settings.length
        sequences = of.begin(self.prompt.sources, draw, steps)
        fed = context
        for index in range(settings.length):
            if window is not None and sequences.position + len(fed) > window:
                if self._ends_at_window:
                    self.reason = "window"
                    return
                sequences, fed = of.begin(self.prompt.sources, draw, steps), context[-_kept(window) :]
            i = int(sequences.feed([fed], how._replace(index=np.int32(index)))[0])
            yield i
            context.append(i)
            fed = [i]

    def _best(self, beams: int) -> Iterator[int]:
        """The ids of beam search, all at once."""
        of, prompt = self.of, self.prompt
        window, length = of.ends.max_steps, self.settings.length
        if window is not None:
            length = min(length, max(0, window - len(prompt.ids) + 1))
            self.reason = "window" if length < self.settings.length else "length"
        if length == 0:
            return
        sequences = of.begin(prompt.sources, score, len(prompt.ids) + length, beams)
        first = np.asarray(sequences.feed([prompt.ids] * beams, of.allowed), np.float64)[0]

        def advance(parents: Any, ids: Any) -> Any:
            sequences.reorder(parents)
            return np.asarray(sequences.feed(ids[:, None], of.allowed), np.float64)

        stop, strength = self.settings.stop_ids, self.settings.length_penalty
        best = beam_search(first, advance, beams=beams, length=length, stop=stop, strength=strength)
        self.score = best.score
        if best.is_ended:
            self.reason = "stop"
        yield from best.ids


def _kept(window: int) -> int:
    """How many ids are the prompt of what follows, once a text has got too long."""
    return max(1, window // 2)


def _advice(ends: Ends) -> str:
    layers = [f"`{obstacle.layer}` {obstacle.reason}" for obstacle in ends.form.obstacles]
    return "; ".join(dict.fromkeys(layers))
