"""What the engine costs: a training step of netspec against the same net in a hand-written functional Flax loop.

Both train the same module on the same data with the same optimizer and batch. The hand-written loop is the fast one
(`nnx.split` once, one donated `jax.jit`, batches gathered on the device) and reports nothing but the loss; netspec also
keeps the metrics of the epoch, looks for losses that are not finite, listens for signals and feeds a progress display.
Epochs of the two alternate, so that a busy machine disturbs both alike; the medians are
printed, and the median of the ratios of neighboring epochs.

    python benchmarks/engine_overhead.py [small|mlp|cnn …] [--epochs N]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Arrays, Target
from netspec.training.experiment import Experiment
from netspec.training.loop.callback import TrainingCallback
from netspec.training.loop.loop import fit
from netspec.training.recipe.recipe import make_recipe
from netspec.training.recipe.settings import TrainSettings


class Mlp(nnx.Module):
    """Dense layers with relu between them."""

    def __init__(self, widths: tuple[int, ...], rngs: nnx.Rngs) -> None:
        sizes = pairwise(widths)
        self.layers = nnx.List([nnx.Linear(a, b, rngs=rngs) for a, b in sizes])

    def logits(self, x: jax.Array) -> jax.Array:
        for layer in self.layers[:-1]:
            x = nnx.relu(layer(x))
        return self.layers[-1](x)


class Cnn(nnx.Module):
    """The net of specs/mnist_cnn.net, with pools made of four strided slices."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(1, 16, (3, 3), rngs=rngs)
        self.conv2 = nnx.Conv(16, 32, (3, 3), rngs=rngs)
        self.dense1 = nnx.Linear(7 * 7 * 32, 128, rngs=rngs)
        self.dense2 = nnx.Linear(128, 10, rngs=rngs)

    def logits(self, x: jax.Array) -> jax.Array:
        x = nnx.relu(pool(self.conv1(x)))
        x = nnx.relu(pool(self.conv2(x)))
        return self.dense2(nnx.relu(self.dense1(x.reshape(x.shape[0], -1))))


def pool(x: jax.Array) -> jax.Array:
    corners = [x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    return jnp.maximum(jnp.maximum(corners[0], corners[1]), jnp.maximum(corners[2], corners[3]))


@dataclass(frozen=True)
class Case:
    make: Callable[[nnx.Rngs], nnx.Module]
    shape: tuple[int, ...]
    batch: int
    steps: int


CASES = {
    "small": Case(lambda rngs: Mlp((64, 64, 10), rngs), (64,), 32, 1000),
    "mlp": Case(lambda rngs: Mlp((784, 512, 512, 10), rngs), (784,), 128, 150),
    "cnn": Case(Cnn, (28, 28, 1), 128, 40),
}


class ByHand:
    """The loop that one writes without netspec."""

    def __init__(self, case: Case, arrays: Arrays) -> None:
        definition, params, rest = nnx.split(case.make(nnx.Rngs(0)), nnx.Param, ...)
        optimizer = optax.adam(1e-3)
        self.case, self.state = case, (params, optimizer.init(params))
        self.images = jax.device_put(arrays.inputs["input"])
        self.labels = jax.device_put(arrays.targets["output"])

        def step(state: Any, images: jax.Array, labels: jax.Array, rows: jax.Array) -> Any:
            params, memory = state

            def objective(params: Any) -> jax.Array:
                logits = nnx.merge(definition, params, rest).logits(images[rows])
                return optax.softmax_cross_entropy_with_integer_labels(logits, labels[rows]).mean()

            loss, gradient = jax.value_and_grad(objective)(params)
            updates, memory = optimizer.update(gradient, memory, params)
            return (optax.apply_updates(params, updates), memory), loss

        self.step = jax.jit(step, donate_argnums=0)

    def epoch(self) -> float:
        """Seconds of an epoch."""
        began = time.perf_counter()
        order = np.random.default_rng(0).permutation(len(self.images)).astype(np.int32)
        for begin in range(0, len(order), self.case.batch):
            rows = order[begin : begin + self.case.batch]
            self.state, loss = self.step(self.state, self.images, self.labels, rows)
        jax.block_until_ready((self.state, loss))
        return time.perf_counter() - began


class Alternating(TrainingCallback):
    """Runs an epoch by hand after each of netspec's, and gathers the times of both."""

    def __init__(self, by_hand: ByHand) -> None:
        self.by_hand, self.ours, self.theirs = by_hand, list[float](), list[float]()

    def epoch(self, record: Any) -> None:
        self.ours.append(record["train_seconds"])
        self.theirs.append(self.by_hand.epoch())


def compare(name: str, case: Case, epochs: int) -> None:
    random = np.random.default_rng(0)
    examples = case.batch * case.steps
    inputs = random.normal(size=(examples, *case.shape)).astype(np.float32)
    arrays = Arrays({"input": inputs}, {"output": random.integers(0, 10, examples).astype(np.int32)})
    settings = TrainSettings(epochs=epochs, batch=case.batch)
    recipe = make_recipe(
        settings, {"output": OutputHead((10,), "softmax")}, {"output": Target("class", 1, 10)}, has_val=False
    )
    watch = Alternating(ByHand(case, arrays))
    fit(Experiment(case.make, recipe, ["input"], arrays), reporter=watch)
    ours, theirs = (statistics.median(times[1:]) / case.steps * 1e6 for times in (watch.ours, watch.theirs))
    ratio = statistics.median(a / b for a, b in zip(watch.ours[1:], watch.theirs[1:], strict=True))
    print(f"{name:6} netspec {ours:9.1f} us/step   by hand {theirs:9.1f} us/step   ratio {ratio:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help="small, mlp, cnn; all by default")
    parser.add_argument("--epochs", type=int, default=25)
    options = parser.parse_args()
    for name in options.cases or CASES:
        compare(name, CASES[name], options.epochs)


if __name__ == "__main__":
    main()
