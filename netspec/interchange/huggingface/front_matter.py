"""The head of a model card, in YAML: what the Hub filters and shows.

Fields: https://huggingface.co/docs/hub/model-cards, results: https://github.com/huggingface/hub-docs (modelcard.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.sources.huggingface import HuggingFace
from netspec.data.transforms.encoders import RowEncoder, TextEncoder
from netspec.display.metric_text import numbers_of
from netspec.spec.model import Model
from netspec.spec.network_ends import output_heads
from netspec.storage.run_folder import RunRecord

SPLITS = {"test": "test", "val": "validation"}
"""The splits whose results are reported, the first that there is: weights are not fitted to them."""
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
"""What YAML does not read as texts."""


def front_matter(model: Model, record: RunRecord | None) -> str:
    """The fields that follow from a run; the license is not known, and is left out."""
    task, source = pipeline_tag(model), model.compilation.data.source
    results = [*_results(model, record, task)]
    fields: dict[str, Any] = {
        "library_name": "netspec",
        "tags": ["netspec", "flax", "jax"],
        "pipeline_tag": task,
        "datasets": [source.name] if isinstance(source, HuggingFace) and source.revision is None else None,
        "metrics": [*dict.fromkeys(one["type"] for one in results)] or None,
        "model-index": [_index(model, record, task, results)] if results else None,
    }
    return "\n".join(["---", *_lines({key: value for key, value in fields.items() if value}, 0), "---"]) + "\n"


def pipeline_tag(model: Model) -> str | None:
    """The task, as the Hub calls it; None where it has no name for it."""
    if len(model.inputs) != 1 and not isinstance(_preprocessing(model).encoder, RowEncoder):
        return None
    heads, shapes = [*output_heads(model.compilation.optimized).values()], [*model.outputs.values()]
    has_classes = all(head.activation in ("softmax", "sigmoid") for head in heads)
    input_shape, encoder = next(iter(model.inputs.values())), _preprocessing(model).encoder
    if isinstance(encoder, RowEncoder) and encoder.only_text is not None:
        return "text-classification" if has_classes else None
    if isinstance(encoder, TextEncoder):
        return "text-generation" if shapes[0].rank == 2 else "text-classification"
    if input_shape.rank == 3 and not isinstance(encoder, RowEncoder):
        names = {1: "image-classification" if has_classes else None, 3: "image-segmentation" if has_classes else None}
        return names.get(shapes[0].rank) if len(shapes) == 1 else None
    if model.preprocessing is not None and all(s.rank == 1 for s in (*model.inputs.values(), *shapes)):
        return "tabular-classification" if has_classes else "tabular-regression"
    return None


def _preprocessing(model: Model) -> Preprocessing:
    return model.preprocessing if model.preprocessing is not None else Preprocessing()


def _results(model: Model, record: RunRecord | None, task: str | None) -> Iterator[dict[str, Any]]:
    """The metrics of the test split, or of the validation split where there is none."""
    metrics = numbers_of(record.done["metrics"]) if record is not None and record.done is not None else {}
    split = next((split for split in SPLITS if any(name.startswith(f"{split}_") for name in metrics)), None)
    if split is None or task is None:
        return
    for name, value in metrics.items():
        if name.startswith(f"{split}_") and not name.endswith(("loss", "_penalty")):
            plain = name.removeprefix(f"{split}_")
            yield {"type": plain, "value": value, "name": f"{SPLITS[split]} {plain.replace('_', ' ')}"}


def _index(model: Model, record: RunRecord | None, task: str | None, results: list[dict[str, Any]]) -> dict[str, Any]:
    split = results[0]["name"].partition(" ")[0]
    dataset = {"name": data_name(model), "type": data_type(model), "split": split}
    return {"name": model.name, "results": [{"task": {"type": task}, "dataset": dataset, "metrics": results}]}


def data_name(model: Model) -> str:
    """What the data are called: by their file, or by their source."""
    source = model.compilation.data.source
    if source is None:
        return "arrays from Python"
    if isinstance(source, HuggingFace):
        return source.name
    file = getattr(source, "file", None) or getattr(source, "folder", None)
    return Path(file).name if isinstance(file, str) and Path(file).name else source.word


def data_type(model: Model) -> str:
    """The name of a data set on the Hub, or the kind of the data."""
    source = model.compilation.data.source
    if source is None:
        return "arrays"
    return source.name if isinstance(source, HuggingFace) else source.word


# ---------------------------------------------------------------- YAML


def _lines(value: Any, depth: int) -> Iterator[str]:
    """A mapping or a list as lines of YAML."""
    indent = "  " * depth
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, Mapping | list):
                yield f"{indent}{_scalar(key)}:"
                yield from _lines(item, depth + 1)
            else:
                yield f"{indent}{_scalar(key)}: {_scalar(item)}"
    else:
        for item in value:
            if isinstance(item, Mapping | list):
                first, *rest = _lines(item, depth + 1)
                yield f"{indent}- {first.lstrip()}"
                yield from rest
            else:
                yield f"{indent}- {_scalar(item)}"


def _scalar(value: Any) -> str:
    """A text or a number; what YAML might read as something else is quoted."""
    if isinstance(value, str):
        if PLAIN.fullmatch(value) and value.lower() not in WORDS:
            return value
        return "".join(c if c.isprintable() else _escaped(c) for c in json.dumps(value, ensure_ascii=False))
    text = repr(value)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
