"""`netspec import` of symbols of MXNet, which does not install any more: the same networks are written in PyTorch."""

from __future__ import annotations

import contextlib
import json
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.cli.main import run
from netspec.interchange.configs.mxnet.reader import read
from netspec.interchange.imports import Imported

torch: Any = pytest.importorskip("torch")
F: Any = torch.nn.functional


class Net:
    """A symbol that is written node by node, with random arrays."""

    def __init__(self, seed: int = 0, name: str = "data", **attributes: str) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[dict[str, Any]] = []
        self.arrays: dict[str, np.ndarray] = {}
        self.aux: set[str] = set()
        self.data = self.node("null", name, **attributes)

    def node(self, op: str, name: str, *inputs: Any, **attributes: Any) -> int:
        entries = [[*i, 0] if isinstance(i, tuple) else [i, 0, 0] for i in inputs]
        texts = {key: str(value) for key, value in attributes.items()}
        self.nodes.append({"op": op, "name": name, "inputs": entries, **({"attrs": texts} if texts else {})})
        return len(self.nodes) - 1

    def variable(self, name: str, array: np.ndarray, *, aux: bool = False) -> int:
        self.arrays[name] = array.astype(np.float32)
        self.aux |= {name} if aux else set()
        return self.node("null", name)

    def normal(self, *sizes: int) -> np.ndarray:
        return self.rng.normal(size=sizes) / np.sqrt(max(np.prod(sizes[1:]), 1))

    def conv(self, x: int, name: str, sizes: tuple[int, ...], *, bias: bool = True, **attributes: Any) -> int:
        inputs = [self.variable(f"{name}_weight", self.normal(*sizes))]
        inputs += [self.variable(f"{name}_bias", self.normal(sizes[0]))] if bias else []
        kernel = f"({', '.join(map(str, sizes[2:]))},)"
        return self.node(
            "Convolution", name, x, *inputs, kernel=kernel, num_filter=sizes[0], no_bias=not bias, **attributes
        )

    def norm(self, x: int, name: str, size: int, **attributes: Any) -> int:
        kinds = {"gamma": 1 + self.normal(size), "beta": self.normal(size), "moving_mean": self.normal(size)}
        kinds["moving_var"] = 1 + self.normal(size) ** 2
        inputs = [self.variable(f"{name}_{key}", array, aux="moving" in key) for key, array in kinds.items()]
        return self.node("BatchNorm", name, x, *inputs, **attributes)

    def dense(self, x: int, name: str, inputs: int, units: int, **attributes: Any) -> int:
        weight = self.variable(f"{name}_weight", self.normal(units, inputs))
        bias = self.variable(f"{name}_bias", self.normal(units))
        return self.node("FullyConnected", name, x, weight, bias, num_hidden=units, **attributes)

    def tensor(self, name: str) -> Any:
        return torch.from_numpy(self.arrays[name])

    def weights(self, name: str) -> tuple[Any, Any]:
        return self.tensor(f"{name}_weight"), self.tensor(f"{name}_bias") if f"{name}_bias" in self.arrays else None

    def norm_of(self, x: Any, name: str, *, epsilon: float = 1e-3, fixed: bool = False) -> Any:
        mean, var = self.tensor(f"{name}_moving_mean"), self.tensor(f"{name}_moving_var")
        gamma = torch.ones_like(mean) if fixed else self.tensor(f"{name}_gamma")
        return F.batch_norm(x, mean, var, gamma, self.tensor(f"{name}_beta"), eps=epsilon)

    def save(self, folder: Path, *heads: int, version: int = 2) -> tuple[Path, Path]:
        symbol = {"nodes": self.nodes, "arg_nodes": [], "heads": [[h, 0, 0] for h in heads or (len(self.nodes) - 1,)]}
        (folder / "net-symbol.json").write_text(json.dumps(symbol, indent=2))
        names = {f"{'aux' if name in self.aux else 'arg'}:{name}": array for name, array in self.arrays.items()}
        (folder / "net-0000.params").write_bytes(params(names, version))
        return folder / "net-symbol.json", folder / "net-0000.params"


