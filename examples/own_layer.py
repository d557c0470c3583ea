"""Declare layers of your own: they are checked, shown, compiled and trained like built-in ones."""

import tempfile

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import netspec
import netspec.testing
from netspec.extend import Count, Layer, Number, Shape, call, check_numbers, check_rank, layer, option


def gaussian(x, width):
    """exp(-(x / width)^2)"""
    return jnp.exp(-jnp.square(x / width))


@layer("gaussian")
class Gaussian(Layer):
    """A bell curve of each number.

    Shape: any -> the same
    Formula: y = exp(-(x / width)^2)
    Example: gaussian(0.5)
    """

    width: float = option(Number(0, open_low=True), "how wide the bell is", default=1.0, position=0)

    def infer(self, x):
        check_numbers(self, x)
        return x

    def code(self, module, tensors, shapes):
        return call(f"{__name__}:gaussian", *tensors, self.width)


class Centers(nnx.Module):
    """The squared distances to `count` trained points."""

    def __init__(self, features, count, *, rngs):
        self.points = nnx.Param(jax.random.normal(rngs.params(), (count, features)))

    def __call__(self, x):
        return jnp.sum(jnp.square(x[:, None, :] - self.points[...]), axis=-1)


@layer("distances")
class Distances(Layer):
    """The squared distances to trained points.

    Shape: N -> count
    Parameters: count * N
    Formula: y[k] = sum over n of (x[n] - points[k, n])^2
    Example: distances(16)
    """

    count: int = option(Count(), "how many points", position=0)

    def infer(self, x):
        check_rank(self, x, (1,), "put `flatten` before it")
        return Shape((self.count,))

    def parameters(self, x):
        return {"points": (self.count, x.channels)}

    def module(self, x):
        return call(f"{__name__}:Centers", x.channels, self.count)


# The checks that netspec's own layers pass: docs, shapes, weights, messages, over a grid of options.
netspec.testing.check_layer(Gaussian)
netspec.testing.check_layer(Distances)

spec = """
input 1
distances(32) -> gaussian(0.5) -> dense(1)
"""
print(netspec.compile(spec).source)

try:
    netspec.compile("input 1\ndistances(32) -> gausian(0.5) -> dense(1)")
except netspec.CompileError as error:
    print(error)

x = np.linspace(-3, 3, 512, dtype=np.float32)[:, None]
with tempfile.TemporaryDirectory() as runs:
    result = netspec.train(netspec.compile(spec), (x, np.sin(2 * x)), epochs=150, optimizer="adam(0.01)", runs=runs)
    print(f"R2 {result.metrics['test_r2']:.3f}")
    assert result.metrics["test_r2"] > 0.95
