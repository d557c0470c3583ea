"""Which pixels, tokens or frequencies wrong predictions depend on."""

from __future__ import annotations

import numpy as np

from netspec.analysis.inside.attribution import saliency_of
from netspec.analysis.inside.inputs import Inputs
from netspec.analysis.inside.scores import Scores
from netspec.analysis.quality.evaluated import Evaluated, Outcome
from netspec.data.dataset.lazy_rows import Array
from netspec.spec.saved import load_model

STEPS = 15
"""Different heats above 0: as many as can be seen, so that pictures are small."""


def saliencies(of: Evaluated, outcome: Outcome, chosen: Array) -> list[Array] | None:
    """How much the score of the predicted class changes with each pixel or token of the example, from 0 to 1, for some
    predictions; None where the examples are neither images, spectrograms nor tokens, or the network has another output
    before."""
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
    inputs = of.taking(np.array([outcome.example(int(one)) for one in chosen])).inputs
    last = None if outcome.position is None else outcome.position[chosen].tolist()
    given = Inputs({}, tuple(inputs[name] for name in scores.model.inputs), [""] * len(chosen), last)
    found = np.asarray(saliency_of(scores, given, None).values[names[0]])
    values = found.max(axis=-1) if examples.kind == "images" else found
    if is_spectrogram:  # as its picture: frequencies from top to bottom
        values = values.transpose(0, 2, 1)[:, ::-1]
    return [np.round(STEPS * one / (float(one.max()) or 1.0)) / STEPS for one in values]
