"""Look inside: what the layers of a trained network give for an example, by the names that `netspec show` lists."""

import tempfile

import numpy as np
from sklearn.datasets import load_digits

import netspec

digits = load_digits()
x = (digits.images[..., None] / 16).astype("float32")
y = digits.target.astype("int32")

spec = """
input 8x8x1
conv(8, 3x3, relu) -> maxpool(2) -> conv(16, 3x3, relu) -> flatten -> dense(16, relu) -> dense(10, softmax)
"""
with tempfile.TemporaryDirectory() as runs:
    model = netspec.train(spec, (x, y), epochs=5, runs=runs, verbose=0).model

for name, values in model.activations(x[:100]).items():
    print(f"{name:<10} {values.shape!s:<18} {np.mean(values == 0):.0%} zeros")

# Digits of one class are near each other in the last hidden layer: the nearest neighbor is usually of the same class.
hidden = model.activations(x, "dense")
distances = np.square(hidden[:300, None] - hidden[None, 300:]).sum(axis=-1)
agree = np.mean(y[300:][distances.argmin(axis=1)] == y[:300])
print(f"the nearest neighbor has the same class for {agree:.1%} of the digits")
assert agree > 0.9
