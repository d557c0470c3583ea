"""`netspec.generate`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.language.diagnostics import render
from netspec.runs.arguments import check_optional, check_type, run_folder
from netspec.runs.generation.generator import MAX_LENGTH, Generation, Generator, Settings
from netspec.runs.model import InputWarning
from netspec.spec import model
from netspec.spec.saved import load_model

if TYPE_CHECKING:
    from netspec.runs.model import Model

MAX_SEED = 2**32 - 1
MAX_BEAMS = 1024


def generate(
    run: str | Path | Model,
    prompt: Any,
    *,
    length: int = 200,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    beams: int | None = None,
    length_penalty: float | None = None,
    stop: str | int | Sequence[str] | Sequence[int] = (),
    start: int | None = None,
    stream: bool = False,
) -> Any:
    """Continue a prompt with a language model, one character, word or id after the other.

    The model takes token ids and predicts the next one at each step, as `specs/char_transformer.net` and
    `specs/char_lstm.net` do. Recurrent layers carry their state along and attention its keys and values, so that a step
    takes the same time however long the text is. With the same seed, the text is the same.

    Args:
        run: a run folder, whose best weights are used; or a model with the weights that it has.
        prompt: a text, where the run was trained on texts; otherwise a list of ids. For a network with an encoder its
            other inputs: the ids or the array of one example, or a dict of them by input.
        length: how many characters, words or ids are generated at most.
        temperature: below 1 probable ids become more probable, above 1 less (default: 1); 0: the most probable one.
        top_k: how many of the most probable ids are considered (Fan et al. 2018, arXiv:1805.04833).
        top_p: only the smallest set of the most probable ids with this probability is (Holtzman et al. 2020,
            arXiv:1904.09751).
        seed: another seed gives another text (default: 0).
        beams: the number of sequences of a beam search, instead of drawing ids.
        length_penalty: of beam search, as in Wu et al. 2016, arXiv:1609.08144, section 7; 0: none (default: 0.6).
        stop: texts that end the text and are not part of it, or ids that do.
        start: the id that every target begins with, for a network with an encoder.
        stream: give the pieces as they come.

    Returns:
        The new text, without the prompt; a list of ids where the model has no vocabulary. With `stream` an iterator of
        pieces of the text, or of ids.

    Raises:
        CompileError: there is no such run, it is damaged, is not a language model (NS615, NS616), or does not take the
            prompt (NS618); the latter is a ValueError, too.
        TypeError, ValueError: an argument is not what it should be.
    """
    settings = settings_of(
        length=length,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        beams=beams,
        length_penalty=length_penalty,
        stop=stop,
    )
    check_optional("start", start, int, "an id")
    generation = open_generation(run, prompt, settings, start)
    for warning in generation.warnings:
        warnings.warn(f"{render(warning)}\n", InputWarning, stacklevel=2)
    if stream:
        return generation.pieces()
    pieces = [*generation.pieces()]
    return "".join(pieces) if generation.of.vocabulary is not None else pieces


def open_generation(run: str | Path | model.Model, prompt: Any, settings: Settings, start: int | None) -> Generation:
    """The continuation of a prompt, of which nothing is computed yet.

    Raises:
        CompileError: as `generate`.
        TypeError, ValueError: the texts that end it are not what they should be.
    """
    if not isinstance(run, model.Model):
        check_type("run", run, (str, Path), "a run folder (str or Path) or a Model")
        run = load_model(run_folder(run))
    generator = Generator.of(run)
    if settings.stop and generator.vocabulary is None:
        raise TypeError("`stop` has ids, since the model was trained on ids, not on texts")
    if settings.stop_ids and generator.vocabulary is not None:
        raise TypeError("`stop` has texts, since the model was trained on texts")
    if settings.stop and settings.beams is not None:
        raise ValueError("beam search ends at ids, and not at texts: leave out `stop`, or `beams`")
    return generator.generate(generator.prompt(prompt, start), settings)


def settings_of(
    *,
    length: int,
    temperature: float | None,
    top_k: int | None,
    top_p: float | None,
    seed: int | None,
    beams: int | None,
    length_penalty: float | None,
    stop: Any,
) -> Settings:
    """Checked settings.

    Raises:
        TypeError, ValueError: one is not what it should be, or cannot be given together with another.
    """
    _check_whole("length", length, 1, MAX_LENGTH)
    _check_whole("top_k", top_k, 1, None)
    _check_whole("seed", seed, 0, MAX_SEED)
    _check_whole("beams", beams, 1, MAX_BEAMS)
    _check_number("temperature", temperature, "a number from 0 to 100", lambda t: 0 <= t <= 100)
    _check_number("top_p", top_p, "a probability above 0, at most 1", lambda p: 0 < p <= 1)
    _check_number("length_penalty", length_penalty, "a number from -10 to 10", lambda a: -10 <= a <= 10)
    drawing = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    if beams is not None and (given := [name for name, value in drawing.items() if value is not None]):
        raise ValueError(f"beam search draws nothing: leave out `{given[0]}`, or `beams`")
    if beams is None and length_penalty is not None:
        raise ValueError("`length_penalty` is for beam search: give `beams`, too")
    texts, ids = _stops(stop)
    return Settings(
        length=length,
        temperature=1.0 if temperature is None else float(temperature),
        top_k=top_k,
        top_p=top_p,
        seed=seed or 0,
        beams=beams,
        length_penalty=0.6 if length_penalty is None else float(length_penalty),
        stop=texts,
        stop_ids=ids,
    )


def _stops(stop: Any) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The texts and the ids that end a text."""
    given = [stop] if isinstance(stop, str | int) else stop
    wanted = "a text, an id, or a list of either"
    check_type("stop", given, Sequence, wanted)
    texts = tuple(one for one in given if isinstance(one, str))
    ids = tuple(one for one in given if isinstance(one, int) and not isinstance(one, bool))
    if len(texts) + len(ids) < len(given) or (texts and ids):
        raise TypeError(f"`stop` is {wanted}")
    if "" in texts:
        raise ValueError("`stop` has an empty text, which would end every text at once")
    return texts, ids


def _check_whole(name: str, value: object, low: int, high: int | None) -> None:
    if value is None:
        return
    wanted = f"a whole number from {low}" + (f" to {high:,}" if high is not None else "")
    check_type(name, value, int, wanted)
    assert isinstance(value, int)
    if value < low or (high is not None and value > high):
        raise ValueError(f"`{name}` is {wanted}, not {value}")


def _check_number(name: str, value: object, wanted: str, is_right: Any) -> None:
    if value is None:
        return
    check_type(name, value, (int, float), wanted)
    if not is_right(value):
        raise ValueError(f"`{name}` is {wanted}, not {value}")
