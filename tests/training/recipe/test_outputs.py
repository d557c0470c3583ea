"""Losses and metrics of outputs: defaults, chains for several outputs, weights, and what does not go together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.language.diagnostics import CompileError
from netspec.training.losses import loss_for, plain_losses
from netspec.training.losses.base import OfOutput
from netspec.training.losses.classification import (
    BinaryCrossEntropy,
    CrossEntropy,
    Focal,
    Hinge,
    KullbackLeibler,
    SquaredHinge,
)
from netspec.training.losses.ctc import Ctc
from netspec.training.losses.distributions import Poisson
from netspec.training.losses.metric_learning import Contrastive, Triplet
from netspec.training.losses.regression import Cosine, Mae, Mse
from netspec.training.metrics.base import OfOutputMetrics
from netspec.training.metrics.classification import F1, Accuracy, Perplexity, Top
from netspec.training.metrics.ranking import Nearest, RocAuc
from netspec.training.metrics.regression import RSquared
from netspec.training.metrics.sequences import ErrorRate
from tests.training.nets import recipe_for

LINEAR, SIGMOID, SOFTMAX = OutputHead((5,)), OutputHead((5,), "sigmoid"), OutputHead((5,), "softmax")
ONE, YES = OutputHead((1,)), OutputHead((1,), "sigmoid")
STEPS, PLAIN_STEPS = OutputHead((9, 5), "softmax"), OutputHead((9, 5))
CLASSES, BINARY, NUMBERS = Target("class", 1, 5), Target("binary"), Target("numbers", 5)
LABELS, COUNT, SPELT = Target("binary", 5), Target("numbers"), Target("class", 4, 5)

FITTING = [
    (LINEAR, CLASSES, Hinge(), "margin", "accuracy roc_auc"),
    (ONE, BINARY, SquaredHinge(), "margin", "accuracy roc_auc"),
    (LINEAR, LABELS, Hinge(), "margin", "accuracy roc_auc"),
    (LINEAR, CLASSES, Focal(), "softmax", "accuracy confusion_matrix"),
    (SOFTMAX, CLASSES, Focal(), "softmax", "accuracy confusion_matrix"),
    (ONE, BINARY, Focal(alpha=0.25), "sigmoid", "accuracy balanced_accuracy roc_auc confusion_matrix"),
    (SIGMOID, LABELS, Focal(alpha=0.25), "sigmoid", "accuracy rmse"),
    (SOFTMAX, NUMBERS, KullbackLeibler(), "softmax", "accuracy confusion_matrix"),
    (SOFTMAX, NUMBERS, CrossEntropy(), "softmax", "accuracy confusion_matrix"),
    (SOFTMAX, LABELS, CrossEntropy(), "softmax", "accuracy confusion_matrix"),
    (SIGMOID, NUMBERS, BinaryCrossEntropy(), "sigmoid", "rmse mae"),
    (LINEAR, NUMBERS, Poisson(), "exp", "mse rmse mae r2 coverage interval_width"),
    (LINEAR, NUMBERS, Poisson(log=False), "linear", "mse rmse mae r2 coverage interval_width"),
    (LINEAR, NUMBERS, Cosine(), "linear", "mse rmse mae r2"),
    (STEPS, SPELT, Ctc(), "softmax", "error_rate"),
    (PLAIN_STEPS, SPELT, Ctc(blank=4), "softmax", "error_rate"),
    (LINEAR, CLASSES, Contrastive(), "linear", "nearest"),
    (LINEAR, Target("class", 1, 70), Triplet(), "linear", "nearest"),
    (ONE, BINARY, Contrastive(), "linear", ""),
    (ONE, Target("class", 1, 2), Contrastive(), "linear", ""),
]


@pytest.mark.parametrize(("head", "target", "loss", "activation", "metrics"), FITTING)
def test_what_goes_together(head: OutputHead, target: Target, loss: Any, activation: str, metrics: str) -> None:
    output = recipe_for({"output": head}, {"output": target}, loss=loss).outputs["output"]
    assert output.scored.activation == activation
    assert " ".join(metric.word for metric in output.metrics) == metrics


WRONG = [
    (SOFTMAX, CLASSES, {"loss": Hinge()}, "NS450", "remove the activation"),
    (LINEAR, NUMBERS, {"loss": Hinge()}, "NS450", "numbers, not classes"),
    (SOFTMAX, CLASSES, {"loss": KullbackLeibler()}, "NS450", "not distributions"),
    (SIGMOID, NUMBERS, {"loss": KullbackLeibler()}, "NS450", "`softmax`"),
    (LINEAR, NUMBERS, {"loss": CrossEntropy()}, "NS450", "numbers, not classes"),
    (SIGMOID, CLASSES, {"loss": BinaryCrossEntropy()}, "NS450", "5 classes, of which one is correct"),
    (SIGMOID, CLASSES, {"loss": Focal()}, "NS450", "5 classes, of which one is correct"),
    (SOFTMAX, CLASSES, {"loss": Focal(alpha=0.5)}, "NS450", "class_weights"),
    (LINEAR, CLASSES, {"loss": Focal(alpha=0.5)}, "NS450", "class_weights"),
    (LINEAR, NUMBERS, {"loss": Focal()}, "NS450", "numbers, not classes"),
    (SOFTMAX, CLASSES, {"loss": Poisson()}, "NS450", "remove the activation"),
    (LINEAR, CLASSES, {"loss": Poisson()}, "NS450", "classes, not counts"),
    (LINEAR, CLASSES, {"loss": Cosine()}, "NS450", "classes, not vectors"),
    (ONE, COUNT, {"loss": Cosine()}, "NS450", "no direction"),
    (SOFTMAX, CLASSES, {"loss": Ctc()}, "NS450", "each step"),
    (STEPS, Target("numbers", 45), {"loss": Ctc()}, "NS450", "not sequences of classes"),
    (STEPS, SPELT, {"loss": Ctc(blank=5)}, "NS450", "id 5"),
    (SOFTMAX, CLASSES, {"loss": Triplet()}, "NS450", "remove the activation"),
    (ONE, Target("class", 1, 2), {"loss": Triplet()}, "NS450", "not an embedding"),
    (YES, BINARY, {"loss": Contrastive()}, "NS450", "remove the activation"),
    (LINEAR, NUMBERS, {"loss": Contrastive()}, "NS450", "not one class"),
    (PLAIN_STEPS, SPELT, {"loss": Triplet()}, "NS450", "one embedding"),
    (STEPS, SPELT, {}, "NS450", "4 targets, but the network gives 9 predictions"),
    (PLAIN_STEPS, Target("numbers", 9), {}, "NS450", "9 targets, but the network gives 45 numbers"),
    (OutputHead((None, 5), "softmax"), SPELT, {}, "NS450", "not known"),
    (LINEAR, CLASSES, {"loss": Triplet(), "batch": 1}, "NS464", "`batch` is 1"),
    (SOFTMAX, CLASSES, {"loss": (Mse(), Mae())}, "NS463", "`mse` and `mae`"),
    (SOFTMAX, CLASSES, {"loss": OfOutput(output="outputs", loss=Mse())}, "NS463", "no output `outputs`"),
    (SOFTMAX, CLASSES, {"loss": (OfOutput(output="output"), OfOutput(output="output"))}, "NS463", "given twice"),
    (SOFTMAX, CLASSES, {"loss": OfOutput(output="output", loss=OfOutput(output="a"))}, "NS463", "cannot contain"),
    (SOFTMAX, CLASSES, {"metrics": (OfOutputMetrics(output="x", metrics=(Accuracy(),)),)}, "NS463", "no output `x`"),
    (SOFTMAX, CLASSES, {"metrics": (Top(k=5),)}, "NS456", "more than 5 classes"),
    (YES, BINARY, {"metrics": (Top(k=1),)}, "NS456", "several classes"),
    (LINEAR, NUMBERS, {"metrics": (F1(),)}, "NS456", "right or wrong"),
    (LINEAR, NUMBERS, {"metrics": (RocAuc(),)}, "NS456", "binary labels"),
    (STEPS, Target("class", 9, 5), {"metrics": (RocAuc(),)}, "NS456", "one prediction per example"),
    (SOFTMAX, CLASSES, {"metrics": (Nearest(),)}, "NS456", "embeddings"),
    (STEPS, Target("class", 9, 5), {"metrics": (ErrorRate(),)}, "NS456", "`ctc`"),
    (LINEAR, CLASSES, {"loss": Triplet(), "metrics": (Accuracy(),)}, "NS456", "right or wrong"),
    (STEPS, SPELT, {"loss": Ctc(), "metrics": (Accuracy(),)}, "NS456", "right or wrong"),
    (LINEAR, CLASSES, {"loss": Hinge(), "metrics": (Perplexity(),)}, "NS456", "probabilities"),
    (ONE, BINARY, {"loss": Hinge(), "metrics": (RSquared(),)}, "NS456", "numbers"),
]


@pytest.mark.parametrize(("head", "target", "keys", "code", "words"), WRONG)
def test_what_does_not(head: OutputHead, target: Target, keys: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(CompileError) as caught:
        recipe_for({"output": head}, {"output": target}, **keys)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert words in f"{found.message} {found.label_text}"
    assert found.hint_text


# ---------------------------------------------------------------- several outputs

HEADS = {"kind": OutputHead((3,), "softmax"), "size": OutputHead((1,))}
TARGETS = {"kind": Target("class", 1, 3), "size": Target("numbers")}


def test_each_output_has_its_own() -> None:
    chain = (OfOutput(output="size", loss=Mae(), weight=0.5), Focal())
    metrics = (OfOutputMetrics(output="kind", metrics=(Top(k=2), Accuracy())),)
    outputs = recipe_for(HEADS, TARGETS, loss=chain, metrics=metrics).outputs
    assert (outputs["kind"].loss, outputs["kind"].weight) == (Focal(), 1.0)
    assert (outputs["size"].loss, outputs["size"].weight) == (Mae(), 0.5)
    assert [m.word for m in outputs["kind"].metrics] == ["top", "accuracy"]
    assert [m.word for m in outputs["size"].metrics] == ["mse", "rmse", "mae", "r2"], "these follow from the layer"
    assert outputs["size"].describe()["weight"] == 0.5 and "weight" not in outputs["kind"].describe()
    assert plain_losses(chain) == [Mae(), Focal()]
    assert (loss_for("size", chain), loss_for("kind", chain)) == (Mae(), Focal())


def test_a_weight_alone_leaves_the_loss_that_follows() -> None:
    outputs = recipe_for(HEADS, TARGETS, loss=OfOutput(output="kind", weight=3.0)).outputs
    assert (outputs["kind"].loss, outputs["kind"].weight) == (CrossEntropy(), 3.0)
    assert outputs["size"].loss == Mse()


def test_metrics_of_all_other_outputs() -> None:
    metrics = (RSquared(), OfOutputMetrics(output="kind", metrics=(F1(),)))
    outputs = recipe_for(HEADS, TARGETS, metrics=metrics).outputs
    assert [m.word for m in outputs["kind"].metrics] == ["f1"]
    assert [m.word for m in outputs["size"].metrics] == ["r2"]


def test_a_metric_that_only_fits_one_output_names_the_way() -> None:
    with pytest.raises(CompileError) as caught:
        recipe_for(HEADS, TARGETS, metrics=(Accuracy(),))
    (found,) = caught.value.diagnostics
    assert 'of("kind", accuracy)' in found.hint_text


SPEC = """
input 8
h = input -> dense(12, relu)
output kind = h -> dense(3, softmax)
output size = h -> dense(1)
train {{
    loss = of("kind", weight = {kind}) -> of("size", mae, weight = {size})
    optimizer = sgd(0.1)
}}
"""


def test_the_loss_is_the_weighted_sum(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(96, 8)).astype(np.float32)
    y = {"kind": random.integers(0, 3, 96), "size": random.normal(size=96).astype(np.float32)}
    data = {"x": x, "y": y, "x_test": x, "y_test": y}
    found = {}
    for weights in ((0.5, 2), (1, 4), (0.001, 1)):
        spec = netspec.compile(SPEC.format(kind=weights[0], size=weights[1]))
        result = netspec.train(spec, data, runs=tmp_path, epochs=1, batch=96)
        figures = found[weights] = result.metrics
        parts = weights[0] * figures["kind_loss"] + weights[1] * figures["size_loss"]
        assert figures["loss"] == pytest.approx(parts, rel=1e-6)
    before = [found[weights]["kind_loss"] for weights in found]
    assert before[0] == before[1] == before[2], "the first step starts from the same weights"
    after = [found[weights]["test_kind_loss"] for weights in found]
    assert after[1] < after[0] < after[2], "what counts more is learned faster"


# ---------------------------------------------------------------- class weights


def test_class_weights_reach_the_loss() -> None:
    recipe = recipe_for(
        {"output": OutputHead((5,), "softmax")}, {"output": Target("class", 1, 3)}, class_weights={"output": (1, 2, 3)}
    )
    output = recipe.outputs["output"]
    assert output.class_weights == (1, 2, 3, 0, 0), "units without a class"
    assert output.describe()["class_weights"] == [1, 2, 3, 0, 0]


@pytest.mark.parametrize(("head", "target", "loss"), [(STEPS, SPELT, Ctc()), (LINEAR, CLASSES, Triplet())])
def test_losses_without_a_number_for_each_example_take_none(head: Any, target: Any, loss: Any) -> None:
    with pytest.raises(CompileError) as caught:
        recipe_for({"output": head}, {"output": target}, loss=loss, class_weights={"output": (1, 2, 3, 4, 5)})
    assert [d.code for d in caught.value.diagnostics] == ["NS464"]


WEIGHTED = """
input 8
dense({units})
data {{ class_weights = {weights} }}
train {{ loss = {loss} }}
"""


@pytest.mark.parametrize(
    ("units", "loss"),
    [("3, softmax", "cross_entropy(smoothing = 0.1)"), ("3, softmax", "focal"), ("1, sigmoid", "binary_cross_entropy")],
)
def test_balanced_classes(tmp_path: Path, units: str, loss: str) -> None:
    """Balanced weights over the training examples, and a loss over a split that is their weighted mean."""
    random = np.random.default_rng(2)
    x, y = random.normal(size=(200, 8)).astype(np.float32), random.choice(3, 200, p=[0.7, 0.2, 0.1])
    if "sigmoid" in units:
        y = y > 0
    spec = netspec.compile(WEIGHTED.format(units=units, weights="balanced", loss=loss))
    result = netspec.train(spec, (x, y, x, y), runs=tmp_path, epochs=3)
    classes, counts = np.unique(y, return_counts=True)
    weights = (len(y) / (len(classes) * counts))[np.searchsorted(classes, y)]
    answers = np.asarray(result.model(x), np.float64)
    if "sigmoid" in units:
        values = -np.log(np.where(y, answers[:, 0], 1 - answers[:, 0]))
    else:
        right = answers[np.arange(200), y]
        values = -np.log(right) * (1 - right) ** 2
    if "smoothing" in loss:
        balanced = len(y) / (len(classes) * counts)
        shares = 0.9 * np.eye(3)[y] + 0.1 / 3
        expected = -(shares * balanced * np.log(answers)).sum() / weights.sum()
    else:
        expected = np.average(values, weights=weights)
    assert result.metrics["test_loss"] == pytest.approx(expected, rel=1e-4)
