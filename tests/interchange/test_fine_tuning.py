"""The page on fine-tuning, run as it is written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

import netspec

PAGE = (Path(__file__).parents[2] / "docs/fine_tuning.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def run(*arguments: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_fine_tuning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    (python,), (imported,), (own,) = blocks("python"), blocks("net"), blocks("net photos")
    run("-c", python, folder=tmp_path)

    said = run("-m", "netspec", "import", "backbone.keras", "--weights", folder=tmp_path)
    assert "10 lines, 6 layers, 38,022 parameters" in said and "verified with keras" in said
    assert (tmp_path / "backbone.net").read_text() == imported

    (tmp_path / "own.net").write_text(own)
    said = " ".join(run("-m", "netspec", "check", "own.net", folder=tmp_path).split())
    assert "NS510" in said and "33,092 trainable parameters (4,800 frozen)" in said

    monkeypatch.chdir(tmp_path)
    result = netspec.train("own.net", verbose=0)
    assert result.metrics["test_accuracy"] >= 0.9
    backbone, trained = netspec.compile("backbone.net"), netspec.load(result.run)
    np.testing.assert_array_equal(trained.module.conv_2.kernel[...], backbone.module.conv_2.kernel[...])
    assert not np.array_equal(trained.module.dense.kernel[...], backbone.module.dense.kernel[...])

    netspec.export(result.run, "own.onnx")
    session = onnxruntime.InferenceSession("own.onnx")
    image = np.asarray(Image.open("photos/six/104.png"), np.float32)[None, :, :, None] / 255
    (probabilities,) = session.run(["output"], {"x": image})
    assert sorted(["six", "seven", "eight", "nine"])[int(probabilities.argmax())] == "six"
