"""Files that the tests write for themselves."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np

from netspec.compiler.ir.output_head import OutputHead
from netspec.language.diagnostics import Unplaced

CODES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def idx_bytes(array: np.ndarray) -> bytes:
    """An IDX file as LeCun describes it, written without the code under test."""
    kind = array.dtype.str.replace("|", "")
    head = bytes([0, 0, CODES[kind], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def write_idx(path: Path, array: np.ndarray, *, packed: bool = False) -> Path:
    content = idx_bytes(array)
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def code_and_text(bad: Unplaced) -> tuple[str, str]:
    """The code, and everything that the message says."""
    diagnostic = bad.diagnostic()
    return diagnostic.code, f"{diagnostic.message}\n{diagnostic.label_text}\n{diagnostic.hint_text}"


def ends(units: int | None, activation: str = "linear", **keys: Any) -> OutputHead:
    """The end of a network that gives one prediction for each example."""
    return OutputHead((units,), activation, **keys)