def params(arrays: dict[str, np.ndarray], version: int = 2) -> bytes:
    """A file of arrays in one of MXNet's versions: 0 is the oldest."""
    out = struct.pack("<QQQ", 0x112, 0, len(arrays))
    for array in arrays.values():
        sizes = array.shape
        if version == 0:
            out += struct.pack(f"<I{len(sizes)}I", len(sizes), *sizes)
        else:
            out += struct.pack("<I", 0xF993FAC7 + version) + (struct.pack("<i", 0) if version > 1 else b"")
            out += struct.pack(f"<I{len(sizes)}q", len(sizes), *sizes)
        types = {np.dtype("f4"): 0, np.dtype("f8"): 1, np.dtype("f2"): 2}
        out += struct.pack("<iii", 1, 0, types[array.dtype]) + array.tobytes()
    out += struct.pack("<Q", len(arrays))
    return out + b"".join(struct.pack("<Q", len(name)) + name.encode() for name in arrays)


def check(net: Net, expected: Any, x: Any, folder: Path, *heads: int, **more: Any) -> Imported:
    """The imported network computes the same; images and sequences of PyTorch have their channels first."""
    symbol, weights = net.save(folder, *heads)
    shape = "x".join(map(str, (*x.shape[2:], x.shape[1]))) if x.ndim > 2 else str(x.shape[1])
    found = netspec.import_model(symbol, weights=weights, **({"input": shape} | more))
    values = np.asarray(found.model(np.moveaxis(x.numpy(), 1, -1)))
    wanted = expected.numpy()
    if wanted.ndim > 2:
        wanted = np.moveaxis(wanted, 1, -1)
    assert values.shape == wanted.shape
    difference = np.abs(values - wanted).max() / np.abs(wanted).max()
    assert difference < 1e-4, difference
    return found


@pytest.fixture(autouse=True)
def no_gradients() -> Any:
    with torch.no_grad():
        yield


def test_lenet(tmp_path: Path) -> None:
    """As in MXNet's examples, with a label at the end that is no input."""
    net = Net()
    y = net.conv(net.data, "conv1", (6, 1, 5, 5))
    y = net.node("Activation", "tanh1", y, act_type="tanh")
    y = net.node("Pooling", "pool1", y, pool_type="max", kernel="(2, 2)", stride="(2, 2)")
    y = net.conv(y, "conv2", (16, 6, 5, 5))
    y = net.node("Activation", "tanh2", y, act_type="tanh")
    y = net.node("Pooling", "pool2", y, pool_type="avg", kernel="(2, 2)", stride="(2, 2)")
    y = net.node("Flatten", "flatten", y)
    y = net.dense(y, "fc1", 256, 32)
    y = net.node("Activation", "tanh3", y, act_type="tanh")
    y = net.dense(y, "fc2", 32, 10)
    net.node("SoftmaxOutput", "softmax", y, net.node("null", "softmax_label"))
    x = torch.randn(3, 1, 28, 28)
    z = F.max_pool2d(torch.tanh(F.conv2d(x, *net.weights("conv1"))), 2)
    z = F.avg_pool2d(torch.tanh(F.conv2d(z, *net.weights("conv2"))), 2).flatten(1)
    z = F.linear(torch.tanh(F.linear(z, *net.weights("fc1"))), *net.weights("fc2")).softmax(1)
    found = check(net, z, x, tmp_path)
    assert found.model.cost.trainable == sum(array.size for array in net.arrays.values())
    symbol, weights = net.save(tmp_path)
    assert (
        run(["import", str(symbol), str(weights), "--input", "28x28x1", "--weights", "-o", str(tmp_path / "a.net")])
        == 0
    )
    again = netspec.compile(tmp_path / "a.net")
    assert np.abs(np.asarray(again(x.permute(0, 2, 3, 1).numpy())) - z.numpy()).max() < 1e-5


