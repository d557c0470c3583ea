"""Figures of each class with the names of the classes, and the exit status of expectations about new figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netspec.cli.main import run
from netspec.display.class_tables import table_text
from netspec.display.metric_text import metric_text

NAMES = {"output": ["cat", "dog", "a very long name"]}


def test_a_confusion_matrix_has_the_names_of_the_classes() -> None:
    text = table_text("test_confusion_matrix", [[10, 0, 1], [2, 300, 0], [0, 0, 5]], NAMES)
    head, *lines = text.splitlines()
    assert head == "test_confusion_matrix (rows: true class, columns: prediction)"
    assert [line.split() for line in lines] == [
        ["cat", "dog", "a", "very", "lo…"],
        ["cat", "10", "0", "1"],
        ["dog", "2", "300", "0"],
        ["a", "very", "long", "name", "0", "0", "5"],
    ]
    assert len({len(line) for line in lines}) == 1, "columns end below each other"


def test_classes_without_names_have_numbers() -> None:
    lines = table_text("val_confusion_matrix", [[1, 22], [3, 4]], {}).splitlines()
    assert lines[1:] == ["     0  1", "  0  1 22", "  1  3  4"]
    assert table_text("test_recall_per_class", [0.5, 1.0], {}).splitlines()[1:] == ["  0 0.5000", "  1 1.0000"]


def test_a_figure_of_each_class() -> None:
    lines = table_text("test_f1_per_class", [0.25, 1.0, 0.0, 0.5], NAMES).splitlines()
    assert lines == [
        "test_f1_per_class",
        "  cat              0.2500",
        "  dog              1.0000",
        "  a very long name 0.0000",
        "  3                0.5000",
    ]


def test_names_of_the_output_that_a_figure_is_of() -> None:
    names = {"animal": ["cat", "dog"], "size": ["small", "large"]}
    assert "dog" in table_text("test_animal_recall_per_class", [0.5, 1.0], names)
    assert "large" in table_text("test_size_confusion_matrix", [[1, 2], [3, 4]], names)


def test_of_many_classes_the_most_frequent_mistakes_are_shown() -> None:
    rows = np.diag(np.full(30, 9)).tolist()
    assert table_text("test_confusion_matrix", rows, {}) == "test_confusion_matrix: no errors"
    rows[3][7], rows[8][2] = 4, 15
    lines = table_text("test_confusion_matrix", rows, {"output": [f"class {i}" for i in range(30)]}).splitlines()
    assert lines[1:] == ["      15  class 8, taken for class 2", "       4  class 3, taken for class 7"]


@pytest.mark.parametrize("columns", ["60", "80"])
@pytest.mark.parametrize(("classes", "length"), [(26, 1), (26, 40), (12, 40), (5, 60), (28, 200)])
def test_tables_of_classes_fit_into_the_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: str, classes: int, length: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    names = {"output": [f"{chr(ord('a') + i % 26)}{'x' * (length - 1)}" for i in range(classes)]}
    counts = [[10 * i + j if i != j + 1 else 0 for j in range(classes)] for i in range(classes)]
    title, *lines = table_text("test_confusion_matrix", counts, names).splitlines()
    assert title.startswith("test_confusion_matrix") and max(map(len, lines)) <= int(columns)
    blocks = "\n".join(lines).split("\n\n")
    heads = [head for block in blocks for head in block.splitlines()[0].split()]
    assert heads == (names["output"] if length == 1 else [str(i + 1) for i in range(classes)])
    rows: list[list[str]] = [[] for _ in range(classes)]
    for block in blocks:
        head, *body = block.splitlines()
        for row, line in zip(rows, body, strict=True):
            row += line.split()[-len(head.split()) :]
    zero = "." if classes > 10 else "0"
    assert rows == [[str(value or zero) for value in row] for row in counts]
    per_class = table_text("test_f1_per_class", [0.5] * classes, names).splitlines()
    assert max(map(len, per_class)) <= int(columns) and len(per_class) == classes + 1


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("val_accuracy", 0.5, "50.00%"),
        ("test_digit_top_5", 0.123, "12.30%"),
        ("val_accuracy_macro", 1, "100.00%"),
        ("mape", 0.07, "7.00%"),
        ("error_rate", 1.5, "150.00%"),
        ("val_f1_macro", 0.5, "0.5000"),
        ("roc_auc", 0.75, "0.7500"),
        ("val_loss", 0.5, "0.5000"),
    ],
)
def test_figures_as_people_read_them(name: str, value: float, text: str) -> None:
    assert metric_text(name, value) == text


SPEC = """
input 4
dense(16, relu) -> dense(classes, softmax)
data {
    source = iris
    normalize = standard
    class_weights = balanced
}
train {
    epochs = 20
    optimizer = adam(0.03)
    loss = cross_entropy(smoothing = 0.05)
    metrics = top(2) -> f1(macro) -> recall(per_class) -> confusion_matrix -> roc_auc
}
expect {
    test_top_2 >= 95%
    test_f1_macro > 0.8
    test_roc_auc > 0.9
}
"""


def test_a_run_and_its_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("iris.net").write_text(SPEC)
    assert run(["train", "iris.net"]) == 0
    trained = capsys.readouterr().out
    assert run(["eval", "runs/iris-1"]) == 0
    evaluated = capsys.readouterr().out
    for text in (trained, evaluated):
        assert "  versicolor" in text and "test_recall_per_class" in text and "test_top_2" in text
    # and the same with what cannot be met
    Path("iris.net").write_text(SPEC.replace("test_f1_macro > 0.8", "test_f1_macro > 0.99999"))
    assert run(["train", "iris.net", "-D", "train.epochs=1"]) == 1
    message = capsys.readouterr().err
    assert "NS229" in message and "expected test_f1_macro > 0.99999, but it is 0." in message


def test_expectations_about_figures_that_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = "    test_f2_macro > 0\n    test_f1_macro > 80\n    test_top_2 >= 95%"
    Path("iris.net").write_text(SPEC.replace("    test_top_2 >= 95%", wrong))
    assert run(["check", "iris.net"]) == 1
    message = capsys.readouterr().err
    assert "did you mean `test_f1_macro`?" in message
    assert "for 80 percent write `80%`" in message
    assert message.count("error[") == 2
