"""Batch normalization under the name that Flax gives it, with a custom gradient on CPUs.

The gradient of what Flax computes is taken through the mean and the variance: four sums over the batch and a chain of
products. In closed form (Ioffe and Szegedy 2015, section 3) it needs two sums and one more pass.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from netspec.nn.lowering.choice import is_fast_on_cpu, note
from netspec.nn.lowering.reductions import sum_of_terms
from netspec.nn.lowering.shards import local_parts_of, parts_of


class BatchNorm(nnx.BatchNorm):  # type: ignore[misc]  # Flax is not read by the type checker
    """`flax.nnx.BatchNorm`; with the statistics of a batch it is computed by `normalize`.

    A batch that is divided over devices counts as one, unless each device is to take its own statistics (`LOCAL` in
    netspec/training/distributed/mesh.py); the running ones are then the means over the devices.
    """

    def __call__(self, x: Any, use_running_average: bool | None = None, *, mask: Any = None) -> Any:
        running = self.use_running_average if use_running_average is None else use_running_average
        has_all = self.scale is not None and self.bias is not None
        if not running and mask is None and (devices := local_parts_of(len(x))) > 1:
            return self._by_device(x, devices)
        is_plain = mask is None and self.axis == -1 and self.axis_name is None and self.dtype is None
        if running or not has_all or not is_plain or x.ndim < 2 or not is_fast_on_cpu("batchnorm", x, self.scale[...]):
            return super().__call__(x, use_running_average, mask=mask)
        what = f"batchnorm, {x.shape[-1]} channels"
        note("batchnorm", what, "hand-written gradient", "two reductions over the batch instead of four")
        y, mean, variance = normalize_jit(x, self.scale[...], self.bias[...], self.epsilon, parts_of(len(x)))
        self._remember(mean, variance)
        return y

    def _remember(self, mean: Any, variance: Any) -> None:
        for kept, new in ((self.mean, mean), (self.var, variance)):
            kept[...] = jax.lax.stop_gradient(self.momentum * kept[...] + (1 - self.momentum) * new)

    def _by_device(self, x: Any, devices: int) -> Any:
        """With the statistics of the examples of each device."""
        parts = x.reshape(devices, -1, *x.shape[1:]).astype(jnp.float32)
        axes = tuple(range(1, parts.ndim - 1))
        mean, variance = parts.mean(axes, keepdims=True), parts.var(axes, keepdims=True)
        y = ((parts - mean) * jax.lax.rsqrt(variance + self.epsilon)).reshape(x.shape)
        y = y if self.scale is None else y * self.scale[...]
        y = y if self.bias is None else y + self.bias[...]
        self._remember(*(value.reshape(devices, -1).mean(axis=0) for value in (mean, variance)))
        return y.astype(self.dtype or x.dtype)


@partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def normalize(x: Any, scale: Any, bias: Any, epsilon: float, devices: int = 1) -> tuple[Any, Any, Any]:
    """scale * (x - mean) / sqrt(variance + epsilon) + bias, and the mean and the variance of each channel.

    Args:
        x: batch x positions x channels.
        scale: channels.
        bias: channels.
        epsilon: added to the variance.
        devices: over how many of them the batch is divided (`parts_of`).
    """
    return _forward(x, scale, bias, epsilon, devices)[0]


def _forward(
    x: Any, scale: Any, bias: Any, epsilon: float, devices: int
) -> tuple[tuple[Any, Any, Any], tuple[Any, ...]]:
    count = x.size // x.shape[-1]
    mean = x.sum(axis=tuple(range(x.ndim - 1))) / count
    variance = sum_of_terms(lambda part, _: jnp.square(part - mean), [x], x, devices=devices)[0] / count
    inverse = jax.lax.rsqrt(variance + epsilon)
    return ((x - mean) * (inverse * scale) + bias, mean, variance), (x, mean, inverse, scale)


def _backward(
    epsilon: float, devices: int, kept: tuple[Any, ...], gradients: tuple[Any, Any, Any]
) -> tuple[Any, Any, Any]:
    x, mean, inverse, scale = kept
    gradient = gradients[0]  # nothing is learned through the running statistics
    count = x.size // x.shape[-1]
    to_bias = gradient.sum(axis=tuple(range(x.ndim - 1)))
    to_scale = sum_of_terms(lambda part, g: (part - mean) * g, [x], gradient, devices=devices)[0] * inverse
    by_deviation = to_scale * inverse / count
    to_input = (gradient - to_bias / count - (x - mean) * by_deviation) * (inverse * scale)
    return to_input, to_scale, to_bias


normalize.defvjp(_forward, _backward)
normalize_jit = jax.jit(normalize, static_argnums=(3, 4))
