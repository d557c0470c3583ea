"""Which function writes a layer, by the class of the layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netspec.interchange.onnx.writer import Site, Value
from netspec.interchange.writing.table import WriterTable

LAYERS: WriterTable[Callable[..., Value]] = WriterTable()
"""Each function takes a `Site`, the layer and its inputs as `Value`s; it returns the output without the activation."""
ACTIVATIONS: WriterTable[Callable[[Site, Any, str, int], str]] = WriterTable()
"""Each function takes a `Site`, the activation, the name of a tensor and the axis of its channels; it returns the name
of the result."""
writes, writes_activation = LAYERS.writes, ACTIVATIONS.writes
