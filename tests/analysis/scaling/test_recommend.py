"""The mesh to take: which are looked at, what fits, and why one is taken."""

from __future__ import annotations

import pytest

from netspec.analysis.scaling.recommend import USABLE, device_memory, meshes_of, recommend
from netspec.analysis.scaling.step_shapes import StepShapes, step_shapes
from netspec.language.diagnostics import CompileError
from netspec.language.source import Source
from netspec.spec.compilation import Compilation

SPEC = "input 256\ndense(1024, relu) -> dense(1024, relu) -> dense(16)\ntrain { batch = 4096 }\n"


@pytest.fixture(scope="module")
def shapes() -> StepShapes:
    return step_shapes(Compilation(Source("net.net", SPEC)))


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("80GB", 80 * 10**9),
        ("16 GiB", 16 * 2**30),
        ("1.5gb", 1_500_000_000),
        ("h100", 80 * 10**9),
        ("TPU-v4", 32 * 10**9),
    ],
)
def test_sizes_and_devices(written: str, size: int) -> None:
    assert device_memory(written) == size


@pytest.mark.parametrize(("written", "advice"), [("h10", "`h100`"), ("80", "80GB"), ("0GB", "80GB"), ("-3GB", "80GB")])
def test_what_is_neither(written: str, advice: str) -> None:
    with pytest.raises(CompileError, match="NS552") as error:
        device_memory(written)
    assert advice in str(error.value)


def test_every_mesh_is_looked_at_once() -> None:
    found = [str(mesh) for mesh in meshes_of(8, 64)]
    assert len(found) == len({*found}) == 10  # as many as there are ordered products of three factors
    assert all(mesh.size == 8 for mesh in meshes_of(8, 64))
    assert [str(mesh) for mesh in meshes_of(8, 3)] == ["model(8)"]


def test_the_one_that_sends_least(shapes: StepShapes) -> None:
    found = recommend(shapes, 8)
    assert found.best.total_sent == min(plan.total_sent for plan in found.plans)
    assert "sends least" in found.why


def test_what_fits_matters_more() -> None:
    """Over `model` almost nothing is sent, but every device has the 4,096 targets of all examples."""
    wide = step_shapes(Compilation(Source("net.net", "input 64\ndense(4096)\ntrain { batch = 4096 }\n")))
    free = recommend(wide, 8)
    limit = int((free.best.layout.total - 1) / USABLE)
    found = recommend(wide, 8, limit)
    assert str(free.best.mesh) == "model(8)" != str(found.best.mesh)
    assert found.best.layout.total <= USABLE * limit < free.best.layout.total
    assert "`model(8)` sends less, but needs" in found.why


def test_nothing_fits(shapes: StepShapes) -> None:
    with pytest.raises(CompileError, match="NS552") as error:
        recommend(shapes, 8, 1000)
    assert "no mesh of 8 devices fits" in str(error.value) and "more devices" in str(error.value)


def test_a_batch_that_no_mesh_divides(shapes: StepShapes) -> None:
    with pytest.raises(CompileError, match="NS552") as error:
        recommend(shapes, 67)  # a prime that is larger than the axis `model` may be
    assert "train.batch=4154" in str(error.value)
