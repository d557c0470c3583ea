"""Reads an ONNX file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from netspec.interchange.errors import NotAModel
from netspec.interchange.formats import Foreign
from netspec.interchange.onnx.reading.ends import open_inputs, runner
from netspec.interchange.onnx.reading.graph import load
from netspec.interchange.onnx.reading.idioms import Idioms
from netspec.interchange.onnx.reading.network import Network
from netspec.interchange.onnx.reading.operators import (  # noqa: F401  # these fill the table
    attention,
    convolution,
    elementwise,
    norms,
    recurrent,
    reshaping,
    resizing,
    shapes,
)
from netspec.interchange.onnx.reading.operators.masks import check_masks
from netspec.interchange.reading.channels_first.builder import Builder
from netspec.interchange.reading.sketch import Sketch
from netspec.language.diagnostics import fail


def read(source: Any, weights: Path | None) -> Foreign:
    """The network of an ONNX file.

    Raises:
        CompileError: the file is damaged or no ONNX file (NS570), or the package is not installed (NS574).
    """
    if weights is not None:
        reason, advice = "its weights are inside, or in a file that it names", "give the .onnx file alone"
        raise fail(NotAModel(file=str(source), format="ONNX", reason=reason, advice=advice))
    path = Path(source)
    graph = load(path)
    graph.nodes = Idioms(graph).replaced()
    graph.count()
    about = f"from {path.name}" + (f", written by {graph.producer}" if graph.producer else "")
    sketch = Sketch(path.stem, about)
    network = Network(graph, Builder(sketch))
    inputs = open_inputs(network)
    network.read()
    outputs = network.close()
    recurrent.join_directions(network)
    check_masks(network)
    start = partial(runner, path, graph, inputs, outputs)
    return Foreign(sketch, "onnxruntime", "pip install 'netspec-compiler[onnx]'", start)
