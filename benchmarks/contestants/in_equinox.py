"""Equinox as its examples have it: `filter_jit`, `filter_value_and_grad`, a model of one example under `vmap`."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.contestants.base import batches_of_each_size, shuffled_batches
from benchmarks.contestants.equinox_nets import make_net
from benchmarks.data import Data
from benchmarks.workloads import Optimizer, Workload


def channels_first(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x


def make_optimizer(optimizer: Optimizer) -> optax.GradientTransformation:
    return optax.adam(optimizer.rate) if optimizer.name == "adam" else optax.sgd(optimizer.rate, momentum=0.9)


def count_weights(model: Any) -> int:
    return sum(x.size for x in jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array)))


def compute_loss(model: Any, state: Any, x: Any, y: Any, key: Any) -> Any:
    keys = jax.random.split(key, len(x))
    batched = jax.vmap(lambda x, state, key: model(x, state, key=key), (0, None, 0), (0, None), axis_name="batch")
    logits, state = batched(x, state, keys)
    loss = optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()
    return loss, (state, (jnp.argmax(logits, -1) == y).sum())


@eqx.filter_jit
def predict(model: Any, state: Any, x: Any) -> Any:
    logits, _ = jax.vmap(model, (0, None), (0, None), axis_name="batch")(x, state)
    return jax.nn.softmax(logits)


class Training:
    def __init__(self, workload: Workload, data: Data) -> None:
        self.workload, self.random = workload, np.random.default_rng(0)
        self.data = Data(channels_first(data.x), data.y, channels_first(data.x_test), data.y_test, data.is_real)
        self.model, self.state = eqx.nn.make_with_state(make_net)(workload.net.name)
        self.parameters = count_weights(self.model)
        self.optimizer = make_optimizer(workload.optimizer)
        self.memory = self.optimizer.init(eqx.filter(self.model, eqx.is_inexact_array))
        self.key = jax.random.key(1)
        self.step = eqx.filter_jit(self._step)
        if workload.kind != "epochs":
            self.x, self.y = jax.device_put((self.data.x, self.data.y))

    def _step(self, model: Any, state: Any, memory: Any, key: Any, x: Any, y: Any) -> Any:
        key, mine = jax.random.split(key)
        objective = eqx.filter_value_and_grad(compute_loss, has_aux=True)
        (loss, (state, right)), grads = objective(model, state, x, y, mine)
        updates, memory = self.optimizer.update(grads, memory, eqx.filter(model, eqx.is_inexact_array))
        return eqx.apply_updates(model, updates), state, memory, key, loss, right

    def _train(self, x: Any, y: Any) -> tuple[Any, Any]:
        self.model, self.state, self.memory, self.key, loss, right = self.step(
            self.model, self.state, self.memory, self.key, x, y
        )
        return loss, right

    def warm_up(self) -> None:
        if self.workload.kind != "epochs":
            self.run(1)
            return
        for x, y in batches_of_each_size(self.data, self.workload.batch):
            jax.block_until_ready(self._train(x, y))

    def run(self, units: int) -> None:
        for _ in range(units):
            if self.workload.kind == "epochs":
                batches = shuffled_batches(self.data, self.workload.batch, self.random)
                metrics = [self._train(x, y) for x, y in batches]
                np.sum(jax.device_get(metrics), axis=0)
            else:
                metrics = self._train(self.x, self.y)
        jax.block_until_ready((eqx.filter(self.model, eqx.is_array), metrics))

    def accuracy(self) -> float:
        model = eqx.nn.inference_mode(self.model)
        x, y = self.data.x_test, self.data.y_test
        parts = [slice(i, i + 1000) for i in range(0, len(x), 1000)]
        return sum(int((np.argmax(predict(model, self.state, x[p]), -1) == y[p]).sum()) for p in parts) / len(y)


class Answers:
    def __init__(self, workload: Workload, data: Data) -> None:
        model, self.state = eqx.nn.make_with_state(make_net)(workload.net.name)
        self.parameters, self.x = count_weights(model), jax.device_put(channels_first(data.x))
        self.model = eqx.nn.inference_mode(model)

    def warm_up(self) -> None:
        self.run(1)

    def run(self, units: int) -> None:
        for _ in range(units):
            predict(self.model, self.state, self.x).block_until_ready()

    def accuracy(self) -> float:
        raise NotImplementedError("nothing was learned")


def build(workload: Workload, data: Data, style: str) -> Any:
    return Answers(workload, data) if workload.kind == "answer" else Training(workload, data)
