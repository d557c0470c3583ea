"""Recurrent layers: what Flax lacks or does differently.

As in `helpers`, each function and class is self-contained, or uses others of these files by their plain names. The
weights have the names of Keras, and their gates its order.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx as nn


def per_gate(init: Any, gates: int) -> Any:
    """An initializer that draws the columns of every gate as a separate matrix."""

    def make(key: Any, shape: Any, dtype: Any = jnp.float32, **_: Any) -> Any:
        part = (*shape[:-1], shape[-1] // gates)
        return jnp.concatenate([init(k, part, dtype) for k in jax.random.split(key, gates)], axis=-1)

    return make


class RecurrentLayer(nn.Module):  # type: ignore[misc]  # Flax is not read by the type checker
    """What `SimpleRNN`, `LSTM` and `GRU` share: the products with the inputs, and the loop over the steps.

    A subclass has `step`: from the state, a tuple of tensors of batch x units whose first one is the result, and the
    products of one step with `kernel` to the next state; `recur` multiplies with `recurrent_kernel`. Where a mask of
    batch x steps is false, the state stays.
    """

    gates = 1
    states = 1
    dropout_layer = nn.Dropout

    @property
    def adds(self) -> str:
        """What is added to the product of the state with all of `recurrent_kernel`, and to nothing else: `z`, `inner`,
        or neither where the state itself is not multiplied."""
        return "z"

    def __init__(
        self,
        in_features: int,
        units: int,
        *,
        activation: Any = nn.tanh,
        use_bias: bool = True,
        kernel_init: Any = None,
        recurrent_init: Any = None,
        bias_init: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_last: bool = False,
        reverse: bool = False,
        dtype: Any = None,
        rngs: nn.Rngs,
    ) -> None:
        width = self.gates * units
        first = per_gate(kernel_init or nn.initializers.lecun_normal(), self.gates)
        recurrent_first = per_gate(recurrent_init or nn.initializers.orthogonal(), self.gates)
        bias_init = bias_init or nn.initializers.zeros_init()
        self.units, self.activation, self.dtype = units, activation, dtype
        self.return_last, self.reverse = return_last, reverse
        self.kernel = nn.Param(first(rngs.params(), (in_features, width)))
        self.recurrent_kernel = nn.Param(recurrent_first(rngs.params(), (units, width)))
        self.bias = nn.Param(self.first_bias(bias_init, rngs.params(), width)) if use_bias else None
        # Drops the same numbers at all steps of an example (Gal and Ghahramani 2016).
        self.dropout = self.dropout_layer(dropout, broadcast_dims=(1,), rngs=rngs) if dropout else None
        self.recurrent_dropout = self.dropout_layer(recurrent_dropout, rngs=rngs) if recurrent_dropout else None

    def first_bias(self, init: Any, key: Any, width: int) -> Any:
        return init(key, (width,))

    def biases(self, bias: Any) -> Any:
        """What is added to the products with `kernel`, and to those with `recurrent_kernel`."""
        return bias, 0

    def step(self, state: Any, z: Any, recur: Any) -> Any:
        raise NotImplementedError

    def through(self, first: Any, z: Any, kernel: Any, inner: Any, kept: Any, real: Any) -> Any:
        """The last state, and the results of all steps; the arguments are those of `scan_steps`."""
        return through_steps(self, first, z, kernel, inner, kept, real)

    @staticmethod
    def products(x: Any, kernel: Any, bias: Any) -> Any:
        """Those of every step with a kernel, plus a bias: batch x steps x features -> steps x batch x width."""
        rows = jnp.swapaxes(x, 0, 1).reshape(-1, x.shape[-1])  # all steps as rows, first steps first
        return (rows @ kernel + bias).reshape(x.shape[1], x.shape[0], -1)

    @staticmethod
    def before_steps(states: Any, start: Any, reverse: bool) -> Any:
        """The state before each step, from that after each (steps x batch x units) and before the first."""
        return jnp.concatenate([states[1:], start[None]] if reverse else [start[None], states[:-1]])

    @staticmethod
    def gradient_to_kernel(multiplied: Any, kept: Any, to_products: Any) -> Any:
        """The gradient to what the states are multiplied with, of all steps at once: from the states before them, the
        factor for these, and the gradients to the products."""
        multiplied = multiplied if kept is None else multiplied * kept
        return multiplied.reshape(-1, multiplied.shape[-1]).T @ to_products.reshape(-1, to_products.shape[-1])

    def run(self, x: Any, mask: Any = None, first: Any = None) -> Any:
        """The last state, and the results of all steps (steps x batch x units); `first` is the state before the first
        step, None for zeros."""
        x = x if self.dropout is None else self.dropout(x)
        weights = [x, self.kernel[...], self.recurrent_kernel[...], 0 if self.bias is None else self.bias[...]]
        if self.dtype is not None:
            weights = [jnp.asarray(value, self.dtype) for value in weights]
        x, kernel, recurrent_kernel, bias = weights
        outer, inner = (0, 0) if self.bias is None else self.biases(bias)
        z = self.products(x, kernel, outer)
        zeros = jnp.zeros((x.shape[0], self.units), z.dtype)
        kept = None if self.recurrent_dropout is None else self.recurrent_dropout(jnp.ones_like(zeros))
        real = None if mask is None else jnp.swapaxes(mask, 0, 1)
        first = (zeros,) * self.states if first is None else first
        return self.through(first, z, recurrent_kernel, inner, kept, real)

    def __call__(self, x: Any, mask: Any = None) -> Any:
        last, outputs = self.run(x, mask)
        return last[0] if self.return_last else jnp.swapaxes(outputs, 0, 1)


def scan_steps(layer: Any, first: Any, z: Any, kernel: Any, inner: Any, kept: Any, real: Any) -> Any:
    """The last state, and the results of all steps: steps x batch x units.

    `first` is the state before the first step, `z` (steps x batch x width) the products with the inputs, `kernel` what
    the state is multiplied with, `inner` what is added to that product, for all steps or for each, `kept` a factor for
    the state in these products, `real` (steps x batch) where a step counts.
    """
    is_per_step = jnp.ndim(inner) == 3

    def advance(state: Any, inputs: Any) -> Any:
        z, real, added = inputs

        def recur(h: Any, columns: Any = slice(None)) -> Any:
            product = (h if kept is None else h * kept) @ kernel[:, columns]
            return product + (added if is_per_step else inner)

        after = layer.step(state, z, recur)
        if real is not None:
            after = tuple(jnp.where(real[:, None], new, old) for new, old in zip(after, state, strict=True))
        return after, after[0]

    return jax.lax.scan(advance, first, (z, real, inner if is_per_step else None), reverse=layer.reverse)


def through_steps(layer: Any, first: Any, z: Any, kernel: Any, inner: Any, kept: Any, real: Any) -> Any:
    """`scan_steps`, with the gradient to the kernel as one product of all steps.

    That gradient is a sum over the steps: state x gradient to the product. The scan would add it up step by step, a
    small product and a pass over the whole kernel each; after the scan it is one large product, as in cuDNN (Appleyard
    et al. 2016, arXiv:1604.01946, section 3.2). It needs the gradient to each product, which is that to what is added
    to it: `z` in some cells, `inner` in others, which is then broadcast over the steps.
    """
    if layer.adds == "neither":
        return scan_steps(layer, first, z, kernel, inner, kept, real)
    if layer.adds == "inner":
        inner = jnp.broadcast_to(inner, (*z.shape[:2], kernel.shape[-1]))

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def run(z: Any, kernel: Any, inner: Any) -> Any:
        return scan_steps(layer, first, z, kernel, inner, kept, real)

    def forward(z: Any, kernel: Any, inner: Any) -> Any:
        results, back = jax.vjp(lambda z, inner: scan_steps(layer, first, z, kernel, inner, kept, real), z, inner)
        return results, (back, results[1])

    def backward(residuals: Any, gradients: Any) -> Any:
        back, outputs = residuals
        to_z, to_inner = back(gradients)
        before = layer.before_steps(outputs, first[0], layer.reverse)
        to_products = to_z if layer.adds == "z" else to_inner
        return to_z, layer.gradient_to_kernel(before, kept, to_products), to_inner

    run.defvjp(forward, backward)
    return run(z, kernel, jnp.asarray(inner, z.dtype))


class SimpleRNN(RecurrentLayer):
    """h' = activation(x K + h R + b), for every step of batch x steps x features."""

    def step(self, state: Any, z: Any, recur: Any) -> Any:
        (h,) = state
        return (self.activation(z + recur(h)),)


