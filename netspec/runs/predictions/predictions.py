"""The predictions for some examples: plain values, and a table of them for people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any

import numpy as np

from netspec.data.formats.tables.table_files import TableFile
from netspec.data.predict.rows import Forecast, Identities
from netspec.display.text import areas_text
from netspec.language.diagnostics import Diagnostic, Diagnostics, fail
from netspec.runs.predictions.intervals import ENDS, Described
from netspec.spec.model import Model
from netspec.training.control.conformal import percent
from netspec.training.errors.intervals import NoIntervals

MAX_ROWS = 10
"""Examples that are shown; the last line says how many there are."""
MAX_NUMBERS = 6
INTEGER = re.compile(r"0|-?[1-9]\d*")
"""An integer as Python writes it."""


@dataclass(frozen=True, repr=False)
class Predictions:
    """The predictions for some examples.

    `classes` has the name of the most probable class of each example, `probabilities` an array with a column for each
    of `class_names` (for a yes/no output two), `masks` the class ids of the pixels, `values` the numbers of an output
    without classes; with several outputs they are dicts by output. Classes whose names are all integers are integers,
    as in the data. `to_dicts()` gives a plain dict for each example.

    `outputs` has an array by output, examples first: probabilities after a softmax or sigmoid, plain numbers otherwise.
    `examples` has `{"input", "outputs": {name: …}}` for each example. An output with classes has `class` and
    `probabilities` by name; one with a class at each time step has `classes` (trained with `ctc`, the sequence that
    they spell, or the `text`, where targets are texts); one with a class at each pixel has the `mask`, an array of ids
    (in `to_dicts()` a list of rows), and the `areas` of the classes, as fractions of the image; a yes/no output has
    `answer`, the `probability` of `yes`, the name of the second class, and the `threshold` above which the answer is
    yes where it is not 0.5; others have `values`, and `targets` by name where they are columns of a table; where
    numbers have intervals, `interval` has the `level` and the ends `low` and `high` in the shape of `values`, and there
    are `quantiles` or the standard deviation, `std`, with the losses that predict them. For a text it is the class that
    comes next.
    `warnings` are about the inputs; `model` made the predictions; `table` is the file of the examples where they are
    the rows of one; `forecasts` say of windows over series which times are predicted, and `examples` have `forecast`
    then: a dict for each time, with the target columns by name; `target_columns` has the names of the target columns
    by output; `identities` are what tables call the examples, where that is neither in `table` nor a number.
    """

    outputs: Mapping[str, Any]
    examples: Sequence[dict[str, Any]]
    warnings: Sequence[Diagnostic]
    model: Model
    table: TableFile | None = None
    target_columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    forecasts: Sequence[Forecast] | None = None
    described: Mapping[str, Described] = field(default_factory=dict)
    identities: Identities | None = None

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def classes(self) -> Any:
        """The predicted class of each example; of a sequence a list of them, or a text."""
        return self._of_each({"class": "class", "answer": "answer", "classes": "classes", "text": "text"}, "classes")

    @property
    def masks(self) -> Any:
        """The class id of each pixel, an array of shape examples x height x width."""
        shown = self.examples[0]["outputs"]
        found = {
            name: np.stack([one["outputs"][name]["mask"] for one in self.examples])
            for name in self.outputs
            if "mask" in shown[name]
        }
        return self._plain(found, "masks")

    @property
    def class_names(self) -> Any:
        """The names of the classes, in the order of the columns of `probabilities`."""
        shown = self.examples[0]["outputs"]
        names = {k: [*shown[k].get("probabilities", shown[k].get("areas", ()))] for k in self.outputs}
        return self._plain({output: self._labels(output, found) for output, found in names.items() if found}, "classes")

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

    def intervals(self, level: float | None = None) -> Any:
        """The lower and the upper ends of the prediction intervals, two arrays in the shape of `values`; of a network
        with several outputs such a pair by output.

        Args:
            level: the probability that a target is inside, such as 0.9; None: that of the quantiles, of the setting
                `interval` of the spec, or 0.9.

        Raises:
            CompileError: there is no interval, or not of this level (NS651, NS652).
        """
        if not self.described:
            are_numbers = any("values" in shown for shown in self.examples[0]["outputs"].values())
            raise fail(NoIntervals(case="point" if are_numbers else "classes"))
        ends = {name: one.bounds(level) for name, one in self.described.items()}
        return self._plain({name: pair for name, pair in ends.items() if pair is not None}, "intervals")

    @property
    def quantiles(self) -> Any:
        """The predicted quantiles, trained with the loss `quantile`, in ascending order: an array of shape examples x
        targets x quantiles."""
        found = {name: one.parameters for name, one in self.described.items()}
        return self._plain({k: v["quantiles"] for k, v in found.items() if "quantiles" in v}, "quantiles")

    @property
    def std(self) -> Any:
        """The predicted standard deviations, trained with the loss `gaussian`, an array in the shape of `values`."""
        found = {name: one.parameters for name, one in self.described.items()}
        return self._plain({k: v["std"] for k, v in found.items() if "std" in v}, "standard deviations")

    def forecast_rows(self) -> list[dict[str, Any]]:
        """A plain dict for each time that is forecast, ready for a data frame: the series, where there are several, the
        time, and the target columns by name, and where there are intervals the ends of these, such as `load_low` and
        `load_high`; empty where the examples are not windows over series."""
        rows = []
        for example, forecast in zip(self.examples, self.forecasts or (), strict=False):
            shown = next(iter(example["outputs"].values()))
            start: dict[str, Any] = {} if forecast.series is None else {"series": forecast.series}
            if "forecast" in shown:
                start |= {"after": forecast.since} if self._repeats else {}
                rows += [{**start, **row} for row in shown["forecast"]]
            elif "time" in shown:
                rows.append(
                    {**start, "time": shown["time"], forecast.targets[0]: shown.get("class", shown.get("answer"))}
                )
        return rows

    @property
    def _repeats(self) -> bool:
        """Whether a series has several forecasts."""
        names = [forecast.series for forecast in self.forecasts or ()]
        return len({*names}) < len(names)

    def to_dicts(self) -> list[dict[str, Any]]:
        """A plain dict for each example, ready for JSON or a data frame: `input`, and what `examples` has of the
        output; with several outputs that of each under its name."""
        found = []
        for one in self.examples:
            shown = {name: self._with_labels(name, output) for name, output in one["outputs"].items()}
            found.append({"input": one["input"], **(next(iter(shown.values())) if len(shown) == 1 else shown)})
        return found

    def _with_labels(self, output: str, shown: Mapping[str, Any]) -> dict[str, Any]:
        """What is shown of an output, with its classes as in the data."""
        labels: dict[str, Any] = {
            k: self._labels(output, shown[k]) for k in ("class", "answer", "classes") if k in shown
        }
        if isinstance(shown.get("true"), str):
            labels["true"] = self._labels(output, shown["true"])
        for key in {"probabilities", "areas"} & {*shown}:
            labels[key] = dict(zip(self._labels(output, [*shown[key]]), shown[key].values(), strict=True))
        plain = {"mask": shown["mask"].tolist()} if "mask" in shown else {}
        return {**shown, **labels, **plain}

    def _labels(self, output: str, names: Any) -> Any:
        """The name of a class, or several, as integers where all classes of the output have them as names."""
        if output not in self._with_integers:
            return names
        return int(names) if isinstance(names, str) else [int(name) for name in names]

    @cached_property
    def _with_integers(self) -> frozenset[str]:
        """The outputs whose classes are all called by integers; those without names are, but for yes and no."""
        named = self.model.preprocessing.class_names if self.model.preprocessing is not None else {}
        shown = self.examples[0]["outputs"]
        return frozenset(
            output
            for output in self.outputs
            if all(map(INTEGER.fullmatch, named[output] if output in named else shown[output].get("probabilities", ())))
        )

    def _of_each(self, keys: Mapping[str, str], what: str) -> Any:
        found = {}
        for output in self.outputs:
            shown = self.examples[0]["outputs"][output]
            key = next((key for key in keys if key in shown), None)
            if key is not None:
                found[output] = [self._labels(output, one["outputs"][output][key]) for one in self.examples]
        return self._plain(found, what)

    def _plain(self, found: Mapping[str, Any], what: str) -> Any:
        """That of the only output, or a dict by output.

        Raises:
            AttributeError: no output has it.
        """
        if not found:
            raise AttributeError(f"the predictions have no {what}: use `.outputs`, the arrays by output")
        return next(iter(found.values())) if len(self.outputs) == 1 else dict(found)

    # ------------------------------------------------------------ for people

    def __repr__(self) -> str:
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)).rstrip() for row in rows]
        lines = [*lines, *([self._more] if len(self) > MAX_ROWS else [])]
        return "\n".join([*map(repr, self.warnings), *lines])

    def _repr_html_(self) -> str:
        head, *rows = self._rows()
        cells = "".join(f"<th style='text-align:left'>{escape(cell)}</th>" for cell in head)
        body = ""
        for row in rows:
            body += "<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in row) + "</tr>"
        more = f"<p>{self._more}</p>" if len(self) > MAX_ROWS else ""
        warnings = Diagnostics(self.warnings)._repr_html_() if self.warnings else ""
        return f"{warnings}<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>{more}"

    @property
    def _more(self) -> str:
        return f"… {len(self) - MAX_ROWS:,} more of {len(self):,} predictions"

    def _rows(self) -> list[list[str]]:
        first = self.examples[0]["outputs"]
        head = ["input"]
        for name in self.outputs:
            head += first[name].get("targets", ["prediction" if len(self.outputs) == 1 else name])
        rows = [head]
        for example in self.examples[:MAX_ROWS]:
            cells = (_cells(example["outputs"][name]) for name in self.outputs)
            rows.append([example["input"][:60], *(cell for one in cells for cell in one)])
        return rows


def _cells(shown: Mapping[str, Any]) -> list[str]:
    """The cells of an output: one for each target column that has a name, otherwise a single one."""
    if "targets" not in shown:
        return [_text(shown)]
    return [
        f"{number:.6g}{ends}" for number, ends in zip(shown["targets"].values(), interval_texts(shown), strict=True)
    ]


def interval_texts(shown: Mapping[str, Any]) -> list[str]:
    """What follows each number of an output: its interval, such as ` (90%: 12 to 19)`, or nothing."""
    values, interval = np.asarray(shown["values"]), shown.get("interval")
    if interval is None:
        return [""] * values.size
    ends = (np.asarray(interval[end]).reshape(-1) for end in ENDS)
    return [f" ({percent(interval['level'])}: {low:.6g} to {high:.6g})" for low, high in zip(*ends, strict=True)]


def _text(shown: Mapping[str, Any]) -> str:
    if "class" in shown:
        return f"{shown['class']} ({100 * shown['probabilities'][shown['class']]:.1f}%)"
    if "answer" in shown:
        yes = shown["probability"]
        return f"{shown['answer']} ({100 * (yes if shown['answer'] == shown['yes'] else 1 - yes):.1f}%)"
    if "areas" in shown:
        return areas_text(shown["areas"])
    if "text" in shown:
        return str(shown["text"])[:60]
    if "classes" in shown:
        return " ".join(shown["classes"])[:60]
    numbers = np.asarray(shown["values"]).reshape(-1)
    texts = [f"{number:.6g}{ends}" for number, ends in zip(numbers, interval_texts(shown), strict=True)]
    return " ".join(texts[:MAX_NUMBERS]) + (" …" if numbers.size > MAX_NUMBERS else "")
