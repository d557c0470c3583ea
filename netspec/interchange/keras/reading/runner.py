"""Computes the outputs of a file with Keras."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.errors import NotAModel
from netspec.interchange.formats import Runner
from netspec.interchange.reading.sketch import Sketch
from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of
from netspec.language.lazy import lazy, np

keras = lazy("keras")
legacy = lazy("keras.src.legacy.saving.saving_utils")
options = lazy("keras.src.legacy.saving.saving_options")

BATCH = 4
"""Batches have a multiple of this size."""


def run_keras(
    path: Path, weights: Path | None, entry: Mapping[str, Any], sketch: Sketch, first: Sequence[bool]
) -> Runner:
    """The model that Keras makes of the configuration, with the weights of the file.

    It is made from a configuration in which only classes of Keras are left, and computes in float32.

    Args:
        path: the file.
        weights: the file with the weights of a JSON file.
        entry: the configuration of the model.
        sketch: what was read of it.
        first: for each input, whether Keras has its channels first.

    Raises:
        CompileError: Keras refuses the file (NS570).
        ModuleNotFoundError: Keras is not installed.
    """
    os.environ.setdefault("KERAS_BACKEND", "jax")
    _ = keras.__version__
    try:
        model = _loaded(path, weights, _plain(entry))
    except Exception as error:  # its classes have no common base
        reason = f"Keras {keras.__version__} refuses it: {reason_of(error)}"
        advice = "save it again with Keras 3, or uninstall Keras to import it unverified"
        raise fail(NotAModel(file=str(path), format="Keras", reason=reason, advice=advice)) from error
    names = [name or "output" for name, _ in sketch.outputs]
    steps = sketch.inputs
    config = entry.get("config", {})
    config = config if isinstance(config, dict) else {}
    places, ends = config.get("input_layers"), config.get("output_layers")

    def run(given: Mapping[str, Array]) -> dict[str, Array]:
        count = len(given[steps[0].name])
        arrays = [_filled(given[step.name]) for step in steps]
        arrays = [np.moveaxis(x, -1, 1) if is_first else x for x, is_first in zip(arrays, first, strict=True)]
        found = model.predict_on_batch(_arranged(places, iter(arrays)))
        results = list(_results(found, ends))
        return dict(zip(names, (np.asarray(result)[:count] for result in results), strict=True))

    return run


def _is_place(places: Any) -> bool:
    """Whether it is one layer in a configuration, and not a list or a dictionary of them."""
    return not isinstance(places, list) or (len(places) == 3 and isinstance(places[0], str))


def _arranged(places: Any, arrays: Iterator[Array]) -> Any:
    """The inputs in the lists and dictionaries in which the model takes them."""
    if isinstance(places, dict):
        return {name: _arranged(inner, arrays) for name, inner in places.items()}
    if _is_place(places):
        return next(arrays)
    found = [_arranged(inner, arrays) for inner in places]
    return found[0] if len(found) == 1 else found


def _results(found: Any, places: Any) -> Iterator[Any]:
    """The outputs in the order of the configuration; Keras sorts dictionaries."""
    if isinstance(found, dict):
        names = places if isinstance(places, dict) else found
        for name in names:
            yield from _results(found[name], places[name] if isinstance(places, dict) else None)
    elif isinstance(found, list | tuple):
        inner = places if isinstance(places, list) and len(places) == len(found) else [None] * len(found)
        for result, place in zip(found, inner, strict=True):
            yield from _results(result, place)
    else:
        yield found


def _filled(array: Array) -> Array:
    """A batch with copies of its first example, so that there are batches of one size only: each is compiled."""
    missing = -len(array) % BATCH
    return np.concatenate([array, np.repeat(array[:1], missing, axis=0)]) if missing else array


def _loaded(path: Path, weights: Path | None, entry: dict[str, Any]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        if "module" in entry:
            model = keras.models.model_from_json(json.dumps(entry))
        else:  # as Keras 2 wrote it
            with options.keras_option_scope(use_legacy_config=True):
                model = legacy.model_from_config(entry)
        if weights is None and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as file:
                weights = Path(file.extract("model.weights.h5", folder))
        model.load_weights(weights if weights is not None else path)
        return model


def _plain(value: Any) -> Any:
    """A configuration that computes in float32, with classes of Keras only."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    module, kind = value.get("module"), value.get("class_name")
    if module is not None and str(module).partition(".")[0] not in ("keras", "builtins"):
        raise ValueError(f"it has the class {module}.{kind}")
    if kind in ("Lambda", "__lambda__"):
        raise ValueError("it has code of Python")
    found = {key: _plain(item) for key, item in value.items() if key != "compile_config"}
    dtype = found.get("dtype")
    if isinstance(dtype, dict) or (isinstance(dtype, str) and "16" in dtype):
        found["dtype"] = "float32"
    return found
