"""What `--sweep` gives: names, values, combinations, and what is said of mistakes."""

from __future__ import annotations

import pytest

from netspec.language.diagnostics import CompileError
from netspec.language.source import Source
from netspec.search.sweeps.axes import MAX_RUNS, parse_sweeps, points_of, split_values
from netspec.spec.compilation import Compilation
from tests.search.test_space import NET


def overrides(*texts: str, text: str = NET, **given: str) -> list[dict[str, str]]:
    found = points_of(Compilation(Source("net.net", text), overrides=given), parse_sweeps(texts))
    return [point.overrides for point in found]


def test_commas_inside_of_a_value_do_not_separate() -> None:
    text = 'adam(1e-3),sgd(0.1, momentum = 0.9), clip(1.0) -> adam , csv("a,(b.csv", target = ["x", "y"])'
    assert [*split_values("optimizer", text)] == [
        "adam(1e-3)",
        "sgd(0.1, momentum = 0.9)",
        "clip(1.0) -> adam",
        'csv("a,(b.csv", target = ["x", "y"])',
    ]


def test_names_are_params_settings_and_options() -> None:
    assert overrides("width=8,16") == [{"width": "8"}, {"width": "16"}]
    assert overrides("batch=8,16") == overrides("train.batch=8,16") == [{"train.batch": "8"}, {"train.batch": "16"}]
    assert overrides("val=10%,20%") == [{"data.val": "10%"}, {"data.val": "20%"}]
    rates = overrides("rate=1e-3,1e-2")
    assert [one["train.optimizer"] for one in rates] == ["adam(1e-3)", "adam(1e-2)"]
    assert overrides("train.optimizer.rate=1e-3,1e-2") == rates
    assert overrides("b1=0.8,0.9") == [{"train.optimizer": f"adam(b1 = {b})"} for b in ("0.8", "0.9")]


def test_every_combination_once_and_rates_side_by_side() -> None:
    found = overrides("rate=0.1,0.2", "width=8,16")
    assert [(one["width"], one["train.optimizer"]) for one in found] == [
        ("8", "adam(0.1)"),
        ("8", "adam(0.2)"),
        ("16", "adam(0.1)"),
        ("16", "adam(0.2)"),
    ]


def test_an_option_counts_where_the_word_has_it() -> None:
    found = overrides("optimizer=adam(1e-3),sgd(0.1)", "momentum=0.5,0.9")
    assert [one["train.optimizer"] for one in found] == [
        "adam(1e-3)",
        "sgd(0.1, momentum = 0.5)",
        "sgd(0.1, momentum = 0.9)",
    ]


@pytest.mark.parametrize(
    ("texts", "message", "hint"),
    [
        (["rate"], "NAME=VALUE,VALUE", "--sweep rate=1e-4,1e-3"),
        (["rate="], "NAME=VALUE,VALUE", ""),
        (["=1,2"], "NAME=VALUE,VALUE", ""),
        (["widht=1,2"], "`widht` is neither", "did you mean `width`?"),
        (["lr=1,2"], "`lr` is neither", "did you mean `rate`?"),
        (["train.bach=1,2"], "`train.bach` is neither", "did you mean `train.batch`?"),
        (["tune.trials=1,2"], "`tune.trials` is neither", ""),
        (["width=8,,16"], "is not a list of values", "between two commas"),
        (["width=8,16,"], "is not a list of values", "at an end"),
        (["optimizer=adam(1e-3,sgd"], "is not a list of values", "`)` is missing"),
        (["optimizer=adam)"], "is not a list of values", "`)` closes nothing"),
        (["width=8 9"], "is not a list of values", "`8 9` is not a value"),
        (["rate=1e-3,0.001"], "has the value `0.001` twice", "once"),
        (["width=8", "width=16"], "`width` is given twice", "one sweep"),
        (["batch=8", "train.batch=16"], "`train.batch` is given twice", ""),
        (["seeds=2,3"], "asks for several runs", "seed=0,1,2"),
        (["folds=2,3"], "asks for several runs", ""),
        (["width=" + ",".join(map(str, range(1, MAX_RUNS + 2)))], "1,001 combinations", "netspec tune"),
    ],
)
def test_mistakes(texts: list[str], message: str, hint: str) -> None:
    with pytest.raises(CompileError) as raised:
        overrides(*texts)
    (error,) = raised.value.diagnostics
    assert error.code == "NS599" and message in error.message and hint in error.hint_text


def test_a_value_that_is_given_already() -> None:
    with pytest.raises(CompileError, match="both a value and a sweep"):
        overrides("width=8,16", width="8")
    found = overrides("rate=0.1,0.2", **{"train.optimizer": "sgd(momentum = 0.9)"})
    assert found[0]["train.optimizer"] == "sgd(momentum = 0.9, rate = 0.1)"


def test_as_many_as_allowed() -> None:
    assert len(overrides("width=" + ",".join(map(str, range(1, MAX_RUNS + 1))))) == MAX_RUNS
