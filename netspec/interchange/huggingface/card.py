"""The model card, `README.md`: what is known of a run, and nothing else.

What nobody has told netspec (the license, who may use the network for what) is named as missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from netspec._version import __version__
from netspec.analysis.quality.numbers.intervals import wilson
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.transforms.encoders import ImageEncoder, RowEncoder, TextEncoder
from netspec.data.transforms.sounds.encoder import SoundEncoder
from netspec.display.metric_text import metric_text, numbers_of
from netspec.display.text import duration_text
from netspec.interchange.huggingface.config import class_names
from netspec.interchange.huggingface.front_matter import data_name, front_matter
from netspec.language.text import printable
from netspec.spec.model import Model
from netspec.spec.network_ends import output_heads
from netspec.storage.run_folder import RunRecord
from netspec.training.metrics.base import DEFAULT_THRESHOLD

SPLITS = {"train": "training", "val": "validation", "test": "test"}
SETTINGS = ("epochs", "batch", "optimizer", "schedule", "seed", "precision", "stop", "keep")
"""Settings of the training that are shown."""
MAX_NAMED = 50
"""Names of classes and columns that are listed."""


def card_of(model: Model, record: RunRecord | None, folder: str) -> str:
    """The text of the card.

    Args:
        model: the model.
        record: its run; None where there is none.
        folder: what the folder is called.
    """
    sections: dict[str, Iterable[str]] = {
        "Use": _use(model, folder),
        "Network": _network(model),
        "Inputs and outputs": _ends(model),
        "Data": _data(model, record),
        "Results": _results(model, record),
        "Training": _training(record),
        "Limits": _limits(model, record),
    }
    parts = [front_matter(model, record), f"# {_plain(model.name)}\n", *_summary(model, record)]
    for title, lines in sections.items():
        if body := "\n".join(lines):
            parts.append(f"## {title}\n\n{body}\n")
    return "\n".join(parts)


def _summary(model: Model, record: RunRecord | None) -> Iterator[str]:
    cost = model.cost
    flow = f"{' and '.join(map(str, model.inputs.values()))} -> {' and '.join(map(str, model.outputs.values()))}"
    trained = "with trained weights" if record is not None else "with weights that no run of netspec has trained"
    yield f"A neural network (`{flow}`) with {cost.trainable + cost.frozen:,} parameters, {trained}."
    yield f"Written by [netspec](https://pypi.org/project/netspec-compiler/) {__version__}, which defines, trains and"
    yield "exports networks; its spec is `model.net`.\n"


def _use(model: Model, folder: str) -> Iterator[str]:
    name = _plain(folder) or "."
    example = _example(model)
    yield from ("With netspec:", "", "```", "pip install netspec-compiler")
    yield from (f"netspec predict {name} {example}", f"netspec serve {name}", "```", "")
    yield from (
        "```python",
        "import netspec",
        "",
        f'model = netspec.load("{name}")',
        "print(model.summary())",
        "```",
        "",
    )
    if model.preprocessing is not None:
        yield "Without netspec: `predict.py` needs Flax, safetensors, NumPy, and Pillow for images. It reads examples,"
        yield "computes the network of `model.py` with the weights, and names the classes:"
        yield from ("", "```", "pip install flax safetensors numpy pillow", f"python predict.py {example}", "```", "")
    yield from ("The weights alone, by the names of the layers:", "", "```python")
    yield from ("from safetensors.numpy import load_file", "")
    yield from ('weights = load_file("model.safetensors")', "print({name: x.shape for name, x in weights.items()})")
    yield "```"


def _example(model: Model) -> str:
    known = model.preprocessing if model.preprocessing is not None else Preprocessing()
    if isinstance(known.encoder, TextEncoder) or (isinstance(known.encoder, RowEncoder) and known.encoder.only_text):
        return '"some text"'
    is_image = next(iter(model.inputs.values())).rank == 3 and not isinstance(known.encoder, RowEncoder)
    return "image.png" if is_image else "rows.csv"


def _network(model: Model) -> Iterator[str]:
    text = printable(model.compilation.source.text.strip())
    fence = "`" * max(3, 1 + max((len(run) for run in _runs_of_backticks(text)), default=0))
    yield from (f"{fence}net", text, fence, "", fence, printable(model.summary()), fence)


def _runs_of_backticks(text: str) -> list[str]:
    found, run = [], ""
    for character in f"{text} ":
        run = run + character if character == "`" else ""
        found.append(run)
    return found


def _ends(model: Model) -> Iterator[str]:
    known = model.preprocessing if model.preprocessing is not None else Preprocessing()
    rows = [("input", name, str(shape), _about_input(known, name)) for name, shape in model.inputs.items()]
    heads, names = output_heads(model.compilation.optimized), class_names(model)
    for name, shape in model.outputs.items():
        rows.append(("output", name, str(shape), _about_output(known, name, heads[name].activation)))
    yield from _table(("", "name", "shape of an example", ""), rows)
    for name, classes in names.items():
        if not isinstance(known.encoder, TextEncoder):
            yield from ("", f"Classes of {_code(name)}, in the order of the units: {_listed(classes)}.")
    if isinstance(known.encoder, RowEncoder):
        yield from ("", *_table(("column", "kind", "values in the training"), list(_columns(known.encoder))))
        for name, coder in known.encoder.texts.items():
            size = f"a vocabulary of {len(coder.vocabulary):,}, in which 0 is padding and 1 stands for all others"
            yield from ("", f"{_code(name)}: the {coder.part} {coder.length} {coder.unit} of a text, {size}.")
    elif isinstance(known.encoder, ImageEncoder):
        fit = {"stretch": "stretched", "crop": "cropped and resized", "pad": "resized and padded"}[known.encoder.fit]
        size = f"{known.encoder.height}x{known.encoder.width}"
        yield from ("", f"Images are turned upright, {fit} to {size} pixels (bilinear), and scaled to 0..1.")
    elif isinstance(known.encoder, SoundEncoder):
        yield from ("", _about_sounds(known.encoder))
    elif isinstance(known.encoder, TextEncoder):
        unit = "characters" if known.encoder.by == "char" else "words and signs"
        size = f"{len(known.encoder.vocabulary):,} {unit}, with one for all that are not known"
        yield from ("", f"Texts are cut into {unit}; the vocabulary has {size}. The last {known.encoder.length} count.")


def _about_sounds(encoder: SoundEncoder) -> str:
    about = f"Sounds are mixed to one channel, resampled to {encoder.rate:,} Hz, and cut or padded to"
    about = f"{about} {encoder.samples:,} samples"
    if (mel := encoder.mel) is None:
        return f"{about}; the input is the waveform, from -1 to 1."
    unit = "in decibels" if mel.decibels else "as power"
    ends = f"{mel.bands} bands ({mel.scale}) from {mel.low:g} to {mel.high:g} Hz"
    return f"{about}; the input is their mel spectrogram {unit}: {ends}, windows of {mel.fft} samples every {mel.hop}."


def _about_input(known: Preprocessing, name: str) -> str:
    parts = []
    if name in known.ranges:
        low, high = known.ranges[name]
        parts.append(f"{low:.4g} to {high:.4g} in the training")
    if (scale := known.normalization.get(name)) is not None:
        parts.append("normalized by netspec with the mean and the standard deviation of the training")
        parts += ["missing numbers are filled in"] if scale.fill is not None else []
    return ", ".join(parts)


def _about_output(known: Preprocessing, name: str, activation: str) -> str:
    kinds = {"softmax": "a probability for each class", "sigmoid": "probabilities", "linear": "numbers"}
    parts = [kinds.get(activation, activation)]
    if (threshold := known.thresholds.get(name, DEFAULT_THRESHOLD)) != DEFAULT_THRESHOLD:
        parts.append(f"yes above {threshold:.4g}")
    return ", ".join([*parts, *(["in the units of the targets"] if name in known.outputs else [])])


def _columns(encoder: RowEncoder) -> Iterator[tuple[str, ...]]:
    for column in encoder.columns[:MAX_NAMED]:
        yield column.name, column.kind, _listed(column.values, 12) if column.values else ""
    if len(encoder.columns) > MAX_NAMED:
        yield "…", "", f"{len(encoder.columns) - MAX_NAMED} more columns"


def _data(model: Model, record: RunRecord | None) -> Iterator[str]:
    if record is None:
        return
    settings, counts = record.settings.get("data", {}), record.settings.get("parts", {})
    yield f"Source: {_code(str(settings.get('source', data_name(model))))}."
    rows = [(SPLITS.get(name, name), f"{count:,}") for name, count in counts.items() if count]
    yield from ("", *_table(("split", "examples"), rows))
    chosen = {k: v for k, v in settings.items() if k in ("normalize", "augment", "class_weights", "stratify")}
    chosen = {k: v for k, v in chosen.items() if v != "none"}
    if chosen:
        yield from ("", ", ".join(f"{_code(f'{key} = {value}')}" for key, value in chosen.items()) + ".")


def _results(model: Model, record: RunRecord | None) -> Iterator[str]:
    metrics = numbers_of(record.done["metrics"]) if record is not None and record.done is not None else {}
    if record is None or not metrics:
        return
    counts = record.settings.get("parts", {})
    splits = {"train": "", "val": "val_", "test": "test_"}
    names = list(dict.fromkeys(name.removeprefix("val_").removeprefix("test_") for name in metrics))
    shown = {split: sign for split, sign in splits.items() if any(f"{sign}{name}" in metrics for name in names)}
    rows = []
    for name in names:
        cells = [_metric(model, f"{sign}{name}", metrics, counts.get(split, 0)) for split, sign in shown.items()]
        rows.append((name.replace("_", " "), *cells))
    yield from _table(("metric", *(SPLITS[split] for split in shown)), rows)
    if any("(" in cell for row in rows for cell in row):
        yield from ("", "In parentheses: 95% intervals (Wilson) for data of which the split is a random sample.")
    if "train" in shown:
        yield from ("", "Metrics of training are means over the steps of the last epoch, while its weights change.")


def _metric(model: Model, name: str, metrics: Mapping[str, float], count: int) -> str:
    """A metric; an accuracy of one decision for each example with its interval."""
    if name not in metrics:
        return ""
    text = metric_text(name, metrics[name])
    is_held_out = name.startswith(("val_", "test_"))
    is_one_each = len(model.outputs) == 1 and next(iter(model.outputs.values())).rank == 1
    is_fraction = name.removeprefix("val_").removeprefix("test_") == "accuracy"
    if not (is_held_out and is_one_each and is_fraction and count):
        return text
    low, high = wilson(metrics[name] * count, count)
    return f"{text} ({100 * low:.2f}% to {100 * high:.2f}%)"


def _training(record: RunRecord | None) -> Iterator[str]:
    if record is None:
        return
    train, versions = record.settings.get("train", {}), record.versions
    settings = {key: train[key] for key in SETTINGS if train.get(key) is not None}
    outputs = train.get("outputs", {})
    for name, output in outputs.items():
        settings["loss" if len(outputs) == 1 else f"loss of {name}"] = output.get("loss")
    done = record.done or {}
    if done.get("epochs") is not None:
        settings["epochs trained"] = done["epochs"]
    if done.get("best_epoch") is not None:
        settings["weights of epoch"] = done["best_epoch"]
    if isinstance(done.get("seconds"), float | int):
        settings["time"] = duration_text(done["seconds"])
    settings |= {key: versions[key] for key in ("device", "jax", "flax", "optax", "python") if versions.get(key)}
    yield from _table(("setting", "value"), [(key, _value(value)) for key, value in settings.items()])


def _value(value: Any) -> str:
    return " -> ".join(map(str, value)) if isinstance(value, list) else str(value)


def _limits(model: Model, record: RunRecord | None) -> Iterator[str]:
    known = model.preprocessing if model.preprocessing is not None else Preprocessing()
    if record is not None:
        has_test = any(name.startswith("test_") for name in (record.done or {}).get("metrics", {}))
        yield f"- The results are those of {'a test split' if has_test else 'data'} of the same source as the training;"
        yield "  for data of another origin, or from a later time, they are not known."
    if known.ranges:
        yield "- Inputs far outside the ranges above were not in the training; netspec warns about them."
    if isinstance(known.encoder, RowEncoder) and known.encoder.categories:
        yield "- Values of categories that are not listed above are treated as unknown."
    if isinstance(known.encoder, TextEncoder):
        yield "- What is not in the vocabulary is treated as unknown."
    yield "- The license, the intended use, and where the data come from are not known to netspec: please add them."


# ---------------------------------------------------------------- Markdown


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines]


def _cell(text: str) -> str:
    """A text in a table, in which nothing is markup; a metric as it is."""
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """A text in one line without markup."""
    line = printable(" ".join(text.split()))
    return line.replace("&", "&amp;").replace("<", "&lt;").replace("`", "'").replace("[", "\\[")


def _code(text: str) -> str:
    return f"`{printable(' '.join(text.split())).replace('`', chr(39))}`"


def _listed(names: Sequence[str], limit: int = MAX_NAMED) -> str:
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(map(_plain, names[:limit])) + more
