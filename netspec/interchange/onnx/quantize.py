"""Dynamic quantization: the weights of dense layers and convolutions in 8 bits, and what that costs.

Each weight is stored as an integer with one scale for its array; the inputs of these layers are quantized while the
program runs, by their smallest and largest number. Everything else stays as it was.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netspec.compiler.ir.graph import Output
from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.formats import Runner
from netspec.interchange.verify import Batch, labeled_examples, random_inputs
from netspec.language.lazy import lazy, np
from netspec.spec.model import Model
from netspec.training.metrics.base import DEFAULT_THRESHOLD

onnx = lazy("onnx")
quantization = lazy("onnxruntime.quantization")

QUANTIZED = ("MatMul", "Conv")
"""The operators whose weights are quantized; `Gemm` becomes `MatMul` first."""
PREPARED = "onnx.quant.pre_process"
"""Says to ONNX Runtime that nothing is left to simplify."""
MAX_EXAMPLES = 10_000
"""Examples of a split that are compared."""
BATCH = 500


def quantized(content: bytes) -> bytes:
    """The file with 8-bit weights.

    Raises:
        ModuleNotFoundError: ONNX Runtime is not installed.
    """
    proto = onnx.load_from_string(content)
    producer, known = proto.producer_name, {one.key: one.value for one in proto.metadata_props}
    onnx.helper.set_model_props(proto, {**known, PREPARED: "onnxruntime.quant"})
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.onnx")
        # unsigned weights: older versions of ONNX Runtime have no other convolution
        unsigned = quantization.QuantType.QUInt8
        quantization.quantize_dynamic(proto, path, op_types_to_quantize=list(QUANTIZED), weight_type=unsigned)
        found = onnx.load(path)
    found.producer_name = producer
    onnx.helper.set_model_props(found, known)
    result: bytes = found.SerializeToString(deterministic=True)
    return result


def cost_text(model: Model, before: Runner, after: Runner) -> str:
    """What quantization costs: the metrics on the test split before and after, or the difference on random inputs."""
    found = labeled_examples(model, MAX_EXAMPLES)
    if found is None:
        inputs = random_inputs(model)
        old, new = before(inputs), after(inputs)
        parts = [f"{name} {_difference(old[name], new[name]):.1e}" for name in model.outputs]
        return f"8 bits: differs on random inputs by {', '.join(parts)} of the scale"
    old, new = _in_batches(before, found.inputs), _in_batches(after, found.inputs)
    outputs = dict(zip(model.outputs, model.compilation.optimized.outputs, strict=True))
    thresholds = model.preprocessing.thresholds if model.preprocessing is not None else {}
    texts = []
    for name in outputs:
        limit, y = thresholds.get(name, DEFAULT_THRESHOLD), found.targets[name]
        (what, a), (_, b) = (_metric(outputs[name], results[name], y, limit) for results in (old, new))
        shown = (f"{a:.2%}", f"{b:.2%}") if what == "accuracy" else (f"{a:.4g}", f"{b:.4g}")
        texts.append(f"{f'{name} ' if len(outputs) > 1 else ''}{what} {shown[1]} instead of {shown[0]}")
    return f"8 bits: {', '.join(texts)} on {len(next(iter(found.inputs.values())))} examples of the {found.split} split"


def _in_batches(run: Runner, inputs: Batch) -> Mapping[str, Array]:
    count = len(next(iter(inputs.values())))
    parts = [run({name: x[i : i + BATCH] for name, x in inputs.items()}) for i in range(0, count, BATCH)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _metric(output: Output, y: Array, target: Array, threshold: float) -> tuple[str, float]:
    """The accuracy of an output that gives probabilities, or the root mean squared error of numbers."""
    head = output.head.word if output.head is not None else ""
    if head == "softmax" and target.shape == y.shape[:-1]:
        return "accuracy", float((y.argmax(axis=-1) == target).mean())
    if head == "sigmoid" and np.isin(target, (0, 1)).all():
        return "accuracy", float(((y > threshold) == (target.reshape(y.shape) > 0.5)).mean())
    return "rmse", float(np.sqrt(np.mean((y - target.reshape(y.shape).astype(np.float64)) ** 2)))


def _difference(a: Array, b: Array) -> float:
    scale: Any = np.abs(a).max()
    return float(np.abs(a - b).max() / (scale if scale > 0 else 1))
