"""Fully connected layers, embeddings, and tables of positions."""

from __future__ import annotations

from netspec.interchange.onnx.table import writes
from netspec.interchange.onnx.writer import Site, Value
from netspec.layers.dense import Dense, Embedding
from netspec.layers.sequence.positions import PositionEmbedding
from netspec.layers.sequence.unembed import TiedOutput


@writes(Dense)
def dense(site: Site, layer: Dense, x: Value) -> Value:
    x = site.last(x)
    shape = x.shape.with_channels(layer.units)
    if x.rank == 1 and layer.bias:
        return Value(site.op("Gemm", x.name, site.weight("kernel"), site.weight("bias")), shape)
    return Value(project(site, x.name, "", has_bias=layer.bias), shape)


def project(site: Site, x: str, prefix: str, *, has_bias: bool) -> str:
    """A linear map of the last axis, whose weights are `kernel` and `bias` after the prefix."""
    y = site.op("MatMul", x, site.weight(f"{prefix}kernel"))
    return site.op("Add", y, site.weight(f"{prefix}bias")) if has_bias else y


@writes(Embedding)
def embedding(site: Site, layer: Embedding, x: Value) -> Value:
    shape = layer.infer(x.shape)
    return Value(site.op("Gather", site.weight("embedding"), x.name, axis=0), shape)


@writes(TiedOutput)
def tied_output(site: Site, layer: TiedOutput, x: Value) -> Value:
    x = site.last(x)
    # The table itself is transposed, so that it is stored once, beside its use as an embedding.
    table = site.op("Transpose", site.weight("embedding"), perm=(1, 0))
    return Value(site.op("MatMul", x.name, table), x.shape.with_channels(layer.vocabulary))


@writes(PositionEmbedding)
def position_embedding(site: Site, layer: PositionEmbedding, x: Value) -> Value:
    order = (x.rank - 1, *range(x.rank - 1)) if x.channels_first else tuple(range(x.rank))
    return Value(site.op("Add", x.name, site.permuted("embedding", order)), x.shape, x.channels_first)
