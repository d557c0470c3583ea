"""How examples are divided into folds, compared with the splitters of scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

from netspec.data.dataset.from_arrays import from_arrays
from netspec.data.settings import DataSettings
from netspec.data.splits.folds import ByTime, Grouped, Plain, Stratified
from netspec.data.splits.split import Splits, split_dataset
from netspec.language.diagnostics import CompileError, Unplaced
from netspec.language.source import Source
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import prepare


def dataset(classes: Any = None, size: int = 53, divided_by: Any = None) -> Any:
    x = np.arange(size, dtype=np.float32)[:, None]
    made = from_arrays(x, np.arange(size) * 0.37 if classes is None else np.asarray(classes))
    return replace(made, divided_by=divided_by)


def folds_of(data: Any, folds: Any, **settings: Any) -> list[Splits]:
    count = folds if isinstance(folds, int) else folds.count
    return [split_dataset(data, DataSettings(folds=folds, fold=fold, **settings)) for fold in range(1, count + 1)]


def held(splits: list[Splits]) -> list[list[int]]:
    return [np.asarray(one.test_index).tolist() for one in splits]


def check_partition(splits: list[Splits], size: int) -> None:
    """Every example is held out once, and trained on in all other folds."""
    assert sorted(row for rows in held(splits) for row in rows) == list(range(size))
    for one in splits:
        assert sorted([*one.train_index, *one.test_index]) == list(range(size))
        assert one.train.inputs["input"][:, 0].tolist() == one.train_index.tolist()
        assert one.test is not None and one.test.inputs["input"][:, 0].tolist() == one.test_index.tolist()


@pytest.mark.parametrize("count", [2, 5, 7, 53])
def test_plain_folds_have_the_sizes_of_scikit_learn(count: int) -> None:
    splits = folds_of(dataset(), Plain(count=count))
    check_partition(splits, 53)
    theirs = [len(test) for _, test in KFold(count, shuffle=True, random_state=0).split(np.zeros(53))]
    assert sorted(map(len, held(splits))) == sorted(theirs)
    assert held(splits)[0] != list(range(len(held(splits)[0]))) or count == 53
    assert held(splits) == held(folds_of(dataset(), count)), "a number stands for `plain` without classes"
    if count < 53:
        assert held(splits) != held(folds_of(dataset(), count, seed=1))


@pytest.mark.parametrize("count", [2, 3, 5])
def test_stratified_folds_have_the_classes_of_scikit_learn(count: int) -> None:
    classes = np.random.default_rng(0).choice(3, size=53, p=[0.6, 0.3, 0.1])
    splits = folds_of(dataset(classes), count)
    check_partition(splits, 53)
    ours = [np.bincount(classes[rows], minlength=3).tolist() for rows in held(splits)]
    theirs = StratifiedKFold(count, shuffle=True, random_state=0).split(classes, classes)

    assert [sum(sizes) for sizes in ours] == [len(test) for _, test in theirs]
    for one in range(3):
        sizes = [counts[one] for counts in ours]
        assert max(sizes) - min(sizes) <= 1

    assert held(splits) == held(folds_of(dataset(classes), Stratified(count=count)))


@pytest.mark.parametrize("count", [2, 4, 6])
def test_grouped_folds_have_the_sizes_of_scikit_learn_and_no_group_on_both_sides(count: int) -> None:
    groups = np.random.default_rng(1).choice(list("abcdefghij"), size=53, p=np.arange(1, 11) / 55)
    data = dataset(divided_by=groups.tolist())
    splits = folds_of(data, Grouped(count=count))
    check_partition(splits, 53)
    for one in splits:
        assert not {*groups[one.train_index]} & {*groups[one.test_index]}
    theirs = GroupKFold(count).split(np.zeros(53), groups=groups)
    assert sorted(map(len, held(splits))) == sorted(len(test) for _, test in theirs)


def test_groups_are_whole_in_the_test_and_validation_split_as_well() -> None:
    groups = np.arange(60) // 4
    data = dataset(size=60, divided_by=groups.tolist())
    splits = folds_of(data, Grouped(count=3), test=0.2, val=0.2)
    whole = split_dataset(data, DataSettings(folds=Grouped(count=3), fold=0, test=0.2))
    assert whole.test_index is not None and len(whole.test_index) == 12
    for one in splits:
        parts = [{*groups[rows]} for rows in (one.train_index, one.val_index, one.test_index, whole.test_index)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 15


@pytest.mark.parametrize(("count", "size"), [(2, 53), (5, 53), (5, 54), (52, 53)])
def test_folds_by_time_are_those_of_scikit_learn(count: int, size: int) -> None:
    splits = folds_of(dataset(size=size), ByTime(count=count))
    theirs = TimeSeriesSplit(count).split(np.zeros(size))
    for one, (train, test) in zip(splits, theirs, strict=True):
        assert one.train_index.tolist() == train.tolist() and np.asarray(one.test_index).tolist() == test.tolist()


@pytest.mark.parametrize("form", ["number", "2026-{:02d}-{:02d}"])
def test_folds_by_a_column_of_times(form: str) -> None:
    order = np.random.default_rng(2).permutation(40)
    times = [str(1.5 * t) if form == "number" else form.format(1 + t // 20, 1 + t % 20) for t in order.tolist()]
    splits = folds_of(dataset(size=40, divided_by=times), ByTime(count=3, by="when"), val=0.1)
    for one in splits:
        assert one.val_index is not None
        assert order[one.train_index].max() < order[one.val_index].min()
        assert order[one.val_index].max() < order[one.test_index].min()
    assert [order[rows].min() for rows in held(splits)] == [10, 20, 30]


def test_a_test_split_is_in_no_fold_and_the_same_as_without_folds() -> None:
    alone = split_dataset(dataset(), DataSettings(test=0.2))
    assert alone.test_index is not None
    splits = folds_of(dataset(), 4, test=0.2)
    rest = sorted(row for rows in held(splits) for row in rows)
    assert rest == np.setdiff1d(np.arange(53), alone.test_index).tolist()
    for one in splits:
        assert not {*one.train_index} & {*alone.test_index}
    x, y = np.zeros((10, 1)), np.arange(10) / 7
    own = from_arrays(x, y, x[:3] + 1, y[:3])
    for one in folds_of(own, 5):
        assert len(one.train) == 8 and one.test is not None and one.test.inputs["input"].max() == 0


def test_normalization_is_that_of_the_training_examples() -> None:
    for one in folds_of(dataset(size=20), 4, normalize="standard"):
        expected = one.train_index.mean(), one.train_index.std()
        scale = one.normalization["input"]
        np.testing.assert_allclose([scale.mean[0], scale.std[0]], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("data", "folds", "code", "text"),
    [
        (dataset(size=4), Plain(count=5), "NS600", "write at most 4 folds"),
        (dataset(size=5), ByTime(count=5), "NS600", "write at most 4 folds"),
        (dataset(divided_by=["a"] * 26 + ["b"] * 27), Grouped(count=3), "NS600", "3 folds need more than 2 groups"),
        (dataset(), Stratified(count=3), "NS601", "folds = plain(3)"),
        (dataset(), Grouped(count=3), "NS601", "groups=…"),
        (dataset(), ByTime(count=3, by="when"), "NS601", "no column `when`"),
        (dataset(divided_by=["soon"] * 53), ByTime(count=3, by="when"), "NS601", '"soon"'),
        (dataset(divided_by=["a", "", *["b"] * 51]), Grouped(count=2, by="who"), "NS601", "example 1"),
        (replace(dataset(), gap=1), Plain(count=3), "NS601", "by_time(3)"),
    ],
)
def test_what_cannot_be_divided_is_told(data: Any, folds: Any, code: str, text: str) -> None:
    with pytest.raises(Unplaced) as caught:
        split_dataset(data, DataSettings(folds=folds, fold=1))
    diagnostic = caught.value.diagnostic()
    assert diagnostic.code == code and text in f"{diagnostic.message} {diagnostic.hint_text}"


def prepared(folder: Path, data: str, **overrides: str) -> Any:
    text = f"dense(4, relu) -> dense(classes, softmax)\ndata {{\n{data}\n}}\ntrain {{ epochs = 1 }}"
    return prepare(Compilation(Source("net.net", text, folder / "net.net"), overrides=overrides))


def write_table(folder: Path, rows: list[str], header: str = "patient,color,size,kind") -> None:
    (folder / "pets.csv").write_text("\n".join([header, *rows]) + "\n")


def test_categories_are_those_of_the_training_examples(tmp_path: Path) -> None:
    """`green` occurs once: the fold that holds it out does not know it, and takes it for unknown."""
    rows = [f"p{i % 6},{'green' if i == 7 else ('red', 'blue')[i % 2]},{i},{('cat', 'dog')[i % 2]}" for i in range(24)]
    write_table(tmp_path, rows)
    spec = 'source = csv("pets.csv", target = "kind", categories = "color")\nfolds = grouped(3, by = patient)'
    whole = prepared(tmp_path, spec)
    assert whole.splits.dataset.columns["x"] == ("color = blue", "color = green", "color = red", "size")
    folds = [whole.with_fold(fold) for fold in (1, 2, 3)]
    (without,) = [fold for fold in folds if 7 in fold.splits.test_index]
    assert without.splits.dataset.columns["x"] == ("color = blue", "color = red", "size")
    assert [fold.model.inputs["x"].count for fold in folds if fold is not without] == [4, 4]
    row = without.splits.test_index.tolist().index(7)
    assert without.test.inputs["x"][row].tolist() == [0, 0, 7]
    for fold in folds:
        groups = [{f"p{i % 6}" for i in part} for part in (fold.splits.train_index, fold.splits.test_index)]
        assert not groups[0] & groups[1]
    alone = prepared(tmp_path, spec, **{"data.fold": str(folds.index(without) + 1)})
    assert alone.splits.dataset.encoder == without.splits.dataset.encoder
    assert alone.splits.train_index.tolist() == without.splits.train_index.tolist()


@pytest.mark.parametrize("stride", [4, 2])
def test_the_vocabulary_of_a_text_is_that_of_what_came_before(tmp_path: Path, stride: int) -> None:
    letters = "abab" * 10 + "cdcd" * 10 + "efef" * 10
    (tmp_path / "a.txt").write_text(letters)
    source = f'source = text("a.txt", length = 4, stride = {stride})'
    text = f"embedding(4) -> dense(classes, softmax)\ndata {{\n{source}\nfolds = by_time(2)\n}}"
    whole = prepare(Compilation(Source("net.net", text, tmp_path / "net.net")))
    for fold in (1, 2):
        made = whole.with_fold(fold).splits
        last, first = int(made.train_index.max()), int(made.test_index.min())
        assert (last * stride + 4) <= first * stride, "no character is on both sides"
        known = made.dataset.encoder.vocabulary[1:]
        assert {*letters[: last * stride + 5]} == {*known} and len(known) < 6


@pytest.mark.parametrize(
    ("data", "code", "text"),
    [
        ("folds = 3\nfold = 4", "NS602", "no fold 4"),
        ("fold = 2", "NS602", "needs `folds`"),
        ("folds = grouped(3, by = patiant)", "NS408", "did you mean `patient`?"),
        ("folds = 25", "NS600", "25 folds need more than 24"),
        ("folds = stratfied(3)", "NS2", "stratified"),
        ("folds = 1", "NS2", "a number of folds such as 5"),
    ],
)
def test_mistakes_of_a_spec_are_told(tmp_path: Path, data: str, code: str, text: str) -> None:
    write_table(tmp_path, [f"p{i % 6},red,{i},{('cat', 'dog')[i % 2]}" for i in range(24)])
    with pytest.raises(CompileError) as caught:
        prepared(tmp_path, f'source = csv("pets.csv", target = "kind", drop = ["color", "patient"])\n{data}')
    assert caught.value.diagnostics[0].code.startswith(code) and text in str(caught.value)


def test_classes_that_a_fold_lacks_are_told(tmp_path: Path) -> None:
    rows = [f"p{i // 4},red,{i},{'owl' if i < 4 else ('cat', 'dog')[i % 2]}" for i in range(24)]
    write_table(tmp_path, rows)
    source = 'source = csv("pets.csv", target = "kind", drop = ["color", "patient"])\n'
    found = prepared(tmp_path, source + "folds = stratified(5)\n").warnings
    assert [w.message for w in found if w.code == "NS603"] == ["`owl` has fewer examples than the 5 folds"]
    whole = prepared(tmp_path, source + "folds = grouped(6, by = patient)")
    found = [w for fold in range(1, 7) for w in whole.with_fold(fold).warnings if w.code == "NS603"]
    assert len(found) == 1 and "have none of `owl`" in found[0].message
