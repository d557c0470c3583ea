"""From the section to data: sources of one's own, loading once, the input as the target."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec import extend
from netspec.data.dataset.dataset import Dataset, Facts, Source, Target, source
from netspec.data.dataset.from_arrays import dataset_of, from_arrays
from netspec.data.load import read_dataset, read_facts
from netspec.data.prepare import prepare_data
from netspec.data.settings import DataSettings
from netspec.data.sources.bundled import Digits, Wine
from netspec.data.sources.tables.words import Csv
from netspec.data.sources.texts.file import TextFile
from netspec.language.diagnostics import CompileError, Unplaced
from netspec.language.kinds import Count
from netspec.language.shape import Shape
from netspec.language.source import Source as SpecText
from netspec.language.vocabulary import temporary_words
from netspec.spec.compilation import Compilation
from tests.data.files import code_and_text, ends, write

HERE = Path()
LOADED: list[int] = []
GIVEN: dict[str, Any] = {}


with temporary_words():

    @source("counted")
    class Counted(Source):
        """Numbers in a row, and whether they are odd.

        Example: data { source = counted }
        """

        numbers: int = extend.option(Count(), "how many", default=10, position=0)

        def load(self, folder: Path) -> Any:
            LOADED.append(self.numbers)
            x = np.arange(self.numbers)[:, None] / self.numbers
            return GIVEN.get("value", (x, np.arange(self.numbers) % 2))


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    LOADED.clear()
    GIVEN.clear()
    with temporary_words():
        source("counted")(Counted)
        yield


SPEC = "dense(classes, softmax)\ndata { source = counted(20) }\n"


def test_a_source_of_ones_own_needs_only_load() -> None:
    spec = Compilation(SpecText("own.net", SPEC))
    assert [d.code for d in spec.diagnose()] == []
    assert spec.facts == Facts({"input": Shape((1,))}, {"output": Target("class", 1, 2)}, 20)
    data = read_dataset(spec.data, HERE)
    assert (data.name, len(data.train)) == ("counted", 20)
    assert LOADED == [20]  # what was loaded for the check is what is trained on
    read_dataset(spec.data, HERE)
    assert LOADED == [20, 20]


def test_its_options_are_checked_as_all_others() -> None:
    spec = Compilation(SpecText("own.net", SPEC.replace("20", "many = 3")))
    assert [d.code for d in spec.diagnose()] == ["NS202"]


@pytest.mark.parametrize(
    "value",
    [
        (np.ones((4, 2)), [0, 1, 0, 1], np.ones((2, 2)), [0, 1]),
        {"x": np.ones((4, 2)), "y": [0, 1, 0, 1], "x_test": np.ones((2, 2)), "y_test": [0, 1]},
        from_arrays(np.ones((4, 2)), [0, 1, 0, 1], np.ones((2, 2)), [0, 1]),
    ],
    ids=["tuple", "dict", "data set"],
)
def test_what_it_may_give(value: Any) -> None:
    GIVEN["value"] = value
    facts = read_facts(DataSettings(source=Counted()), HERE)
    assert (facts.inputs["input"], facts.examples, facts.has_test) == (Shape((2,)), 4, True)


@pytest.mark.parametrize(
    ("value", "found"),
    [(None, "a NoneType"), ((1, 2, 3), "a tuple of 3"), ({"data": 1}, "a dict"), ("x", "a str")],
)
def test_what_it_may_not_give(value: Any, found: str) -> None:
    GIVEN["value"] = value
    with pytest.raises(Unplaced) as caught:
        read_facts(DataSettings(source=Counted()), HERE)
    code, text = code_and_text(caught.value)
    assert code == "NS486"
    assert f"`counted` returned {found}" in text and "`(x, y)`" in text


def test_what_a_person_hands_over() -> None:
    x, y = np.ones((3, 2)), [0, 1, 0]
    for value in ((x, y), [x, y], {"x": x, "y": y}):
        found = dataset_of(value)
        assert isinstance(found, Dataset) and found.facts.classes == 2
    assert dataset_of(x).facts.targets == {}
    assert dataset_of((x, y, x)) is None


# ---------------------------------------------------------------- the input as the target


def test_without_a_target_it_says_what_to_type(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a,b\n1,2\n3,4\n")
    with pytest.raises(Unplaced) as caught:
        read_facts(DataSettings(source=Csv(file="t.csv")), tmp_path)
    code, text = code_and_text(caught.value)
    assert code == "NS426"
    assert "`target = …`" in text and "`target = input`" in text
    GIVEN["value"] = np.ones((3, 2))
    with pytest.raises(Unplaced) as caught:
        read_facts(DataSettings(source=Counted()), HERE)
    assert "give targets, too" in code_and_text(caught.value)[1]


def test_the_input_is_the_target(tmp_path: Path) -> None:
    settings = DataSettings(source=Digits(), target="input")
    assert read_facts(settings, HERE).targets == {"output": Target("numbers", 64)}
    data = read_dataset(settings, HERE)
    assert data.train.targets["output"] is data.train.inputs["input"]
    write(tmp_path / "t.txt", "abcdefghijklmnop")
    text = DataSettings(source=TextFile(file="t.txt", length=4), target="input", test=0)
    assert read_facts(text, tmp_path).targets == {"output": Target("class", 4, 14)}


def test_a_normalised_input_is_the_normalised_target() -> None:
    settings = DataSettings(source=Wine(), target="input", normalize="standard", val=0.2)
    splits, warnings = prepare_data(Wine().load(HERE), settings, {"x": Shape((13,))}, {"wine": ends(13)})
    assert warnings == []
    for part in (splits.train, splits.val, splits.test):
        assert (part.inputs["x"] == part.targets["wine"]).all()
    assert splits.train.targets["wine"].std(axis=0) == pytest.approx(np.ones(13), abs=1e-4)
    (figures,) = splits.own_targets.values()
    raw = Wine().load(HERE).train.inputs["input"][splits.test_index]
    assert figures.invert(splits.test.targets["wine"]) == pytest.approx(raw, rel=1e-4, abs=1e-4)


def test_what_a_sigmoid_cannot_give_back_is_told_after_normalizing() -> None:
    heads, inputs = {"output": ends(13, "sigmoid")}, {"input": Shape((13,))}
    unit = DataSettings(source=Wine(), target="input", normalize="unit", test=0)
    assert prepare_data(Wine().load(HERE), unit, inputs, heads)[1] == []
    with pytest.raises(CompileError) as caught:
        prepare_data(
            Wine().load(HERE), DataSettings(source=Wine(), target="input", normalize="standard"), inputs, heads
        )
    assert [d.code for d in caught.value.diagnostics] == ["NS438"]


def test_several_inputs_cannot_be_the_target(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a,b\n1,x\n3,y\n")
    source = Csv(file="t.csv", categories="auto", encode="ids")
    with pytest.raises(Unplaced) as caught:
        read_facts(DataSettings(source=source, target="input"), tmp_path)
    code, text = code_and_text(caught.value)
    assert code == "NS485" and "have 2: numbers, b" in text
