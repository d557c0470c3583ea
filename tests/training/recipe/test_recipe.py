"""Losses and metrics that follow from the last layer, and settings that do not go with it."""

from __future__ import annotations

import json

import pytest

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.language.diagnostics import CompileError
from netspec.language.values import Duration
from netspec.training.control.keep import Best, Last
from netspec.training.control.stop import Early
from netspec.training.losses.classification import BinaryCrossEntropy, CrossEntropy
from netspec.training.losses.regression import Huber, Mse
from netspec.training.metrics.classification import Accuracy, Perplexity
from netspec.training.metrics.regression import RSquared
from netspec.training.metrics.sequences import ErrorRate
from netspec.training.optimizers.optax_words import Adam, Sgd
from netspec.training.optimizers.transforms import Clip
from netspec.training.recipe.recipe import make_recipe
from netspec.training.recipe.settings import TrainSettings
from netspec.training.schedules.words import Constant, Cosine, Warmup
from tests.training.nets import recipe_for

YES_OR_NO = "accuracy balanced_accuracy roc_auc confusion_matrix"
DEFAULTS = [
    (OutputHead((3,)), Target("numbers", 3), "mse", "mse rmse mae r2"),
    (OutputHead((1,)), Target("binary"), "mse", "mse rmse mae r2"),
    (OutputHead((3,), "sigmoid"), Target("numbers", 3), "mse", "rmse mae"),
    (OutputHead((3,), "sigmoid"), Target("binary", 3), "binary_cross_entropy", "accuracy rmse"),
    (OutputHead((1,), "sigmoid"), Target("binary"), "binary_cross_entropy", YES_OR_NO),
    (OutputHead((1,), "sigmoid"), Target("class", 1, 2), "binary_cross_entropy", YES_OR_NO),
    (OutputHead((5,), "softmax"), Target("class", 1, 5), "cross_entropy", "accuracy confusion_matrix"),
    (OutputHead((7, 5), "softmax"), Target("class", 7, 5), "cross_entropy", "accuracy perplexity"),
]


@pytest.mark.parametrize(("head", "target", "loss", "metrics"), DEFAULTS)
def test_what_follows_from_the_last_layer(head: OutputHead, target: Target, loss: str, metrics: str) -> None:
    output = recipe_for({"output": head}, {"output": target}).outputs["output"]
    assert output.loss.word == loss
    assert " ".join(metric.word for metric in output.metrics) == metrics


def test_what_is_written_goes_before_what_follows() -> None:
    head, target = {"output": OutputHead((1,), "sigmoid")}, {"output": Target("binary")}
    output = recipe_for(head, target, loss=Mse(), metrics=(Accuracy(),)).outputs["output"]
    assert (output.loss, output.metrics) == (Mse(), (Accuracy(),))


def codes(heads: OutputHead, target: Target, *, has_val: bool = True, **keys) -> list[str]:
    with pytest.raises(CompileError) as caught:
        recipe_for({"output": heads}, {"output": target}, has_val=has_val, **keys)
    assert all(d.message and d.label_text is not None and d.hint_text for d in caught.value.diagnostics)
    return [d.code for d in caught.value.diagnostics]


SOFTMAX, CLASSES = OutputHead((5,), "softmax"), Target("class", 1, 5)
LINEAR, NUMBERS = OutputHead((2,)), Target("numbers", 2)

WRONG = [
    (SOFTMAX, CLASSES, {"loss": BinaryCrossEntropy()}, "NS450"),
    (OutputHead((1,), "sigmoid"), Target("binary"), {"loss": CrossEntropy()}, "NS450"),
    (LINEAR, NUMBERS, {"loss": CrossEntropy()}, "NS450"),
    (LINEAR, NUMBERS, {"loss": BinaryCrossEntropy()}, "NS450"),
    (SOFTMAX, CLASSES, {"metrics": (ErrorRate(),)}, "NS456"),
    (LINEAR, NUMBERS, {"metrics": (Accuracy(),)}, "NS456"),
    (OutputHead((2,), "sigmoid"), Target("binary", 2), {"metrics": (Perplexity(),)}, "NS456"),
    (SOFTMAX, CLASSES, {"optimizer": (Clip(norm=1.0),)}, "NS457"),
    (SOFTMAX, CLASSES, {"optimizer": (Adam(), Sgd())}, "NS457"),
    (SOFTMAX, CLASSES, {"schedule": (Cosine(), Warmup())}, "NS458"),
    (SOFTMAX, CLASSES, {"schedule": (Constant(), Cosine())}, "NS458"),
    (SOFTMAX, CLASSES, {"stop": Early(metric="val_rmse")}, "NS459"),
    (SOFTMAX, CLASSES, {"stop": Early(metric="val_confusion_matrix")}, "NS459"),
    (SOFTMAX, CLASSES, {"stop": Early(), "has_val": False}, "NS459"),
    (SOFTMAX, CLASSES, {"keep": "best", "has_val": False}, "NS465"),
]


