"""An ONNX file of a model: the graph, its ends, the bytes, and a session of ONNX Runtime to verify them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from netspec._version import __version__
from netspec.compiler.ir.printer import memory
from netspec.compiler.passes.drop_training_only import drop_training_only
from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.errors import MissingPackage, NotInFormat, Refused
from netspec.interchange.formats import Draft, LossyFiles, Runner
from netspec.interchange.onnx.ends import End, close_output, open_input
from netspec.interchange.onnx.network import write_network
from netspec.interchange.onnx.quantize import cost_text, quantized
from netspec.interchange.onnx.writer import DOUBLE, FLOAT, INT64, Site, Writer
from netspec.interchange.writing.metadata import metadata_of, output_scales, range_text
from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of
from netspec.language.lazy import lazy
from netspec.spec.model import Model

onnx = lazy("onnx")
onnxruntime = lazy("onnxruntime")

TYPES = {FLOAT: "float32", DOUBLE: "float64", INT64: "int64"}
MAX_INSIDE = 2**31 - 2**20
"""A file of Protocol Buffers has at most 2 GiB; larger weights go into a file beside it."""
MIN_OUTSIDE = 1024
"""Weights of fewer bytes stay inside."""


def draft(
    model: Model, file_name: str, *, opset: int = 21, layout: str = "nhwc", external: bool = False, int8: bool = False
) -> Draft:
    """The ONNX file of a model in inference mode.

    Args:
        model: the model with its weights and its preprocessing.
        file_name: what the file will be called.
        opset: the version of the operators.
        layout: `nhwc` or `nchw`, for images and volumes that go in and come out.
        external: whether the weights are put into `FILE.data` in any case.
        int8: whether weights are quantized.

    Raises:
        CompileError: ONNX cannot carry a layer (NS544), or the package is not installed (NS546).
    """
    try:
        _ = onnx.__version__
    except ModuleNotFoundError:
        raise fail(MissingPackage(format="ONNX", package="onnx", extra="onnx")) from None
    writer, inputs, outputs = _written(model, opset, channels_first=layout == "nchw")
    batch = _batch_name([*inputs, *outputs])
    proto = _proto(writer, model, inputs, outputs, batch)
    files = _files(proto, file_name, writer.initializers, external)
    if int8 and len(files) > 1:
        raise fail(NotInFormat(format="ONNX", what="8-bit weights of a model above 2 GB"))
    count, size = len(writer.operators), sum(map(len, files.values()))
    return Draft(
        files,
        {end.name: _text(end, batch) + range_text(model, end.name) for end in inputs},
        {end.name: _text(end, batch) for end in outputs},
        "onnxruntime",
        partial(_runner, files, file_name, layout == "nchw"),
        f"ONNX opset {opset}, {count} operator{'s' if count != 1 else ''}, {memory(size)}",
        partial(_quantized, model, files, file_name, layout == "nchw") if int8 else None,
    )


def _quantized(
    model: Model, files: Mapping[str, bytes], file_name: str, channels_first: bool, before: Runner
) -> LossyFiles:
    """The file with quantized weights, and what that costs."""
    content = quantized(files[file_name])
    after = _runner({file_name: content}, file_name, channels_first)
    about = f"ONNX with 8-bit weights, {memory(len(content))} instead of {memory(len(files[file_name]))}"
    return LossyFiles({file_name: content}, about, cost_text(model, before, after))


def _written(model: Model, opset: int, *, channels_first: bool) -> tuple[Writer, list[End], list[End]]:
    """The operators of a model, its inputs and its outputs."""
    graph = drop_training_only(model.compilation.optimized)
    writer = Writer(opset, (*model.inputs, *model.outputs))
    opened = [
        open_input(writer, name, shape, model.normalization.get(name), channels_first=channels_first)
        for name, shape in model.inputs.items()
    ]
    results = write_network(writer, graph, model.module, [value for _, value in opened])
    scales = output_scales(model)
    closed = [
        close_output(writer, name, y, scales.get(name), channels_first=channels_first)
        for name, y in zip(model.outputs, results, strict=True)
    ]
    _name_outputs(writer, list(model.inputs), [(end.name, tensor) for end, tensor in closed])
    return writer, [end for end, _ in opened], [end for end, _ in closed]


def _name_outputs(writer: Writer, inputs: Sequence[str], outputs: Sequence[tuple[str, str]]) -> None:
    """Give the tensors that are outputs the names of these; one that has two names, or is an input, is copied."""
    names: dict[str, str] = {}
    copied = []
    for name, tensor in outputs:
        if tensor in names or tensor in inputs:
            copied.append((name, tensor))
        else:
            names[tensor] = name
    for name, tensor in copied:
        names[Site(writer, name).op("Identity", tensor)] = name
    writer.rename(names)


def _batch_name(ends: Sequence[End]) -> str:
    """The name of the size of a batch: N, unless a size of the spec has that name."""
    return "batch" if any("N" in end.sizes for end in ends) else "N"


def _text(end: End, batch: str) -> str:
    return f"{' x '.join(map(str, (batch, *end.sizes)))} {TYPES[end.type]}"


def _proto(writer: Writer, model: Model, inputs: Sequence[End], outputs: Sequence[End], batch: str) -> Any:
    """The model as a Protocol Buffer."""
    helper = onnx.helper

    def declared(ends: Sequence[End]) -> list[Any]:
        return [helper.make_tensor_value_info(end.name, end.type, [batch, *end.sizes]) for end in ends]

    graph = helper.make_graph(
        [helper.make_node(o.kind, o.inputs, o.outputs, o.name, **o.attributes) for o in writer.operators],
        model.name,
        declared(inputs),
        declared(outputs),
        [onnx.numpy_helper.from_array(array, name) for name, array in writer.initializers.items()],
    )
    opsets = [helper.make_opsetid("", writer.opset)]
    proto = helper.make_model(
        graph,
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="netspec",
        producer_version=__version__,
    )
    helper.set_model_props(proto, metadata_of(model))
    return proto


def _files(proto: Any, file_name: str, arrays: Mapping[str, Array], external: bool) -> dict[str, bytes]:
    """The file, and the one with the weights if they are outside."""
    size = sum(array.nbytes for array in arrays.values())
    if not external and size < MAX_INSIDE:
        return {file_name: proto.SerializeToString(deterministic=True)}
    beside, parts, offset = f"{file_name}.data", list[bytes](), 0
    for tensor in proto.graph.initializer:
        content = tensor.raw_data
        if len(content) < MIN_OUTSIDE:
            continue
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", beside), ("offset", offset), ("length", len(content))):
            tensor.external_data.add(key=key, value=str(value))
        parts.append(content)
        offset += len(content)
    return {beside: b"".join(parts), file_name: proto.SerializeToString(deterministic=True)}


# ---------------------------------------------------------------- verification


def _runner(files: Mapping[str, bytes], file_name: str, channels_first: bool) -> Runner:
    """A session of ONNX Runtime, after the checker of ONNX has inferred every shape.

    Raises:
        CompileError: the checker or the runtime refuses the file (NS547).
        ModuleNotFoundError: the runtime is not installed.
    """
    _ = onnxruntime.__version__
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        path = str(Path(folder) / file_name)
        try:
            onnx.checker.check_model(path, full_check=True)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            raise fail(Refused(tool="the checker of ONNX", reason=reason_of(error))) from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its classes have no common base
            raise fail(Refused(tool="ONNX Runtime", reason=reason_of(error))) from error
    types = {found.name: found.type for found in session.get_inputs()}
    names = [found.name for found in session.get_outputs()]

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        given = {name: _as_given(x, types[name], channels_first) for name, x in inputs.items()}
        found = session.run(names, given)
        return {name: _last(y) if channels_first else y for name, y in zip(names, found, strict=True)}

    return run


def _as_given(x: Array, kind: str, channels_first: bool) -> Array:
    """An input as the file takes it."""
    dtype = {"tensor(int64)": "int64", "tensor(double)": "float64"}.get(kind, "float32")
    turned = x.transpose(0, x.ndim - 1, *range(1, x.ndim - 1)) if channels_first and x.ndim > 3 else x
    return turned.astype(dtype)


def _last(y: Array) -> Array:
    """An output with its channels last."""
    return y.transpose(0, *range(2, y.ndim), 1) if y.ndim > 3 else y
