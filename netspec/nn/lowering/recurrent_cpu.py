"""Recurrent layers under the names of `netspec.nn.recurrent`; the LSTM has a custom gradient on CPUs.

For its backward pass JAX stores thirteen arrays of each step. In closed form (Hochreiter and Schmidhuber 1997; Gers et
al. 2000) the gradient needs the gates and the state: six.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from netspec.nn import recurrent
from netspec.nn.dropout import Dropout
from netspec.nn.lowering.choice import is_fast_on_cpu, note
from netspec.nn.lowering.shards import parts_of


class Lowered:
    """The dropout of this package; and products of all steps at once that leave a batch divided over devices as it is.

    On one device the steps of all examples are the rows of one matrix. Examples of several devices cannot be: XLA would
    gather all of them on each.
    """

    dropout_layer = Dropout

    @staticmethod
    def products(x: Any, kernel: Any, bias: Any) -> Any:
        """As in `RecurrentLayer`."""
        if parts_of(x.shape[0]) == 1:
            return recurrent.RecurrentLayer.products(x, kernel, bias)
        return jnp.swapaxes(x, 0, 1) @ kernel + bias

    @staticmethod
    def gradient_to_kernel(multiplied: Any, kept: Any, to_products: Any) -> Any:
        """As in `RecurrentLayer`."""
        if parts_of(multiplied.shape[1]) == 1:
            return recurrent.RecurrentLayer.gradient_to_kernel(multiplied, kept, to_products)
        multiplied = multiplied if kept is None else multiplied * kept
        return jnp.tensordot(multiplied, to_products, ((0, 1), (0, 1)))


class SimpleRNN(Lowered, recurrent.SimpleRNN):
    """`netspec.nn.recurrent.SimpleRNN`, lowered."""


class GRU(Lowered, recurrent.GRU):
    """`netspec.nn.recurrent.GRU`, lowered."""


class LSTM(Lowered, recurrent.LSTM):
    """`netspec.nn.recurrent.LSTM`, lowered; with its usual activations by `lstm_steps`."""

    def through(self, first: Any, z: Any, kernel: Any, inner: Any, kept: Any, real: Any) -> Any:
        is_usual = self.activation is nnx.tanh and self.recurrent_activation is nnx.sigmoid
        if not is_usual or not is_fast_on_cpu("recurrent", z, kernel):
            return super().through(first, z, kernel, inner, kept, real)
        note("recurrent", f"lstm, {self.units} units", "hand-written gradient", "stores half as much per step")
        return lstm_steps(z, kernel, kept, real, self.reverse)


@partial(jax.custom_vjp, nondiff_argnums=(4,))
def lstm_steps(z: Any, kernel: Any, kept: Any, real: Any, reverse: bool) -> Any:
    """The last state (result, cell), and the results of all steps: steps x batch x units. The first state is zero.

    Args:
        z: the products with the inputs, biases added: steps x batch x 4 units (input, forget, candidate, output).
        kernel: what the previous result is multiplied with, units x 4 units.
        kept: a factor for that result, batch x units, or None.
        real: where a step counts, steps x batch, or None; elsewhere the state stays.
        reverse: from the last step to the first.
    """
    return _forward(z, kernel, kept, real, reverse)[0]


def _forward(z: Any, kernel: Any, kept: Any, real: Any, reverse: bool) -> tuple[Any, tuple[Any, ...]]:
    def advance(state: tuple[Any, Any], inputs: tuple[Any, Any]) -> tuple[Any, Any]:
        (h, c), (z, real) = state, inputs
        i, f, g, o = jnp.split(z + (h if kept is None else h * kept) @ kernel, 4, axis=-1)
        i, f, g, o = nnx.sigmoid(i), nnx.sigmoid(f), jnp.tanh(g), nnx.sigmoid(o)
        cell = f * c + i * g
        result = o * jnp.tanh(cell)
        if real is not None:
            result, cell = jnp.where(real[:, None], result, h), jnp.where(real[:, None], cell, c)
        return (result, cell), (result, cell, i, f, g, o)

    zeros = jnp.zeros((z.shape[1], kernel.shape[0]), z.dtype)
    last, (results, *inner) = lax.scan(advance, (zeros, zeros), (z, real), reverse=reverse)
    return (last, results), (kernel, kept, real, results, *inner)


def _backward(reverse: bool, kept_back: tuple[Any, ...], gradients: Any) -> tuple[Any, ...]:
    kernel, kept, real, results, cells, *gates = kept_back
    to_last, to_results = gradients
    zeros = jnp.zeros_like(results[0])

    def go_back(to_state: tuple[Any, Any], inputs: tuple[Any, ...]) -> tuple[Any, Any]:
        (to_h, to_c), (to_result, real, cell, c, i, f, g, o) = to_state, inputs
        to_h = to_h + to_result
        bent = jnp.tanh(cell)
        to_cell = to_c + to_h * o * (1 - bent * bent)
        parts = [to_cell * g * i * (1 - i), to_cell * c * f * (1 - f), to_cell * i * (1 - g * g)]
        to_z = jnp.concatenate([*parts, to_h * bent * o * (1 - o)], axis=-1)
        to_c_before = to_cell * f
        if real is not None:
            to_z = jnp.where(real[:, None], to_z, 0)
            to_c_before = jnp.where(real[:, None], to_c_before, to_c)
        to_h_before = to_z @ kernel.T
        if kept is not None:
            to_h_before = to_h_before * kept
        if real is not None:
            to_h_before = to_h_before + jnp.where(real[:, None], 0, to_h)
        return (to_h_before, to_c_before), to_z

    steps = (to_results, real, cells, LSTM.before_steps(cells, zeros, reverse), *gates)
    _, to_z = lax.scan(go_back, tuple(to_last), steps, reverse=not reverse)
    before = LSTM.before_steps(results, zeros, reverse)
    return to_z, LSTM.gradient_to_kernel(before, kept, to_z), None, None


lstm_steps.defvjp(_forward, _backward)
