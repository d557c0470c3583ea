"""`netspec check` reports what `netspec train` would before its first step."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import netspec
from netspec.spec import diagnose
from netspec.spec.compilation import Compilation, read_source
from netspec.spec.experiment import load_init, prepare

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)


def write(folder: Path, spec: str) -> Path:
    np.savez(folder / "numbers.npz", x=X, y=np.linspace(5, 90, 40))
    np.savez(folder / "labels.npz", x=X, y=(np.random.default_rng(1).random((40, 4)) < 0.5).astype(np.float32))
    np.savez(folder / "rows.npz", x=X, y=np.eye(4)[np.arange(40) % 4])
    np.savez(folder / "counts.npz", x=X, y=np.arange(-3.0, 37))
    hole = X.copy()
    hole[3, 1] = np.nan
    np.savez(folder / "hole.npz", x=hole, y=np.linspace(5, 90, 40))
    save_file({"other/kernel": np.zeros((2, 2), np.float32)}, folder / "other.safetensors")
    save_file({"dense/kernel": np.zeros((3, 1), np.float32)}, folder / "same.safetensors")
    (folder / "text.safetensors").write_text("no")
    file = folder / "net.net"
    file.write_text(spec)
    return file


NPZ = 'data {{ source = npz("{}.npz") }}\n'
CASES = {
    "a sigmoid for large numbers": ("dense(1, sigmoid)\n" + NPZ.format("numbers"), "NS438"),
    "NaN": ("dense(1)\n" + NPZ.format("hole"), "NS437"),
    "one-hot rows": ("dense(4, sigmoid)\n" + NPZ.format("rows"), "NS415"),
    "counts below 0": ("dense(1)\n" + NPZ.format("counts") + "train { loss = poisson }", "NS462"),
    "a split that takes all": ("dense(1)\n" + 'data { source = npz("numbers.npz")\n val = 40 }', "NS420"),
    "no initial weights": ("dense(1)\n" + NPZ.format("numbers") + 'train { init = "nowhere" }', "NS511"),
    "not a file of weights": ("dense(1)\n" + NPZ.format("numbers") + 'train { init = "text.safetensors" }', "NS511"),
    "weights of another network": (
        "dense(1)\n" + NPZ.format("numbers") + 'train { init = "other.safetensors" }',
        "NS509",
    ),
    "parts of nothing": ("dense(1)\n" + NPZ.format("numbers") + 'train { init_parts = "dense" }', "NS508"),
    "an unknown part": (
        "dense(1)\n" + NPZ.format("numbers") + 'train { init = "same.safetensors"\n init_parts = "dens" }',
        "NS452",
    ),
    "no validation split": ("dense(1)\n" + NPZ.format("numbers") + "train { stop = early(val_loss) }", "NS459"),
}


def codes(run: Callable[[], object]) -> list[str]:
    with pytest.raises(netspec.CompileError) as caught:
        run()
    return [diagnostic.code for diagnostic in caught.value.diagnostics if diagnostic.is_error]


@pytest.mark.parametrize("case", CASES)
def test_check_refuses_what_train_refuses(case: str, tmp_path: Path) -> None:
    spec, code = CASES[case]
    file = write(tmp_path, spec)
    assert [d.code for d in netspec.check(file) if d.is_error] == [code]
    assert codes(lambda: load_init(prepare(Compilation(read_source(file))))) == [code]


def test_nothing_is_said_twice(tmp_path: Path) -> None:
    np.savez(tmp_path / "letters.npz", x=X, y=np.arange(40) % 4 + 1)
    file = tmp_path / "net.net"
    file.write_text('dense(5, softmax)\ndata { source = npz("letters.npz") }')
    assert [d.code for d in netspec.check(file)] == ["NS536"]


def test_weights_that_fit_partly_are_a_warning(tmp_path: Path) -> None:
    file = write(tmp_path, "dense(1)\n" + NPZ.format("numbers") + 'train { init = "same.safetensors" }')
    (found,) = netspec.check(file)
    assert found.code == "NS510" and not found.is_error and "dense/bias" in found.hint_text


def test_large_files_are_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, CASES["NaN"][0])
    monkeypatch.setattr(diagnose, "MAX_BYTES", 100)
    assert netspec.check(file) == []


def test_it_needs_no_jax(tmp_path: Path) -> None:
    file = write(tmp_path, CASES["a sigmoid for large numbers"][0] + 'train { init = "same.safetensors" }')
    code = f"import sys, netspec; netspec.check({str(file)!r}); sys.exit('jax' in sys.modules or 'flax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