def test_a_residual_network(tmp_path: Path) -> None:
    """Of the first version, with the norm of the data, projections, and a symbol that says its shape."""
    net = Net(__shape__="(0, 3, 30, 28)")
    y = net.norm(net.data, "bn_data", 3, fix_gamma="True", eps="2e-05")
    y = net.conv(y, "conv0", (8, 3, 7, 7), bias=False, stride="(2, 2)", pad="(3, 3)")
    y = net.norm(y, "bn0", 8, fix_gamma=False, eps=2e-5, momentum=0.9)
    y = net.node("Activation", "relu0", y, act_type="relu")
    y = net.node("Pooling", "pool0", y, kernel="(3,3)", stride="(2,2)", pad="(1,1)", pool_type="max")
    widths = [(8, 8, 1), (8, 16, 2)]
    for i, (old, new, stride) in enumerate(widths):
        z = net.conv(y, f"s{i}_conv1", (new, old, 3, 3), bias=False, stride=f"({stride},{stride})", pad="(1,1)")
        z = net.node("Activation", f"s{i}_relu1", net.norm(z, f"s{i}_bn1", new, fix_gamma=0), act_type="relu")
        z = net.norm(
            net.conv(z, f"s{i}_conv2", (new, new, 3, 3), bias=False, pad="(1,1)"), f"s{i}_bn2", new, fix_gamma=0
        )
        if stride != 1:
            y = net.conv(y, f"s{i}_sc", (new, old, 1, 1), bias=False, stride="(2,2)")
            y = net.norm(y, f"s{i}_sc_bn", new, fix_gamma=0)
        y = net.node("Activation", f"s{i}_relu2", net.node("elemwise_add", f"plus{i}", z, y), act_type="relu")
    y = net.node("Pooling", "pool1", y, global_pool="True", kernel="(7,7)", pool_type="avg")
    net.node("log_softmax", "out", net.dense(y, "fc1", 16, 5))
    x = torch.randn(2, 3, 30, 28)
    z = net.norm_of(x, "bn_data", epsilon=2e-5, fixed=True)
    z = F.conv2d(z, *net.weights("conv0"), stride=2, padding=3)
    z = F.max_pool2d(net.norm_of(z, "bn0", epsilon=2e-5).relu(), 3, 2, 1)
    for i, (_, _, stride) in enumerate(widths):
        v = net.norm_of(F.conv2d(z, *net.weights(f"s{i}_conv1"), stride=stride, padding=1), f"s{i}_bn1").relu()
        v = net.norm_of(F.conv2d(v, *net.weights(f"s{i}_conv2"), padding=1), f"s{i}_bn2")
        if stride != 1:
            z = net.norm_of(F.conv2d(z, *net.weights(f"s{i}_sc"), stride=2), f"s{i}_sc_bn")
        z = (v + z).relu()
    expected = F.linear(z.mean((2, 3)), *net.weights("fc1")).log_softmax(1)
    check(net, expected, x, tmp_path, input=None)


def test_alexnet(tmp_path: Path) -> None:
    net = Net()
    y = net.conv(net.data, "conv1", (8, 3, 11, 11), stride="(4, 4)")
    y = net.node("LRN", "norm1", net.node("relu", "relu1", y), alpha=0.01, beta=0.75, knorm=2, nsize=5)
    y = net.node("Pooling", "pool1", y, kernel="(3, 3)", stride="(2, 2)", pooling_convention="full")
    y = net.conv(y, "conv2", (12, 4, 5, 5), pad="(2, 2)", num_group=2)
    y = net.node("LeakyReLU", "leaky", y, act_type="leaky", slope=0.1)
    y = net.node("Dropout", "dropout", net.dense(y, "fc1", 12 * 8 * 8, 20), p=0.5)
    gamma = net.variable("prelu_gamma", net.normal(20))
    net.dense(net.node("LeakyReLU", "prelu", y, gamma, act_type="prelu"), "fc2", 20, 4)
    x = torch.randn(2, 3, 71, 71)
    z = F.conv2d(x, *net.weights("conv1"), stride=4).relu()
    z = F.max_pool2d(F.local_response_norm(z, 5, 0.01, 0.75, 2.0), 3, 2, ceil_mode=True)
    z = F.leaky_relu(F.conv2d(z, *net.weights("conv2"), padding=2, groups=2), 0.1).flatten(1)
    z = F.prelu(F.linear(z, *net.weights("fc1")), net.tensor("prelu_gamma"))
    check(net, F.linear(z, *net.weights("fc2")), x, tmp_path)


