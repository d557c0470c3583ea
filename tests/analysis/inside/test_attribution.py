"""Attributions: their numbers are those of PyTorch's autograd on the same network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.analysis.inside.attribution import grad_cam, integrated_gradients, integrated_gradients_of, saliency
from netspec.analysis.inside.inputs import given_inputs
from netspec.analysis.inside.scores import Scores
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.transforms.normalization import Normalization

Twin = Callable[[Any], tuple[Any, Any]]


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(3, 8, 6, 2)).astype(np.float32)


def gradient(torch: Any, twin: Twin, images: Any, ids: Any) -> np.ndarray:
    x = torch.tensor(np.asarray(images), requires_grad=True)
    logits, _ = twin(x)
    logits[torch.arange(len(images)), torch.as_tensor(ids)].sum().backward()
    return np.asarray(x.grad)


def test_saliency_is_the_derivative(convolutions: netspec.Model, images: np.ndarray, torch: Any, twin: Twin) -> None:
    best = twin(torch.tensor(images))[0].argmax(axis=1).numpy()
    np.testing.assert_allclose(
        saliency(convolutions, images), abs(gradient(torch, twin, images, best)), rtol=1e-4, atol=1e-6
    )
    other = saliency(convolutions, images, 4)
    np.testing.assert_allclose(other, abs(gradient(torch, twin, images, [4] * 3)), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(other, saliency(convolutions, images, "4"))


def test_grad_cam_weighs_the_maps(convolutions: netspec.Model, images: np.ndarray, torch: Any, twin: Twin) -> None:
    logits, maps = twin(torch.tensor(images, requires_grad=True))
    maps.retain_grad()
    logits[:, 2].sum().backward()
    cam = torch.relu((maps.grad.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1, keepdim=True))
    wanted = torch.nn.functional.interpolate(cam, (8, 6), mode="bilinear", align_corners=False)[:, 0]
    found = grad_cam(convolutions, images, 2)
    assert found.max() > 0
    np.testing.assert_allclose(found, wanted.detach(), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(found, grad_cam(convolutions, images, 2, layer="conv_2"))
    assert abs(found - grad_cam(convolutions, images, 2, layer="conv")).max() > 1e-3


def test_integrated_gradients_are_complete(
    convolutions: netspec.Model, images: np.ndarray, torch: Any, twin: Twin
) -> None:
    begin = np.random.default_rng(2).normal(size=(1, 8, 6, 2)).astype(np.float32)
    found = integrated_gradients(convolutions, images, 1, baseline=begin[0])
    parts = ((np.arange(600) + 0.5) / 600).astype(np.float32).reshape(-1, 1, 1, 1, 1)
    line = (begin + parts * (images - begin)).reshape(-1, 8, 6, 2)
    slopes = gradient(torch, twin, line, [1] * len(line)).reshape(600, 3, 8, 6, 2)
    np.testing.assert_allclose(found, slopes.mean(axis=0) * (images - begin), atol=0.02)
    logits = [twin(torch.tensor(x))[0][:, 1].detach().numpy() for x in (images, begin)]
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)), logits[0] - logits[1], rtol=0.0101, atol=1e-4)


def test_attributions_of_tokens_are_those_of_their_vectors(tokens: netspec.Model, torch: Any) -> None:
    ids = np.array([[0, 1, 2, 3, 4, 5], [6, 6, 1, 0, 2, 6]])
    table, one, two = (
        {
            part: torch.tensor(np.asarray(getattr(layer, part)[...]))
            for part in ("embedding", "kernel", "bias")
            if hasattr(layer, part)
        }
        for layer in (tokens.module.embedding, tokens.module.dense, tokens.module.dense_2)
    )

    def score(vectors: Any) -> Any:
        return (torch.tanh(vectors @ one["kernel"] + one["bias"]).mean(dim=1) @ two["kernel"] + two["bias"])[:, 1]

    vectors = table["embedding"][torch.tensor(ids)]
    leaf = vectors.clone().requires_grad_()
    score(leaf).sum().backward()
    np.testing.assert_allclose(saliency(tokens, ids, 1), leaf.grad.norm(dim=-1), rtol=1e-4)
    found = integrated_gradients(tokens, ids, 1)
    parts = (torch.arange(200) + 0.5).reshape(-1, 1, 1, 1) / 200
    leaf = (parts * vectors).reshape(-1, 6, 4).detach().requires_grad_()
    score(leaf).sum().backward()
    wanted = (leaf.grad.reshape(200, 2, 6, 4).mean(dim=0) * vectors).sum(dim=-1)
    np.testing.assert_allclose(found, wanted, rtol=0.01, atol=1e-3)
    np.testing.assert_allclose(found.sum(axis=1), score(vectors) - score(0 * vectors), rtol=0.0101)
    from_first = integrated_gradients(tokens, ids, 1, baseline=ids[0])
    np.testing.assert_allclose(from_first.sum(axis=1), score(vectors) - score(vectors[:1]), rtol=0.0101, atol=1e-4)
    assert from_first[0] == pytest.approx(np.zeros(6)) and from_first[1, 2] != 0


def test_derivatives_are_those_of_normalized_inputs() -> None:
    model = netspec.compile("input 3\ndense(2, softmax)")
    kernel = np.asarray(model.module.dense.kernel[...])
    model.preprocessing = Preprocessing(
        {"x": Normalization((1.0, 2.0, 3.0), (10.0, 10.0, 10.0))}, class_names={"output": ("cat", "dog")}
    )
    x = np.array([[11.0, 2.0, -7.0]], np.float32)
    np.testing.assert_allclose(saliency(model, x, "dog"), abs(kernel[:, 1])[None], rtol=1e-5)
    np.testing.assert_allclose(integrated_gradients(model, x, "dog"), [[1, 0, -1] * kernel[:, 1]], rtol=1e-5)


def test_the_units_of_one_sigmoid_are_no_and_yes() -> None:
    model = netspec.compile("input 2\ndense(1, sigmoid)")
    model.module.dense.kernel[...] = np.array([[2.0], [-3.0]], np.float32)
    x = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    scores = Scores(model)
    found = integrated_gradients_of(scores, given_inputs(model, x), None)
    assert [unit.name for unit in found.units] == ["yes", "no"]
    np.testing.assert_allclose(found.plain, [[2, 0], [0, 3]], rtol=1e-6)
    np.testing.assert_allclose(found.probabilities[0], 1 / (1 + np.exp([-2.0, -3.0])), rtol=1e-6)


def test_what_has_no_attribution(convolutions: netspec.Model, tokens: netspec.Model, images: np.ndarray) -> None:
    with pytest.raises(ValueError, match="no class `cat`"):
        saliency(convolutions, images, "cat")
    with pytest.raises(ValueError, match="class ids are from 0 to 4, not 5"):
        saliency(convolutions, images, 5)
    with pytest.raises(ValueError, match=r"no layer `cnv`: did you mean `conv`\?"):
        grad_cam(convolutions, images, layer="cnv")
    with pytest.raises(ValueError, match="`dense` gives 5, not feature maps"):
        grad_cam(convolutions, images, layer="dense")
    with pytest.raises(ValueError, match="one image as input"):
        grad_cam(tokens, np.zeros(6, int))
    with pytest.raises(ValueError, match="gives images, not classes"):
        saliency(netspec.compile("input 4x4x1\nconv(1, 3x3)"), np.zeros((4, 4, 1)))
    with pytest.raises(ValueError, match="no convolution of images"):
        grad_cam(netspec.compile("input 4x4x1\ndense(2, softmax)"), np.zeros((4, 4, 1)))
