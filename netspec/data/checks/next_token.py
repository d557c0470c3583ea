"""Networks that predict the next id of a text: no layer may read the steps after the one that it predicts from."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.compiler.ir.cost import Row, rows
from netspec.compiler.ir.graph import Graph
from netspec.data.errors.network import SeesTarget
from netspec.language.diagnostics import Diagnostic
from netspec.layers.base import Layer, per_axis
from netspec.layers.sequence.attention import Attention
from netspec.layers.sequence.bidirectional import Bidirectional
from netspec.layers.sequence.recurrent import Recurrent
from netspec.layers.spatial.conv import Sliding


def check_next_token(graph: Graph) -> Iterator[Diagnostic]:
    """A warning for each layer whose output at a step depends on later ones."""
    for row in rows(graph):
        layer = row.node.operation
        if isinstance(layer, Layer) and row.shape.rank == 2 and (found := _advise(layer, row, graph)) is not None:
            case, advice = found
            yield SeesTarget(span=row.node.span, case=case, word=layer.word, advice=advice)


def _advise(layer: Layer, row: Row, graph: Graph) -> tuple[str, str] | None:
    """How a layer reads later steps, and what to write instead; None for one that does not."""
    text = row.node.span.text if row.node.span is not None else ""
    match layer:
        case Attention(causal=False):
            is_plain = text.startswith("attention(") and text.endswith(")") and "causal" not in text
            return "attention", f"{text[:-1]}, causal = true)" if is_plain else layer.replace(causal=True).to_source()
        case Bidirectional():
            return "bidirectional", layer.layer.to_source()
        case Recurrent(reverse=True):
            return "reverse", layer.replace(reverse=False).to_source()
        case Sliding() if layer.pad != "valid" and layer.pad != 0 and layer.stride == 1:
            (kernel,), (dilation,) = (per_axis(size, row.shape, "kernel") for size in (layer.kernel, layer.dilation))
            if kernel > 1:
                margin = (kernel - 1) * dilation
                return "conv", f"pad([[{margin}, 0]]) -> {layer.replace(pad='valid').to_source()}"
    return None
