"""When runs end and what is kept of them: goals, time, several rules at once, weights of some epochs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.language.diagnostics import CompileError
from netspec.language.kinds import Time
from netspec.language.source import Source
from netspec.language.values import Comparison, Duration, Symbol
from netspec.language.word import Mismatch
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import prepare, train_prepared
from netspec.storage.run_folder import Run
from netspec.storage.weights import flat_weights, load_weights
from netspec.training.control.keep import Best, Every, Last
from netspec.training.control.stop import Early, MetricGoal, Stop, StopState, TimeLimit, Until
from netspec.training.loop.loop import fit
from netspec.training.loop.run_state import Progress
from netspec.training.optimizers.optax_words import Adam
from netspec.training.schedules.words import ReduceOnPlateau
from tests.training.nets import class_job, recipe_for, same


def goal(text: str) -> Until:
    figure, operator, number = text.split()
    return Until(goal=Comparison(figure, operator, float(number)))


def minutes(number: float, unit: str = "minutes") -> TimeLimit:
    return TimeLimit(limit=Duration(number, unit))


# ---------------------------------------------------------------- rules


@pytest.mark.parametrize(
    ("text", "value", "ends"),
    [
        ("val_accuracy >= 0.99", 0.99, True),
        ("val_accuracy > 0.99", 0.99, False),
        ("val_accuracy >= 0.99", 0.98, False),
        ("val_loss <= 0.1", 0.1, True),
        ("val_loss < 0.1", 0.1, False),
        ("val_loss < 0.1", None, False),
    ],
)
def test_goals(text: str, value: float | None, ends: bool) -> None:
    assert goal(text).ends(StopState(value=value, higher=True, waited=0, seconds=0)) is ends


@pytest.mark.parametrize(("unit", "seconds"), [("seconds", 2), ("minutes", 120), ("hours", 7200)])
def test_times(unit: str, seconds: float) -> None:
    rule = minutes(2, unit)
    for passed, ends in ((seconds - 0.1, False), (seconds, True)):
        assert rule.ends(StopState(value=None, higher=False, waited=9, seconds=passed)) is ends


def ended(stop: tuple[Stop, ...], figures: list[dict[str, float]], seconds: float = 0) -> tuple[int, str | None]:
    """After how many epochs a run is over, and by which rule."""
    recipe = recipe_for(stop=stop, epochs=len(figures))
    progress = Progress()
    for number, found in enumerate(figures, 1):
        progress = Progress.from_json(progress.as_json())  # as after going on
        progress.is_best(recipe.watched, found)
        progress.apply_stop(recipe.stop, found, seconds * number)
        progress.epoch = number
        if progress.is_over(recipe):
            return number, progress.stopped_by
    raise AssertionError("the last epoch is the end of every run")


LOSSES = [5.0, 4.0, 3.0, 3.0, 2.0, 2.0, 2.0, 1.0]
ACCURACIES = [0.1, 0.3, 0.2, 0.2, 0.2, 0.9, 0.9, 0.9]
FIGURES = [{"val_loss": x, "val_accuracy": y} for x, y in zip(LOSSES, ACCURACIES, strict=True)]


@pytest.mark.parametrize(
    ("stop", "seconds", "epochs", "word"),
    [
        ((Early(patience=2),), 0, 7, "early"),
        ((Early(metric="val_accuracy", patience=2),), 0, 4, "early"),
        ((Early(patience=2), Early(metric="val_accuracy", patience=3)), 0, 5, "early(val_accuracy)"),
        ((goal("val_accuracy >= 0.9"), Early(patience=5)), 0, 6, "until(val_accuracy >= 0.9)"),
        ((Early(patience=5), goal("val_loss <= 3")), 0, 3, "until(val_loss <= 3)"),
        ((Early(patience=5), minutes(10)), 150, 4, "time(10 minutes)"),
        ((Early(patience=5), minutes(10)), 1, 8, None),
        ((), 0, 8, None),
    ],
)
def test_the_first_rule_ends_a_run(stop: Any, seconds: float, epochs: int, word: str | None) -> None:
    found, rule = ended(stop, FIGURES, seconds)
    assert found == epochs
    assert rule == word or (word is not None and rule is not None and rule.startswith(word))


def test_a_run_ends_at_its_goal(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "net", {}, {})
    result = fit(class_job(epochs=40, optimizer=(Adam(rate=0.01),), stop=goal("val_accuracy >= 0.8")), run=run)
    reached = [record["metrics"]["val_accuracy"] >= 0.8 for record in result.history]
    assert 1 < len(reached) < 40 and reached == [False] * (len(reached) - 1) + [True]
    done = run.path.joinpath("metrics.jsonl").read_text().splitlines()[-1]
    assert '"stopped_by": "until(val_accuracy >= 0.8)"' in done
    assert "stopped_by" in done and result.best_epoch is not None


def test_the_test_split_may_decide_when_it_ends_and_nothing_else(tmp_path: Path) -> None:
    text = (
        "input 8x8x1\ndense(32, relu) -> dense(classes, softmax)\ndata { source = digits }\n"
        "train {\n epochs = 30\n optimizer = adam(1e-2)\n stop = until(test_accuracy >= 85%)\n}\n"
    )
    prepared = prepare(Compilation(Source("net.net", text)))
    (warning,) = [w for w in prepared.warnings if w.code == "NS503"]
    assert not warning.is_error
    assert prepared.recipe.watched == "val_loss"  # what is kept is not chosen by the test split
    result = train_prepared(prepared, tmp_path)
    reached = [record["metrics"]["test_accuracy"] >= 0.85 for record in result.history]
    assert len(reached) < 30 and reached == [False] * (len(reached) - 1) + [True]
    assert result.metrics["test_accuracy"] == result.history[-1]["metrics"]["test_accuracy"]


def test_a_run_ends_when_its_time_is_up() -> None:
    result = fit(class_job(epochs=400, stop=minutes(0.001, "seconds")))
    assert len(result.history) == 1


# ---------------------------------------------------------------- what is kept


def test_the_best_epoch_by_a_figure() -> None:
    for figure, best in ((None, 8), ("val_accuracy", 6), ("val_loss", 8)):
        recipe = recipe_for(keep=Best(metric=figure))
        progress = Progress()
        for number, found in enumerate(FIGURES):
            progress.epoch = number
            progress.is_best(recipe.watched, found)
            progress.apply_stop(recipe.stop, found)
        assert progress.best_epoch == best


def test_without_a_figure_the_best_is_by_the_first_rule_that_watches_one() -> None:
    stop = (minutes(5), Early(metric="val_accuracy"), goal("val_loss < 1"))
    assert recipe_for(stop=stop).watched == "val_accuracy"
    assert recipe_for(stop=stop, keep=Best(metric="val_loss")).watched == "val_loss"
    assert recipe_for(stop=minutes(5)).watched == "val_loss"
    plateau = (ReduceOnPlateau(metric="val_accuracy"),)
    assert recipe_for(stop=minutes(5), schedule=plateau).watched == "val_accuracy"
    assert recipe_for(stop=Early(), schedule=plateau).watched == "val_loss"


def test_weights_of_some_epochs(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "net", {}, {})
    every = Every(length=Duration(2, "epochs"))
    result = fit(class_job(epochs=5, keep=(Last(), every)), run=run)
    assert sorted(path.name for path in run.path.glob("weights*")) == [
        "weights-epoch2.safetensors", "weights-epoch4.safetensors", "weights.safetensors",
    ]  # fmt: skip
    shorter = fit(class_job(epochs=4, keep="last"))
    of_four = load_weights(run.path / "weights-epoch4.safetensors")
    last = load_weights(run.path)
    assert same(of_four, flat_weights(shorter.weights))
    assert not same(of_four, last) and same(last, flat_weights(result.weights))


def test_going_on_gives_the_same(tmp_path: Path) -> None:
    """Rules, weights of classes and weights of some epochs, over an interruption."""

    def job(epochs: int) -> Any:
        rules = (goal("val_accuracy > 1"), Early(patience=30), minutes(30))
        keep = (Best(metric="val_accuracy"), Every(length=Duration(2, "epochs")))
        return class_job(epochs=epochs, stop=rules, keep=keep, class_weights={"output": (1.0, 2.0, 0.5)})

    whole, run = Run.create(tmp_path, "whole", {}, {}), Run.create(tmp_path, "parts", {}, {})
    expected = fit(job(5), run=whole)
    fit(job(3), run=run)
    found = fit(job(5), run=run, resume=True)
    assert same(flat_weights(found.weights), flat_weights(expected.weights))
    assert [r["loss"] for r in found.history] == [r["loss"] for r in expected.history]
    for name in ("weights-epoch2.safetensors", "weights-epoch4.safetensors", "weights.safetensors"):
        assert (run.path / name).read_bytes() == (whole.path / name).read_bytes()


# ---------------------------------------------------------------- as they are typed

SPEC = "input 8\ndense(3, softmax)\ndata {{ val = 20% }}\ntrain {{\n    {}\n}}"


def codes(line: str) -> list[str]:
    data = np.random.default_rng(0).normal(size=(90, 8)).astype(np.float32), np.arange(90) % 3
    try:
        prepare(Compilation(Source("t.net", SPEC.format(line))), data)
    except CompileError as wrong:
        assert all(d.hint_text for d in wrong.diagnostics)
        return [d.code for d in wrong.diagnostics]
    return []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("stop = until(val_accuracy >= 99)", "NS467"),
        ("stop = until(val_accuracy >= -1)", "NS467"),
        ("stop = until(val_f1 >= 99%)", "NS459"),
        ("stop = until(test_f1 >= 99%)", "NS459"),
        ("stop = early(test_loss)", "NS201"),
        ("stop = until(val_accuracy)", "NS206"),
        ("stop = until(val_accuracy == 1)", "NS206"),
        ('stop = until("accuracy" >= 1)', "NS206"),
        ("stop = until(accuracy >= 1)", "NS201"),
        ("stop = time(30)", "NS206"),
        ("stop = time(3 epochs)", "NS206"),
        ("stop = time(3 minuets)", "NS218"),
        ("schedule = warmup(3 minutes)", "NS206"),
        ("keep = best(val_f1)", "NS459"),
        ("keep = best -> last", "NS466"),
        ("keep = every(2) -> every(3)", "NS466"),
        ("keep = every(2.5)", "NS206"),
        ("keep = every(10 steps)", "NS206"),
        ("keep = first", "NS201"),
    ],
)
def test_what_is_wrong(line: str, code: str) -> None:
    assert codes(line) == [code]


@pytest.mark.parametrize(
    "line",
    [
        "stop = until(val_accuracy >= 99%)",
        'stop = until("val_accuracy" > 0.5) -> early(val_loss, 4) -> time(1 hour)',
        "keep = best",
        "keep = last",
        "keep = best(val_accuracy) -> every(5 epochs)",
        "keep = every(2)",
    ],
)
def test_what_may_be_typed_is_spelt_again(line: str) -> None:
    assert codes(line) == []
    key = line.split(" = ")[0]
    settings = Compilation(Source("t.net", SPEC.format(line))).train
    chain = getattr(settings, key)
    option = next(o for o in type(settings).options() if o.name == key)
    again = Compilation(Source("t.net", SPEC.format(f"{key} = {option.kind.to_source(chain)}"))).train
    assert getattr(again, key) == chain


def test_kinds_of_durations() -> None:
    assert Time().accept(3) == Duration(3, "epochs")
    assert Time(("minutes", "hours")).accept(Duration(3, "hours")) == Duration(3, "hours")
    for kind, value in (
        (Time(), Duration(3, "minutes")),
        (Time(("minutes",)), 3),
        (Time(), 0),
        (Time(("epochs",), is_whole=True), Duration(0.5, "epochs")),
    ):
        with pytest.raises(Mismatch):
            kind.accept(value)


def test_goals_name_figures_of_the_validation_split() -> None:
    found = MetricGoal().accept(Comparison(Symbol("val_loss"), "<", 1))
    assert found == Comparison("val_loss", "<", 1.0)
    assert MetricGoal().to_source(Comparison("val_digit_loss", "<", 0.5)) == '"val_digit_loss" < 0.5'
    with pytest.raises(Mismatch):
        MetricGoal().accept(Comparison(Symbol("loss"), "<", 1))
