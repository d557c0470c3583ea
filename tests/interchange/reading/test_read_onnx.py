"""ONNX files as specs: what they compute is what ONNX Runtime computes, to which every import is compared."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.interchange.imports import Imported, import_model
from netspec.language.diagnostics import CompileError
from tests.interchange.reading.torch_networks import NETWORKS

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
helper, numpy_helper = onnx.helper, onnx.numpy_helper

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
ZOO = sorted(LIGHT.glob("*.onnx"))


def verified(path: Path) -> Imported:
    """A file that is read and compared with ONNX Runtime."""
    imported = import_model(path)
    assert imported.verification is not None or not imported.has_weights
    return imported


def words(imported: Imported) -> list[str]:
    """The last line of the spec, as its stages."""
    return imported.text.strip().split("\n\n")[-1].replace("\n", " ").split(" -> ")


# ---------------------------------------------------------------- files of PyTorch


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Files for any batch are read with `--long` only: those for one batch have more to tell apart."""
    is_long = metafunc.config.getoption("--long")
    if metafunc.function is test_zoo:
        cases = [(path, 0) for path in ZOO] if is_long else [(path, 64) for path in ZOO if "squeezenet" in path.name]
        metafunc.parametrize(("path", "size"), cases, ids=[path.stem for path, _ in cases])
    if "is_open" in metafunc.fixturenames:
        cases = [(name, False) for name in NETWORKS]
        cases += [(name, True) for name in NETWORKS if is_long or name == "encoder"]
        names = [f"{name}-{'any' if is_open else 'one'}" for name, is_open in cases]
        metafunc.parametrize(("name", "is_open"), cases, ids=names)


def test_pytorch(name: str, is_open: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, sizes = NETWORKS[name]
    model = network().eval()
    for key, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.ndim == 1:
            tensor.data.uniform_(0.5, 1.5) if "var" in key else tensor.data.normal_()
    x = torch.randn(2, *sizes) if sizes else torch.randint(0, 20, (2, 7))
    axes = {"x": {0: "batch"}} if is_open else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = tmp_path / "net.onnx"
        torch.onnx.export(model, (x,), path, dynamo=False, input_names=["x"], dynamic_axes=axes)
    verified(path)


def test_text_of_a_transformer(tmp_path: Path) -> None:
    """The attention of PyTorch, about twenty operators, is one word."""
    path = tmp_path / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = NETWORKS["encoder"][0]().eval()
        torch.onnx.export(model, (torch.randint(0, 20, (2, 7)),), path, dynamo=False, input_names=["x"])
    text = verified(path).text
    assert "attention(2)" in text and "posembed" in text
    assert not {"permute", "reshape", "mul", "softmax"} & set(text.replace("(", " ").split())


# ---------------------------------------------------------------- the networks of the ONNX package


def filled(path: Path, target: Path, size: int = 0) -> Path:
    """A network of the package, whose weights are all 0.02, with random ones; with smaller images if wanted."""
    model = onnx.load(path)
    rng = np.random.default_rng(0)
    sizes = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    variances = {node.input[4] for node in model.graph.node if node.op_type == "BatchNormalization"}

    def numbers(name: str, shape: Sequence[int]) -> Any:
        scale = np.prod(shape[1:]) ** -0.5 if len(shape) > 1 else 0.2
        array = scale * rng.normal(size=shape)
        return numpy_helper.from_array((np.abs(1 + array) if name in variances else array).astype(np.float32), name)

    kept = [node for node in model.graph.node if node.op_type != "ConstantOfShape"]
    made = [node for node in model.graph.node if node.op_type == "ConstantOfShape"]
    for tensor in model.graph.initializer:
        if sizes[tensor.name].dtype == np.float32:
            tensor.CopyFrom(numbers(tensor.name, sizes[tensor.name].shape))
    model.graph.initializer.extend(numbers(node.output[0], sizes[node.input[0]].tolist()) for node in made)
    del model.graph.node[:]
    model.graph.node.extend(kept)
    model.ir_version = 8
    for end in model.graph.input if size else ():
        for dim in end.type.tensor_type.shape.dim[2:]:
            dim.dim_value = size
    del model.graph.value_info[:]
    onnx.save(model, target)
    return target


def test_zoo(path: Path, size: int, tmp_path: Path) -> None:
    """All with `--long`; otherwise the one that takes small images."""
    text = verified(filled(path, tmp_path / path.name, size)).text
    assert "squeezenet" not in path.name or text.count("concat") == 1  # the fire modules are one block


# ---------------------------------------------------------------- single operators


def file(
    path: Path,
    nodes: Sequence[Any],
    sizes: Sequence[int | str] = ("N", 3, 6, 6),
    opset: int = 21,
    outputs: Sequence[str] = ("y",),
    **arrays: Any,
) -> Path:
    """A file with an input `x`, constants, and nodes."""
    ends = [helper.make_tensor_value_info(name, 1, None) for name in outputs]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", 1, sizes)],
        ends,
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10), path)
    return path


node = helper.make_node
F = np.float32
CONV = node("Conv", ["x", "w"], ["c"])
WEIGHT = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(F)


