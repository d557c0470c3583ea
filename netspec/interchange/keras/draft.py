"""A `.keras` file of a model, and the model that Keras loads from it to verify it."""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from netspec.compiler.ir.graph import Node
from netspec.compiler.ir.printer import memory
from netspec.data.dataset.lazy_rows import Array
from netspec.data.transforms.normalization import Normalization
from netspec.interchange.errors import MissingPackage, NotInFormat, Refused, Unsupported
from netspec.interchange.formats import Draft, Runner
from netspec.interchange.keras.layers import LAYERS, Site, activate
from netspec.interchange.keras.writer import Tensor, Writer
from netspec.interchange.writing.metadata import metadata_of, output_scales, range_text
from netspec.interchange.writing.network import outputs_of
from netspec.language.diagnostics import Problems, fail
from netspec.language.files.atomic_files import reason_of
from netspec.language.lazy import lazy
from netspec.language.shape import Shape
from netspec.layers.base import Layer
from netspec.spec.model import Model

h5py = lazy("h5py")
keras = lazy("keras")

VERSION = "3.15.1"
"""The version of Keras whose files these are."""
DATE = (1980, 1, 1, 0, 0, 0)
"""The date of all files: equal networks give equal bytes."""


def draft(model: Model, file_name: str) -> Draft:
    """The functional model of a network in inference mode.

    Args:
        model: the model with its weights and its preprocessing.
        file_name: what the file will be called.

    Raises:
        CompileError: Keras has nothing for a layer (NS544), or h5py is not installed (NS546).
    """
    try:
        _ = h5py.__version__
    except ModuleNotFoundError:
        raise fail(MissingPackage(format="Keras", package="h5py", extra="keras")) from None
    writer, problems = Writer(), Problems()
    inputs = [writer.input(n, s, "int32" if s.is_tokens else "float32") for n, s in model.inputs.items()]
    ready = [_normalized(writer, x, model.normalization.get(x.layer), problems) for x in inputs]

    def write(node: Node, path: str, own: Any, given: Sequence[Tensor], mask: Tensor | None) -> Tensor:
        if isinstance(node.operation, Layer) and node.operation.is_identity:
            return given[0]
        return _layer(Site(writer, path, own, is_shared=True), node, given, problems)

    found = outputs_of(model.compilation.optimized, model.module, ready, write)
    problems.raise_errors()
    scales = output_scales(model)
    outputs = [
        _restored(writer, activate(Site(writer, name, is_output=True), output.head, y), scales.get(name))
        for name, output, y in zip(model.outputs, model.compilation.optimized.outputs, found, strict=True)
    ]
    content = _archive(model, writer, inputs, outputs)
    texts = {name: _text(shape) + range_text(model, name) for name, shape in model.inputs.items()}
    about = f"Keras, {len(writer.layers)} layers, {memory(len(content))}"
    results = {name: _text(shape) for name, shape in model.outputs.items()}
    return Draft({file_name: content}, texts, results, "keras", partial(_runner, content, model), about)


def _text(shape: Shape) -> str:
    return f"{' x '.join(map(str, ('N', *shape.sizes)))} {'int32' if shape.is_tokens else 'float32'}"


def _normalized(writer: Writer, x: Tensor, scale: Normalization | None, problems: Problems) -> Tensor:
    if scale is None:
        return x
    if scale.fill is not None:
        problems.add(NotInFormat(format="Keras", what=f"the values for missing numbers of `{x.layer}`"))
    return writer.layer("Normalization", _statistics(scale), [x], x.shape, f"{x.layer}_normalization")


def _restored(writer: Writer, y: Tensor, scale: Normalization | None) -> Tensor:
    if scale is None:
        return y
    return writer.layer("Normalization", {**_statistics(scale), "invert": True}, [y], y.shape, "target_scaling")


def _statistics(scale: Normalization) -> dict[str, Any]:
    return {"axis": -1, "mean": list(scale.mean), "variance": [number**2 for number in scale.std]}


def _layer(site: Site, node: Node, inputs: Sequence[Tensor], problems: Problems) -> Tensor:
    layer = node.operation
    assert isinstance(layer, Layer)
    try:
        if node.mask is not None or type(layer) not in LAYERS:
            raise Unsupported(f"`{node.word}`{' of padded steps' if node.mask is not None else ''}")
        if (dtype := getattr(layer, "dtype", None)) not in (None, "f32"):
            raise Unsupported(f"`dtype = {dtype}`")
        return activate(site, layer.activation_word, LAYERS[type(layer)](site, layer, *inputs))
    except Unsupported as reason:
        problems.add(NotInFormat(span=node.span, format="Keras", what=str(reason)))
    return Tensor(site.path, 0, node.shape)


# ---------------------------------------------------------------- the file


def _archive(model: Model, writer: Writer, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> bytes:
    """The three files of a `.keras` file, and the metadata of netspec."""
    config = {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": model.name,
            "trainable": True,
            "layers": writer.layers,
            "input_layers": _places(inputs),
            "output_layers": _places(outputs),
        },
        "registered_name": "Functional",
    }
    metadata = {"keras_version": VERSION, "date_saved": "1980-01-01@00:00:00"}
    files = {
        "metadata.json": json.dumps(metadata).encode(),
        "config.json": json.dumps(config).encode(),
        "model.weights.h5": _weights(writer.weights(outputs)),
        "netspec.json": json.dumps({**metadata_of(model), "paths": writer.paths}).encode(),
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in files.items():
            file.writestr(zipfile.ZipInfo(name, DATE), content)
    return archive.getvalue()


def _places(tensors: Sequence[Tensor]) -> list[Any]:
    """The inputs or outputs of the model: one, or a list."""
    return tensors[0].place if len(tensors) == 1 else [tensor.place for tensor in tensors]


def _weights(arrays: Mapping[str, Array]) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for path, array in arrays.items():
            file.create_dataset(path, data=array)
    return content.getvalue()


# ---------------------------------------------------------------- verification


def _runner(content: bytes, model: Model) -> Runner:
    """The model that Keras loads.

    Raises:
        CompileError: Keras refuses the file (NS547).
        ModuleNotFoundError: Keras is not installed.
    """
    os.environ.setdefault("KERAS_BACKEND", "jax")
    _ = keras.__version__
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(content)
        try:
            loaded = keras.saving.load_model(path)
        except Exception as error:  # its classes have no common base
            raise fail(Refused(tool="Keras", reason=reason_of(error))) from error

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        found = loaded.predict_on_batch(list(inputs.values()) if len(inputs) > 1 else next(iter(inputs.values())))
        results = found if isinstance(found, list | tuple) else [found]
        return dict(zip(model.outputs, results, strict=True))

    return run
