"""Specs that are exported as PyTorch modules are imported again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.spec.canonical import meaning_of
from tests.interchange.conftest import randomize
from tests.interchange.test_specs import SPECS, small

pytest.importorskip("torch")

QUICK = ("lenet5", "char_lstm", "char_transformer", "siamese", "resnet20_cifar")
MASKED = "imdb_bilstm"
"""Its recurrent layers leave padding out, which takes PyTorch a sort."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    is_long = metafunc.config.getoption("--long")
    names = [path.stem for path in SPECS if path.stem != MASKED and (is_long or path.stem in QUICK)]
    metafunc.parametrize("name", names)


def test_round_trips(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = [path for path in SPECS if path.stem == name]
    text = path.read_text(encoding="utf-8")
    model = randomize(netspec.compile(path) if "\ndata {" in text else netspec.compile(small(text)))
    monkeypatch.chdir(tmp_path)
    netspec.export(model, "net.py")
    names: dict[str, Any] = {}
    exec(compile(Path("net.py").read_text(), "net.py", "exec"), names)
    shapes = []
    for shape in model.inputs.values():
        sizes = [size if isinstance(size, int) else 8 + len(shapes) for size in shape.sizes]
        shapes.append((sizes[-1], *sizes[:-1]) if shape.rank > 2 else tuple(sizes))
    found = netspec.import_model(names["load"]("net.safetensors"), inputs=shapes)
    assert found.verification is not None and found.verification.difference < 1e-4
    before, after = meaning_of(model.compilation), meaning_of(found.model.compilation)
    weights = [sorted(str(layer["parameters"]) for layer in m.layers if layer["parameters"]) for m in (before, after)]
    if name != "edge_filter":  # its weights are constants in the spec
        assert weights[0] == weights[1] and before.totals["parameters"] == after.totals["parameters"]
    assert not re.search(r"permute|reshape", found.text) or re.search(r"permute|reshape", text)
