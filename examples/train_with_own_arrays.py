"""Train from Python with arrays of your own, then predict and load the run again."""

import tempfile

import numpy as np

import netspec

rng = np.random.default_rng(0)
angle = rng.uniform(0, 4 * np.pi, 2000)
arm = rng.integers(0, 2, 2000)
radius = angle / (4 * np.pi)
x = np.stack([radius * np.cos(angle + np.pi * arm), radius * np.sin(angle + np.pi * arm)], axis=1)
x = (x + rng.normal(0, 0.01, x.shape)).astype(np.float32)

model = netspec.compile(
    """
    input 2
    dense(64, relu) -> dense(64, relu) -> dense(2, softmax)
    """
)
print(model.summary())

with tempfile.TemporaryDirectory() as runs:
    result = netspec.train(
        model, (x[:1600], arm[:1600], x[1600:], arm[1600:]), epochs=60, batch=32, optimizer="adam(3e-3)", runs=runs
    )
    print(f"test accuracy {result.metrics['test_accuracy']:.1%}, run folder {result.run.name}")
    assert result.metrics["test_accuracy"] > 0.95

    again = netspec.load(result.run)
    print("probabilities of the first point:", np.asarray(again(x[:1])).round(3))
