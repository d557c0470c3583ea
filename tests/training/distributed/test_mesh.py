"""The words of a mesh, its checks, and the rules by which weights are split; all without JAX."""

from __future__ import annotations

import pytest

import netspec
from netspec.language.source import Source
from netspec.spec.compilation import Compilation
from netspec.training.distributed.mesh import Mesh, devices_of, mesh_of
from netspec.training.distributed.rules import Axes, Path, weight_axes


def axes_of(net: str, mesh: str) -> dict[Path, Axes]:
    return weight_axes(Compilation(Source("net", net)).network, Mesh.parse(mesh))


def codes(settings: str) -> list[str]:
    return [d.code for d in netspec.check(f"input 8\ndense(8)\ntrain {{\n{settings}\n}}\n")]


def test_a_mesh_is_read_and_written() -> None:
    mesh = Mesh.parse("data(2)->  fsdp(3) -> model(4)")
    assert str(mesh) == "data(2) -> fsdp(3) -> model(4)"
    assert (mesh.size, mesh.batch_parts, mesh.batch_axes) == (24, 6, ("data", "fsdp"))
    assert (mesh.get("model"), Mesh.parse("data(2)").get("model")) == (4, 1)
    assert (devices_of("data(2) -> model(3)"), devices_of("data(2"), devices_of(None)) == (6, None, None)
    assert mesh_of(4, None) == Mesh.parse("data(4)")
    assert mesh_of(None, None) is None


@pytest.mark.parametrize("text", ["", "data", "data(0)", "data(2) -> data(2)", "rows(2)", "data(2) model(2)"])
def test_what_is_not_a_mesh(text: str) -> None:
    with pytest.raises(ValueError, match="is not a mesh"):
        Mesh.parse(text)


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ("devices = 4", []),
        ("mesh = data(2) -> model(3)", []),
        ("devices = 6\nmesh = data(2) -> model(3)", []),
        ("devices = 4\nmesh = data(2) -> model(3)", ["NS576"]),
        ("mesh = data(2) -> data(4)", ["NS576"]),
        ("devices = 3", ["NS577"]),
        ("batch = 12\nmesh = data(2) -> fsdp(4)", ["NS577"]),
        ("batch = 3\nmesh = model(8)", []),
        ("mesh = rows(2)", ["NS201"]),
        ("devices = 0", ["NS206"]),
    ],
)
def test_a_mesh_is_checked_without_devices(settings: str, found: list[str]) -> None:
    assert codes(settings) == found


def test_the_nearest_batches_are_named() -> None:
    [error] = netspec.check("input 8\ndense(8)\ntrain {\n    batch   = 30\n    devices = 4\n}\n")
    assert "`batch = 28` or `batch = 32`" in str(error.as_json())


def test_dense_layers_are_split_by_columns_then_by_rows() -> None:
    axes = axes_of("input 8\ndense(16, relu) -> dropout(0.1) -> dense(12) -> dense(4)", "model(4)")
    assert axes["dense", "kernel"] == (None, "model")
    assert axes["dense", "bias"] == ("model",)
    assert axes["dense_2", "kernel"] == ("model", None)
    assert axes["dense_2", "bias"] == (None,)
    assert axes["dense_3", "kernel"] == (None, "model")


def test_convolutions_are_split_by_channels_with_the_norms_between() -> None:
    axes = axes_of("input 8x8x3\nconv(16) -> batchnorm -> relu -> conv(8) -> gap -> dense(4)", "model(4)")
    assert axes["conv", "kernel"] == (None, None, None, "model")
    assert axes["batchnorm", "scale"] == axes["batchnorm", "mean"] == ("model",)
    assert axes["conv_2", "kernel"] == (None, None, "model", None)


def test_attention_is_split_by_heads() -> None:
    axes = axes_of("input 6x16\nattention(4, kv_heads = 2)", "model(4)")
    assert axes["attention", "query", "kernel"] == (None, "model")
    assert axes["attention", "key", "kernel"] == (None, None)  # two heads on four devices
    assert axes["attention", "out", "kernel"] == ("model", None)


def test_embeddings_and_recurrent_layers() -> None:
    axes = axes_of("input 6 tokens(10)\nembedding(8) -> lstm(12) -> gru(5)", "model(4)")
    assert axes["embedding", "embedding"] == (None, "model")  # ten ids on four devices
    assert axes["lstm", "kernel"] == axes["lstm", "recurrent_kernel"] == (None, "model")
    assert axes["gru", "kernel"] == (None, None)
    assert axes_of("input 6 tokens(12)\nembedding(8)", "model(4)")["embedding", "embedding"] == ("model", None)


def test_fsdp_takes_the_largest_axis_that_is_left() -> None:
    net = "input 64\ndense(128, relu) -> dense(10)"
    assert axes_of(net, "fsdp(4)")["dense", "kernel"] == (None, "fsdp")
    assert axes_of(net, "fsdp(4) -> model(2)")["dense", "kernel"] == ("fsdp", "model")
    assert axes_of(net, "fsdp(4)")["dense_2", "bias"] == (None,)
    assert axes_of(net, "fsdp(3)")["dense", "kernel"] == (None, None)
    assert axes_of(net, "data(4)")["dense", "kernel"] == (None, None)
