"""Every script under examples/ runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example_runs(path: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_there_are_three() -> None:
    assert len(EXAMPLES) >= 3


def test_the_notebook_runs(tmp_path: Path) -> None:
    """Its cells are executed by a kernel: progress is one display, problems and predictions are shown as HTML."""
    notebook = nbformat.read(EXAMPLES[0].parent / "first_network.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "it is saved without its outputs"
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [[o.get("data", {}) for o in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"]
    _, progress, predictions, problems, activations = shown
    assert (
        len(progress) == 1 and "30/30" in progress[0]["text/html"] and "weights, metrics" in progress[0]["text/plain"]
    )
    assert "setosa" in predictions[0]["text/html"] and "<table>" in predictions[0]["text/html"]
    assert problems[0]["text/plain"].count("error[NS201]") == 2 and "<pre" in problems[0]["text/html"]
    assert "array" in activations[0]["text/plain"]