def test_mobilenet_of_gluon(tmp_path: Path) -> None:
    """Depthwise convolutions, squeeze and excitation, and names with a prefix."""
    net = Net()
    y = net.conv(net.data, "mobilenet0_conv0", (8, 3, 3, 3), bias=False, stride="(2, 2)", pad="(1, 1)")
    y = net.node("clip", "relu6_0", net.norm(y, "mobilenet0_bn0", 8, fix_gamma=False, eps=1e-5), a_min=0.0, a_max=6.0)
    y = net.conv(y, "mobilenet0_conv1", (8, 1, 3, 3), bias=False, pad="(1, 1)", num_group=8)
    y = net.norm(y, "mobilenet0_bn1", 8, fix_gamma=False, eps=1e-5)
    gate = net.node("Pooling", "gate_pool", y, global_pool="True", pool_type="avg")
    gate = net.node("Activation", "gate", net.conv(gate, "gate_conv", (8, 8, 1, 1)), act_type="sigmoid")
    y = net.node("broadcast_mul", "gated", y, gate)
    y = net.conv(y, "mobilenet0_conv2", (12, 8, 1, 1), bias=False)
    y = net.node("_mul_scalar", "half", y, scalar=0.5)
    y = net.node("_contrib_AdaptiveAvgPooling2D", "pool", y)
    y = net.conv(y, "mobilenet0_pred", (7, 12, 1, 1), bias=False)
    net.node("Reshape", "out", y, shape="(0, -1)")
    x = torch.randn(2, 3, 16, 16)
    z = F.conv2d(x, *net.weights("mobilenet0_conv0"), stride=2, padding=1)
    z = net.norm_of(z, "mobilenet0_bn0", epsilon=1e-5).clamp(0, 6)
    z = net.norm_of(F.conv2d(z, *net.weights("mobilenet0_conv1"), padding=1, groups=8), "mobilenet0_bn1", epsilon=1e-5)
    z = z * F.conv2d(z.mean((2, 3), keepdim=True), *net.weights("gate_conv")).sigmoid()
    z = F.conv2d(z, *net.weights("mobilenet0_conv2")).mul(0.5).mean((2, 3), keepdim=True)
    check(net, F.conv2d(z, *net.weights("mobilenet0_pred")).flatten(1), x, tmp_path)


def test_other_operators(tmp_path: Path) -> None:
    net = Net()
    first = net.conv(net.data, "conv", (6, 4, 3, 3), pad="(2, 2)", dilate="(2, 2)")
    parts = net.node("SliceChannel", "parts", first, num_outputs=2, axis=1)
    y = net.node("Concat", "joined", (parts, 1), (parts, 0), net.data, num_args=3, dim=1)
    y = net.node("UpSampling", "up", y, scale=2, sample_type="nearest", num_args=1)
    y = net.node("Pad", "pad", y, mode="edge", pad_width="(0,0,0,0,1,1,2,2)")
    weight = net.variable("deconv_weight", net.normal(10, 5, 3, 3))
    y = net.node(
        "Deconvolution", "deconv", y, weight, kernel="(3, 3)", num_filter=5, stride="(2, 2)", pad="(1, 1)", adj="(1, 1)"
    )
    gamma, beta = net.variable("in_gamma", 1 + net.normal(5)), net.variable("in_beta", net.normal(5))
    y = net.node("InstanceNorm", "in", y, gamma, beta)
    y = net.node("broadcast_add", "shifted", y, net.variable("shift", net.normal(1, 5, 1, 1)))
    y = net.node("L2Normalization", "l2", y, mode="channel")
    y = net.node(
        "Pooling", "pool", y, kernel="(3,3)", stride="(2,2)", pad="(1,1)", pool_type="avg", count_include_pad=False
    )
    y = net.node("Pooling", "sum", y, kernel="(2,2)", stride="(2,2)", pool_type="sum")
    y = net.node("LeakyReLU", "elu", y, act_type="elu", slope=0.7)
    x = torch.randn(2, 4, 6, 5)
    z = F.conv2d(x, *net.weights("conv"), padding=2, dilation=2)
    z = F.interpolate(torch.cat([z[:, 3:], z[:, :3], x], 1), scale_factor=2)
    z = F.conv_transpose2d(F.pad(z, (2, 2, 1, 1), "replicate"), net.tensor("deconv_weight"), None, 2, 1, 1)
    z = F.instance_norm(z, weight=net.tensor("in_gamma"), bias=net.tensor("in_beta"), eps=1e-3) + net.tensor("shift")
    z = F.avg_pool2d(F.normalize(z, dim=1), 3, 2, 1, count_include_pad=False)
    check(net, F.elu(F.avg_pool2d(z, 2) * 4, 0.7), x, tmp_path)


