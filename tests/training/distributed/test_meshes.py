"""On eight simulated devices, training gives what it gives on one; each device holds its part."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.child_processes import child_environment

EQUAL = 1e-5
"""The largest relative difference to one device."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, long: bool) -> Any:
    """What all cases give, from one child process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.distributed.cases", *(["--long"] if long else [])],
        env=child_environment(8),
        cwd=tmp_path_factory.mktemp("meshes"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_every_step_has_the_loss_of_one_device(found: Any, long: bool) -> None:
    assert len(found["steps"]) == (4 if long else 3)
    for net, meshes in found["steps"].items():
        alone = meshes["None"]["losses"]
        for mesh, given in meshes.items():
            np.testing.assert_allclose(given["losses"], alone, rtol=EQUAL, err_msg=f"{net} on {mesh}")
        assert len(meshes) > 1 and len(set(alone)) == len(alone), net  # it does train


def test_each_device_holds_its_part(found: Any) -> None:
    for mesh, given in found["steps"]["mlp"].items():
        if mesh == "None":
            continue
        parts = given["bytes"]
        assert parts["optimizer"] == parts["params"]  # a momentum for each weight, split as the weights are
        for whole, *each in parts.values():
            assert len(set(each)) == 1
            # Biases and weights of fewer than 1,024 numbers are whole on every device of `fsdp`.
            low, high = (1, 1) if mesh == "data(8)" else (1 / 8, 1 / 3)
            assert low <= each[0] / whole <= high, mesh


def test_first_weights_are_made_in_parts_with_the_numbers_of_one_device(found: Any) -> None:
    assert found["first"].pop("is given")
    assert len(found["first"]) == 2
    for name, (is_same, (whole, *each)) in found["first"].items():
        assert is_same and len(set(each)) == 1 and each[0] < 0.8 * whole, name


def test_a_run_ends_as_on_one_device_with_its_weights_on_the_host(found: Any) -> None:
    (alone_kind, *alone), (kind, *split) = found["ended"]
    assert (alone_kind, kind) == ("ArrayImpl", "ndarray")
    np.testing.assert_allclose(split, alone, rtol=EQUAL)
    assert alone[0] < 30  # it stops early


@pytest.mark.parametrize("case", ["streamed", "augmented"])
def test_other_ways_to_train_have_the_losses_of_one_device(found: Any, case: str) -> None:
    alone, split = found[case]
    np.testing.assert_allclose(split, alone, rtol=EQUAL)


def test_batchnorm_over_all_devices_or_each_for_itself(found: Any) -> None:
    x, momentum = np.array(found["local"]["x"]), 0.9
    parts = x.reshape(4, 2, 3)
    expected = {
        "sync": (x.mean(axis=0), x.var(axis=0)),
        "local": (parts.mean(axis=1).mean(axis=0), parts.var(axis=1).mean(axis=0)),
    }
    expected["remat"] = expected["local"]
    for word, (mean, variance) in expected.items():
        np.testing.assert_allclose(found["local"][word]["mean"], (1 - momentum) * mean, rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(found["local"][word]["var"], momentum + (1 - momentum) * variance, rtol=1e-5)


def test_a_run_is_resumed_on_another_mesh_with_the_epochs_of_one_device(found: Any) -> None:
    alone, ended = found["resumed"]["epochs"]
    np.testing.assert_allclose(ended, alone, rtol=EQUAL)
    assert found["resumed"]["saved"]["train.mesh"] == "fsdp(2)"
    assert found["resumed"]["saved"]["train.devices"] == "2"


def test_the_command_trains_on_simulated_devices(tmp_path: Path) -> None:
    def train(devices: int, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "netspec", "train", "net.net", "--no-report", *options],
            env=child_environment(devices),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    (tmp_path / "net.net").write_text(
        "dense(classes, softmax)\ndata { source = digits }\ntrain {\n    epochs = 1\n    keep = last\n}\n"
    )
    failed = train(1, "--devices", "4")
    assert failed.returncode == 1
    assert "error[NS578]: the mesh `data(4)` needs 4 devices, but JAX finds 1 (cpu)" in failed.stderr
    assert "JAX_NUM_CPU_DEVICES=4" in failed.stderr
    assert not (tmp_path / "runs").exists()
    done = train(4, "--mesh", "data(2) -> fsdp(2)")
    assert done.returncode == 0, done.stderr
    assert "4 x cpu as data(2) -> fsdp(2)" in " ".join(done.stdout.split())
