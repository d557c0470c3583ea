"""The settings that a model was compiled with."""

from __future__ import annotations

from typing import Any

from netspec.interchange.reading.sketch import Sketch


def training_settings(sketch: Sketch, compiled: dict[str, Any]) -> None:
    """Add them to the sketch."""
