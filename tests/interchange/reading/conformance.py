"""The backend tests of the `onnx` package, read as specs: what they compute is what the tests expect."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from netspec.interchange.imports import imported_from
from netspec.interchange.onnx.reading import ends, reader
from netspec.interchange.onnx.reading.constants import FOLDS
from netspec.interchange.onnx.reading.pointwise import NARY, UNARY
from netspec.interchange.onnx.reading.table import OPERATORS
from netspec.language.diagnostics import CompileError

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
VERDICTS = ("passed", "refused", "wrong")
GROUPS = ("pytorch-converted", "pytorch-operator", "node", "node expanded")
TOLERANCE = 1e-4
"""How far an output may differ, relative to its largest number, where it is not within the limits of the test."""
BFLOAT16 = 2.0**-8
"""The precision of bfloat16, where an output has that type: netspec computes with float32."""
CLAIMED = {*OPERATORS, *UNARY, *NARY} - {"of deferred"}
"""The operators that the reader has."""
LAST = 99
WEIGHTS: dict[str, Sequence[int]] = {
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm", "BatchNormalization", "InstanceNormalization"), range(1, LAST)),
    **dict.fromkeys(("GroupNormalization", "LayerNormalization", "RMSNormalization", "PRelu"), range(1, LAST)),
    **dict.fromkeys(("LSTM", "GRU", "RNN", "Reshape", "Unsqueeze", "Squeeze", "Pad", "Slice"), range(1, LAST)),
    **dict.fromkeys(("Split", "Clip", "Resize", "Upsample", "Expand", "Dropout", "CastLike"), range(1, LAST)),
    **dict.fromkeys(("ReduceMean", "ReduceMax", "ReduceSum", "RotaryEmbedding"), range(1, LAST)),
    **dict.fromkeys(("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"), range(1, LAST)),
    "CenterCropPad": (1,),
    "Gather": (0,),
    "MatMul": (1,),
    "Attention": (3,),
}
"""The inputs of an operator that a file has as constants: the tests feed them."""
ELEMENTWISE = ("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean", "Where", "Greater", "Less")
"""Operators of tensors: one with fewer axes than the first is a constant, such as a bias."""


@dataclass
class Case:
    """A test: a model, its inputs and outputs, and how far these may differ."""

    name: str
    group: str
    model: Any
    inputs: list[Any]
    outputs: list[Any]
    rtol: float = 1e-3
    atol: float = 1e-7


@dataclass
class Result:
    """What came out: `passed`, `refused` (with a reason) or `wrong`."""

    case: Case
    verdict: str
    reason: str = ""


# ---------------------------------------------------------------- the tests


def file_cases(group: str) -> Iterator[Case]:
    """Those that are files."""
    for folder in sorted((DATA / group).iterdir()):
        arrays = []
        for kind in ("input", "output"):
            count = len(list((folder / "test_data_set_0").glob(f"{kind}_*.pb")))
            paths = [folder / "test_data_set_0" / f"{kind}_{i}.pb" for i in range(count)]
            arrays.append([numpy_helper.to_array(onnx.load_tensor(path)) for path in paths])
        inputs, outputs = arrays
        yield Case(folder.name, group, onnx.load(folder / "model.onnx"), inputs, outputs)


@cache
def node_cases() -> tuple[Case, ...]:
    """Those of single operators that the reader has, and of the functions that stand for them."""
    from onnx.backend.test.case.node import collect_testcases

    found, constants = [], dict[str, set[int]]()
    with np.errstate(all="ignore"):
        collected = collect_testcases(None)
    for case in collected:
        inputs, outputs = ([_array(x) for x in part] for part in case.data_sets[0])
        is_expanded = "_expanded" in case.name
        kinds = {node.op_type for node in case.model.graph.node}
        if not is_expanded:
            constants[case.name] = _constants(case.model, inputs)
        if not kinds <= (CLAIMED | set(FOLDS) if is_expanded else CLAIMED) or not kinds & CLAIMED:
            continue
        model = onnx.ModelProto()
        model.CopyFrom(case.model)
        group = "node expanded" if is_expanded else "node"
        one = Case(case.name, group, model, list(inputs), list(outputs), case.rtol, case.atol)
        one = _with_constants(one, constants.get(case.name.partition("_expanded")[0], set()))
        found.append(_as_in_files(one))
    return tuple(found)


def _array(x: Any) -> Any:
    return numpy_helper.to_array(x) if isinstance(x, onnx.TensorProto) else x


def _constants(model: Any, inputs: Sequence[Any]) -> set[int]:
    """Which of the inputs of a model with one operator a file has as constants."""
    names = [end.name for end in model.graph.input]
    found = set()
    for node in model.graph.node:
        places = {node.input[i] for i in WEIGHTS.get(node.op_type, ()) if i < len(node.input)}
        found |= {i for i, name in enumerate(names) if name in places}
        if node.op_type in ELEMENTWISE:
            ranks = [np.ndim(x) for x in inputs]
            found |= {i for i, rank in enumerate(ranks) if rank < max(ranks)}
    return found if len(found) < len(names) else set()


def _with_constants(case: Case, places: set[int]) -> Case:
    graph = case.model.graph
    ends_ = list(graph.input)
    for i in sorted(places):
        if isinstance(case.inputs[i], np.ndarray | np.generic):
            graph.initializer.append(numpy_helper.from_array(np.asarray(case.inputs[i]), ends_[i].name))
    given = {tensor.name for tensor in graph.initializer}
    del graph.input[:]
    graph.input.extend(end for end in ends_ if end.name not in given)
    case.inputs = [x for x, end in zip(case.inputs, ends_, strict=True) if end.name not in given]
    return case


def _as_in_files(case: Case) -> Case:
    """As files have it: the batch before the steps, which a `Transpose` turns; no outputs that only training reads."""
    graph = case.model.graph
    first = graph.node[0]
    if first.op_type in ("LSTM", "GRU", "RNN") and not any(a.name == "layout" and a.i for a in first.attribute):
        graph.node.insert(0, onnx.helper.make_node("Transpose", ["batch_first"], [first.input[0]], perm=[1, 0, 2]))
        case.inputs[0] = case.inputs[0].transpose(1, 0, 2)
        graph.input[0].CopyFrom(onnx.helper.make_tensor_value_info("batch_first", 1, case.inputs[0].shape))
    if case.name.startswith("test_layer_normalization"):
        del graph.output[1:], case.outputs[1:]
    return case


def cases(groups: Iterable[str] = GROUPS) -> list[Case]:
    """All tests of some groups."""
    found: list[Case] = []
    for group in groups:
        found += file_cases(group) if group.startswith("pytorch") else (c for c in node_cases() if c.group == group)
    return found


# ---------------------------------------------------------------- what comes out


def judge(case: Case, folder: Path) -> Result:
    """Whether netspec computes what a test expects, or says why it cannot read it."""
    path = folder / "net.onnx"
    onnx.save(case.model, path)
    try:
        foreign = reader.read(path, None)
        assert foreign.runner is not None
        inputs, outputs = foreign.runner.args[2:]  # type: ignore[attr-defined]
        imported = imported_from(foreign.replace(runner=None), "ONNX")
    except CompileError as error:
        codes = {problem.code for problem in error.diagnostics}
        reasons = [problem.message for problem in error.diagnostics]
        return Result(case, "refused" if codes == {"NS571"} else "wrong", "; ".join(reasons))
    given = {tensor.name for tensor in case.model.graph.initializer}
    names = (end.name for end in case.model.graph.input if end.name not in given)
    fed = dict(zip(names, case.inputs, strict=True))
    arrays = [_own(fed[name], value) for name, (_, value) in inputs.items()]
    shapes = imported.model.inputs.values()
    arrays = [x.astype(np.int32) if shape.is_tokens else x for x, shape in zip(arrays, shapes, strict=True)]
    try:
        found = imported.model.predictions(*arrays)
    except (TypeError, ValueError) as error:
        return Result(case, "wrong", f"it does not run: {str(error).splitlines()[0]}")
    expected = dict(zip((end.name for end in case.model.graph.output), case.outputs, strict=True))
    for own, (name, (_, value)) in zip(imported.model.outputs, outputs.items(), strict=True):
        y, wanted = np.asarray(found[own], np.float64), _own(expected[name], value)
        if y.shape != wanted.shape:
            return Result(case, "wrong", f"the shape of {name} is {y.shape}, not {wanted.shape}")
        scale = np.abs(wanted[np.isfinite(wanted)]).max(initial=0)
        rtol = BFLOAT16 if expected[name].dtype.name == "bfloat16" else case.rtol
        if not np.allclose(y, wanted, rtol, max(case.atol, TOLERANCE * scale), equal_nan=True):
            return Result(case, "wrong", f"{name} differs by {np.abs(y - wanted).max():.2g} of {scale:.2g}")
    return Result(case, "passed")


def _own(array: Any, value: Any) -> Any:
    """A tensor of the file as netspec has it."""
    with np.errstate(over="ignore"):
        return ends._own(np.asarray(array), value)


KINDS = {
    "integers, booleans and numbers of few bits": r"numbers are integers|rounds numbers|sizes are not declared",
    "examples are mixed, or there is no batch": r"examples?\b|batch|repeats its input|removes an axis",
    "attention without projections, or with caches, masks or limits": (
        r"attention|IsNaN|cache|queries|keys|mask that|limits its scores|its input is a constant"
    ),
    "several inputs where netspec has weights, or no word for two tensors": (
        r"not a constant|of tensors|of a tensor and|not a matrix|no operator|other things than|joins a tensor|broadcast"
        r"|look|slopes differ|number of axes"
    ),
    "a function that no activation computes": r"no function that computes",
    "other interpolation": r"interpol|nearest neighbor|factor|aspect|averages over what|first position",
    "pools with dilation, uncounted padding or positions, negative padding": r"pool|positions of the maxima|padding",
    "training, and outputs that only training has": r"training|mask is used|cells of|peepholes",
    "sizes of 0, or that are not known": r"sizes is|size that|depends on|nothing is left",
    "slices with steps, and parts that do not fit": r"every position|reverses|splits|reshapes|normalizes",
}
"""Kinds of reasons, and how they are recognized; the first that fits is taken."""


def kind_of(reason: str) -> str:
    """The kind of a reason.

    Raises:
        LookupError: it is of none.
    """
    first = reason.split("; ")[0].partition("cannot be imported: ")[2]
    return next(kind for kind, pattern in KINDS.items() if re.search(pattern, first))


def tables(results: Sequence[Result]) -> str:
    """How many tests passed, by group, and why others are refused, as tables of Markdown."""
    counts = Counter((result.case.group, result.verdict) for result in results)
    lines = ["| tests | passed | refused | wrong |", "| --- | ---: | ---: | ---: |"]
    for group in dict.fromkeys(result.case.group for result in results):
        lines.append(f"| {group} | " + " | ".join(f"{counts[group, v]:,}" for v in VERDICTS) + " |")
    reasons = Counter(kind_of(result.reason) for result in results if result.verdict == "refused")
    lines += ["", "| refused because of | tests |", "| --- | ---: |"]
    lines += [f"| {kind} | {count} |" for kind, count in reasons.most_common()]
    return "\n".join(lines)


def main() -> None:
    """Print the tables, and the tests that are refused or wrong."""
    with TemporaryDirectory() as folder:
        results = [judge(case, Path(folder)) for case in cases()]
    print(tables(results))
    for result in results:
        if result.verdict != "passed":
            print(result.verdict, result.case.name, result.reason)


if __name__ == "__main__":
    main()
