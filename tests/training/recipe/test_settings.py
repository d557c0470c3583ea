"""The words of training as they stand in the vocabulary."""

from __future__ import annotations

import subprocess
import sys

import pytest

from netspec.language.kinds import Chain
from netspec.language.values import Symbol
from netspec.language.vocabulary import signature, words
from netspec.language.word import Mismatch
from netspec.training.control.stop import Early, MetricName
from netspec.training.metrics.classification import Accuracy
from netspec.training.metrics.ranking import RocAuc
from netspec.training.optimizers.optax_words import Adam
from netspec.training.optimizers.transforms import Clip
from netspec.training.recipe.settings import TrainSettings

CATEGORIES = ("optimizer", "schedule", "loss", "metric", "stop")


def test_every_default_is_given() -> None:
    assert signature(TrainSettings) == (
        "train(epochs = 10, batch = 32, drop_last = false, optimizer = adam, schedule = constant, "
        "freeze = none, loss = none, "
        "metrics = none, threshold = 0.5, "
        "precision = f32, lowering = fast, remat = false, watch = none, tensorboard = false, "
        "init = none, "
        "init_parts = none, seed = 0, seeds = 1, stop = none, keep = none)"
    )


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_word_has_a_sentence_and_an_example(category: str) -> None:
    for name, word in words(category).items():
        assert word.__doc__ and f"{name}" in word.__doc__.split("Example:")[1]


def test_words_load_no_jax() -> None:
    program = "import sys, netspec.training.recipe.recipe; sys.exit('jax' in sys.modules or 'numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_chains_are_spelt_as_they_are_typed() -> None:
    settings = TrainSettings(optimizer=(Clip(norm=1.0), Adam(rate=0.01)))
    assert settings.to_source() == "train(optimizer = clip(1) -> adam(0.01))"


def test_metrics_may_be_a_list() -> None:
    assert Chain("metric").accept([Accuracy(), RocAuc()]) == (Accuracy(), RocAuc())


def test_early_takes_validation_figures_only() -> None:
    assert MetricName().accept(Symbol("val_accuracy")) == "val_accuracy"
    assert MetricName().accept("val_digit_loss") == "val_digit_loss"
    with pytest.raises(Mismatch):
        MetricName().accept(Symbol("loss"))
    assert Early(figure="val_digit_loss", patience=2).to_source() == 'early("val_digit_loss", 2)'
    assert Early(figure="val_accuracy").to_source() == "early(val_accuracy)"