ACTIVATIONS: list[tuple[list[Any], str]] = [
    ([node("Sigmoid", ["c"], ["s"]), node("Mul", ["c", "s"], ["y"])], "silu"),
    ([node("Softplus", ["c"], ["s"]), node("Tanh", ["s"], ["t"]), node("Mul", ["t", "c"], ["y"])], "mish"),
    ([node("Clip", ["c", "zero", "six"], ["y"])], "relu6"),
    ([node("Max", ["c", "zero"], ["m"]), node("Min", ["six", "m"], ["y"])], "relu6"),
    (
        [
            node("Add", ["c", "three"], ["a"]),
            node("Clip", ["a", "zero", "six"], ["b"]),
            node("Mul", ["c", "b"], ["d"]),
            node("Div", ["d", "six"], ["y"]),
        ],
        "hardswish",
    ),
    (
        [
            node("Div", ["c", "root"], ["a"]),
            node("Erf", ["a"], ["b"]),
            node("Add", ["b", "one"], ["d"]),
            node("Mul", ["c", "d"], ["e"]),
            node("Mul", ["e", "half"], ["y"]),
        ],
        "gelu",
    ),
    ([node("LeakyRelu", ["c"], ["y"], alpha=0.2)], "leaky_relu(0.2)"),
    ([node("Elu", ["c"], ["y"], alpha=0.5)], "elu(0.5)"),
    ([node("Celu", ["c"], ["y"], alpha=2.0)], "celu(2)"),
    ([node("Selu", ["c"], ["y"])], "selu"),
    ([node("Gelu", ["c"], ["y"], approximate="tanh")], "gelu(approximate = true)"),
    ([node("Softsign", ["c"], ["y"])], "softsign"),
]


def joined(cases: Sequence[list[Any]]) -> tuple[list[Any], list[str]]:
    """Nodes of several cases as one graph, each from `c` to an output of its own, and the outputs."""
    nodes, outputs = [], []
    for index, case in enumerate(cases):
        made = {name for one in case for name in one.output}
        for one in case:
            copy = type(one)()
            copy.CopyFrom(one)
            for names in (copy.input, copy.output):
                names[:] = [f"{name}{index}" if name in made else name for name in names]
            nodes.append(copy)
        outputs.append(f"y{index}")
    return nodes, outputs


def test_activations(tmp_path: Path) -> None:
    """Functions are recognized by their values, in whatever operators they are written."""
    numbers = {"zero": F(0), "one": F(1), "three": F(3), "six": F(6), "half": F(0.5), "root": F(np.sqrt(2))}
    nodes, outputs = joined([case for case, _ in ACTIVATIONS])
    text = verified(file(tmp_path / "n.onnx", [CONV, *nodes], outputs=outputs, w=WEIGHT, **numbers)).text
    assert all(word in text for _, word in ACTIVATIONS)
    assert "scale" not in text and "mul" not in text


