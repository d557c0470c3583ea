"""Specs that are exported as ONNX and read again are the same networks.

ONNX has no dropout at inference, no initializers and penalties, and several words for the same padding.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.interchange.formats import FORMATS
from netspec.interchange.imports import import_model
from netspec.runs.model import Model
from netspec.spec.canonical import meaning_of
from tests.interchange.conftest import randomize
from tests.interchange.test_specs import SPECS, small

pytest.importorskip("onnxruntime")

OTHERWISE = {
    *("googlenet", "googlenet_aux"),  # rounding up is padding in the file, and may be `pad = same`
    "edge_filter",  # weights that the spec has as numbers
    "unet",  # crops by a margin, not to the size of another tensor
}
"""Specs that come back with other words for the same numbers."""
QUICK = {"autoencoder", "embedding_mlp", "lenet5", "mnist_cnn", "siamese", "sdsc_cnn_9x9", "slashes", "xor"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "path" not in metafunc.fixturenames:
        return
    paths = [path for path in SPECS if path.stem in QUICK or metafunc.config.getoption("--long")]
    metafunc.parametrize("path", paths, ids=[path.stem for path in paths])


TRAINING = {
    *("init", "bias_init", "recurrent_init", "l1", "l2", "dropout", "recurrent_dropout", "frozen", "momentum"),
    *("forget_bias", "name", "dtype", "vocabulary"),
}
"""Options that are about training alone."""


def network(model: Model) -> list[Any]:
    """The outputs of a network, each with the layers that it is computed from."""
    meaning, found = meaning_of(model.compilation), list[Any]()
    names = list(meaning.inputs)
    for layer in meaning.layers:
        sources = [found[i] if isinstance(i, int) else names.index(i) for i in layer["inputs"]]
        if layer["word"] in ("dropout", "droppath", "noise", "identity"):
            found.append(sources[0])
        else:
            found.append(hash((layer["word"], layer["shape"], *options(layer["options"]), *sources)))
    return [found[end["from"]] if isinstance(end["from"], int) else end["from"] for end in meaning.outputs]


def options(given: dict[str, Any]) -> list[str]:
    """Options that matter to predictions, each way of writing them as one."""
    kept = {name: str(value) for name, value in given.items() if name not in TRAINING}
    kept = {name: re.sub(r"^(\d+)(x\1)+$", r"\1", value) for name, value in kept.items()}
    size = kept.get("kernel") or kept.get("window") or ""
    if kept.get("pad") == "same" and size.isdigit() and int(size) % 2 and "1" in (kept.get("stride"), size):
        kept["pad"] = str(int(kept.get("dilation", "1")) * (int(size) // 2))
    kept |= {"pad": "valid"} if kept.get("pad") == "0" else {}
    kept |= {"ceil": "false"} if kept.get("ceil") == "none" else {}
    return sorted(f"{name} = {value}" for name, value in kept.items())


def test_round_trip(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    model = netspec.compile(path) if "\ndata {" in text else netspec.compile(small(text))
    randomize(model)
    for name, content in FORMATS["onnx"].draft(model, f"{path.stem}.onnx", {}).files.items():
        (tmp_path / name).write_bytes(content)
    imported = import_model(tmp_path / f"{path.stem}.onnx")
    assert imported.verification is not None and imported.verification.difference < 1e-5
    assert imported.model.cost.trainable + imported.model.cost.frozen == model.cost.trainable + model.cost.frozen
    assert path.stem in OTHERWISE or network(imported.model) == network(model)


def test_normalized_inputs(digits_run: Path, table_run: Path, tmp_path: Path) -> None:
    """What a file does before and after the network becomes a layer at each end; missing numbers stay missing."""
    netspec.export(digits_run, tmp_path / "digits.onnx")
    netspec.export(table_run, tmp_path / "table.onnx")
    digits, table = import_model(tmp_path / "digits.onnx"), import_model(tmp_path / "table.onnx")
    assert not digits.warnings and "\nscale(" in digits.text
    assert [warning.code for warning in table.warnings] == ["NS572"]
    assert "\nbatchnorm(" in table.text and "scale(" in table.text
    for imported in (digits, table):
        assert imported.verification is not None and imported.verification.difference < 1e-5
