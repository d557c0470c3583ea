"""Weights in files: any changed bit is noticed, and what other tools write is read, too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save

from netspec.language.diagnostics import CompileError
from netspec.storage.tree_paths import Weights
from netspec.storage.weights import load_weights, read_weights, weights_file

OURS = Weights({"dense": {"kernel": np.arange(12, dtype=np.float32).reshape(3, 4)}}, {"norm": {"mean": np.ones(4)}})


def code_of(path: Path) -> str:
    with pytest.raises(CompileError) as caught:
        load_weights(path)
    return caught.value.diagnostics[0].code


def header_file(path: Path, header: Mapping[str, Any] | bytes, data: bytes) -> Path:
    """A safetensors file as its format says: the length of the header, the header, the numbers."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    content = weights_file(OURS)
    (tmp_path / "w.safetensors").write_bytes(content)
    found = read_weights(tmp_path / "w.safetensors")
    assert found.warnings == () and np.array_equal(found.arrays["dense/kernel"], OURS.params["dense"]["kernel"])
    for bit in range(0, 8 * len(content), 7):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        (tmp_path / "w.safetensors").write_bytes(changed)
        assert code_of(tmp_path / "w.safetensors") == "NS475", bit


NUMBERS = np.array([[0.5, -1.75], [3.0, 240.0]])


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(dtype, id=name)
        for name, dtype in {
            "BF16": ml_dtypes.bfloat16, "F8_E4M3": ml_dtypes.float8_e4m3fn, "F8_E5M2": ml_dtypes.float8_e5m2,
            "F16": np.float16, "F64": np.float64, "I64": np.int64, "U8": np.uint8,
        }.items()
    ],
)  # fmt: skip
def test_what_other_tools_write(tmp_path: Path, stored: Any, request: pytest.FixtureRequest) -> None:
    """The numbers are converted by ml_dtypes and NumPy."""
    wanted = np.abs(NUMBERS).astype(stored)
    kind = request.node.callspec.id
    header = {"w": {"dtype": kind, "shape": [2, 2], "data_offsets": [0, wanted.nbytes]}}
    found = read_weights(header_file(tmp_path / "w.safetensors", header, wanted.tobytes()))
    assert np.array_equal(found.arrays["w"].astype(np.float64), wanted.astype(np.float64))
    assert found.arrays["w"].dtype == (np.float32 if wanted.dtype.itemsize < 4 and kind != "U8" else wanted.dtype)
    assert [warning.code for warning in found.warnings] == ["NS556"]


def test_empty_and_single_numbers(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(save({"none": np.zeros((0, 3), np.float32), "one": np.float32(2.5)[None]}))
    found = load_weights(tmp_path / "w.safetensors")
    assert found["none"].shape == (0, 3) and found["one"].tolist() == [2.5]


ENTRY = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
DAMAGED = {
    "short offsets": {"a": {**ENTRY, "data_offsets": [0]}},
    "negative offsets": {"a": {**ENTRY, "data_offsets": [-4, 0]}},
    "offsets beyond": {"a": {**ENTRY, "data_offsets": [0, 8]}},
    "shape is a text": {"a": {**ENTRY, "shape": "x"}},
    "huge shape": {"a": {**ENTRY, "shape": [2**62, 4]}},
    "dtype is unknown": {"a": {**ENTRY, "dtype": "F99"}},
    "an entry is a list": {"a": [1]},
    "metadata are a list": {"__metadata__": [1], "a": ENTRY},
    "metadata are numbers": {"__metadata__": {"crc32": 1}, "a": ENTRY},
    "overlap": {"a": ENTRY, "b": ENTRY},
    "a list": b"[]",
    "not JSON": b"\xff\xfe{",
    "names twice": b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,2]},"a":' + json.dumps(ENTRY).encode() + b"}",
    "nested": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "four bits": {"a": {"dtype": "F4", "shape": [8], "data_offsets": [0, 4]}},
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_headers(tmp_path: Path, name: str) -> None:
    assert code_of(header_file(tmp_path / "w.safetensors", DAMAGED[name], b"\0" * 4)) == "NS475"


@pytest.mark.parametrize("content", [b"", b"\0" * 7, b"\xff" * 8, (2**62).to_bytes(8, "little") + b"{}"])
def test_sizes_of_headers(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.safetensors").write_bytes(content)
    assert code_of(tmp_path / "w.safetensors") == "NS475"


def test_an_index_of_several_files(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.safetensors").write_bytes(save({name: np.full(2, ord(name), np.float32)}))
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"a": "a.safetensors", "b": "b.safetensors"}}))
    found = read_weights(index)
    assert {name: array.tolist() for name, array in found.arrays.items()} == {"a": [97, 97], "b": [98, 98]}
    assert [warning.case for warning in found.warnings] == ["shards"]
    for weight_map in ({"a": "../a.safetensors"}, {"a": str(tmp_path / "a.safetensors")}, {"a": 1}, [], {"a": "no"}):
        index.write_text(json.dumps({"weight_map": weight_map}))
        assert code_of(index) == "NS475"
