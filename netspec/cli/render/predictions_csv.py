"""Answers as a table in CSV, as competitions and spreadsheets take them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netspec.runs.evaluate_predict import Predictions


def answers_csv(found: Predictions, *, label: str | None, probabilities: bool) -> str:
    """A row for each example: what it is called, and what the network says of it.

    Args:
        found: the answers.
        label: what the only answer is called; None: as in the data of the run.
        probabilities: those of the classes instead of the most probable one.
    """
    rows = [_cells(answer["outputs"], found.labels, label, probabilities) for answer in found.answers]
    heads = list(rows[0])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([found.identities.column, *heads])
    writer.writerows(
        [name, *(row[head] for head in heads)] for name, row in zip(found.identities.names, rows, strict=True)
    )
    return text.getvalue()


def _cells(
    outputs: Mapping[str, Mapping[str, Any]], labels: Mapping[str, Sequence[str]], label: str | None, shares: bool
) -> dict[str, str]:
    """The cells of an example by column."""
    cells: dict[str, str] = {}
    for output, answer in outputs.items():
        names = [label] if label is not None and len(outputs) == 1 else labels.get(output) or [_usual(output)]
        front = "" if len(outputs) == 1 else f"{output} "
        if "values" in answer:
            cells |= _numbers(names, answer["values"])
        elif "classes" in answer:
            cells[names[0]] = " ".join(answer["classes"])
        elif not shares:
            cells[names[0]] = answer["class"] if "class" in answer else answer["answer"]
        elif "probability" in answer:
            cells[names[0]] = _number(answer["probability"])
        else:
            cells |= {front + name: _number(share) for name, share in answer["probabilities"].items()}
    return cells


def _usual(output: str) -> str:
    return "label" if output == "output" else output


def _numbers(names: Sequence[str], values: Any) -> dict[str, str]:
    """The numbers of an output, each under its name, or under that of the output and its place."""
    flat = _flat(values)
    if len(names) != len(flat):
        names = [f"{names[0]}_{place}" for place in range(1, len(flat) + 1)]
    return {name: _number(value) for name, value in zip(names, flat, strict=True)}


def _flat(values: Any) -> list[float]:
    return [number for value in values for number in _flat(value)] if isinstance(values, list) else [values]


def _number(value: float) -> str:
    return f"{value:.7g}"
