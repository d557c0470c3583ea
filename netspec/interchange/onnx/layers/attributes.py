"""Attributes of operators that slide windows."""

from __future__ import annotations

from typing import Any


def in_onnx(margins: list[tuple[int, int]]) -> list[int]:
    """Margins of axes in the order of ONNX: all starts, then all ends."""
    return [before for before, _ in margins] + [after for _, after in margins]


def pad_attributes(margins: list[tuple[int, int]] | None) -> dict[str, Any]:
    """The attributes of an operator for its padding."""
    if margins is None:
        return {"auto_pad": "SAME_UPPER"}
    return {"pads": in_onnx(margins)} if any(map(any, margins)) else {}
