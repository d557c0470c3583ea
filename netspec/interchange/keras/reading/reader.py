"""Reads models of Keras: `.keras`, `.h5` and JSON."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from netspec.interchange.errors import NotAModel
from netspec.interchange.formats import Foreign
from netspec.interchange.keras.reading.config import LayerSpec, model_of
from netspec.interchange.keras.reading.files import NEEDS, Content, opened
from netspec.interchange.keras.reading.network import Network
from netspec.interchange.keras.reading.problems import Damaged
from netspec.interchange.keras.reading.runner import run_keras
from netspec.interchange.keras.reading.settings.compiled import training_settings
from netspec.interchange.keras.reading.weights import Arrays, weights_of
from netspec.interchange.reading.sketch import Sketch
from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of


def read(source: Any, weights: Path | None) -> Foreign:
    """The network of a file of Keras.

    Args:
        source: a `.keras` or `.h5` file, or one with the JSON of `model.to_json()`.
        weights: for JSON, the file of `model.save_weights`.

    Raises:
        CompileError: the file is not a model of Keras (NS570), or h5py is not installed (NS574).
    """
    path = Path(source)
    try:
        with opened(path, weights) as content:
            sketch, first = _sketch(content, path)
    except Damaged as reason:
        advice = reason.advice
        raise fail(NotAModel(file=str(source), format="Keras", reason=str(reason), advice=advice)) from reason
    except OSError as error:
        advice = getattr(error, "advice", "check the name of the file")
        raise fail(NotAModel(file=str(source), format="Keras", reason=reason_of(error), advice=advice)) from error
    except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError, IndexError, RecursionError) as error:
        # Options of layers are used as they are in the file: one of another type ends here.
        text = f"an option of a layer is not what Keras writes ({reason_of(error)})"
        raise fail(NotAModel(file=str(source), format="Keras", reason=text, advice="save it again")) from error
    runner = partial(run_keras, path, weights, content.model, sketch, first)
    return Foreign(sketch, "keras", NEEDS, runner)


def _sketch(content: Content, path: Path) -> tuple[Sketch, list[bool]]:
    """The sketch, and for each input whether Keras has its channels first.

    Open sizes of several inputs differ if that is possible.
    """
    model = model_of(content.model)
    arrays: dict[LayerSpec, Arrays] = weights_of(model, content.weights) if content.weights is not None else {}
    notes = content.notes or {}
    paths = notes.get("paths")
    sketches = []
    for is_uniform in (False, True):
        name = path.name.partition(".")[0]
        sketch = Sketch(name=name, about=f"From {path.name}, a model of Keras.")
        network = Network(
            sketch,
            arrays,
            content.version,
            paths if isinstance(paths, dict) else {},
            is_uniform=is_uniform,
            is_weighted=content.weights is not None,
        )
        network.read(model)
        sketches.append((sketch, network.first))
        if not sketch.problems.errors:
            break
    sketch, first = min(sketches, key=lambda found: len(found[0].problems.errors))
    if not sketch.problems.errors:
        training_settings(sketch, content.training, [name or ref.layer for name, ref in model.outputs])
    return sketch, first
