"""Fine-tune: train a network on one task, then continue with its layers and a new head on another."""

import tempfile

import numpy as np
from sklearn.datasets import load_digits

import netspec

SPEC = """
input 8x8x1
conv(16, 3x3, relu) -> maxpool(2) -> flatten -> dense(32, relu) -> dense({classes}, softmax)
"""

digits = load_digits()
x = (digits.images[..., None] / 16).astype("float32")
y = digits.target.astype("int32")

with tempfile.TemporaryDirectory() as runs:
    # The first task: which of the digits 0 to 7 it is. Layers are named after their words: conv, dense, dense_2.
    known = y < 8
    first = netspec.train(SPEC.format(classes=8), (x[known], y[known]), epochs=8, runs=runs, verbose=0)
    print(f"0 to 7: test accuracy {first.metrics['test_accuracy']:.1%}")

    # The second task has 40 examples of 8 and 9, and another head: its weights are new, the others are those of the
    # first run; the convolution stays as it is.
    rest = np.flatnonzero(~known)
    few, others = rest[:40], rest[40:]
    second = netspec.train(
        SPEC.format(classes=2),
        (x[few], y[few] - 8, x[others], y[others] - 8),
        init=f'"{first.run}"',
        init_parts=["conv", "dense"],
        freeze=["conv"],
        epochs=30,
        runs=runs,
    )
    print(f"8 or 9, from 40 examples: test accuracy {second.metrics['test_accuracy']:.1%}")
    assert second.metrics["test_accuracy"] > 0.8
