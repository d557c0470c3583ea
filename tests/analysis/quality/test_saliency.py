"""What marks the worst mistakes: of a linear network its kernel, and of its tokens what they add to the score."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.analysis.quality.evaluated import evaluated
from netspec.analysis.quality.sections import quality_sections
from netspec.analysis.quality.views.saliency import STEPS, saliencies


def test_the_saliency_of_a_linear_network_is_its_kernel(digits: Path) -> None:
    of = evaluated(digits)
    assert of is not None
    outcome, chosen = of.outcomes["output"], np.array([3, 0, 200])
    found = saliencies(of, outcome, chosen)
    assert found is not None
    kernel = np.abs(np.asarray(netspec.load(digits).module.dense.kernel[...]))
    for heat, prediction in zip(found, chosen, strict=True):
        own = kernel[:, outcome.decided[prediction]].reshape(8, 8)
        np.testing.assert_allclose(heat, own / own.max(), atol=0.51 / STEPS)


def test_mistakes_have_their_saliency_beside_them(digits: Path, homes: Path) -> None:
    (body,) = (one.body for one in quality_sections(digits) if one.key == "mistakes")
    worst = body.partition("Worst mistakes")[2]
    assert worst.count('aria-label="saliency"') == len(re.findall("<li ", worst)) > 3
    of = evaluated(homes)
    assert of is not None and saliencies(of, of.outcomes["output"], np.array([0])) is None  # rows of a table


def test_tokens_are_shaded(tmp_path: Path) -> None:
    ids = np.random.default_rng(0).integers(0, 9, (80, 6))
    data = ids, (ids[:, 0] > 4).astype(int)
    spec = "input 6 tokens(9)\nembedding(3) -> flatten -> dense(1, sigmoid)\ntrain { epochs = 1 }"
    run = netspec.train(spec, data, runs=tmp_path, verbose=0).run
    of = evaluated(run, data=data)
    assert of is not None
    model = netspec.load(run)
    (name,) = [name for name in dir(model.module) if name.startswith("dense")]
    kernel = np.asarray(getattr(model.module, name).kernel[...]).reshape(6, 3)
    (name,) = [name for name in dir(model.module) if name.startswith("embedding")]
    vectors = np.asarray(getattr(model.module, name).embedding[...])
    outcome, (inputs,) = of.outcomes["output"], of.inputs.values()
    found = saliencies(of, outcome, np.arange(4))
    assert found is not None
    for number, heat in enumerate(found):  # a linear network adds the product of each vector and its weights
        added = (vectors[inputs[number]] * kernel).sum(axis=1) * (1 if outcome.decided[number] else -1)
        assert heat == pytest.approx(added / np.abs(added).max(), abs=0.51 / STEPS)
    (body,) = (one.body for one in quality_sections(run, data=data) if one.key == "mistakes")
    assert "Integrated gradients" in body and ('class="h5"' in body or 'class="n5"' in body)
