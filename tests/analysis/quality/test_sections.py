"""Sections of a report: their numbers are those of `netspec.evaluate` and scikit-learn, for every kind of output."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn import metrics

import netspec
from netspec.analysis.quality import evaluated as evaluated_module
from netspec.analysis.quality.evaluated import evaluated
from netspec.analysis.quality.sections import quality_sections
from netspec.analysis.quality.views.confusion import MAX_OF_CELL
from netspec.display.page.section import Section
from netspec.runs.evaluate_predict import open_run


def by_key(sections: list[Section]) -> dict[str, str]:
    found = {one.key: one.body for one in sections}
    assert len(found) == len(sections)
    for body in found.values():
        ElementTree.fromstring(f"<div>{body.replace(' hidden>', '>')}</div>")  # every element is closed
    return found


def value_of(body: str, metric: str) -> float:
    """A number of the table of metrics."""
    found = re.search(rf'<th scope="row">{re.escape(metric)}</th><td class="number">([^<]*)<', body)
    assert found is not None, metric
    return float(found[1].rstrip("%")) / (100 if found[1].endswith("%") else 1)


def test_classes(digits: Path) -> None:
    found = by_key(quality_sections(digits))
    assert [*found] == ["quality", "classes", "mistakes", "probabilities"]
    measured = netspec.evaluate(digits)
    assert value_of(found["quality"], "accuracy") == pytest.approx(measured["test_accuracy"], abs=1e-4)
    assert value_of(found["quality"], "cross-entropy") == pytest.approx(measured["test_loss"], abs=1e-3)
    matrix = np.array(measured["test_confusion_matrix"])
    counts = re.findall(r'<td class="(?:right|wrong|zero)[^>]*>(?:<button[^>]*>)?([\d,]+)<', found["mistakes"])
    np.testing.assert_array_equal(np.array([int(text) for text in counts]).reshape(10, 10), matrix)
    of_class = re.findall(r'<th scope="row">\d</th>' + r'<td class="number">([^<]*)</td>' * 4, found["classes"])
    wanted = metrics.classification_report(*_pairs(digits), output_dict=True, zero_division=0)
    for digit, row in enumerate(of_class):
        report = wanted[str(digit)]
        expected = [report[name] for name in ("precision", "recall", "f1-score", "support")]
        assert [float(text) for text in row] == pytest.approx(expected, abs=1e-4)
    assert len(of_class) == 10 and sum(map(len, found.values())) < 250_000


def _pairs(run: Path) -> tuple[np.ndarray, np.ndarray]:
    of = evaluated(run)
    assert of is not None
    return of.outcomes["output"].expected, of.outcomes["output"].decided


def test_every_count_shows_examples_of_its_cell(digits: Path) -> None:
    body = by_key(quality_sections(digits))["mistakes"]
    expected, decided = _pairs(digits)
    panels = re.split(r'<div id="cell-', body)[1:]
    assert len(panels) == len({(a, b) for a, b in zip(expected.tolist(), decided.tolist(), strict=True)})
    of = evaluated(digits)
    assert of is not None
    cells = {of.examples.name(n): (expected[n], decided[n]) for n in range(of.total)}
    shown = [re.findall(r'title="([^"]*)"', panel.partition("</ul>")[0]) for panel in panels]
    for panel, names in zip(panels, shown, strict=True):
        true, guess = (int(text) for text in re.findall(r"^(\d)-(\d)", panel)[0])
        assert 1 <= len(names) <= MAX_OF_CELL and {cells[name] for name in names} == {(true, guess)}
    assert sum(map(len, shown)) <= 200


def test_numbers_and_columns(homes: Path) -> None:
    found = by_key(quality_sections(homes))
    assert [*found] == ["quality", "errors", "columns"]
    measured = netspec.evaluate(homes)
    for name, key in (("RMSE", "rmse"), ("MAE", "mae"), ("R²", "r2")):
        assert value_of(found["quality"], name) == pytest.approx(measured[f"test_{key}"], rel=1e-3)
    text = unescape(found["columns"])
    assert "most depends on area" in text and "city: Basel" in text and "area: above" in text
    charts = [title.split(". ")[0] for title in re.findall(r"<svg[^>]*><title>([^<]*)<", found["errors"])]
    assert charts == [
        "Predicted and true",
        "Errors by prediction",
        "Errors",
        "Quantiles of the errors (Q-Q)",
        "Size of the errors",
    ]


def test_each_of_several_outputs_has_its_sections(two: Path) -> None:
    sections = quality_sections(two)
    found = by_key(sections)
    assert [*found] == [
        *(f"{key}-price" for key in ("quality", "errors", "columns")),
        *(f"{key}-is_large" for key in ("quality", "classes", "mistakes", "probabilities", "columns")),
    ]
    assert sections[0].title == "price: quality"
    measured = netspec.evaluate(two)
    quality = found["quality-is_large"]
    assert value_of(quality, "ROC AUC") == pytest.approx(measured["test_is_large_roc_auc"], abs=1e-4)
    assert value_of(quality, "accuracy") == pytest.approx(measured["test_is_large_accuracy"], abs=1e-4)
    assert value_of(found["quality-price"], "RMSE") == pytest.approx(measured["test_price_rmse"], rel=1e-3)
    assert "Threshold of yes" in found["probabilities-is_large"]


RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 6)).astype(np.float32)
IMAGES = RNG.random((60, 6, 6, 1)).astype(np.float32)
IDS = RNG.integers(0, 7, (60, 5))
YES = (X[:, 0] > 0).astype(int)
OF_CLASSES = ["quality", "classes", "mistakes", "probabilities"]


@pytest.mark.parametrize(
    ("spec", "data", "keys"),
    [
        (
            "input 6\ndense(3, sigmoid)",
            (X, (X[:, :3] > 0).astype(np.float32)),
            ["quality", "mistakes", "probabilities", "columns"],
        ),
        ("input 6x6x1\nconv(1, 3x3)\ndata { target = input }", IMAGES, ["quality", "errors"]),
        ("input 5 tokens(7)\nembedding(4) -> dense(7, softmax)", (IDS, (IDS + 1) % 7), OF_CLASSES),
        ("input 6\ndense(4)\ntrain { loss = contrastive }", (X, YES), []),
        ("input 6\ndense(1)\ntrain { loss = hinge }", (X, YES), [*OF_CLASSES, "columns"]),
        (
            "input a: 6x6x1\ninput b: 6x6x1\n(a | b) -> concat -> flatten -> dense(1, sigmoid)",
            ({"a": IMAGES, "b": IMAGES[::-1]}, {"output": YES}),
            OF_CLASSES,
        ),
    ],
    ids=["labels", "images", "steps", "embeddings", "scores", "two images"],
)
def test_every_kind_of_output_has_sections_or_none(tmp_path: Path, spec: str, data: object, keys: list[str]) -> None:
    run = netspec.train(spec, data, runs=tmp_path, epochs=1, verbose=0).run
    assert [*by_key(quality_sections(run, data=data))] == keys


def test_without_data_a_note_says_why(homes: Path, folder: Path) -> None:
    table = folder / "homes.csv"
    table.rename(folder / "moved.csv")
    try:
        (section,) = quality_sections(homes)
    finally:
        (folder / "moved.csv").rename(table)
    assert section.key == "quality" and "homes.csv" in section.body and "notice" in section.body


def test_without_a_test_split_the_validation_split_is_shown(homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment, weights = open_run(homes)
    splits = experiment.splits
    held_out = replace(splits, test=None, test_index=None, val=splits.test, val_index=splits.test_index)
    nothing = replace(splits, test=None, test_index=None)
    for own, split in ((held_out, "val"), (nothing, None)):
        changed = experiment.with_splits(own), weights
        monkeypatch.setattr(evaluated_module, "open_run", lambda *_, changed=changed: changed)
        of = evaluated(homes)
        assert (of.split if of is not None else None) == split
    assert quality_sections(homes) == []


def test_colors_of_mistakes_are_relative_to_the_most_frequent_one(digits: Path) -> None:
    body = by_key(quality_sections(digits))["mistakes"]
    cells = re.findall(r'<td class="(right|wrong) s(\d)"[^>]*>(?:<button[^>]*>)?([\d,]+)<', body)
    matrix = np.array(netspec.evaluate(digits)["test_confusion_matrix"])
    fractions = matrix / matrix.sum(axis=1, keepdims=True)
    wrong = fractions * (1 - np.eye(10))
    for kind, found in (("right", np.diag(fractions)), ("wrong", wrong / wrong.max())):
        levels = [int(level) for name, level, _ in cells if name == kind]
        assert levels == np.ceil(8 * found[found > 0].round(9)).astype(int).tolist()
    assert "No group" not in body and f"{100 * wrong.max():.2g}%" in body