@pytest.mark.parametrize(("head", "target", "keys", "code"), WRONG)
def test_what_does_not_fit(head: OutputHead, target: Target, keys: dict, code: str) -> None:
    assert codes(head, target, **keys) == [code]


def test_all_mistakes_come_at_once() -> None:
    keys = {"loss": BinaryCrossEntropy(), "optimizer": (Clip(norm=1.0),), "keep": "best", "has_val": False}
    assert sorted(codes(SOFTMAX, CLASSES, **keys)) == ["NS450", "NS457", "NS465"]


def test_plain_numbers_may_be_logits() -> None:
    recipe = recipe_for({"output": OutputHead((5,))}, {"output": CLASSES}, loss=CrossEntropy())
    assert [m.word for m in recipe.outputs["output"].metrics] == ["accuracy", "confusion_matrix"]
    recipe = recipe_for({"output": OutputHead((1,))}, {"output": Target("binary")}, loss=BinaryCrossEntropy())
    assert recipe.outputs["output"].scored.activation == "sigmoid"


def test_keep_follows_from_the_validation_split() -> None:
    assert recipe_for(has_val=True).keep == Best()
    assert recipe_for(has_val=False).keep == Last()
    assert recipe_for(has_val=True, keep="last").keep == Last()


def test_several_outputs() -> None:
    heads = {"digit": SOFTMAX, "weight": OutputHead((1,))}
    recipe = make_recipe(
        TrainSettings(stop=(Early(metric="val_digit_accuracy"),)),
        heads,
        {"digit": CLASSES, "weight": Target("numbers")},
        has_val=True,
    )
    assert recipe.metric_name("digit", "accuracy") == "digit_accuracy"
    assert recipe.outputs["weight"].loss == Mse()
    assert recipe.watched == "val_digit_accuracy"


def test_a_single_output_takes_the_only_target() -> None:
    recipe = make_recipe(TrainSettings(), {"digit": SOFTMAX}, {"output": CLASSES}, has_val=False)
    assert list(recipe.outputs) == ["digit"]


def test_description_has_every_default_in_force() -> None:
    recipe = recipe_for(
        {"output": OutputHead((2,))},
        {"output": NUMBERS},
        loss=Huber(),
        metrics=(RSquared(),),
        schedule=(Warmup(length=Duration(2, "epochs")), Cosine()),
        stop=Early(patience=2),
    )
    found = json.loads(json.dumps(recipe.describe()))
    assert found == {
        "epochs": 10,
        "batch": 32,
        "optimizer": ["adam(0.001, epsilon_root = 0, nesterov = false, b1 = 0.9, b2 = 0.999, epsilon = 1e-08)"],
        "schedule": ["warmup(2 epochs)", "cosine(0, length = none)"],
        "freeze": [],
        "seed": 0,
        "stop": "early(val_loss, 2, min_delta = 0)",
        "keep": "best",
        "precision": "f32",
        "lowering": [
            "convolution",
            "depthwise",
            "groups",
            "batchnorm",
            "max_pool",
            "dropout",
            "dense",
            "attention",
            "recurrent",
            "steps",
        ],
        "remat": False,
        "watch": None,
        "watched": "val_loss",
        "outputs": {
            "output": {"head": "linear", "shape": [2], "targets": "numbers", "loss": "huber(1)", "metrics": ["r2"]}
        },
    }
