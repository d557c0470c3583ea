"""Declare a layer of your own: it is checked, shown, compiled and trained like a built-in one."""

import tempfile

import jax.numpy as jnp
import numpy as np

import netspec
from netspec.kinds import Number
from netspec.layers.base import call


def gaussian(x, width):
    """exp(-(x / width)^2)"""
    return jnp.exp(-jnp.square(x / width))


@netspec.layer("gaussian")
class Gaussian(netspec.Layer):
    """A bell curve of each number: y = exp(-(x / width)^2).

    Shape: any -> the same
    Example: gaussian(0.5)
    """

    width: float = netspec.option(Number(0, open_low=True), "how wide the bell is", default=1.0, position=0)

    def infer(self, x):
        return x

    def code(self, module, tensors, shapes):
        return call(f"{__name__}:gaussian", *tensors, self.width)


spec = """
input 1
dense(32) -> gaussian(0.5) -> dense(1)
"""
print(netspec.compile(spec).source)

try:
    netspec.compile("input 1\ndense(32) -> gausian(0.5) -> dense(1)")
except netspec.CompileError as error:
    print(error)

x = np.linspace(-3, 3, 512, dtype=np.float32)[:, None]
with tempfile.TemporaryDirectory() as runs:
    result = netspec.train(netspec.compile(spec), (x, np.sin(2 * x)), epochs=150, optimizer="adam(0.01)", runs=runs)
    print(f"R2 {result.metrics['test_r2']:.3f}")
    assert result.metrics["test_r2"] > 0.95
