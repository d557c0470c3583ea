"""docs/multinode.md: every command of the page runs, in order, on a Slurm of two nodes and with small made data."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from sklearn.datasets import load_digits

from netspec.cli.main import run
from tests.data.files import write_idx
from tests.training.distributed.launch.slurm_cluster import SlurmCluster

PAGE = (Path(__file__).parents[4] / "docs" / "multinode.md").read_text(encoding="utf-8")
NAMES = {"train-images": (0, 1280), "t10k-images": (1280, 1536)}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def write_mnist(folder: Path) -> None:
    """The files of MNIST, with the digits of scikit-learn, 8x8 pixels in the middle of 28x28."""
    images, labels = load_digits(return_X_y=True)
    padded = np.pad(images.reshape(-1, 8, 8) * 15.9, ((0, 0), (10, 10), (10, 10))).astype(np.uint8)
    folder.mkdir(parents=True)
    for name, (first, last) in NAMES.items():
        pixels, classes = padded[first:last], labels[first:last].astype(np.uint8)
        write_idx(folder / f"{name}-idx3-ubyte", pixels)
        write_idx(folder / f"{name.replace('images', 'labels')}-idx1-ubyte", classes)


def test_the_tutorial(slurm: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mnist(tmp_path / "data" / "mnist")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    (spec,) = blocks("net")
    Path("mnist.net").write_text(spec)
    commands = blocks("sh")
    assert len(commands) == 8
    script = "\n".join(["set -euxo pipefail", *commands])
    environment = {**slurm.environment, "NETSPEC_DATA": str(tmp_path / "data"), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        ["bash", "-c", script],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    runs = {name: Path("runs") / name for name in ("one", "devices", "processes", "job", "nodes", "interrupted")}
    assert all((path / "weights.safetensors").exists() for path in runs.values())
    weights = {name: (path / "weights.safetensors").read_bytes() for name, path in runs.items()}
    assert weights["one"] == weights["job"]  # "one CPU" and the batch job
    assert weights["devices"] == weights["nodes"]
    for name, values in load_file(runs["processes"] / "weights.safetensors").items():  # "differ by rounding at most"
        np.testing.assert_allclose(values, load_file(runs["nodes"] / "weights.safetensors")[name], rtol=0, atol=1e-4)
    assert "resuming at epoch" in " ".join(done.stdout.split())


def test_what_the_page_says_of_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands that need GPUs are written in the text: they are accepted, too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "data"))
    write_mnist(tmp_path / "data" / "mnist")
    (spec,) = blocks("net")
    Path("mnist.net").write_text(spec)
    (command,) = re.findall(r"`netspec (launch [^`]*--gpus 4)`", PAGE)
    assert run(command.split()) == 0
    script = Path("mnist.sbatch").read_text()
    assert "--gpus-per-node=4" in script and "--devices 8" in script
