"""What every source promises, over the registry."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from netspec.data import sources  # noqa: F401  # fills the vocabulary
from netspec.data.dataset.dataset import Facts, Target, single
from netspec.data.errors.files import CannotRead
from netspec.language.diagnostics import Unplaced, render
from netspec.language.shape import Shape
from netspec.language.source import Source, Span
from netspec.language.vocabulary import words

HERE = Path()
BUILT_IN = (
    "digits", "iris", "wine", "breast_cancer", "diabetes", "xor", "slashes", "four_shapes", "moons", "spirals", "sine",
)  # fmt: skip


def test_the_words_are_those_of_the_language() -> None:
    expected = {
        *BUILT_IN, "mnist", "fashion_mnist", "cifar10", "csv", "parquet", "npz", "npy", "idx", "images", "text",
        "huggingface", "masks", "pairs", "shapes", "sounds", "texts", "windows",
    }  # fmt: skip
    assert {name for name, word in words("source").items() if word.__module__.startswith("netspec.")} == expected


@pytest.mark.parametrize("name", sorted(words("source")))
def test_every_source_has_a_page(name: str) -> None:
    word = words("source")[name]
    page = word.__doc__ or ""
    assert page.split("\n\n")[0].rstrip().endswith(".")
    assert f"Example: data {{ source = {name}" in page
    assert all(option.doc for option in word.options())


@pytest.mark.parametrize("name", BUILT_IN)
def test_loaded_data_are_as_the_facts_say(name: str) -> None:
    word = words("source")[name]()
    facts = word.facts(HERE)
    data = word.load(HERE)
    x, y = data.train.inputs["input"], data.train.targets["output"]
    target = facts.targets["output"]
    assert data.facts == facts
    assert len(data.train) == facts.examples == len(x) == len(y)
    assert Shape(x.shape[1:]) == facts.inputs["input"]
    assert x.dtype == "float32"
    if target.kind == "class":
        assert y.dtype == "int32"
        assert y.shape == (len(x),)
        assert sorted(set(y.tolist())) == list(range(facts.classes))
        assert len(target.names) == facts.classes
    else:
        assert y.dtype == "float32"
        assert y.shape == (len(x), target.size)
    assert all(len(names) == x.shape[1] for names in data.columns.values())


def test_facts_of_built_in_sets_load_nothing_heavy() -> None:
    """In a process of its own: importing and asking for facts brings no NumPy, scikit-learn or JAX."""
    code = (
        "import sys; from pathlib import Path; import netspec.data.settings, netspec.data.checks.network;"
        "import netspec.data.prepare; from netspec.language.vocabulary import words;"
        f"[words('source')[n]().facts(Path()) for n in {(*BUILT_IN, 'mnist', 'fashion_mnist', 'cifar10')!r}];"
        "assert not {'numpy', 'sklearn', 'jax'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_class_count_is_that_of_the_only_target_with_classes() -> None:
    three, two = Target.of_classes("abc"), Target.of_classes("no")
    assert single(Shape((4,)), three).classes == 3
    assert single(Shape((4,)), Target("numbers")).classes is None
    assert Facts({}, {"a": three, "b": Target("numbers")}).classes == 3
    assert Facts({}, {"a": three, "b": two}).classes is None


def test_take_copies_the_rows_in_the_order_asked_for() -> None:
    xor = words("source")["xor"]().load(HERE)
    part = xor.train.take([3, 1])
    assert part.inputs["input"].tolist() == [[1, 1], [0, 1]]
    assert part.targets["output"].tolist() == [[0], [1]]


def test_bad_data_becomes_a_diagnostic_at_a_place() -> None:
    bad = Unplaced(CannotRead, option="file", file="x.csv", reason="there is no such file", advice="look again")
    source = Source("a.net", 'data { source = csv("x.csv") }')
    shown = render(bad.diagnostic(Span(source, 20, 27)))
    assert bad.option == "file"
    assert "error[NS401]: cannot read x.csv: there is no such file" in shown
    assert "^^^^^^^ there is no such file" in shown
    assert "NS401" in str(bad)


def test_digits_are_images_scaled_to_one() -> None:
    data = words("source")["digits"]().load(HERE)
    x = data.train.inputs["input"]
    assert (x.min(), x.max()) == (0.0, 1.0)
    assert x[0, 0, :, 0].tolist() == [0, 0, 5 / 16, 13 / 16, 9 / 16, 1 / 16, 0, 0]  # the first row of the first digit
    assert data.where(7) == "digits image 7"


def test_iris_is_the_real_one() -> None:
    data = words("source")["iris"]().load(HERE)
    assert data.train.inputs["input"][0].tolist() == pytest.approx([5.1, 3.5, 1.4, 0.2])
    assert data.columns["input"][0] == "sepal length (cm)"
    assert data.facts.targets["output"].names == ("setosa", "versicolor", "virginica")


def test_names_stand_for_the_right_classes() -> None:
    data = words("source")["breast_cancer"]().load(HERE)
    counts = [int((data.train.targets["output"] == i).sum()) for i in (0, 1)]
    assert data.facts.targets["output"].names == ("malignant", "benign")
    assert counts == [212, 357]  # as the data set's description says


def test_xor_is_the_whole_truth_table() -> None:
    data = words("source")["xor"]().load(HERE)
    rows = zip(data.train.inputs["input"].tolist(), data.train.targets["output"][:, 0].tolist(), strict=True)
    assert all(y == (a != b) for (a, b), y in rows)
    assert data.facts.is_complete


def test_slashes_without_noise_are_two_patterns() -> None:
    word = words("source")["slashes"](noise=0.0, examples=5)
    data = word.load(HERE)
    x, y = data.train.inputs["input"][..., 0].tolist(), data.train.targets["output"].tolist()
    assert y == [0, 1, 0, 1, 0]
    assert x[0] == x[2] == [[0, 1], [1, 0]]  # "/"
    assert x[1] == x[3] == [[1, 0], [0, 1]]  # "\"
    assert data.facts.is_complete


def test_slashes_are_drawn_by_their_seed() -> None:
    first, again, other = (words("source")["slashes"](seed=seed).load(HERE).train for seed in (1, 1, 2))
    assert (first.inputs["input"] == again.inputs["input"]).all()
    assert (first.inputs["input"] != other.inputs["input"]).any()
    noise = first.inputs["input"][::2, ..., 0] - [[0, 1], [1, 0]]
    assert noise.std() == pytest.approx(0.1, rel=0.1)