class LSTM(RecurrentLayer):
    """Long short-term memory; the order of the gates is input, forget, candidate, output."""

    gates = 4
    states = 2

    def __init__(
        self,
        in_features: int,
        units: int,
        *,
        recurrent_activation: Any = nn.sigmoid,
        forget_bias: float = 1.0,
        **options: Any,
    ) -> None:
        self.recurrent_activation, self.forget_bias = recurrent_activation, forget_bias
        super().__init__(in_features, units, **options)

    def first_bias(self, init: Any, key: Any, width: int) -> Any:
        return init(key, (width,)).at[self.units : 2 * self.units].set(self.forget_bias)

    def step(self, state: Any, z: Any, recur: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(z + recur(h), 4, axis=-1)
        gate = self.recurrent_activation
        c = gate(f) * c + gate(i) * self.activation(g)
        return gate(o) * self.activation(c), c


class GRU(RecurrentLayer):
    """Gated recurrent unit; the order of the gates is update, reset, candidate.

    With `reset_after` the reset gate is applied after the product with the state, which then has a separate bias: the
    second row of `bias`.
    """

    gates = 3

    def __init__(
        self,
        in_features: int,
        units: int,
        *,
        recurrent_activation: Any = nn.sigmoid,
        reset_after: bool = True,
        **options: Any,
    ) -> None:
        self.recurrent_activation, self.reset_after = recurrent_activation, reset_after
        super().__init__(in_features, units, **options)

    @property
    def adds(self) -> str:
        return "inner" if self.reset_after else "neither"

    def first_bias(self, init: Any, key: Any, width: int) -> Any:
        return init(key, (2, width) if self.reset_after else (width,))

    def biases(self, bias: Any) -> Any:
        return (bias[0], bias[1]) if self.reset_after else (bias, 0)

    def step(self, state: Any, z: Any, recur: Any) -> Any:
        (h,) = state
        both, last = slice(None, 2 * self.units), slice(2 * self.units, None)
        r = recur(h) if self.reset_after else recur(h, both)
        update, reset = jnp.split(self.recurrent_activation(z[:, both] + r[:, both]), 2, axis=-1)
        product = reset * r[:, last] if self.reset_after else recur(reset * h, last)
        return (update * h + (1 - update) * self.activation(z[:, last] + product),)


class Bidirectional(nn.Module):  # type: ignore[misc]  # Flax is not read by the type checker
    """Two recurrent layers, one of which runs backward; their results are joined for every step."""

    def __init__(self, forward: Any, backward: Any, *, merge: str = "concat") -> None:
        self.forward, self.backward, self.merge = forward, backward, merge

    def __call__(self, x: Any, mask: Any = None) -> Any:
        a, b = self.forward(x, mask), self.backward(x, mask)
        if self.merge == "concat":
            return jnp.concatenate([a, b], axis=-1)
        if self.merge == "mul":
            return a * b
        return a + b if self.merge == "add" else (a + b) / 2


def first_step(x: Any, mask: Any = None) -> Any:
    """The first step of batch x steps x features; with a mask of batch x steps the first for which it is true."""
    if mask is None:
        return x[:, 0]
    return x[jnp.arange(x.shape[0]), jnp.argmax(mask, axis=1)]


def last_step(x: Any, mask: Any = None) -> Any:
    """The last step of batch x steps x features; with a mask of batch x steps the last for which it is true."""
    if mask is None:
        return x[:, -1]
    return x[jnp.arange(x.shape[0]), x.shape[1] - 1 - jnp.argmax(mask[:, ::-1], axis=1)]


def mean_of_steps(x: Any, mask: Any = None) -> Any:
    """The mean over the steps of batch x steps x features; with a mask over those for which it is true, 0 for none."""
    if mask is None:
        return jnp.mean(x, axis=1)
    total = jnp.sum(jnp.where(mask[..., None], x, 0), axis=1)
    return total / jnp.maximum(jnp.sum(mask, axis=1, keepdims=True), 1)
