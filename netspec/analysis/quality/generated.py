"""Texts that a language model writes, in its report."""

from __future__ import annotations

from html import escape
from pathlib import Path

from netspec.data.dataset.lazy_rows import read_all
from netspec.display.page.elements import paragraph
from netspec.display.page.section import Section
from netspec.language.diagnostics import CompileError
from netspec.runs.generation.generator import Generator, Settings
from netspec.runs.generation.vocabulary import CUT_OFF
from netspec.spec.experiment import SpecExperiment
from netspec.spec.saved import load_model

TEMPERATURES = (0.5, 0.8, 1.0)
"""One text for each."""
LENGTH, MAX_PROMPT = 240, 24
"""Characters, words or ids."""


def generated_sections(run: Path, prepared: SpecExperiment | None) -> list[Section]:
    """Texts that continue the beginnings of examples; none where it is not a language
    model of texts, or its data cannot be read.

    Args:
        run: a run folder.
        prepared: the run with its data.
    """
    if prepared is None:
        return []
    try:
        generator = Generator.of(load_model(run))
    except CompileError:  # it predicts something else
        return []
    if generator.vocabulary is None:
        return []
    prompts = _prompts(prepared, generator)
    items = ""
    for seed, (prompt, temperature) in enumerate(zip(prompts, TEMPERATURES, strict=False)):
        settings = Settings(length=LENGTH, temperature=temperature, seed=seed)
        text = "".join(generator.generate(generator.prompt(prompt), settings).pieces())
        kind = f'<span class="muted">temperature {temperature}</span><br>'
        items += f"<li>{kind}<strong>{escape(prompt)}</strong>{escape(text)}</li>"
    if not items:
        return []
    note = paragraph("The bold beginnings are those of examples of the data; what follows them is generated.")
    return [Section("generated", "Generated texts", f'{note}<ul class="samples texts written">{items}</ul>')]


def _prompts(prepared: SpecExperiment, generator: Generator) -> list[str]:
    """The beginnings of a few examples, of those that the network was not trained on if there are any."""
    splits = prepared.splits
    part = next(one for one in (splits.test, splits.val, splits.train) if one is not None)
    vocabulary = generator.vocabulary
    assert vocabulary is not None
    ids = read_all(part.inputs[generator.ends.target][: 8 * len(TEMPERATURES)])
    ids = ids[:: max(1, len(ids) // len(TEMPERATURES))][: len(TEMPERATURES)]
    texts = [vocabulary.decode(row[: min(MAX_PROMPT, len(row) // 2)].tolist()) for row in ids]
    return [text.replace(CUT_OFF, "") for text in texts if text.replace(CUT_OFF, "").strip()]
