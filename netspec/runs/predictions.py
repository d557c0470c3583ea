"""The predictions for some examples: plain values, and a table of them for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from netspec.data.formats.table_files import TableFile
from netspec.language.diagnostics import Diagnostic, Diagnostics
from netspec.spec.model import Model

MAX_ROWS = 10
"""Examples that are shown; the last line says how many there are."""
MAX_NUMBERS = 6


@dataclass(frozen=True, repr=False)
class Predictions:
    """The predictions for some examples.

    `classes` has the name of the most probable class of each example, `probabilities` an array with a column for each
    of `class_names` (for a yes/no output two), `values` the numbers of an output without classes; with several outputs
    they are dicts by output. `to_dicts()` gives a plain dict for each example.

    `outputs` has an array by output, examples first: probabilities after a softmax or sigmoid, plain numbers otherwise.
    `examples` has `{"input", "outputs": {name: …}}` for each example. An output with classes has `class` and
    `probabilities` by name; one with a class at each time step has `classes` (trained with `ctc`, the sequence that
    they spell); a yes/no output has `answer`, and the `probability` of `yes`, the name of the second class; others have
    `values`, and `targets` by name where they are columns of a table. For a text it is the class that comes next.
    `warnings` are about the inputs; `model` made the predictions; `table` is the file of the examples where they are
    the rows of one; `target_columns` has the names of the target columns by output.
    """

    outputs: Mapping[str, Any]
    examples: Sequence[dict[str, Any]]
    warnings: Sequence[Diagnostic]
    model: Model
    table: TableFile | None = None
    target_columns: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def classes(self) -> Any:
        """The predicted class of each example, by name; of a sequence a list of them."""
        return self._of_each({"class": "class", "answer": "answer", "classes": "classes"}, "classes")

    @property
    def class_names(self) -> Any:
        """The names of the classes, in the order of the columns of `probabilities`."""
        names = {output: self._names(self.examples[0]["outputs"][output]) for output in self.outputs}
        return self._plain({output: found for output, found in names.items() if found}, "classes")

    @property
    def probabilities(self) -> Any:
        """An array of shape examples x classes."""
        shown = self.examples[0]["outputs"]
        arrays = {
            name: np.concatenate([1 - array, array], axis=1) if "answer" in shown[name] else array
            for name, array in self.outputs.items()
            if "values" not in shown[name]
        }
        return self._plain(arrays, "probabilities")

    @property
    def values(self) -> Any:
        """The numbers of an output without classes, an array with examples first."""
        shown = self.examples[0]["outputs"]
        return self._plain({k: array for k, array in self.outputs.items() if "values" in shown[k]}, "values")

    def to_dicts(self) -> list[dict[str, Any]]:
        """A plain dict for each example, ready for JSON or a data frame: `input`, and what `examples` has of the
        output; with several outputs that of each under its name."""
        if len(self.outputs) == 1:
            return [{"input": one["input"], **next(iter(one["outputs"].values()))} for one in self.examples]
        return [{"input": one["input"], **one["outputs"]} for one in self.examples]

    def _of_each(self, keys: Mapping[str, str], what: str) -> Any:
        found = {}
        for output in self.outputs:
            shown = self.examples[0]["outputs"][output]
            key = next((key for key in keys if key in shown), None)
            if key is not None:
                found[output] = [one["outputs"][output][key] for one in self.examples]
        return self._plain(found, what)

    def _plain(self, found: Mapping[str, Any], what: str) -> Any:
        """That of the only output, or a dict by output.

        Raises:
            AttributeError: no output has it.
        """
        if not found:
            raise AttributeError(f"the predictions have no {what}: use `.outputs`, the arrays by output")
        return next(iter(found.values())) if len(self.outputs) == 1 else dict(found)

    @staticmethod
    def _names(shown: Mapping[str, Any]) -> list[str]:
        if "answer" in shown:
            return [shown["no"], shown["yes"]]
        return list(shown.get("probabilities", ()))

    # ------------------------------------------------------------ for people

    def __repr__(self) -> str:
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)).rstrip() for row in rows]
        lines = [*lines, *([f"… {len(self):,} predictions"] if len(self) > MAX_ROWS else [])]
        return "\n".join([*map(repr, self.warnings), *lines])

    def _repr_html_(self) -> str:
        head, *rows = self._rows()
        cells = "".join(f"<th style='text-align:left'>{escape(cell)}</th>" for cell in head)
        body = ""
        for row in rows:
            body += "<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in row) + "</tr>"
        more = f"<p>… {len(self):,} predictions</p>" if len(self) > MAX_ROWS else ""
        warnings = Diagnostics(self.warnings)._repr_html_() if self.warnings else ""
        return f"{warnings}<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>{more}"

    def _rows(self) -> list[list[str]]:
        head = ["input", *("prediction" if len(self.outputs) == 1 else name for name in self.outputs)]
        rows = [head]
        for example in self.examples[:MAX_ROWS]:
            rows.append([example["input"][:60], *(_text(example["outputs"][name]) for name in self.outputs)])
        return rows


def _text(shown: Mapping[str, Any]) -> str:
    if "class" in shown:
        return f"{shown['class']} ({100 * shown['probabilities'][shown['class']]:.1f}%)"
    if "answer" in shown:
        yes = shown["probability"]
        return f"{shown['answer']} ({100 * (yes if shown['answer'] == shown['yes'] else 1 - yes):.1f}%)"
    if "classes" in shown:
        return " ".join(shown["classes"])[:60]
    numbers = np.asarray(shown["values"]).reshape(-1)
    return " ".join(f"{number:.6g}" for number in numbers[:MAX_NUMBERS]) + (" …" if numbers.size > MAX_NUMBERS else "")
