"""The words of training as they stand in the vocabulary."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from netspec.language.kinds import Chain
from netspec.language.source import Source
from netspec.language.values import Symbol
from netspec.language.vocabulary import signature, words
from netspec.language.word import Mismatch
from netspec.runs.diff import compare
from netspec.spec.canonical import meaning_of
from netspec.spec.compilation import Compilation
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
        "metrics = none, threshold = 0.5, interval = none, "
        "precision = f32, lowering = fast, remat = false, "
        "devices = none, mesh = none, batchnorm = sync, watch = none, tensorboard = false, "
        "mlflow = false, wandb = false, "
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
    assert Early(metric="val_digit_loss", patience=2).to_source() == 'early("val_digit_loss", 2)'
    assert Early(metric="val_accuracy").to_source() == "early(val_accuracy)"


def test_options_are_taken_under_their_names_of_earlier_versions_too() -> None:
    """The meaning, and so its hash, is that of the specs and the run folders from before."""
    text = "input 10\ndense(1)\ndata {{ source = diabetes\nval = 10% }}\ntrain {{ {0} }}\n"
    before = "stop = early(figure = val_mae)\nkeep = best(figure = val_mae)\n"
    before += "schedule = reduce_on_plateau(figure = val_mae, least = 0.1)"
    after = before.replace("figure", "metric").replace("least", "min_factor")
    old, new = (meaning_of(Compilation(Source("t.net", text.format(part)))) for part in (before, after))
    assert old.hash == new.hash
    assert '"figure": "val_mae"' in json.dumps(old.as_json()) and '"least": "0.1"' in json.dumps(new.as_json())
    changed = meaning_of(Compilation(Source("t.net", text.format(after.replace("val_mae", "val_rmse")))))
    shown = {key for change in compare(old, changed).changes for key in change.options}
    assert shown == {"metric"}, shown
