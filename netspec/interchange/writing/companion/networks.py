"""What computes the network in programs that predict without netspec: a class for each format.

Each has the metadata of its file, and gives the outputs by name for the inputs by name, as arrays with channels last.
"""

from __future__ import annotations

import json
import zipfile
from importlib import util
from pathlib import Path
from typing import Any

from netspec.language.lazy import lazy, np

export = lazy("jax.export")
jax = lazy("jax")
keras = lazy("keras")
load_arrays = lazy("safetensors.numpy")
nnx = lazy("flax.nnx")
onnxruntime = lazy("onnxruntime")
torch = lazy("torch")

FILE = ""
CHANNELS_FIRST = False

TYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(int64)": "int64", "tensor(int32)": "int32"}


class OnnxNetwork:
    """The network in ONNX Runtime."""

    def __init__(self) -> None:
        self.session = onnxruntime.InferenceSession(str(Path(__file__).with_name(FILE)))
        self.metadata = parsed(self.session.get_modelmeta().custom_metadata_map)

    def __call__(self, inputs: dict[str, Any]) -> dict[str, Any]:
        types = {given.name: TYPES[given.type] for given in self.session.get_inputs()}
        given = {name: ordered(inputs[name]).astype(kind) for name, kind in types.items()}
        names = [found.name for found in self.session.get_outputs()]
        return {name: restored(y) for name, y in zip(names, self.session.run(names, given), strict=True)}


class TorchNetwork:
    """The network in PyTorch."""

    def __init__(self) -> None:
        path = Path(__file__).with_name(FILE)
        weights = path.with_suffix(".safetensors")
        self.metadata = parsed(header_of(weights))
        self.module = module_of(path).load(str(weights))

    def __call__(self, inputs: dict[str, Any]) -> dict[str, Any]:
        given = []
        for name, known in self.metadata["inputs"].items():
            kind = "int64" if known["tokens"] else "float64" if is_double(name, self.metadata) else "float32"
            given.append(torch.from_numpy(np.ascontiguousarray(ordered(inputs[name]), kind)))
        with torch.no_grad():
            found = self.module(*given)
        results = found if isinstance(found, dict) else {next(iter(self.metadata["outputs"])): found}
        return {name: restored(y.numpy()) for name, y in results.items()}


class KerasNetwork:
    """The network in Keras."""

    def __init__(self) -> None:
        path = Path(__file__).with_name(FILE)
        with zipfile.ZipFile(path) as archive:
            self.metadata = parsed(json.loads(archive.read("netspec.json")))
        self.model = keras.saving.load_model(path)

    def __call__(self, inputs: dict[str, Any]) -> dict[str, Any]:
        known = self.metadata["inputs"]
        given = [np.asarray(inputs[name], "int32" if known[name]["tokens"] else "float32") for name in known]
        found = self.model.predict_on_batch(given if len(given) > 1 else given[0])
        results = found if isinstance(found, list | tuple) else [found]
        return {name: np.asarray(y) for name, y in zip(self.metadata["outputs"], results, strict=True)}


class StablehloNetwork:
    """The program in JAX."""

    def __init__(self) -> None:
        path = Path(__file__).with_name(FILE)
        self.metadata = parsed(json.loads(path.with_name(f"{path.name}.json").read_text("utf-8")))
        self.program = export.deserialize(bytearray(path.read_bytes()))

    def __call__(self, inputs: dict[str, Any]) -> dict[str, Any]:
        given, has_doubles = [], False
        for name, known in self.metadata["inputs"].items():
            is_large = is_double(name, self.metadata)
            has_doubles = has_doubles or is_large
            kind = "int32" if known["tokens"] else "float64" if is_large else "float32"
            given.append(np.asarray(inputs[name], kind))
        with jax.enable_x64(has_doubles):
            found = self.program.call(*given)
        results = found if isinstance(found, dict) else {next(iter(self.metadata["outputs"])): found}
        return {name: np.asarray(y) for name, y in results.items()}


class FlaxNetwork:
    """The network in Flax, with the weights of the safetensors file; inputs are normalized here."""

    def __init__(self) -> None:
        weights = Path(__file__).with_name("model.safetensors")
        self.metadata = parsed(header_of(weights))
        arrays = load_arrays.load_file(weights)
        self.module = getattr(module_of(Path(__file__).with_name("model.py")), FILE)(rngs=nnx.Rngs(0))
        state = nnx.state(self.module, nnx.Not(nnx.RngState))
        for path, leaf in nnx.to_flat_state(state):
            name = "/".join(map(str, path))
            leaf.set_value(jax.numpy.asarray(arrays[name] if name in arrays else arrays[f"@state/{name}"]))
        nnx.update(self.module, state)
        self.module.eval()

    def __call__(self, inputs: dict[str, Any]) -> dict[str, Any]:
        given = []
        for name, known in self.metadata["inputs"].items():
            scale = self.metadata.get(f"normalization:{name}")
            x = inputs[name] if scale is None else normalized(inputs[name], scale)
            given.append(np.asarray(x, "int32" if known["tokens"] else "float32"))
        with jax.default_matmul_precision("float32"):
            found = self.module(*given)
        results = found if isinstance(found, dict) else {next(iter(self.metadata["outputs"])): found}
        scales = {name: self.metadata.get(f"target_scaling:{name}") for name in results}
        return {name: in_units(np.asarray(y), scales[name]) for name, y in results.items()}


def normalized(x: Any, scale: dict[str, Any]) -> Any:
    """Numbers with the mean and the deviation of the training, after missing ones are filled in."""
    kind = np.float64 if scale["double"] else np.float32
    x = np.asarray(x, kind)
    x = x if scale["fill"] is None else np.where(np.isnan(x), np.array(scale["fill"], kind), x)
    return (x - np.array(scale["mean"], kind)) / np.array(scale["std"], kind)


def in_units(y: Any, scale: dict[str, Any] | None) -> Any:
    """Numbers in the units of the targets."""
    if scale is None:
        return y
    kind = np.float64 if scale["double"] else np.float32
    return y * np.array(scale["std"], kind) + np.array(scale["mean"], kind)


def parsed(texts: dict[str, str]) -> dict[str, Any]:
    """The metadata of netspec, without those of the format."""
    known = ("class_names", "range", "columns", "threshold", "normalization", "target_scaling")
    wanted = (key for key in texts if key.partition(":")[0] in known or key in ("encoder", "inputs", "outputs"))
    return {key: json.loads(texts[key]) for key in wanted}


def header_of(weights: Path) -> dict[str, str]:
    """The metadata of a safetensors file."""
    with weights.open("rb") as file:
        found: dict[str, str] = json.loads(file.read(int.from_bytes(file.read(8), "little")))["__metadata__"]
        return found


def module_of(path: Path) -> Any:
    """A Python file that is imported by its path."""
    spec = util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_double(name: str, metadata: dict[str, Any]) -> bool:
    """Whether float32 does not hold the numbers of an input."""
    scale = metadata.get(f"normalization:{name}")
    return scale is not None and bool(scale["double"])


def ordered(x: Any) -> Any:
    """An input in the order of axes that the file takes."""
    return np.moveaxis(x, -1, 1) if CHANNELS_FIRST and x.ndim > 3 else x


def restored(y: Any) -> Any:
    """An output with its channels last."""
    return np.moveaxis(y, 1, -1) if CHANNELS_FIRST and y.ndim > 3 else y
