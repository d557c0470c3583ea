"""Recurrent layers, attention, and what else is for sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netspec.interchange.reading.channels_first.layout import CannotSay, Layout, operator, with_batch
from netspec.interchange.reading.channels_first.values import Value
from netspec.interchange.reading.sketch import Step
from netspec.language.lazy import np
from netspec.layers.base import Layer
from netspec.layers.dense import Embedding
from netspec.layers.sequence.attention import Attention
from netspec.layers.sequence.bidirectional import Bidirectional
from netspec.layers.sequence.positions import ClassToken, PositionEmbedding, Sinusoidal
from netspec.layers.sequence.recurrent import Gru, Lstm, Recurrent, SimpleRnn
from netspec.layers.sequence.unembed import TiedOutput

KINDS: dict[str, type[Recurrent]] = {"lstm": Lstm, "gru": Gru, "rnn": SimpleRnn}


class Sequences(Layout):
    """Operators on sequences, N x T x C."""

    @operator
    def recurrent(
        self,
        x: Value,
        kind: str,
        *,
        units: int,
        weights: Mapping[str, Any] | None = None,
        backward: Mapping[str, Any] | None = None,
        bidirectional: bool = False,
        return_sequences: bool = True,
        reverse: bool = False,
        has_bias: bool = True,
        options: Mapping[str, Any] | None = None,
    ) -> Value:
        """A recurrent layer: N x T x C becomes N x T x units, or N x units without `return_sequences`.

        Args:
            x: the sequence.
            kind: `lstm`, `gru` or `rnn`.
            units: the size of the state.
            weights: `kernel`, `recurrent_kernel` and `bias` in netspec's layout and order of the gates (input, forget,
                candidate, output; update, reset, candidate); None for a format without weights.
            backward: those of the second direction.
            bidirectional: whether there is one; its outputs come after those of the first.
            return_sequences: return the output at every step, not only the last one.
            reverse: process the sequence in reverse.
            has_bias: whether there is a bias.
            options: more options of the layer, such as `reset_after` of `gru` or activations.
        """
        more = dict(options or {})
        more["return_"] = "sequence" if return_sequences else "last"
        inner = KINDS[kind](units=units, reverse=reverse, bias=has_bias, **more)
        layer: Layer = Bidirectional(layer=inner) if bidirectional else inner
        arrays = dict(weights or {})
        if bidirectional:
            arrays = {f"forward.{name}": array for name, array in (weights or {}).items()}
            arrays |= {f"backward.{name}": array for name, array in (backward or {}).items()}
        y = self.step(layer, self.sequence(x).step, weights=arrays)
        return Value(y, (0, 1, 2) if return_sequences else (0, 1))

    def sequence(self, x: Value) -> Value:
        """The tensor as steps x features, whatever the order of its axes is."""
        return self.arrange(with_batch(x), (1, 2))

    @operator
    def attention(
        self,
        query: Value,
        memory: Value | None = None,
        *,
        heads: int,
        weights: Mapping[str, Any] | None = None,
        causal: bool = False,
        dropout: float = 0.0,
        has_bias: bool = True,
        kv_heads: int | None = None,
        head_size: int | None = None,
        out: int | None = None,
        rope: bool | float = False,
    ) -> Value:
        """Multi-head attention.

        Args:
            query: N x T x C.
            memory: N x S x M, where keys and values come from it and not from the queries.
            heads: the number of heads.
            weights: `query`, `key`, `value` and `out` with `.kernel` (inputs x outputs) and `.bias`, one head
                after the other; None for a format without weights.
            causal: whether a step attends to earlier ones only.
            dropout: of the attention weights, in training.
            has_bias: whether the projections have biases.
            kv_heads: the number of heads of keys and values, if it differs.
            head_size: the size of a head; None: features / heads.
            out: the number of output features; None: those of the queries.
            rope: whether queries and keys are rotated by their positions, or the base of the angles.
        """
        x = self.sequence(query)
        features = x.step.shape.channels
        layer = Attention(
            heads=heads,
            causal=causal,
            dropout=dropout,
            bias=has_bias,
            kv_heads=None if kv_heads == heads else kv_heads,
            head_size=None if head_size is not None and features == heads * head_size else head_size,
            out=None if out == features else out,
            rope=rope,
        )
        sources = [x.step] if memory is None else [x.step, self.sequence(memory).step]
        return Value(self.step(layer, *sources, weights=weights), (0, 1, 2))

    @operator
    def unembed(self, x: Value, table: Step) -> Value:
        """The scores of each token, with the table of an embedding, which is shared."""
        layer, ids = table.layer, table.inputs[0].shape
        y = self.arrange(x, [axis for axis in x.inner if x.is_large(axis)])
        if not isinstance(layer, Embedding) or not isinstance(ids.vocabulary, int):
            raise CannotSay("its table is not that of an embedding")
        step = self.step(TiedOutput(embedding=layer, vocabulary=ids.vocabulary), y.step)
        step.shared = table
        return Value(step, y.axes)

    @operator
    def class_token(self, x: Value, token: Any = None) -> Value:
        """A trained vector before the sequence."""
        y = self.sequence(x)
        return self.after(y, ClassToken(), {} if token is None else {"embedding": np.asarray(token).reshape(-1)})

    @operator
    def positions(self, x: Value, table: Any = None) -> Value:
        """A trained vector for each step, steps x features, is added."""
        y = self.sequence(x)
        return self.after(y, PositionEmbedding(), {} if table is None else {"embedding": table})

    @operator
    def sinusoidal(self, x: Value, base: float = 10000.0) -> Value:
        """Sines and cosines of the position are added."""
        return self.after(self.sequence(x), Sinusoidal(base=base))
