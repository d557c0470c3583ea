"""`config.json` and `preprocessor_config.json`: what the Hub and other programs read first, and what netspec needs.

Keys are those of the package `transformers` where they mean the same. All that only netspec reads is below `netspec`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from netspec._version import __version__
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.transforms.encoders import ImageEncoder, RowEncoder
from netspec.data.transforms.normalization import Normalization
from netspec.interchange.writing.companion.images import brightest
from netspec.language.shape import Shape
from netspec.spec.model import Model
from netspec.spec.network_ends import output_heads
from netspec.storage.published import KEY, MODEL_TYPE
from netspec.storage.run_folder import RunRecord

BILINEAR = 2
"""What Pillow, and `transformers` after it, call this filter."""


def config_of(model: Model, record: RunRecord | None, checksums: Mapping[str, str]) -> dict[str, Any]:
    """What the network is, and where it is from.

    Args:
        model: the model.
        record: its run; None where there is none.
        checksums: those of the other texts, by file.
    """
    heads = output_heads(model.compilation.optimized)
    activations = {name: head.activation for name, head in heads.items()}
    return {
        "model_type": MODEL_TYPE,
        "architectures": [model.module_class.__name__],
        "netspec_version": __version__,
        "inputs": {name: {**_shape(shape), "dtype": _dtype(shape)} for name, shape in model.inputs.items()},
        "outputs": {name: {**_shape(s), "activation": activations[name]} for name, s in model.outputs.items()},
        **_labels(model),
        **_problem_type(model, activations),
        KEY: {
            "spec": _spec(model),
            "settings": record.settings if record is not None else {"train": {}},
            "versions": record.versions if record is not None else {"netspec": __version__},
            "done": None if record is None or record.done is None else {**record.done, "run": None},
            "checksums": dict(checksums),
        },
    }


def _shape(shape: Shape) -> dict[str, Any]:
    return {"shape": [size if isinstance(size, int) else str(size) for size in shape.sizes]}


def _dtype(shape: Shape) -> str:
    return "int32" if shape.is_tokens else "float32"


def class_names(model: Model) -> dict[str, tuple[str, ...]]:
    """The names of the classes by output; of those of a text the vocabulary."""
    known = model.preprocessing.class_names if model.preprocessing is not None else {}
    return {name: names for name, names in known.items() if name in model.outputs}


def _labels(model: Model) -> dict[str, Any]:
    """The names of the classes, where they are those of the only output that has some."""
    found = class_names(model)
    if len(found) != 1:
        return {}
    (names,) = found.values()
    return {"id2label": {str(i): n for i, n in enumerate(names)}, "label2id": {n: i for i, n in enumerate(names)}}


def _problem_type(model: Model, activations: Mapping[str, str]) -> dict[str, str]:
    if len(model.outputs) != 1 or model.preprocessing is None:
        return {}
    ((name, shape),) = model.outputs.items()
    kind = {"softmax": "single_label_classification", "linear": "regression"}.get(activations[name])
    if activations[name] == "sigmoid" and shape.channels != 1 and name in class_names(model):
        kind = "multi_label_classification"
    return {"problem_type": kind} if kind is not None and shape.rank == 1 else {}


def _spec(model: Model) -> dict[str, Any]:
    """As in `spec.json` of a run, without the folders of the machine that trained it."""
    spec = model.compilation
    return {
        "name": spec.name,
        "file": Path(spec.source.name).name,
        "folder": "",
        "overrides": dict(spec.overrides),
        "input": spec.input,
        "used": spec.used_texts,
        "facts": msgspec.to_builtins(spec.facts),
    }


# ---------------------------------------------------------------- preprocessing


def preprocessing_config(model: Model) -> dict[str, Any]:
    """How examples become inputs: for images with the keys of image processors, and for netspec as in a run."""
    known = model.preprocessing if model.preprocessing is not None else Preprocessing()
    own = msgspec.to_builtins(known)
    if isinstance(known.encoder, RowEncoder):
        own["encoder"]["folders"] = {}  # of the machine that trained it
    return {**_image_keys(model, known), KEY: own}


def _image_keys(model: Model, known: Preprocessing) -> dict[str, Any]:
    """The keys that image processors read, where the only input is an image."""
    shapes = [*model.inputs.items()]
    (name, shape) = shapes[0]
    is_image = shape.rank == 3 and shape.channels in (1, 3, 4)
    if len(shapes) > 1 or not is_image or model.preprocessing is None or isinstance(known.encoder, RowEncoder):
        return {}
    height, width = shape.sizes[:2]
    stretches = not isinstance(known.encoder, ImageEncoder) or known.encoder.fit == "stretch"
    found: dict[str, Any] = {"do_convert_rgb": shape.channels == 3}
    if stretches and isinstance(height, int) and isinstance(width, int):
        found |= {"do_resize": True, "size": {"height": height, "width": width}, "resample": BILINEAR}
    white = brightest(known.ranges.get(name))
    found |= {"do_rescale": True, "rescale_factor": 1 / 255} if white == 1 else {"do_rescale": False}
    return {**found, **_statistics(known.normalization.get(name), shape)}


def _statistics(scale: Normalization | None, shape: Shape) -> dict[str, Any]:
    if scale is None:
        return {"do_normalize": False}
    if len(scale.mean) != shape.channels:
        return {}
    return {"do_normalize": True, "image_mean": list(scale.mean), "image_std": list(scale.std)}
