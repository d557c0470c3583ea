"""Points of a plane are those of scikit-learn."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
from sklearn.decomposition import PCA

import netspec
from netspec.analysis.inside.embedding import plane_of, principal_components
from netspec.analysis.inside.inputs import split_inputs
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.transforms.encoders import TextEncoder


@pytest.fixture(scope="module")
def plane() -> netspec.Model:
    return netspec.compile("input 2\ndense(3, tanh) -> dense(2, softmax)\ndata { source = moons(examples = 50) }")


@pytest.mark.parametrize("shape", [(40, 7), (9, 30)])
def test_principal_components(shape: tuple[int, int]) -> None:
    x = np.random.default_rng(0).normal(size=shape) * np.linspace(1, 3, shape[1])
    points, fractions = principal_components(x)
    pca = PCA(2, svd_solver="full").fit(x)
    np.testing.assert_allclose(abs(points), abs(pca.transform(x)), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(fractions, pca.explained_variance_ratio_, rtol=1e-9)


def test_numbers_without_a_plane() -> None:
    points, fractions = principal_components(np.arange(4.0)[:, None])
    np.testing.assert_allclose(points, [[-1.5, 0], [-0.5, 0], [0.5, 0], [1.5, 0]])
    assert fractions.tolist() == [1, 0]
    assert principal_components(np.ones((3, 5)))[1].tolist() == [0, 0]
    with pytest.raises(ValueError, match="at least three rows"):
        plane_of(np.ones((2, 5)))
    with pytest.raises(ValueError, match="not finite"):
        plane_of(np.full((4, 2), np.nan))


def test_examples_have_the_colors_of_their_classes(plane: netspec.Model) -> None:
    svg = netspec.look(plane).embedding().svg
    inputs = split_inputs(plane)
    pca = PCA(2).fit(np.tanh(inputs.single @ plane.module.dense.kernel[...] + plane.module.dense.bias[...]))
    assert f"component 1 ({pca.explained_variance_ratio_[0]:.1%} of the variance)" in svg
    ids = inputs.targets["output"]
    for number, count in Counter(ids.tolist()).items():
        (path,) = re.findall(rf'<title>{number}</title><path class="stripe back" d="([^"]*)"', svg)
        assert path.count("M") == count
    assert "t-SNE 1" in netspec.look(plane).embedding("dense", method="tsne").svg
    assert "40 examples of the train split" in netspec.look(plane).embedding(split="train").svg


def test_vectors_of_tokens_have_names() -> None:
    model = netspec.compile("input 4 tokens(5)\nembedding(3) -> mean_pool -> dense(2, softmax)", seed=1)
    model.preprocessing = Preprocessing(encoder=TextEncoder("word", 4, ("?", "one", "two", "three", "four")))
    svg = netspec.look(model).embedding("embedding").svg
    texts = {*re.findall(r"<text[^>]*>([^<]*)</text>", svg)}
    assert {"one", "two", "three", "four"} <= texts and "the vectors of 5 tokens" in svg


def test_what_has_no_points(plane: netspec.Model) -> None:
    with pytest.raises(ValueError, match=r"`dens` is not a layer of network: did you mean `dense`\?"):
        netspec.look(plane).embedding("dens")
    with pytest.raises(ValueError, match="no layer comes before the output layer"):
        netspec.look(netspec.compile("input 2\ndense(2, softmax)\ndata { source = moons }")).embedding()
    with pytest.raises(ValueError, match="its spec does not name"):
        netspec.look(netspec.compile("input 2\ndense(3) -> dense(2, softmax)")).embedding()
    with pytest.raises(netspec.CompileError, match="nothing out"):
        netspec.look(plane).embedding(split="val")
