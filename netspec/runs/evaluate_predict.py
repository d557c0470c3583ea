"""Asking the network of a run: its figures on a split, its answers for files and rows.

Comes in: a run folder. Goes out: figures, or `Predictions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.errors.files import NoSplit
from netspec.data.predict.example_ids import Identities, identities
from netspec.data.predict.inputs import read_inputs
from netspec.data.sources.tables import TableSource
from netspec.data.transforms.encoders import input_name
from netspec.language.diagnostics import Diagnostic, fail
from netspec.spec.experiment import load_model, prepare, read_coding, read_compilation
from netspec.spec.model import Model
from netspec.spec.network_ends import output_heads
from netspec.storage.tree_paths import Weights
from netspec.storage.weights import fit_weights, load_weights
from netspec.training.loop.evaluate import evaluate
from netspec.training.losses import Ctc, loss_for

AT_ONCE = 500
"""Examples that are answered together, so that a large table takes no more memory than a small one."""


def evaluate_run(path: Path, split: str = "test", source: str | None = None) -> dict[str, Any]:
    """Every figure of the best weights on a split of the run's data.

    Args:
        path: the run folder.
        split: `train`, `val` or `test`.
        source: another data source, as it is written in a spec.

    Raises:
        CompileError: there is no such run, it is damaged, its data are not there, or it has no such split.
    """
    overrides = {"data.source": source} if source is not None else None
    prepared = prepare(read_compilation(path, overrides), coding=read_coding(path))
    arrays = getattr(prepared.splits, split)
    if arrays is None:
        raise fail(NoSplit(split=split, advice="the run holds nothing out for it; use another `--split`"))
    engine = prepared.job.engine()
    weights = fit_weights(load_weights(path), Weights(*engine.first_weights), str(path))
    return dict(evaluate(engine, weights, arrays, prefix=f"{split}_"))


@dataclass(frozen=True)
class Predictions:
    """What a network answers: one entry for each example, and warnings about the inputs. `identities` has what the
    examples are called, `labels` what the data call the numbers of an output."""

    answers: list[dict[str, Any]]
    warnings: list[Diagnostic]
    identities: Identities
    labels: Mapping[str, Sequence[str]]


def predict_run(path: Path, texts: Sequence[str], id_column: str | None = None) -> Predictions:
    """What the network answers for files, rows or texts: `{"input", "outputs": {name: …}}` for each example.

    An output with classes has `class` and `probabilities` by name, one with a class at each step `classes` (trained
    with `ctc`, those that are spelt); a yes/no output `answer` and the `probability` of `yes`, the name of the second
    class; others have `values`. For a text it is the class that comes next.

    Args:
        path: the run folder.
        texts: files, rows or texts.
        id_column: the column with the names of examples in a table (see `identities`).

    Raises:
        CompileError: an input cannot be read or has another shape, or there is no such run.
    """
    model, coding = load_model(path), read_coding(path)
    raw = read_inputs(texts, model.inputs, coding)
    outputs = _answers_of(model, raw.arrays)
    heads = output_heads(model.compilation.optimized)
    losses = {k: loss_for(k, model.compilation.train.loss) for k in heads}
    heads |= {k: heads[k].replace(blank=loss.blank) for k, loss in losses.items() if isinstance(loss, Ctc)}
    if raw.last is not None:
        outputs = {
            k: np.stack([row[i] for row, i in zip(v, raw.last, strict=True)]) if heads[k].blank is None else v
            for k, v in outputs.items()
        }
    answers = [
        {
            "input": example,
            "outputs": {k: _answer(v[i], heads[k], coding.class_names.get(k)) for k, v in outputs.items()},
        }
        for i, example in enumerate(raw.names)
    ]
    names = identities(texts, raw.names, coding, id_column)
    return Predictions(answers, raw.warnings, names, _labels(model))


def _labels(model: Model) -> dict[str, Sequence[str]]:
    """The target columns of each output, where the data of the run were a table."""
    source = model.compilation.data.source
    if not isinstance(source, TableSource):
        return {}
    if len(model.outputs) == 1:
        return dict.fromkeys(model.outputs, source.target)
    return {input_name(name): [name] for name in source.target}


def _answers_of(model: Model, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The answers to all examples by output."""
    parts = []
    for batch, count in _batches([arrays[name] for name in model.inputs]):
        found = model(*batch)
        named = found if isinstance(found, dict) else {"output": found}
        parts.append({name: np.asarray(value)[:count] for name, value in named.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _batches(arrays: Sequence[Any]) -> Iterator[tuple[list[Any], int]]:
    """Batches of one size, the last one filled up with copies of its first example, and how many of each count."""
    total = len(arrays[0])
    size = min(AT_ONCE, total)
    for begin in range(0, total, size):
        parts = [array[begin : begin + size] for array in arrays]
        count = len(parts[0])
        yield [np.concatenate([p, np.repeat(p[:1], size - count, axis=0)]) if count < size else p for p in parts], count


def _answer(values: Any, head: OutputHead, names: Sequence[str] | None) -> dict[str, Any]:
    if head.activation == "softmax" or head.blank is not None:
        shown = list(names) if names is not None else [str(i) for i in range(values.shape[-1])]
        if values.ndim > 1:
            ids = values.argmax(axis=-1).reshape(-1).tolist()
            if head.blank is not None:
                ids = [i for i, before in zip(ids, [None, *ids], strict=False) if i not in (before, head.blank)]
            return {"classes": [shown[i] for i in ids]}
        ranked = dict(zip(shown, values.tolist(), strict=True))
        return {"class": shown[int(values.argmax())], "probabilities": ranked}
    if head.activation == "sigmoid" and values.shape == (1,):
        yes = float(values[0])
        shown = list(names) if names is not None and len(names) == 2 else ["no", "yes"]
        return {"answer": shown[int(yes > 0.5)], "yes": shown[1], "probability": yes}
    return {"values": values.tolist()}
