"""The section `data`."""

from __future__ import annotations

import pytest

from netspec.data.dataset.dataset import Target, single
from netspec.data.dataset.options import Portion
from netspec.data.settings import DataSettings, check_settings
from netspec.data.sources.bundled import Iris
from netspec.data.sources.synthetic import Xor
from netspec.language.shape import Shape
from netspec.language.source import Source, Span
from netspec.language.vocabulary import signature, words
from netspec.language.word import Mismatch


@pytest.mark.parametrize(("typed", "kept"), [(0, 0), (0.0, 0), (0.1, 0.1), (5000, 5000), (1, 1), (0.999, 0.999)])
def test_portions(typed: float, kept: float) -> None:
    assert Portion().accept(typed) == kept
    assert type(Portion().accept(typed)) is type(kept)


@pytest.mark.parametrize("wrong", [1.0, 2.5, -0.1, -3, True, "10%", None, float("nan")])
def test_no_portions(wrong: object) -> None:
    with pytest.raises(Mismatch, match="a fraction below 1"):
        Portion().accept(wrong)


def test_the_section_is_declared_like_any_word() -> None:
    assert words("section")["data"] is DataSettings
    assert signature(DataSettings).startswith(
        "data(source = none, val = 0, test = none, folds = none, fold = none, seed = 0"
    )
    assert DataSettings().val == 0
    assert all(option.doc for option in DataSettings.options())


TABLE = single(Shape((4,)), Target.of_classes("abc"), examples=150)
SPLIT = single(Shape((4,)), Target.of_classes("abc"), examples=150, has_test=True)
NUMBERS = single(Shape((4,)), Target("numbers"), examples=150)
STEPS = single(Shape((4,)), Target("class", 4, 3), examples=150)

NO_EFFECT = [
    (DataSettings(test=0.1), SPLIT, "`test` has no effect: the source has its own test split"),
    (DataSettings(stratify=True), NUMBERS, "`stratify` has no effect: the data have no single target"),
    (DataSettings(stratify=True), STEPS, "`stratify` has no effect"),
    (DataSettings(stratify=True), SPLIT, "nothing is held out"),
    (DataSettings(limit=150), TABLE, "`limit` has no effect: there are only 150 examples"),
]


@pytest.mark.parametrize(("settings", "facts", "words"), NO_EFFECT)
def test_settings_without_effect_are_told(settings: DataSettings, facts: object, words: str) -> None:
    (found,) = check_settings(settings, facts)
    assert (found.code, found.severity) == ("NS422", "warning")
    assert words in found.message


def test_the_place_is_that_of_the_value() -> None:
    source = Source("a.net", "data { test = 10% }")
    span = Span(source, 14, 17)
    (found,) = check_settings(DataSettings(test=0.1), SPLIT, {"test": span})
    assert found.span == span


@pytest.mark.parametrize("facts", [TABLE, NUMBERS, Xor().facts(None), Iris().facts(None)])
def test_defaults_are_never_warned_about(facts: object) -> None:
    assert check_settings(DataSettings(), facts) == []


def test_settings_with_effect_are_not_warned_about() -> None:
    assert check_settings(DataSettings(test=0.1, val=10, stratify=True, limit=149), TABLE) == []
    assert check_settings(DataSettings(val=10, stratify=True), SPLIT) == []
