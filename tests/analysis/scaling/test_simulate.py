"""Plans from shapes, against programs that are compiled for simulated devices; nothing of either computes the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.analysis.scaling.plan import plan_step
from netspec.analysis.scaling.simulate import simulate
from netspec.analysis.scaling.step_shapes import step_shapes
from netspec.language.diagnostics import CompileError
from netspec.language.source import Source
from netspec.spec.compilation import Compilation, read_source
from netspec.training.distributed.mesh import Mesh

LLAMA = Path(__file__).parents[3] / "examples" / "llama_7b.net"
SMALL = {"depth": "1", "width": "64", "heads": "4", "hidden": "128", "vocabulary": "256", "length": "32"}
MLP = "input 64\ndense(128, relu) -> dense(256, relu) -> dense(16, softmax)\ntrain { batch = 32 }\n"
CNN = (
    "input 8x8x3\nconv(16) -> batchnorm -> relu -> conv(32) -> batchnorm -> relu -> flatten -> dense(16, softmax)\n"
    "train { batch = 16 }\n"
)
LSTM = "input text: 8 tokens(64)\nembedding(16) -> lstm(32, return = last) -> dense(4, softmax)\ntrain { batch = 16 }\n"


def text(net: str) -> Compilation:
    return Compilation(Source("net.net", net))


def decoder() -> Compilation:
    overrides = {**SMALL, "train.batch": "8", "train.precision": "f32", "train.remat": "false"}
    return Compilation(read_source(LLAMA), overrides=overrides)


def check(spec: Compilation, meshes: list[str], *, relative: float) -> None:
    """Bytes sent by kind, and the memory of the state and the batch, of a plan and of a program."""
    shapes = step_shapes(spec)
    found = simulate(spec, [Mesh.parse(mesh) for mesh in meshes])
    for one in found:
        planned = plan_step(shapes, one.mesh, for_cpu=True)
        layout = planned.layout
        assert {*planned.sent} == {*one.sent}
        for kind, sent in one.sent.items():
            assert planned.sent[kind] == pytest.approx(sent, rel=relative, abs=50), (str(one.mesh), kind)
        held = layout.parameters + layout.optimizer + layout.rest + layout.batch
        assert held == pytest.approx(one.arguments, rel=0.01)
        assert one.flops > 0 and one.temporary > 0


def test_dense_layers() -> None:
    check(text(MLP), ["data(8)", "fsdp(8)", "model(4)", "data(2) -> fsdp(2) -> model(2)"], relative=0.01)


@pytest.mark.long
def test_convolutions_and_batchnorm() -> None:
    check(text(CNN), ["data(4)", "data(2) -> model(2)"], relative=0.05)


def test_a_decoder_as_that_of_seven_billion() -> None:
    check(decoder(), ["data(2) -> fsdp(2)", "model(4)"], relative=0.02)


@pytest.mark.long
def test_recurrent_layers_are_estimated() -> None:
    check(text(LSTM), ["model(4)"], relative=0.5)


def test_activations_are_those_of_the_compiler_roughly() -> None:
    """The compiler keeps less where it computes again, and more where it copies."""
    spec = decoder()
    kept = step_shapes(spec).kept
    (compiled,) = simulate(spec, [Mesh.parse("data(1)")])
    gradients = 4 * (2 * 256 * 64 + 64 + 4 * 64 * 64 + 3 * 64 * 128 + 2 * 64)
    assert kept.activations + gradients == pytest.approx(compiled.temporary, rel=0.4)


def test_meshes_that_are_too_large() -> None:
    with pytest.raises(CompileError, match="NS552"):
        simulate(text(MLP), [Mesh.parse("data(128)")])


def test_a_program_that_cannot_be_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "neither")  # of the process that compiles: JAX is loaded here
    with pytest.raises(CompileError, match="NS552"):
        simulate(text(MLP), [Mesh.parse("data(2)")])
