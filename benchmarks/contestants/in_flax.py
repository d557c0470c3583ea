"""Flax NNX in two styles: by the book, as its MNIST tutorial has it, and functional, as experts write it.

By the book: `nnx.jit` around a step that takes the model, the optimizer and a `MultiMetric`; batches from NumPy.
Functional: the model is split once, arrays and the state of a raw Optax optimizer go through one donated `jax.jit`; the
data lie on the device, a step gathers its batch from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from benchmarks.contestants.base import batches_of_each_size, shuffled_batches
from benchmarks.contestants.flax_nets import NETS
from benchmarks.data import Data
from benchmarks.workloads import Optimizer, Workload

TEST_BATCH = 1000


def make_optimizer(optimizer: Optimizer) -> optax.GradientTransformation:
    return optax.adam(optimizer.rate) if optimizer.name == "adam" else optax.sgd(optimizer.rate, momentum=0.9)


def count_weights(model: nnx.Module) -> int:
    return sum(x.size for x in jax.tree.leaves(nnx.state(model, nnx.Param)))


# ------------------------------------------------------------ by the book


def loss_fn(model: Any, x: Any, y: Any) -> Any:
    logits = model(x)
    return optax.softmax_cross_entropy_with_integer_labels(logits=logits, labels=y).mean(), logits


@nnx.jit
def train_step(model: Any, optimizer: nnx.Optimizer, metrics: nnx.MultiMetric, x: Any, y: Any) -> None:
    (loss, logits), grads = nnx.value_and_grad(loss_fn, has_aux=True)(model, x, y)
    metrics.update(loss=loss, logits=logits, labels=y)
    optimizer.update(model, grads)


@nnx.jit
def predict(model: Any, x: Any) -> Any:
    return nnx.softmax(model(x))


class Book:
    """The training of the tutorial."""

    def __init__(self, workload: Workload, data: Data) -> None:
        self.workload, self.data, self.random = workload, data, np.random.default_rng(0)
        self.model = NETS[workload.net.name](rngs=nnx.Rngs(0))
        self.parameters = count_weights(self.model)
        self.optimizer = nnx.Optimizer(self.model, make_optimizer(workload.optimizer), wrt=nnx.Param)
        self.metrics = nnx.MultiMetric(accuracy=nnx.metrics.Accuracy(), loss=nnx.metrics.Average("loss"))
        if workload.kind != "epochs":
            self.x, self.y = jax.device_put((data.x, data.y))

    def warm_up(self) -> None:
        if self.workload.kind != "epochs":
            self.run(1)
            return
        self.model.train()
        self._train(batches_of_each_size(self.data, self.workload.batch))

    def run(self, units: int) -> None:
        self.model.train()
        for _ in range(units):
            if self.workload.kind == "epochs":
                self._train(shuffled_batches(self.data, self.workload.batch, self.random))
            else:
                train_step(self.model, self.optimizer, self.metrics, self.x, self.y)
        jax.block_until_ready((nnx.state(self.model), nnx.state(self.metrics)))

    def _train(self, batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
        for x, y in batches:
            train_step(self.model, self.optimizer, self.metrics, x, y)
        self.metrics.compute()
        self.metrics.reset()

    def accuracy(self) -> float:
        self.model.eval()
        return share_right(partial(predict, self.model), self.data)


def share_right(answer: Any, data: Data) -> float:
    parts = [slice(i, i + TEST_BATCH) for i in range(0, len(data.x_test), TEST_BATCH)]
    return sum(int((np.argmax(answer(data.x_test[p]), -1) == data.y_test[p]).sum()) for p in parts) / len(data.y_test)


# ------------------------------------------------------------ functional


class Functional:
    """Pure arrays, one donated program."""

    def __init__(self, workload: Workload, data: Data) -> None:
        model = NETS[workload.net.name](rngs=nnx.Rngs(0))
        self.parameters = count_weights(model)
        model.train()
        self.definition, params, other = nnx.split(model, nnx.Param, ...)
        model.eval()
        self.asking = nnx.graphdef(model)
        self.optimizer = make_optimizer(workload.optimizer)
        self.workload, self.data, self.random = workload, data, np.random.default_rng(0)
        self.state = (params, other, self.optimizer.init(params), jnp.zeros(2))
        self.x, self.y = jax.device_put((data.x, data.y))
        self.step = jax.jit(self._step, donate_argnums=0)
        self.answer = jax.jit(lambda params, other, x: nnx.softmax(nnx.merge(self.asking, params, other)(x)))

    def _step(self, state: Any, x: Any, y: Any, rows: Any) -> Any:
        params, other, memory, sums = state
        if rows is not None:
            x, y = x[rows], y[rows]

        def objective(params: Any) -> Any:
            model = nnx.merge(self.definition, params, other, copy=True)  # its state changes within this trace
            loss, logits = loss_fn(model, x, y)
            right = (jnp.argmax(logits, -1) == y).sum()
            return loss, (nnx.state(model, nnx.Not(nnx.Param)), jnp.stack([loss * len(y), right]))

        (_, (other, found)), grads = jax.value_and_grad(objective, has_aux=True)(params)
        updates, memory = self.optimizer.update(grads, memory, params)
        return optax.apply_updates(params, updates), other, memory, sums + found

    def warm_up(self) -> None:
        if self.workload.kind != "epochs":
            self.run(1)
            return
        for x, _ in batches_of_each_size(self.data, self.workload.batch):
            self.state = self.step(self.state, self.x, self.y, np.arange(len(x), dtype=np.int32))
        jax.block_until_ready(self.state)

    def run(self, units: int) -> None:
        for _ in range(units):
            if self.workload.kind == "epochs":
                self._epoch()
            else:
                self.state = self.step(self.state, self.x, self.y, None)
        jax.block_until_ready(self.state)

    def _epoch(self) -> None:
        order = self.random.permutation(len(self.data.x)).astype(np.int32)
        for begin in range(0, len(order), self.workload.batch):
            self.state = self.step(self.state, self.x, self.y, order[begin : begin + self.workload.batch])

    def accuracy(self) -> float:
        return share_right(partial(self.answer, *self.state[:2]), self.data)


# ------------------------------------------------------------ answers


class Answers:
    """The model in evaluation, through `nnx.jit` or split into arrays."""

    def __init__(self, workload: Workload, data: Data, style: str) -> None:
        model = NETS[workload.net.name](rngs=nnx.Rngs(0))
        model.eval()
        self.parameters, self.x = count_weights(model), jax.device_put(data.x)
        if style == "book":
            self.answer = partial(predict, model)
        else:
            definition, state = nnx.split(model)
            self.answer = partial(jax.jit(lambda state, x: nnx.softmax(nnx.merge(definition, state)(x))), state)

    def warm_up(self) -> None:
        self.run(1)

    def run(self, units: int) -> None:
        for _ in range(units):
            jax.block_until_ready(self.answer(self.x))

    def accuracy(self) -> float:
        raise NotImplementedError("nothing was learned")


def build(workload: Workload, data: Data, style: str) -> Any:
    if workload.kind == "answer":
        return Answers(workload, data, style)
    return Book(workload, data) if style == "book" else Functional(workload, data)
