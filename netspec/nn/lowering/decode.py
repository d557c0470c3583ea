"""Layers that compute a few steps of a sequence after those before: for the generation of texts.

They have the weights of the layers of `netspec.nn`, and carry what later steps need: attention its keys and values
(Pope et al. 2022, arXiv:2211.05102, section 3.3), recurrent layers their state. Input: some steps, inside of
`decoding`. Guarantee: the values that these steps have in the whole sequence, up to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from netspec.nn import attention, recurrent
from netspec.nn.lowering import attention_cpu, recurrent_cpu


@dataclass
class Steps:
    """The steps that are computed, and what is carried from one call to the next.

    Args:
        start: the position of the first one.
        count: how many of them count; those after only fill the array up.
        room: the number of steps that caches hold.
        before: what layers have carried over, in the order of the computation; None at the start of a sequence.
    """

    start: Any
    count: Any
    room: int
    before: list[Any] | None = None
    after: list[Any] = field(default_factory=list)
    """What layers carry to the next call."""

    @property
    def carried(self) -> Any:
        """What the layer that is computed now has carried over, or None."""
        return None if self.before is None else self.before[len(self.after)]

    def positions(self, length: int) -> Any:
        return self.start + jnp.arange(length)


_STEPS: ContextVar[Steps] = ContextVar("steps")


@contextmanager
def decoding(steps: Steps) -> Iterator[Steps]:
    """Within it, layers of this file compute `steps`."""
    token = _STEPS.set(steps)
    try:
        yield steps
    finally:
        _STEPS.reset(token)


def rope(x: Any, base: float = 10000.0) -> Any:
    """`netspec.nn.rope`."""
    return attention.rope(x, base, _STEPS.get().start)


def sinusoidal(x: Any, base: float = 10000.0) -> Any:
    """`netspec.nn.sinusoidal`."""
    return attention.sinusoidal(x, base, _STEPS.get().start)


class PositionEmbedding(attention.PositionEmbedding):
    """`netspec.nn.PositionEmbedding`, of a sequence."""

    def __call__(self, x: Any) -> Any:
        table = self.embedding[...]
        at = jnp.minimum(_STEPS.get().positions(x.shape[1]), len(table) - 1)  # the steps that only fill up may be later
        return x + table[at].astype(x.dtype)


class Attention(attention_cpu.Attention):
    """`netspec.nn.Attention`: causal, with a cache of keys and values; or to a sequence that stays the same, whose keys
    and values are computed once."""

    def __call__(self, x: Any, memory: Any = None, *, mask: Any = None) -> Any:
        steps = _STEPS.get()
        query = self._heads(self.query(x))
        if self.rope is not None:
            query = attention.rope(query, self.rope, steps.start)
        if memory is None or self.causal:
            key, value, seen = self._cached(x if memory is None else memory, mask, steps)
        else:
            key, value = self._once(memory, steps)
            seen = jnp.ones((1, 1, memory.shape[1]), bool) if mask is None else mask[:, None, :]
            seen = jnp.broadcast_to(seen, (seen.shape[0], x.shape[1], seen.shape[2]))
        y = attend(query, key, value, seen)
        return self.out(y.reshape(*y.shape[:2], -1))

    def _heads(self, x: Any) -> Any:
        return x.reshape(*x.shape[:2], -1, self.head_size)

    def _keys(self, x: Any, start: Any) -> tuple[Any, Any]:
        """Keys and values: batch x heads x steps x size."""
        key, value = self._heads(self.key(x)), self._heads(self.value(x))
        if self.rope is not None:
            key = attention.rope(key, self.rope, start)
        return key.swapaxes(1, 2), value.swapaxes(1, 2)

    def _cached(self, x: Any, mask: Any, steps: Steps) -> tuple[Any, Any, Any]:
        """The keys and values of all steps so far, and which of them each new step sees."""
        key, value = self._keys(x, steps.start)
        new = (key, value, mask)
        caches = steps.carried or tuple(None if y is None else _room(y, steps.room) for y in new)
        key, value, real = caches = tuple(
            None if y is None else jax.lax.dynamic_update_slice_in_dim(cache, y, steps.start, _axis(y))
            for cache, y in zip(caches, new, strict=True)
        )
        steps.after.append(caches)
        seen = (jnp.arange(steps.room) <= steps.positions(x.shape[1])[:, None])[None]
        return key, value, seen if real is None else seen & real[:, None, :]

    def _once(self, memory: Any, steps: Steps) -> tuple[Any, Any]:
        keys = steps.carried or self._keys(memory, 0)
        steps.after.append(keys)
        return keys


def _axis(y: Any) -> int:
    """The axis of the steps: of keys and values the third, of a mask the second."""
    return 2 if y.ndim == 4 else 1


def _room(y: Any, room: int) -> Any:
    """An empty cache for arrays such as this one."""
    axis = _axis(y)
    return jnp.zeros((*y.shape[:axis], room, *y.shape[axis + 1 :]), y.dtype)


def attend(query: Any, key: Any, value: Any, seen: Any) -> Any:
    """`netspec.nn.attention.attend`: queries are batch x T x heads x size, keys and values batch x heads x S x size;
    `seen` (batch x T x S) is true for the keys that a query sees."""
    grouped = query.reshape(*query.shape[:2], key.shape[1], -1, query.shape[3])
    scores = jnp.einsum("btkgh,bksh->bkgts", grouped, key, preferred_element_type=jnp.float32)
    scores = jnp.where(seen[:, None, None], scores * query.shape[3] ** -0.5, jnp.finfo(jnp.float32).min)
    weights = jax.nn.softmax(scores).astype(value.dtype)
    y = jnp.einsum("bkgts,bksh->btkgh", weights, value).reshape(query.shape)
    return jnp.where(seen.any(-1)[..., None, None], y, 0)


class Carried(recurrent.RecurrentLayer):
    """A recurrent layer whose state is carried over."""

    def through(self, first: Any, z: Any, kernel: Any, inner: Any, kept: Any, real: Any) -> Any:
        return recurrent.scan_steps(self, first, z, kernel, inner, kept, real)

    def __call__(self, x: Any, mask: Any = None) -> Any:
        steps = _STEPS.get()
        if x.shape[1] > 1:
            counts = jnp.broadcast_to(jnp.arange(x.shape[1]) < steps.count, x.shape[:2])
            mask = counts if mask is None else mask & counts
        last, outputs = self.run(x, mask, steps.carried)
        steps.after.append(last)
        return jnp.swapaxes(outputs, 0, 1)


class SimpleRNN(Carried, recurrent_cpu.SimpleRNN):
    """`netspec.nn.SimpleRNN`."""


class GRU(Carried, recurrent_cpu.GRU):
    """`netspec.nn.GRU`."""


class LSTM(Carried, recurrent_cpu.LSTM):
    """`netspec.nn.LSTM`."""
