"""Predictions in the terminal: a line for each example, and a summary of many."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netspec.cli.render.prediction_images import image_text, is_image
from netspec.display.text import areas_text, plural, table_lines
from netspec.language.text import printable, truncated, wrap
from netspec.runs.predictions.predictions import interval_texts

if TYPE_CHECKING:
    from netspec.runs.predictions.predictions import Predictions

MAX_EXAMPLES = 20
"""More examples are summed up."""
FIRST = 5
"""Examples that have a line when there are more."""
MAX_RANKED = 3
"""Classes that are named with their probabilities."""
MAX_NUMBERS = 12
"""Numbers of an array that are shown."""
MAX_CLASSES = 30
"""Rows of the summary of an output with classes."""


def prediction_lines(predictions: Predictions, width: int, *, every: bool) -> Iterator[str]:
    """A line for each example; for many the first ones and a summary, unless `every` one is wanted."""
    columns, count = predictions.target_columns, len(predictions)
    is_summed_up = count > MAX_EXAMPLES and not every
    for example in predictions.examples[: FIRST if is_summed_up else count]:
        shown_first = next(iter(example["outputs"].values()))
        if "forecast" in shown_first:
            yield from _forecast_lines(example["input"], shown_first["forecast"])
            continue
        outputs = example["outputs"].items()
        texts = (_text(name, shown, columns.get(name, ())) + _true_text(shown) for name, shown in outputs)
        yield from wrap(printable(f"{example['input']}: " + "; ".join(texts)), width, "    ")
    if not is_summed_up:
        return
    yield f"… {count - FIRST:,} more: --all prints them, -o FILE.csv writes a table"
    for output in predictions.outputs:
        yield ""
        shown = [example["outputs"][output] for example in predictions.examples]
        yield from _summary(output, shown, columns.get(output, ()), width)


def _forecast_lines(name: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The times of a forecast in lines, below the name of its window."""
    yield printable(f"{name}:")
    shown = [[str(cell) if key == "time" else _number(cell) for key, cell in row.items()] for row in rows]
    yield from (f"    {printable(line)}" for line in table_lines([[*rows[0]], *shown]))


def _text(output: str, shown: Mapping[str, Any], columns: Sequence[str]) -> str:
    """The prediction of an output for an example: `Survived = yes (yes 88.1%)`, `price = 182000`."""
    prefix = "" if output == "output" else f"{output} = "
    if "values" not in shown and columns:
        prefix = f"{columns[0]} = "
    if "areas" in shown:
        return prefix + areas_text(shown["areas"])
    if "text" in shown:
        return f"{prefix}{shown['text']}"
    if "classes" in shown:
        return prefix + " ".join(shown["classes"])
    if "class" in shown:
        ranked = sorted(shown["probabilities"].items(), key=lambda item: -item[1])[:MAX_RANKED]
        return prefix + f"{shown['class']} ({', '.join(f'{name} {_percent(share)}' for name, share in ranked)})"
    if "probability" in shown:
        above = f", threshold {_percent(shown['threshold'])}" if "threshold" in shown else ""
        return prefix + f"{shown['answer']} ({shown['yes']} {_percent(shown['probability'])}{above})"
    if "tags" in shown:
        likely = [name for name, share in shown["tags"].items() if share > 0.5]
        shares = ", ".join(f"{name} {_percent(share)}" for name, share in shown["tags"].items())
        return (f"{columns[0]} = " if columns else prefix) + f"{' '.join(likely) or 'none'} ({shares})"
    values = np.asarray(shown["values"])
    if values.size == len(columns) or ("interval" in shown and values.size == 1):
        numbers = zip(values.reshape(-1), interval_texts(shown), strict=True)
        names = [f"{name} = " for name in columns] if columns else [prefix]
        return ", ".join(f"{name}{_number(v)}{ends}" for name, (v, ends) in zip(names, numbers, strict=True))
    return prefix + (image_text(values) if is_image(values.shape) else _array_text(values))


def _true_text(shown: Mapping[str, Any]) -> str:
    """What follows a prediction whose true target is known: `, true: no`."""
    true = shown.get("true")
    if true is None:
        return ""
    return f", true: {true}" if isinstance(true, str) else f", true: {_array_text(np.asarray(true)).strip('[]')}"


def _array_text(values: Any) -> str:
    if values.size <= MAX_NUMBERS:
        return _nested(values.tolist())
    first = ", ".join(_number(v) for v in values.reshape(-1)[:FIRST])
    shape = "x".join(map(str, values.shape))
    return f"[{first}, …] ({shape} numbers from {_number(values.min())} to {_number(values.max())})"


def _nested(values: Any) -> str:
    return "[" + ", ".join(map(_nested, values)) + "]" if isinstance(values, list) else _number(values)


def _number(value: float) -> str:
    return f"{value:.6g}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if math.isfinite(share) else "not a number"


# ---------------------------------------------------------------- many examples


def _summary(output: str, shown: Sequence[Mapping[str, Any]], columns: Sequence[str], width: int) -> Iterator[str]:
    """How often each class is predicted, or the mean and the range of each number."""
    heading = columns[0] if len(columns) == 1 else "class" if output == "output" else output
    if "areas" in shown[0]:
        means = {name: float(np.mean([one["areas"][name] for one in shown])) for name in shown[0]["areas"]}
        yield f"{heading}: {areas_text(means)} of all pixels"
    elif "text" in shown[0]:
        lengths = [len(one["text"]) for one in shown]
        yield f"{heading}: {len(shown):,} texts of {min(lengths)} to {max(lengths)} characters"
    elif "classes" in shown[0]:
        yield from _counts_lines(heading, Counter(name for one in shown for name in one["classes"]), width)
    elif "class" in shown[0] or "answer" in shown[0]:
        yield from _counts_lines(heading, Counter(one.get("class", one.get("answer")) for one in shown), width)
    else:
        values = np.asarray([one["values"] for one in shown], np.float64)
        flat = values.reshape(len(values), -1)
        names = list(columns)
        if len(names) != flat.shape[1]:
            names = [f"{output}_{i + 1}" for i in range(flat.shape[1])]
        if flat.shape[1] > MAX_NUMBERS:
            names, flat = [f"all of {output}"], flat.reshape(-1, 1)
        rows = [
            [truncated(printable(name), width // 3), *map(_number, (v.mean(), v.std(), v.min(), v.max()))]
            for name, v in zip(names, flat.T, strict=True)
        ]
        yield from table_lines([["prediction", "mean", "std", "min", "max"], *rows])


def _counts_lines(heading: str, counts: Counter[str], width: int) -> Iterator[str]:
    total, ranked = sum(counts.values()), sorted(counts.items(), key=lambda item: -item[1])[:MAX_CLASSES]
    rows = [[truncated(printable(name), width // 2), f"{n:,}", f"{100 * n / total:.1f}%"] for name, n in ranked]
    yield from table_lines([[truncated(printable(heading), width // 2), "count", "fraction"], *rows])
    if len(counts) > len(ranked):
        yield f"… and {plural(len(counts) - len(ranked), 'class').replace('classs', 'classes')} that are rarer"