OPERATORS: list[list[Any]] = [
    [node("HardSigmoid", ["c"], ["y"])],
    [node("Clip", ["c", "low", "high"], ["y"])],
    [node("Clip", ["c", "", "high"], ["y"])],
    [node("Abs", ["c"], ["y"])],
    [node("Sub", ["one", "c"], ["y"])],
    [node("Neg", ["c"], ["a"]), node("Min", ["a", "c"], ["y"])],
    [node("Pow", ["c", "two"], ["y"])],
    [node("Relu", ["c"], ["r"]), node("Add", ["c", "r"], ["y"])],
    [node("Mul", ["c", "channels"], ["a"]), node("Add", ["a", "channels"], ["y"])],
    [node("PRelu", ["c", "channels"], ["y"])],
    [node("ReduceMean", ["c", "axis"], ["m"]), node("Mul", ["c", "m"], ["y"])],
    [node("DepthToSpace", ["c"], ["y"], blocksize=2)],
    [node("Split", ["c"], ["a", "b"], axis=1, num_outputs=2), node("Concat", ["b", "a"], ["y"], axis=1)],
    [node("Transpose", ["c"], ["t"], perm=[0, 2, 3, 1]), node("Softmax", ["t"], ["y"])],
    [node("LRN", ["c"], ["y"], size=3)],
    [node("AveragePool", ["c"], ["y"], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)],
    [node("AveragePool", ["c"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)],
    [node("AveragePool", ["c"], ["y"], kernel_shape=[5, 5], pads=[0, 0, 1, 1])],
    [node("MaxPool", ["c"], ["y"], kernel_shape=[2, 2], auto_pad="SAME_LOWER")],
    [node("ConvTranspose", ["c", "w2"], ["y"], strides=[2, 2], output_shape=[8, 8])],
    [node("Resize", ["c", "", "", "new"], ["y"], mode="linear", axes=[2, 3])],
    [node("Flatten", ["c"], ["f"]), node("Gemm", ["f", "kernel", "bias"], ["y"], transB=1, alpha=0.5, beta=2.0)],
    [node("GroupNormalization", ["c", "channel", "channel"], ["y"], num_groups=2)],
    [node("InstanceNormalization", ["c", "channel", "channel"], ["y"])],
]


def test_operators(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    arrays = {
        "low": F(-0.5),
        "high": F(1.5),
        "one": F(1),
        "two": F(2),
        "axis": np.array([1]),
        "channels": rng.normal(size=(4, 1, 1)).astype(F),
        "channel": rng.normal(size=4).astype(F),
        "w2": rng.normal(size=(4, 2, 3, 3)).astype(F),
        "new": np.array([9, 7]),
        "kernel": rng.normal(size=(5, 64)).astype(F),
        "bias": rng.normal(size=5).astype(F),
    }
    nodes, outputs = joined(OPERATORS)
    verified(file(tmp_path / "n.onnx", [CONV, *nodes], outputs=outputs, w=WEIGHT, **arrays))


def test_norms_of_several_operators(tmp_path: Path) -> None:
    nodes = [
        node("ReduceMean", ["x", "axis"], ["m"]),
        node("Sub", ["x", "m"], ["c"]),
        node("Pow", ["c", "two"], ["p"]),
        node("ReduceMean", ["p", "axis"], ["v"]),
        node("Add", ["v", "e"], ["ve"]),
        node("Sqrt", ["ve"], ["s"]),
        node("Div", ["c", "s"], ["n"]),
        node("Mul", ["n", "g"], ["a"]),
        node("Add", ["a", "b"], ["y"]),
    ]
    rng = np.random.default_rng(0)
    arrays = {"axis": np.array([-1]), "two": F(2), "e": F(1e-6)}
    arrays |= {"g": rng.normal(size=6).astype(F), "b": rng.normal(size=6).astype(F)}
    imported = verified(file(tmp_path / "n.onnx", nodes, ("N", 4, 6), **arrays))
    assert words(imported) == ["layernorm(epsilon = 1e-06)"]


def test_initializers_as_inputs_and_external_data(tmp_path: Path) -> None:
    path = file(tmp_path / "n.onnx", [CONV, node("Relu", ["c"], ["y"])], w=WEIGHT)
    model = onnx.load(path)
    model.graph.input.append(helper.make_tensor_value_info("w", 1, WEIGHT.shape))
    onnx.save(model, path, save_as_external_data=True, location="n.data", size_threshold=1)
    assert words(verified(path)) == ["conv(4, 3x3, relu, pad = valid, bias = false)"]


def test_unknown_sizes(tmp_path: Path) -> None:
    nodes = [CONV, node("GlobalAveragePool", ["c"], ["g"]), node("Flatten", ["g"], ["y"])]
    imported = verified(file(tmp_path / "n.onnx", nodes, ("N", 3, "height", "width"), w=WEIGHT))
    assert "(Height, Width, 3)" in imported.text.splitlines()[2]


# ---------------------------------------------------------------- what cannot be read


def messages(read: Callable[[], object]) -> list[tuple[str, str]]:
    """Codes and messages."""
    with pytest.raises(CompileError) as error:
        read()
    return [(problem.code, problem.message) for problem in error.value.diagnostics]


def test_everything_unknown_is_reported_at_once(tmp_path: Path) -> None:
    nodes = [
        node("Sin", ["x"], ["a"], name="wave"),
        node("Relu", ["a"], ["b"]),
        node("NonZero", ["x"], ["d"], name="places"),
    ]
    path = file(tmp_path / "n.onnx", nodes, outputs=("b", "d"))
    found = messages(lambda: import_model(path))
    assert [code for code, _ in found] == ["NS571", "NS571"]
    assert "wave (Sin)" in found[0][1] and "places (NonZero)" in found[1][1]


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x0a\x12\x00", b"\xff" * 64])
def test_no_onnx_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "n.onnx"
    path.write_bytes(content)
    ((code, _),) = messages(lambda: import_model(path))
    assert code == "NS570"


def test_damaged_files(tmp_path: Path, long: bool) -> None:
    """A file with wrong bytes, or cut off, gives a diagnostic or a network, never another exception."""
    nodes = [
        CONV,
        node("MaxPool", ["c"], ["m"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Reshape", ["m", "shape"], ["f"]),
        node("Gemm", ["f", "kernel"], ["y"]),
    ]
    kernel = np.ones((16, 2), F)
    path = file(tmp_path / "n.onnx", nodes, w=np.ones((4, 3, 3, 3), F), shape=np.array([0, -1]), kernel=kernel)
    content = path.read_bytes()
    from netspec.interchange.onnx.reading.reader import read

    rng = np.random.default_rng(0)
    for _ in range(2000 if long else 150):
        damaged = bytearray(content)
        if rng.random() < 0.3:
            damaged = damaged[: rng.integers(len(damaged))]
        for place in rng.integers(0, max(1, len(damaged)), rng.integers(1, 4)):
            damaged[place : place + 1] = bytes([rng.integers(256)])
        path.write_bytes(bytes(damaged))
        try:
            read(path, None)
        except CompileError as error:
            assert {problem.code for problem in error.diagnostics} <= {"NS570"}


def test_a_cycle(tmp_path: Path) -> None:
    path = file(tmp_path / "n.onnx", [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])], outputs=("b",))
    ((code, _),) = messages(lambda: import_model(path))
    assert code == "NS570"
