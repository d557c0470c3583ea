"""Plans from shapes, against hand computation: what a device holds, and what it sends."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.analysis.scaling.plan import MeshPlan, plan_mesh, plan_step
from netspec.analysis.scaling.step_shapes import StepShapes, step_shapes
from netspec.language.source import Source
from netspec.spec.compilation import Compilation, read_source
from netspec.training.distributed.mesh import Mesh

LLAMA = Path(__file__).parents[3] / "examples" / "llama_7b.net"
KERNEL, BIAS = 1024 * 4096 * 4, 4096 * 4
DENSE = "input 1024\ndense(4096)\ntrain { optimizer = adam(0.001) }\n"
PAIR = "input 32\ndense(64, relu) -> dense(16)\n"
BATCH = 64


def plan(text: str, mesh: str, **settings: object) -> MeshPlan:
    overrides = {"train.batch": str(BATCH), **{f"train.{name}": str(value) for name, value in settings.items()}}
    return plan_mesh(Compilation(Source("net.net", text), overrides=overrides), Mesh.parse(mesh))


def test_a_dense_layer_over_model() -> None:
    found = plan(DENSE, "model(4)")
    assert [(one.axes, one.bytes) for one in found.weights] == [((None, "model"), KERNEL // 4), (("model",), BIAS // 4)]
    assert found.layout.parameters == found.layout.gradients == (KERNEL + BIAS) // 4
    assert 0 <= found.layout.optimizer - 2 * found.layout.parameters <= 16  # and its counter
    assert found.layout.gathered == 0
    assert found.layout.batch == BATCH * (1024 + 4096) * 4  # every device of the group sees all examples


def test_a_dense_layer_over_data() -> None:
    found = plan(DENSE, "data(8)")
    assert found.layout.parameters == KERNEL + BIAS
    assert found.layout.batch == BATCH // 8 * (1024 + 4096) * 4
    assert found.sent == {"all-reduce": 2 * 7 / 8 * (KERNEL + BIAS)}


def test_a_dense_layer_over_fsdp() -> None:
    found = plan(DENSE, "fsdp(8)")
    assert found.layout.parameters == (KERNEL + BIAS) // 8
    assert found.layout.gathered == KERNEL + BIAS
    assert found.sent == {"all-gather": 7 / 8 * (KERNEL + BIAS), "reduce-scatter": 7 / 8 * (KERNEL + BIAS)}


def test_two_axes_share_the_work() -> None:
    found, whole = plan(DENSE, "data(2) -> fsdp(4)"), KERNEL + BIAS
    by_hand = {"all-reduce": 2 * 1 / 2 * whole / 4, "all-gather": 3 / 4 * whole, "reduce-scatter": 3 / 4 * whole}
    assert found.sent == by_hand
    assert found.layout.parameters == whole // 4


def test_two_dense_layers_exchange_one_sum() -> None:
    """Megatron's pair: columns, then rows, so that only the sum of the second one is exchanged; the input of the first
    needs no gradient."""
    found = plan(PAIR, "model(4)")
    assert [one.axes for one in found.weights] == [(None, "model"), ("model",), ("model", None), (None,)]
    assert found.sent == {"all-reduce": 2 * 3 / 4 * BATCH * 16 * 4}


def test_data_parallel_traffic_is_flat_from_two_to_4096_devices() -> None:
    sizes = [2**power for power in range(1, 13)]
    sent = [plan(PAIR, f"data({n})", batch=8 * n).total_sent for n in sizes]
    assert sent == pytest.approx([2 * (n - 1) / n * (33 * 64 + 65 * 16) * 4 for n in sizes])
    assert max(sent) < 2 * min(sent) and sent == sorted(sent)


def test_frozen_layers_have_no_gradients() -> None:
    text = 'input 32\ndense(64, name = "a") -> dense(16)\n'
    whole, partly = plan(text, "data(4)"), plan(text, "data(4)", freeze='"a"')
    assert partly.layout.gradients == whole.layout.gradients - 33 * 64 * 4
    assert partly.sent == {"all-reduce": 2 * 3 / 4 * 65 * 16 * 4}


@pytest.fixture(scope="module")
def llama() -> StepShapes:
    return step_shapes(Compilation(read_source(LLAMA)))


@pytest.mark.parametrize("mesh", ["fsdp(8)", "fsdp(64)", "data(8) -> fsdp(8)", "fsdp(8) -> model(8)"])
def test_seven_billion_parameters(llama: StepShapes, mesh: str) -> None:
    found = plan_step(llama, Mesh.parse(mesh))
    parts = {"data(8) -> fsdp(8)": 8}.get(mesh, Mesh.parse(mesh).size)
    assert found.layout.parameters == pytest.approx(6_738_415_616 * 4 / parts, rel=1e-3)
    assert found.layout.optimizer == pytest.approx(2 * found.layout.parameters, rel=1e-6)
    assert sum(one.bytes for one in found.weights) == found.layout.parameters


def test_blocks_that_are_recomputed_keep_what_is_between_them(llama: StepShapes) -> None:
    found = plan_step(llama, Mesh.parse("fsdp(64)")).layout
    between = 2048 * 4096 * 2 * 33  # of the one example of a device, in bf16
    assert between < found.activations < 12 * between
    assert found.gathered == pytest.approx(6_738_415_616 * 2, rel=1e-3)


def test_the_precision_of_activations() -> None:
    text = "input 64\ndense(512, relu) -> dense(512, relu) -> dense(16)\n"
    plain, mixed = (plan(text, "data(4)", precision=one).layout.activations for one in ("f32", "mixed"))
    assert 0.4 < mixed / plain < 0.7