def test_sequences_and_several_outputs(tmp_path: Path) -> None:
    net = Net(name="ids")
    table = net.variable("embed_weight", net.normal(11, 6))
    y = net.node("Embedding", "embed", net.data, table, input_dim=11, output_dim=6)
    y = net.node("transpose", "first", y, axes="(0, 2, 1)")
    y = net.conv(y, "conv", (5, 6, 3), pad="(1,)")
    y = net.node("transpose", "last", y, axes="(0, 2, 1)")
    gamma, beta = net.variable("ln_gamma", 1 + net.normal(5)), net.variable("ln_beta", net.normal(5))
    y = net.node("LayerNorm", "ln", y, gamma, beta, axis=-1)
    steps = net.dense(y, "each", 5, 3, flatten=False)
    total = net.dense(net.node("mean", "mean", y, axis="(1,)"), "all", 5, 2)
    symbol, weights = net.save(tmp_path, steps, total)
    found = netspec.import_model(symbol, weights=weights, input="8")
    ids = torch.randint(0, 11, (3, 8))
    z = F.conv1d(F.embedding(ids, net.tensor("embed_weight")).mT, *net.weights("conv"), padding=1).mT
    z = F.layer_norm(z, (5,), net.tensor("ln_gamma"), net.tensor("ln_beta"))
    values = found.model(ids.numpy().astype(np.int32))
    assert np.allclose(values["each"], F.linear(z, *net.weights("each")), atol=1e-5)
    assert np.allclose(values["all"], F.linear(z.mean(1), *net.weights("all")), atol=1e-5)
    net = Net()
    net.node("Pooling", "pool", net.conv(net.data, "conv", (5, 6, 3)), kernel="(2,)", stride="(2,)", pool_type="max")
    x = torch.randn(2, 6, 12)
    check(net, F.max_pool1d(F.conv1d(x, *net.weights("conv")), 2), x, tmp_path)


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_versions_of_the_files(version: int, tmp_path: Path) -> None:
    """Older symbols have other keys, and no nodes for running statistics."""
    net = Net()
    net.norm(net.dense(net.data, "fc", 4, 3), "bn", 3)
    net.arrays["fc_weight"] = net.arrays["fc_weight"].astype("f8" if version else "f2")
    symbol, weights = net.save(tmp_path, version=version)
    if version == 0:
        data = json.loads(symbol.read_text())
        data["nodes"] = [{**node, "param": node.pop("attrs", {})} for node in data["nodes"][:-3]] + [data["nodes"][-1]]
        data["nodes"][-1]["param"] = data["nodes"][-1].pop("attrs", {})
        data["nodes"] = data["nodes"][:-1]
        data["nodes"].insert(5, {"op": "null", "name": "bn_beta", "inputs": [], "backward_source_id": -1})
        data["nodes"] = data["nodes"][:6]
        data["nodes"].append({"op": "BatchNorm", "name": "bn", "param": {}, "inputs": [[3, 0], [4, 0], [5, 0]]})
        data["heads"] = [[6, 0]]
        symbol.write_text(json.dumps(data))
    x = torch.randn(2, 4)
    weight = net.tensor("fc_weight").float()
    expected = net.norm_of(F.linear(x, weight, net.tensor("fc_bias")), "bn", fixed=True)
    found = netspec.import_model(symbol, weights=weights, input="4")
    assert np.allclose(found.model(x.numpy()), expected, atol=1e-3 if version == 0 else 1e-5)


def test_without_arrays(tmp_path: Path) -> None:
    net = Net(__shape__="(1, 3, 8, 8)")
    net.dense(net.norm(net.conv(net.data, "conv", (4, 3, 3, 3)), "bn", 4), "fc", 144, 2)
    symbol, _ = net.save(tmp_path)
    found = netspec.import_model(symbol)
    assert not found.has_weights and found.model.cost.trainable == 4 * 27 + 4 + 4 + 144 * 2 + 2


def errors_of(net: Net, folder: Path, **more: Any) -> list[tuple[str, str]]:
    symbol, weights = net.save(folder)
    with pytest.raises(netspec.CompileError) as error:
        netspec.import_model(symbol, weights=weights, **({"input": "8x8x3"} | more))
    return [(d.code, d.span.text if d.span else "") for d in error.value.diagnostics if d.is_error]


