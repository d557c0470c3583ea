"""Data against the net: each mistake gives its code and the numbers that show it, and good data give nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.checks.network import check_data, check_facts
from netspec.data.dataset.dataset import Dataset, Facts, Target, single
from netspec.data.dataset.from_arrays import from_arrays
from netspec.data.prepare import fit_dataset, prepare_data
from netspec.data.settings import DataSettings
from netspec.data.sources.bundled import BreastCancer, Diabetes, Digits, Iris, Wine
from netspec.data.sources.numpy_files import Npy
from netspec.data.sources.synthetic import Slashes, Xor
from netspec.data.sources.tables.words import Csv
from netspec.data.splits.split import split_dataset
from netspec.language.diagnostics import CompileError, Diagnostic, render
from netspec.language.shape import Dim, Shape
from netspec.language.source import Source, Span
from tests.data.files import ends, write

HERE = Path()
H, W = Dim.named("H"), Dim.named("W")
GOOD = [
    (Digits(), ends(10, "softmax")),
    (Iris(), ends(3, "softmax")),
    (Iris(), ends(3, "sigmoid")),
    (Wine(), ends(3, "softmax")),
    (BreastCancer(), ends(2, "softmax")),
    (BreastCancer(), ends(1, "sigmoid")),
    (Diabetes(), ends(1)),
    (Xor(), ends(1, "sigmoid")),
    (Slashes(), ends(2, "softmax")),
]


@pytest.mark.parametrize(("source", "head"), GOOD, ids=lambda v: getattr(v, "word", getattr(v, "text", "")))
def test_the_sets_on_board_go_with_their_heads(source: Any, head: OutputHead) -> None:
    data = source.load(HERE)
    assert check_facts(data.facts, data.facts.inputs, {"output": head}) == []
    assert check_data(data, data.facts.inputs, {"output": head}) == []
    warnings = check_data(split_dataset(data, DataSettings()), data.facts.inputs, {"output": head})
    assert all(not d.is_error for d in warnings)


def text_of(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.message}\n{diagnostic.label_text}\n{diagnostic.hint_text}"


def vectors(y: Any, **options: Any) -> Dataset:
    return from_arrays(np.random.default_rng(0).normal(size=(len(y), 4)), y, **options)


def images(shape: tuple[int, ...]) -> Dataset:
    return from_arrays(np.random.default_rng(0).random((4, *shape)), [0, 1, 0, 1])


def with_value(value: float, dtype: str = "float32") -> Dataset:
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(dtype)
    x[3, 2] = value
    return from_arrays(x, [0, 1, 0, 1, 1])


IDS = np.array([[1, 2], [3, 4], [5, 10], [0, 1]])
FOUR, TWO = Shape((4,)), ends(2, "softmax")
STEPS = OutputHead((2, 4), "softmax")
NAMED = ["a", "b", "c"]

# what is wrong: (data, shape of the input, head, code, words of the message)
CASES: dict[str, tuple[Dataset, Shape, OutputHead, str, list[str]]] = {
    "vector of another size": (
        vectors([0, 1]),
        Shape((5,)),
        TWO,
        "NS430",
        ["examples have shape 4", "has shape 5", "`input 4`"],
    ),
    "image for a vector": (images((8, 8, 1)), Shape((64,)), TWO, "NS430", ["8x8x1", "`input 8x8x1`", "flatten"]),
    "vector for an image": (images((64,)), Shape((8, 8, 1)), TWO, "NS430", ["`input 64`", "`reshape(8x8x1)`"]),
    "image without channel": (images((8, 8)), Shape((8, 8, 3)), TWO, "NS430", ["8x8", "8x8x3"]),
    "image of another size": (images((8, 8, 1)), Shape((28, 28, 1)), TWO, "NS430", ["8x8x1", "28x28x1"]),
    "one name, two sizes": (images((8, 9, 1)), Shape((H, H, 1)), TWO, "NS430", ["8x9x1", "HxHx1"]),
    "channels first": (images((3, 8, 9)), Shape((8, 9, 3)), TWO, "NS431", ["3x8x9", "numpy.moveaxis(x, 1, -1)"]),
    "channels first, no input": (images((3, 8, 8)), Shape((3, 8, 8)), TWO, "NS431", ["gives 8x8x3"]),
    "few units": (vectors([0, 1, 2]), FOUR, TWO, "NS432", ["3 classes", "2 units", "`dense(3, softmax)`"]),
    "many units": (vectors([0, 1, 2], names=NAMED), FOUR, ends(10, "softmax"), "NS432", ["10 units"]),
    "one sigmoid for three": (
        vectors([0, 1, 2]),
        FOUR,
        ends(1, "sigmoid"),
        "NS432",
        ["3 classes", "2 of them"],
    ),
    "sigmoids": (vectors([0, 1, 2]), FOUR, ends(2, "sigmoid"), "NS432", ["3 classes", "2 units"]),
    "softmax of one": (
        vectors([0, 1]),
        FOUR,
        ends(1, "softmax"),
        "NS433",
        ["always 1", "`dense(1, sigmoid)`"],
    ),
    "softmax of one for 3": (vectors([0, 1, 2]), FOUR, ends(1, "softmax"), "NS433", ["`dense(3, softmax)`"]),
    "softmax of one for numbers": (vectors([0.5, 2]), FOUR, ends(1, "softmax"), "NS433", ["`dense(1)`"]),
    "labels from 1": (vectors([1, 2, 2]), FOUR, TWO, "NS434", ["label 2", "data example 1", "0..1", "subtract 1"]),
    "labels -1 and 1": (vectors([-1, 1, 1]), FOUR, TWO, "NS434", ["label -1", "example 0", "`(y + 1) // 2`"]),
    "labels with a gap": (
        vectors([0, 1, 7]),
        FOUR,
        ends(3, "softmax"),
        "NS434",
        ["label 7", "0..2", "from 0 to 7"],
    ),
    "labels -1 and 1, sigmoid": (vectors([1, -1]), FOUR, ends(1, "sigmoid"), "NS434", ["label -1", "0..1"]),
    "labels of steps": (vectors([[0, 1], [9, 9]]), FOUR, STEPS, "NS434", ["label 9", "example 1", "0..3"]),
    "float labels": (
        vectors([0.5, 1, 2]),
        FOUR,
        ends(3, "softmax"),
        "NS435",
        ["numbers", 'y.astype("int32")'],
    ),
    "one-hot floats": (
        vectors(np.eye(3)),
        FOUR,
        ends(3, "softmax"),
        "NS435",
        ["zeros and ones", "y.argmax(axis=1)"],
    ),
    "one number for classes": (
        vectors([0, 1, 2]),
        FOUR,
        ends(1),
        "NS436",
        ["3 classes", "has 1 unit and no activation", "softmax"],
    ),
    "softmax for yes or no": (vectors([True, False]), FOUR, TWO, "NS436", ["0 or 1", "`dense(1, sigmoid)`"]),
    "a class per step": (
        vectors([[0, 1], [1, 0], [1, 1]]),
        FOUR,
        TWO,
        "NS436",
        ["of 2 steps", "one prediction"],
    ),
    "steps for one class": (vectors([0, 1]), FOUR, OutputHead((5, 2), "softmax"), "NS436", ["each step", "`gap`"]),
    "pixels for one class": (vectors([0, 1]), FOUR, OutputHead((5, 5, 2), "softmax"), "NS436", ["each pixel"]),
    "NaN": (with_value(np.nan), FOUR, TWO, "NS437", ["data example 3, column 2", "NaN", "1 such values"]),
    "infinity": (with_value(-np.inf), FOUR, TWO, "NS437", ["example 3, column 2", "infinite"]),
    "too large for float32": (with_value(1e39, "float64"), FOUR, TWO, "NS437", ["is 1e+39, outside the range of"]),
    "NaN target": (vectors([1, np.nan, 3]), FOUR, ends(1), "NS437", ["example 1", "target `output`"]),
    "sigmoid for large numbers": (
        vectors([0.5, 20]),
        FOUR,
        ends(1, "sigmoid"),
        "NS438",
        ["20", "example 1", "0.5"],
    ),
    "sigmoid below zero": (
        vectors([-0.5, 0.2]),
        FOUR,
        ends(1, "sigmoid"),
        "NS438",
        ["-0.5", "remove `sigmoid`"],
    ),
    "ids too large": (from_arrays(IDS, [0, 1, 0, 1]), Shape((2,), 10), TWO, "NS439", ["id 10", "example 2", "0 to 9"]),
    "ids from 1": (from_arrays(IDS[:3], [0, 1, 0]), Shape((2,), 10), TWO, "NS439", ["lower the ids by 1"]),
    "negative ids": (
        from_arrays(IDS - 1, [0, 1, 0, 1]),
        Shape((2,), 10),
        TWO,
        "NS439",
        ["id -1", "check that this is the array"],
    ),
    "ids with fractions": (
        from_arrays(IDS / 2, [0, 1, 0, 1]),
        Shape((2,), 10),
        TWO,
        "NS439",
        ["id 0.5", "not an integer"],
    ),
    "two units for one number": (vectors([0.5, 2]), FOUR, ends(2), "NS440", ["1 number", "2", "`dense(1)`"]),
    "one unit for two": (vectors([[0.5, 2], [1, 2]]), FOUR, ends(1), "NS440", ["2 numbers", "`dense(2)`"]),
    "one sigmoid, two labels": (
        vectors([[True, False]] * 2),
        FOUR,
        ends(1, "sigmoid"),
        "NS440",
        ["dense(2, sigmoid)"],
    ),
    "classes without softmax": (
        vectors([0, 1, 2]),
        FOUR,
        ends(3),
        "NS449",
        ["does not give probabilities", "`dense(3, softmax)`"],
    ),
    "yes or no without sigmoid": (
        vectors([0.0, 1.0]),
        FOUR,
        ends(1),
        "NS449",
        ["0 or 1", "`dense(1, sigmoid)`"],
    ),
    "classes without softmax, behind flatten": (
        vectors([0, 1, 2]),
        FOUR,
        ends(3, reshaped_by="flatten"),
        "NS449",
        ["`flatten -> softmax`"],
    ),
    "yes or no without sigmoid, behind reshape": (
        vectors([0.0, 1.0]),
        FOUR,
        ends(1, reshaped_by="reshape(1)"),
        "NS449",
        ["`reshape(1) -> sigmoid`"],
    ),
    "two classes, one number": (vectors([0, 1]), FOUR, ends(1), "NS449", ["2 classes", "`dense(1, sigmoid)`"]),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_data(case: str) -> None:
    data, shape, head, code, words = CASES[case]
    (found,) = check_data(data, {"input": shape}, {"output": head})
    assert found.code == code
    assert all(word in text_of(found) for word in words), text_of(found)
    assert found.is_error == (code not in ("NS449",))


def test_what_facts_alone_tell() -> None:
    """Shapes, counts and heads are checked without arrays, and say the same."""
    for case, (data, shape, head, code, _) in CASES.items():
        found = check_facts(data.facts, {"input": shape}, {"output": head})
        if code in ("NS430", "NS431", "NS433", "NS435", "NS436", "NS440", "NS449"):
            assert [d.code for d in found] == [code], case
        if code in ("NS437", "NS438", "NS439"):
            assert found == [], case


def test_several_mistakes_come_together() -> None:
    data = vectors([0.5, 20, np.inf])
    found = check_data(data, {"input": Shape((5,))}, {"output": ends(3, "sigmoid")})
    assert [d.code for d in found] == ["NS430", "NS437"]


def test_more_units_than_classes_seen_are_allowed_when_nobody_named_the_classes() -> None:
    assert check_data(vectors([0, 1, 2]), {"input": FOUR}, {"output": ends(10, "softmax")}) == []


def test_a_head_of_unknown_size_is_believed() -> None:
    for activation in ("softmax", "sigmoid", "linear"):
        assert check_data(vectors([0, 1, 2]), {"input": FOUR}, {"output": ends(None, activation)}) == []


def test_symbolic_sizes_take_what_comes() -> None:
    data = images((8, 9, 3))
    assert check_data(data, {"input": Shape((H, W, 3))}, {"output": TWO}) == []
    (found,) = check_data(data, {"input": Shape((H, W, 1))}, {"output": TWO})
    assert found.code == "NS430"


def test_an_input_that_is_declared_channels_first_is_believed() -> None:
    place = Span(Source("a.net", "input 3x8x8"), 6, 11)
    data, inputs = images((3, 8, 8)), {"input": Shape((3, 8, 8))}
    assert check_data(data, inputs, {"output": TWO}, input_spans={"input": place}) == []


def test_whole_numbers_may_be_numbers_or_ids() -> None:
    data = from_arrays(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), [0, 1, 1, 0])
    heads = {"output": TWO}
    for shape, dtype in ((Shape((2,)), "float32"), (Shape((2,), 5), "int32")):
        assert check_data(data, {"input": shape}, heads) == []
        assert fit_dataset(data, {"input": shape}, heads).train.inputs["input"].dtype == dtype


def test_names_of_inputs_and_outputs() -> None:
    data = from_arrays({"left": np.ones((2, 3)), "right": np.ones((2, 3))}, {"a": [0, 1], "b": [0.5, 2]})
    inputs = {"left": Shape((3,)), "rigth": Shape((3,))}
    found = check_facts(data.facts, inputs, {"a": TWO, "c": ends(1)})
    assert [d.code for d in found] == ["NS441", "NS441"]
    assert "no input named `rigth`" in found[0].message
    assert "did you mean `right`?" in found[0].hint_text
    assert "no target named `c`" in found[1].message


def test_one_input_and_one_output_need_no_names() -> None:
    data = vectors([0, 1])
    assert check_data(data, {"image": FOUR}, {"digit": TWO}) == []
    fitted = fit_dataset(data, {"image": FOUR}, {"digit": TWO})
    assert (list(fitted.train.inputs), list(fitted.train.targets)) == (["image"], ["digit"])
    assert (list(fitted.facts.inputs), list(fitted.facts.targets)) == (["image"], ["digit"])


# ---------------------------------------------------------------- warnings


def test_columns_that_never_change() -> None:
    x = np.random.default_rng(0).normal(size=(6, 9))
    x[:, 1:8] = 3
    (found,) = check_data(from_arrays(x, [0, 1] * 3), {"input": Shape((9,))}, {"output": TWO})
    assert (found.code, found.severity) == ("NS445", "warning")
    assert "7 of 9 features" in found.message
    assert "column 1, column 2, column 3, column 4, column 5 and 2 more" in found.message


def test_constant_pixels_are_no_matter() -> None:
    x = np.zeros((4, 8, 8, 1))
    assert check_data(from_arrays(x, [0, 1, 0, 1]), {"input": Shape((8, 8, 1))}, {"output": TWO}) == []


@pytest.mark.parametrize("shape", [(28, 28, 1), (784,)])
def test_pixels_that_are_not_scaled(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).integers(0, 256, (300, *shape)).astype(np.float32)
    y = np.arange(300) % 2
    (found,) = check_data(from_arrays(x, y), {"input": Shape(shape)}, {"output": TWO})
    assert (found.code, found.severity) == ("NS448", "warning")
    assert "0 to 255" in found.message
    assert "`normalize = unit`" in found.hint_text
    assert check_data(from_arrays(x / 255, y), {"input": Shape(shape)}, {"output": TWO}) == []


def test_rows_in_two_parts() -> None:
    x = np.random.default_rng(0).normal(size=(40, 4))
    x[20:] = x[:20]
    y = np.arange(20) % 2
    data = from_arrays(x[:30], np.arange(30) % 2, x[30:], np.arange(10) % 2)
    splits = split_dataset(data, DataSettings())
    (found,) = check_data(splits, {"input": FOUR}, {"output": TWO})
    assert (found.code, found.severity) == ("NS446", "warning")
    assert "10 of 10 test examples" in found.message
    assert "data test example 0, equal to data example 10" in found.hint_text
    three = from_arrays(np.tile(x[:20], (3, 1)), np.tile(y, 3))
    (found,) = check_data(split_dataset(three, DataSettings(val=20, test=20)), {"input": FOUR}, {"output": TWO})
    assert re.search(r"\d+ of 20 val examples and \d+ of 20 test examples are also in the training set", found.message)
    rows = range(2, 32)
    same_file = replace(data, name="t.csv", test_name="t.csv", noun="row", rows=rows, test=data.train, test_rows=rows)
    (found,) = check_data(split_dataset(same_file, DataSettings()), {"input": FOUR}, {"output": TWO})
    assert "30 of 30 test examples" in found.message and "leave `test` out" in found.hint_text
    clean = split_dataset(from_arrays(x[:20], y), DataSettings(val=4))
    assert check_data(clean, {"input": FOUR}, {"output": TWO}) == []


def test_equal_inputs_with_other_targets_are_no_duplicates() -> None:
    x = np.random.default_rng(0).normal(0, 1, (30, 4))
    data = from_arrays(x, np.zeros(30, int), x[:3], np.ones(3, int))
    (found,) = check_data(split_dataset(data, DataSettings()), {"input": FOUR}, {"output": TWO})[1:]
    assert (found.code, found.severity) == ("NS446", "warning")
    assert "3 of 3 test examples have the same inputs as examples of the training set" in found.message
    assert "duplicate" not in found.label_text + found.hint_text


def test_features_with_few_values_have_no_leak() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, (90, 3)), rng.integers(0, 2, 90)
    splits = split_dataset(from_arrays(x, y), DataSettings(val=18))
    assert "NS446" not in [found.code for found in check_data(splits, {"input": Shape((3,))}, {"output": TWO})]


def test_a_truth_table_has_no_leak() -> None:
    data = Xor().load(HERE)
    assert check_data(split_dataset(data, DataSettings()), data.facts.inputs, {"output": ends(1, "sigmoid")}) == []


def test_a_class_that_training_never_sees() -> None:
    data = vectors([0, 1, 1, 0, 3, 0, 1, 3], names=["ant", "bee", "cat", "dog"])
    splits = split_dataset(data, DataSettings(test=0))
    (found,) = check_data(splits, {"input": FOUR}, {"output": ends(4, "softmax")})
    assert (found.code, found.severity) == ("NS447", "warning")
    assert "no training example for `cat`" in found.message


# ---------------------------------------------------------------- places and the whole way


SPEC = Source("wine.net", 'input 5\ndense(2, softmax)\ndata { source = csv("t.csv", target = "y") }\n')
SOURCE_SPAN = Span(SPEC, 42, 68)


def test_a_shape_error_points_at_the_input_and_the_source(tmp_path: Path) -> None:
    facts = single(FOUR, Target.of_classes("ab"))
    place = Span(SPEC, 6, 7)
    (found,) = check_facts(
        facts, {"input": Shape((5,))}, {"output": TWO}, input_spans={"input": place}, source_span=SOURCE_SPAN
    )
    shown = render(found)
    assert found.span == place
    assert "wine.net:1:7" in shown
    assert "gives 4" in shown


def test_a_head_error_points_at_the_head_and_the_source() -> None:
    place = Span(SPEC, 8, 25)
    facts = single(FOUR, Target.of_classes("abc"))
    (found,) = check_facts(facts, {"input": FOUR}, {"output": ends(2, "softmax", span=place)}, source_span=SOURCE_SPAN)
    assert found.span == place
    assert found.notes[0].label == "gives 3 classes"


def test_a_bad_cell_is_named_by_row_and_column(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a,b,y\n1,2,n\n\n1e39,3,s\n")
    data = Csv(file="t.csv", target=("y",)).load(tmp_path)
    (found,) = check_data(split_dataset(data, DataSettings(test=0)), {"input": Shape((2,))}, {"output": TWO})
    assert found.message == "t.csv row 4, column `a`, is infinite"


def test_prepare_does_it_all() -> None:
    data = Iris().load(HERE)
    data_settings = DataSettings(val=0.2, limit=500, normalize="standard")
    splits, warnings = prepare_data(data, data_settings, {"flower": FOUR}, {"species": ends(3, "softmax")})
    assert [len(part) for part in (splits.train, splits.val, splits.test)] == [96, 24, 30]
    assert set(splits.normalization) == set(splits.train.inputs) == {"flower"}
    assert "NS422" in [d.code for d in warnings]
    assert all(not d.is_error for d in warnings)


def test_prepare_raises_everything_at_once() -> None:
    data = vectors([0, 1, 2])
    with pytest.raises(CompileError) as caught:
        prepare_data(data, DataSettings(limit=99), {"input": Shape((5,))}, {"output": TWO})
    assert {d.code for d in caught.value.diagnostics} == {"NS422", "NS430", "NS432"}


def test_prepare_tells_where_a_split_goes_wrong() -> None:
    place = Span(SPEC, 6, 7)
    with pytest.raises(CompileError) as caught:
        prepare_data(
            vectors([0, 1, 0]), DataSettings(val=10), {"input": FOUR}, {"output": TWO}, setting_spans={"val": place}
        )
    (found,) = caught.value.diagnostics
    assert (found.code, found.span) == ("NS420", place)


def test_integers_are_normalised_when_they_are_numbers() -> None:
    data = from_arrays(np.array([[1, 5], [3, 5], [1, 9], [3, 9]]), [0, 1, 1, 0])
    splits, _ = prepare_data(data, DataSettings(test=0, normalize="standard"), {"input": Shape((2,))}, {"output": TWO})
    assert splits.train.inputs["input"].tolist() == [[-1, -1], [1, -1], [-1, 1], [1, 1]]


def test_facts_of_several_targets_are_paired_by_name() -> None:
    facts = Facts({"x": FOUR}, {"digit": Target.of_classes("0123456789"), "angle": Target("numbers")})
    heads = {"angle": ends(1), "digit": ends(10, "softmax")}
    assert check_facts(facts, {"x": FOUR}, heads) == []
    (found,) = check_facts(facts, {"x": FOUR}, heads | {"digit": ends(9, "softmax")})
    assert found.code == "NS432"


@pytest.mark.parametrize("streamed", [False, True])
def test_gray_images_get_an_axis_for_the_channel_that_is_declared(tmp_path: Path, streamed: bool) -> None:
    x, y = np.random.default_rng(0).random((6, 8, 9)).astype(np.float32), np.array([0, 1] * 3)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    source = Npy(x="x.npy", y="y.npy")
    data = source.stream(tmp_path) if streamed else source.load(tmp_path)
    assert data is not None
    inputs, heads = {"input": Shape((8, 9, 1))}, {"output": TWO}
    assert check_facts(data.facts, inputs, heads) == []
    splits, _ = prepare_data(data, DataSettings(test=0, val=0, shuffle=False), inputs, heads)
    assert splits.facts.inputs == inputs
    assert np.array_equal(splits.train.loaded().inputs["input"], x[..., None])
