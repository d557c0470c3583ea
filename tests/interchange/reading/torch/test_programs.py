"""Files of `torch.export.save`: they are read without `torch.export.load`, which would unpickle."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.cli.main import run
from netspec.interchange.torch.reading.reader import read
from netspec.language.diagnostics import CompileError

torch: Any = pytest.importorskip("torch")

from torch import nn  # noqa: E402  # it may not be installed

from tests.interchange.reading.torch import nets  # noqa: E402


class Mixed(nn.Module):
    """A recurrent layer, constants, several outputs with names."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(4, 5, batch_first=True)
        self.first, self.last = nn.Linear(5, 4), nn.Linear(5, 4)
        self.register_buffer("k", torch.arange(4.0))
        self.q = torch.ones(4)

    def forward(self, x: Any) -> Any:
        y, state = self.rnn(x)
        a, b = self.first(y[:, -1]).view(x.size(0), -1, 1).squeeze(2).chunk(2, 1)
        return {"a": a, "state": state[-1], "b": b, "z": self.k + self.q + self.last(y[:, 0])}


def saved(module: nn.Module, path: Path, *examples: Any, fixed: bool = False) -> Path:
    """The program of a module with random weights."""
    batch = None if fixed else tuple({0: torch.export.Dim("batch", min=1)} for _ in examples)
    program = torch.export.export(nets.randomized(module), examples, dynamic_shapes=batch)
    torch.export.save(program, path)
    return path


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(Mixed(), tmp_path_factory.mktemp("mixed") / "mixed.pt2", torch.zeros(2, 7, 4))


def test_a_program(mixed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("load", "loads"):
        monkeypatch.setattr(pickle, name, None)
    monkeypatch.setattr(torch, "load", None)
    monkeypatch.setattr(torch.export, "load", None)
    found = netspec.import_model(mixed)
    assert found.verification is not None and found.verification.difference < 1e-5
    assert list(found.model.outputs) == ["a", "state", "b", "z"]


def test_it_computes_what_the_module_does(mixed: Path) -> None:
    """Verified by the program itself before; here by the module."""
    found = netspec.import_model(mixed)
    x = torch.randn(3, 7, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = nets.randomized(Mixed())(x)
    for name, y in found.model(x.numpy()).items():
        np.testing.assert_allclose(y, expected[name].numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fixed", [True, False])
def test_attention_in_a_program(tmp_path: Path, *, fixed: bool) -> None:
    """Also where the batch is fixed to 3, which is not the size that is verified."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
    found = netspec.import_model(saved(encoder, tmp_path / "e.pt2", torch.zeros(3, 6, 8), fixed=fixed))
    assert found.verification is not None and "attention(2)" in found.text


def test_a_batch_of_one(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    found = netspec.import_model(saved(module, tmp_path / "n.pt2", torch.zeros(1, 1, 4, 4), fixed=True))
    assert found.verification is not None and found.verification.difference < 1e-5


def test_from_the_command_line(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["import", str(mixed), "-o", "net.net", "--weights"]) == 0
    assert "verified with torch" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.net", "net.weights.safetensors"]


# ---------------------------------------------------------------- what cannot be read


def refused(path: Path) -> str:
    """The message for a file; it must be a diagnostic."""
    with pytest.raises(CompileError) as caught:
        netspec.import_model(path)
    return str(caught.value)


def changed(path: Path, out: Path, parts: dict[str, bytes]) -> Path:
    """An archive with other content of some parts."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, parts.get(name.partition("/")[2], old.read(name)))
    return out


def test_pickles_are_refused(mixed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(mixed) as archive:
        config = json.loads(archive.read("mixed/data/constants/model_constants_config.json"))
    config["config"]["q"]["use_pickle"] = True
    part = {"data/constants/model_constants_config.json": json.dumps(config).encode()}
    assert "`q` in it is pickled" in refused(changed(mixed, tmp_path / "p.pt2", part))


def test_operators_that_do_other_things_are_never_called(mixed: Path, tmp_path: Path) -> None:
    """`from_file` maps a file into memory."""
    with zipfile.ZipFile(mixed) as archive:
        model = json.loads(archive.read("mixed/models/model.json"))
    secret = tmp_path / "secret"
    target = {"name": "filename", "arg": {"as_string": str(secret)}, "kind": 1}
    sizes = [{"name": "shared", "arg": {"as_bool": True}, "kind": 1}, {"name": "size", "arg": {"as_int": 4}, "kind": 1}]
    graph = model["graph_module"]["graph"]
    made = {"target": "torch.ops.aten.from_file.default", "inputs": [target, *sizes], "metadata": {}, "name": "f"}
    graph["nodes"].insert(0, made | {"outputs": [{"as_tensor": {"name": "f"}}]})
    graph["tensor_values"]["f"] = graph["tensor_values"]["c_q"]
    (adding,) = [n for n in graph["nodes"] if n["target"].endswith("add.Tensor") and n["name"] == "add"]
    adding["inputs"][1]["arg"] = {"as_tensor": {"name": "f"}}
    message = refused(changed(mixed, tmp_path / "f.pt2", {"models/model.json": json.dumps(model).encode()}))
    assert "NS571" in message and "from_file" in message and not secret.exists()


def test_other_archives(tmp_path: Path) -> None:
    file = tmp_path / "a.pt2"
    torch.save({"a": torch.zeros(2)}, file)
    assert "there is no program of `torch.export` in it" in refused(file)
    file.write_bytes(b"PK")
    assert "NS570" in refused(file)
    assert "NS570" in refused(tmp_path / "missing.pt2")


def test_damaged_programs(mixed: Path, tmp_path: Path, *, long: bool) -> None:
    """A changed byte or another value somewhere in the JSON: a diagnostic, or a network that can be read."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(mixed) as archive:
        model = json.loads(archive.read("mixed/models/model.json"))
    content = mixed.read_bytes()
    for case in range(600 if long else 25):
        out = tmp_path / "d.pt2"
        if case % 5 == 0:
            place = int(rng.integers(len(content)))
            out.write_bytes(content[:place] if case % 2 else content[:place] + b"\xff" + content[place + 1 :])
        else:
            part = json.loads(json.dumps(model))
            _break(part["graph_module"], rng)
            changed(mixed, out, {"models/model.json": json.dumps(part).encode()})
        try:
            read(out, None)
        except CompileError:
            continue


def _break(value: Any, rng: Any) -> None:
    """Change one value somewhere inside."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = keys[int(rng.integers(len(keys)))]
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.1:
            others = [
                None,
                -1,
                10**30,
                "x",
                [],
                {},
                0.5,
                True,
                [1, 2],
                {"as_int": 10**15},
                {"as_tensor": {"name": "x"}},
            ]
            value[key] = others[int(rng.integers(len(others)))]
            return
        value = inner


def test_sizes_that_the_file_does_not_have(mixed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(mixed) as archive:
        config = json.loads(archive.read("mixed/data/weights/model_weights_config.json"))
    meta = config["config"]["k"]["tensor_meta"]
    meta["sizes"], meta["strides"] = [{"as_int": 10**12}], [{"as_int": 0}]
    part = {"data/weights/model_weights_config.json": json.dumps(config).encode()}
    assert "fewer numbers than its sizes say" in refused(changed(mixed, tmp_path / "s.pt2", part))


def test_a_program_in_memory_is_no_source() -> None:
    with pytest.raises(TypeError, match="not BytesIO"):
        netspec.import_model(io.BytesIO())
