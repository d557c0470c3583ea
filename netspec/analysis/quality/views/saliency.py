"""Which pixels, tokens or frequencies wrong predictions depend on."""

from __future__ import annotations

import numpy as np

from netspec.analysis.inside.attribution import integrated_gradients_of, saliency_of
from netspec.analysis.inside.inputs import Inputs
from netspec.analysis.inside.scores import Scores
from netspec.analysis.quality.evaluated import Evaluated, Outcome
from netspec.data.dataset.lazy_rows import Array
from netspec.spec.saved import load_model

STEPS = 15
"""Different heats above 0: as many as can be seen, so that pictures are small."""


def is_signed(of: Evaluated, outcome: Outcome) -> bool:
    """Whether what matters is for or against the predicted class: of texts that are classified as a whole."""
    return of.examples.kind == "texts" and outcome.position is None


def saliencies(of: Evaluated, outcome: Outcome, chosen: Array) -> list[Array] | None:
    """What the pixels or tokens of some predictions have to do with the score of the predicted class; None where the
    examples are neither images, spectrograms nor tokens, or the network has another output before.

    Returns:
        For each prediction numbers from 0 to 1, how much the score changes with each pixel or token; where they are
        signed, numbers from -1 to 1, what each token adds to the score.
    """
    examples = of.examples
    is_spectrogram = examples.kind == "sounds" and all(shape.sizes[-1] != 1 for shape in examples.shapes.values())
    sounds = [*examples.shapes] if is_spectrogram else []
    by_kind = {"images": examples.image_inputs, "texts": examples.token_inputs, "sounds": sounds}
    names = by_kind.get(examples.kind, [])
    if len(names) != 1 or not len(chosen):
        return None
    scores = Scores(load_model(of.run))
    output, head = next(iter(scores.heads.items()))
    if output != outcome.name or head.activation not in ("softmax", "sigmoid") or len(head.sizes) > 2:
        return None
    rows = np.array([outcome.example(int(one)) for one in chosen])
    inputs = of.taking(rows).inputs
    attribution, raw = saliency_of, dict[str, Array]()
    if is_signed(of, outcome):  # from inputs that are 0 before they are normalized
        attribution = integrated_gradients_of
        raw = {name: examples.raw(name, of.index[rows]) for name in scores.model.inputs}
    last = None if outcome.position is None else outcome.position[chosen].tolist()
    given = Inputs(raw, tuple(inputs[name] for name in scores.model.inputs), [""] * len(chosen), last)
    found = np.asarray(attribution(scores, given, None).values[names[0]])
    values = found.max(axis=-1) if examples.kind == "images" else found
    if is_spectrogram:  # as its picture: frequencies from top to bottom
        values = values.transpose(0, 2, 1)[:, ::-1]
    return [np.round(STEPS * one / (float(np.abs(one).max()) or 1.0)) / STEPS for one in values]