def test_what_cannot_be_imported(tmp_path: Path) -> None:
    net = Net()
    y = net.node("Pooling", "lp", net.data, pool_type="lp", kernel="(2, 2)")
    z = net.node("clip", "clipped", net.data, a_min=-1, a_max=1)
    v = net.node("_contrib_Proposal", "boxes", net.data)
    w = net.node("Convolution", "wide", net.data, net.node("null", "w"), kernel="(3, 3)", num_filter="many")
    net.node("Concat", "joined", y, z, v, w)
    assert errors_of(net, tmp_path) == [("NS571", name) for name in ("lp", "clipped", "boxes", "wide")]
    net = Net()
    net.conv(net.data, "conv", (4, 3, 3, 3))
    assert errors_of(net, tmp_path, input=None) == [("NS570", "data")]
    del net.arrays["conv_bias"]
    assert errors_of(net, tmp_path) == [("NS575", "")]
    net.arrays["conv_bias"] = np.zeros(7, np.float32)
    assert errors_of(net, tmp_path) == [("NS571", "conv")]
    symbol, _ = net.save(tmp_path)
    with pytest.raises(ValueError, match="224x224x3"):
        netspec.import_model(symbol, input="8,8")
    assert run(["import", str(symbol), "--input", "wide"]) == 1


BAD = [
    b"",
    b"{",
    b"[]",
    b"{}",
    b'{"nodes": [], "heads": []}',
    b'{"nodes": [1], "heads": [[0, 0]]}',
    b"[" * 100_000,
    b"\xff",
]
BAD += [b'{"nodes": [{"op": "null", "name": "a", "inputs": []}], "heads": [[3, 0]]}']
BAD += [b'{"nodes": [{"op": "relu", "name": "a", "inputs": [[0, 0, 0]]}], "heads": [[0, 0]]}']
BAD += [b'{"nodes": [{"op": "null", "name": "a", "attrs": 3}], "heads": [[0, 0]]}']


@pytest.mark.parametrize("content", BAD)
def test_files_that_are_no_symbol(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(netspec.CompileError, match="NS570"):
        netspec.import_model(tmp_path / "a.json", format="mxnet", input="3")


def test_no_file_crashes_the_reader(tmp_path: Path, long: bool) -> None:
    net = Net(__shape__="(1, 3, 8, 8)")
    y = net.norm(net.conv(net.data, "conv", (4, 3, 3, 3), stride="(2, 2)"), "bn", 4)
    y = net.node("Reshape", "reshape", net.node("LeakyReLU", "elu", y, act_type="elu"), shape="(0, -3, -2)")
    y = net.node("Concat", "joined", y, net.node("Flatten", "flat", net.data))
    net.dense(net.node("Pooling", "pool", net.data, kernel="(2, 2)", pooling_convention="full"), "fc", 147, 2)
    net.node("add_n", "sum", y, len(net.nodes) - 1)
    symbol, weights = net.save(tmp_path)
    text, content = symbol.read_text(), weights.read_bytes()
    rng = random.Random(0)
    texts = ["(0,", "None", "-1", "1e999", "(99999999999,)", "True", "(3,3,3)", "0", "", "[", "null", "Pooling", "é"]
    for _ in range(3000 if long else 200):
        data = json.loads(text)
        for _ in range(rng.randint(0, 2)):
            node = rng.choice(data["nodes"])
            attributes = node.setdefault("attrs", {})
            key = rng.choice([*attributes, "axis", "kernel", "pad", "shape", "num_group"])
            attributes[key] = rng.choice(texts)
            if rng.random() < 0.3:
                node["op"] = rng.choice(data["nodes"])["op"]
            if node["inputs"] and rng.random() < 0.2:
                node["inputs"].pop()
        damaged = bytearray(content)
        if rng.random() < 0.5:
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        symbol.write_text(json.dumps(data) if rng.random() < 0.9 else text[: rng.randrange(len(text))])
        weights.write_bytes(damaged if rng.random() < 0.9 else damaged[: rng.randrange(len(damaged))])
        with contextlib.suppress(netspec.CompileError):
            read(symbol, weights if rng.random() < 0.8 else None)
