"""Files of Keras that are damaged, hostile, or no models at all: nothing but CompileError comes out."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.interchange.keras.reading.reader import read
from netspec.language.diagnostics import CompileError
from tests.interchange.reading.keras_models import h5py, keras, keras_2, layers

JUNK: list[Any] = [None, True, -1, 0, 1e400, 10**30, "", "x", [], [[]], {}, [None], {"class_name": 3}, [1, "a"], "relu"]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in nested JSON: what holds it, and its key."""
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    inside = [place for _, item in items if isinstance(item, dict | list) for place in places(item)]
    return [(value, key) for key, _ in items] + inside


def attempt(path: Path, weights: Path | None = None) -> None:
    """Read a file: nothing but CompileError may come out."""
    try:
        read(path, weights)
    except CompileError as error:
        assert {problem.code for problem in error.diagnostics} == {"NS570"}


@pytest.fixture(scope="module")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("files")
    x = keras.Input((6, 6, 2), name="x")
    y = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", activation=layers.LeakyReLU(0.1))(x))
    y = layers.MaxPooling2D(2)(layers.ZeroPadding2D(((1, 0), (0, 1)))(layers.Add()([y, layers.Dense(4)(y)])))
    y = layers.LSTM(3, return_sequences=True)(layers.Reshape((-1, 4))(y))
    y = layers.MultiHeadAttention(2, 2)(y, layers.Bidirectional(layers.GRU(2, return_sequences=True))(y))
    model = keras.Model(
        x, layers.Dense(2, activation="softmax")(layers.Flatten()(layers.TimeDistributed(layers.Dense(2))(y)))
    )
    model.compile(keras.optimizers.AdamW(1e-3), "categorical_crossentropy", metrics=["accuracy"])
    model.save(folder / "a.keras")
    model.save(folder / "a.h5")
    with zipfile.ZipFile(folder / "a.keras") as file:
        parts = {name: file.read(name) for name in ("config.json", "model.weights.h5")}
    whole = {name: (folder / name).read_bytes() for name in ("a.keras", "a.h5")}
    return {**whole, "a.json": parts["config.json"], "model.weights.h5": parts["model.weights.h5"]}


def test_damaged_files(small_files: dict[str, bytes], tmp_path: Path, long: bool) -> None:
    rng = np.random.default_rng(0)
    for name, content in small_files.items():
        path = tmp_path / name
        for _ in range(1000 if long else 15):
            data = bytearray(content[: rng.integers(len(content))] if rng.random() < 0.5 else content)
            for place in rng.integers(0, max(len(data), 1), 5):
                if len(data):
                    data[place] = rng.integers(256)
            path.write_bytes(bytes(data))
            attempt(path)


def test_configurations_with_junk(small_files: dict[str, bytes], tmp_path: Path, long: bool) -> None:
    rng = np.random.default_rng(0)
    count = len(places(json.loads(small_files["a.json"])))
    path = tmp_path / "a.json"
    for _ in range(5000 if long else 150):
        config = json.loads(small_files["a.json"])
        for holder, key in [places(config)[i] for i in rng.integers(0, count, rng.integers(1, 3))]:
            if rng.random() < 0.3 and isinstance(holder, dict):
                holder.pop(key, None)
            else:
                holder[key] = JUNK[rng.integers(len(JUNK))]
        path.write_text(json.dumps(config))
        attempt(path)
        with zipfile.ZipFile(tmp_path / "a.keras", "w") as file:
            file.writestr("config.json", json.dumps(config))
            file.writestr("model.weights.h5", small_files["model.weights.h5"])
        attempt(tmp_path / "a.keras")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not JSON"),
        (b"[1]", "is not an object"),
        (b"{}", "not the configuration of a model"),
        (b'{"class_name": "Mine", "config": {"name": "m"}}', "`Mine` is a class of Python"),
        (b'{"class_name": "Sequential", "config": {"name": "s", "layers": []}}', "has no layers"),
        (b"PK\x03\x04", "the archive is damaged"),
        (b"\x89HDF\r\n\x1a\n", "its HDF5 part is damaged"),
        (b"[" * 100_000, "is not JSON"),
    ],
)
def test_what_is_not_a_model(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(CompileError, match=reason) as error:
        read(tmp_path / "a.json", None)
    assert [problem.code for problem in error.value.diagnostics] == ["NS570"]


def test_cycles_and_endless_archives(tmp_path: Path) -> None:
    config = keras_2({"class_name": "Activation", "name": "a", "config": {"activation": "relu"}})
    config["config"]["layers"][1]["inbound_nodes"] = [[["a", 0, 0, {}]]]
    (tmp_path / "a.json").write_text(json.dumps(config))
    with pytest.raises(CompileError, match="form a cycle at `a`"):
        read(tmp_path / "a.json", None)
    with zipfile.ZipFile(tmp_path / "a.keras", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", " " * 10**8)
    with pytest.raises(CompileError, match="times as large as the file"):
        read(tmp_path / "a.keras", None)


def test_links_to_other_files_are_not_followed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["secret"] = np.ones((6, 2), np.float32)
    model = keras.Sequential([keras.Input((6,)), layers.Dense(2, use_bias=False, name="d")])
    model.save_weights(tmp_path / "w.weights.h5")
    (tmp_path / "net.json").write_text(model.to_json())
    for link in (h5py.ExternalLink("other.h5", "secret"), h5py.SoftLink("/elsewhere")):
        with h5py.File(tmp_path / "w.weights.h5", "r+") as file:
            del file["layers/dense/vars/0"]
            file["layers/dense/vars/0"] = link
        assert not read(tmp_path / "net.json", tmp_path / "w.weights.h5").sketch.has_weights
