"""What keeps a network from memorizing a batch: what can be seen in its numbers, without training it again.

Input: the batch, its engine, and the states before the first and after the last step. Output: `Obstacle`s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from netspec.analysis.first_aid.one_batch import OneBatch
from netspec.analysis.inside.activity import MOVES, RECTIFIERS, activation_of
from netspec.compiler.ir.cost import rows
from netspec.spec.experiment import SpecExperiment
from netspec.storage.tree_paths import flatten
from netspec.training.feed.device_data import Data
from netspec.training.loop.nonfinite import explain
from netspec.training.step.engine import Engine, State

BOUNDS: Mapping[str, tuple[float, float]] = {
    "sigmoid": (0, 1),
    "hard_sigmoid": (0, 1),
    "softmax": (0, 1),
    "tanh": (-1, 1),
    "soft_sign": (-1, 1),
    "relu": (0, math.inf),
    "relu6": (0, 6),
    "softplus": (0, math.inf),
}
"""Between which numbers the results of an activation are."""
MIN_DEAD = 0.9
"""The fraction of the units of a layer that have to be dead to be named."""
MAX_NAMED = 3
"""Layers and examples that are named."""


@dataclass(frozen=True)
class Obstacle:
    """Something that prevents learning.

    Args:
        kind: `nonfinite`, `contradiction`, `targets out of reach`, `activation before the loss`, `no gradient`, `dead
            units`, `rate too high`, `rate too low`, `frozen layers`, or `unknown`.
        message: what was found.
        advice: what to do.
    """

    kind: str
    message: str
    advice: str


@dataclass(frozen=True)
class Seen:
    """A training on one batch: how its first state is made, the last state, and the gradients of the first and the
    last step by the names of weights (their lengths)."""

    start: Callable[[], State]
    end: State
    first_gradients: Mapping[str, float]
    last_gradients: Mapping[str, float]


def visible_obstacles(batch: OneBatch, engine: Engine, data: Data, seen: Seen) -> list[Obstacle]:
    """What can be seen, the surest first.

    Args:
        batch: what was trained on what.
        engine: that of the batch.
        data: the batch on the device.
        seen: the training.
    """
    if int(seen.end["bad_step"]) >= 0:
        step = int(seen.end["bad_step"])
        found = explain(engine, data, seen.start(), step)
        message = f"the loss is not finite in step {step + 1}: {getattr(found, 'where', found.message)}"
        return [Obstacle("nonfinite", message, found.hint_text), *_contradictions(data, batch.where)]
    return [
        *_contradictions(data, batch.where),
        *_out_of_reach(batch.job, data),
        *_squeezed(batch.job),
        *_dead(batch.job, engine, data, seen.end),
        *_without_gradient(seen),
    ]


def gradient_lengths(state: State) -> dict[str, float]:
    """The length of the gradient of the last step, by the name of each weight."""
    found = flatten(state["watch"]["before"])
    return {name: float(np.linalg.norm(np.asarray(value, np.float64))) for name, value in found.items()}


# ---------------------------------------------------------------- the examples


def _contradictions(data: Data, where: Callable[[int], str]) -> Iterator[Obstacle]:
    """Examples with the same inputs and other targets."""
    inputs, targets = ([np.asarray(x) for x in part] for part in (data.inputs, data.targets.values()))
    known: dict[bytes, int] = {}
    pairs = []
    for row in range(data.examples):
        first = known.setdefault(b"".join(np.ascontiguousarray(x[row]).tobytes() for x in inputs), row)
        if any(not np.array_equal(y[first], y[row], equal_nan=y.dtype.kind == "f") for y in targets):
            pairs.append((first, row))
    if pairs:
        first, row = pairs[0]
        message = (
            f"labels contradict each other: {where(row)} has the same inputs as {where(first)}, and another target"
            f" ({len(pairs)} of {data.examples} examples do)"
        )
        yield Obstacle(
            "contradiction", message, "no network can learn both: correct the data, or add what tells them apart"
        )


def _out_of_reach(job: SpecExperiment, data: Data) -> Iterator[Obstacle]:
    """Targets that are numbers which the last activation never gives."""
    for name, output in job.recipe.outputs.items():
        activation = output.head.activation if output.head.activation in BOUNDS else _last_activation(job)
        if output.target.kind != "numbers" or activation not in BOUNDS or len(job.recipe.outputs) > 1:
            continue
        low, high = BOUNDS[activation]
        values = np.asarray(data.targets[name])
        if values.min() < low or values.max() > high:
            ends = f"{low:g} to {high:g}" if math.isfinite(high) else f"{low:g} and more"
            message = (
                f"targets out of reach: `{activation}` in the last layer gives {ends}, the targets of the batch are"
                f" {values.min():.4g} to {values.max():.4g}"
            )
            yield Obstacle("targets out of reach", message, f"remove `{activation}` from the last layer")


# ---------------------------------------------------------------- the network


def _last_activation(job: SpecExperiment) -> str:
    """The word of the activation of the last layer, before its head, or of the layer itself; empty: there is none."""
    computing = [row for row in rows(job.compilation.optimized) if row.word not in MOVES]
    return activation_of(computing[-1]) if computing else ""


def _squeezed(job: SpecExperiment) -> Iterator[Obstacle]:
    """An activation before a loss on logits, which keeps them between two numbers."""
    activation = _last_activation(job)
    _, high = BOUNDS.get(activation, (0, math.inf))
    for output in job.recipe.outputs.values():
        is_probability = output.scored.activation in ("softmax", "sigmoid", "margin")
        if is_probability and math.isfinite(high) and len(job.recipe.outputs) == 1:
            head = output.scored.activation
            message = (
                f"`{activation}` before the loss: `{output.loss.word}` takes logits and applies the {head} itself, so"
                f" that no probability gets near 0 or 1"
            )
            yield Obstacle("activation before the loss", message, f"remove the `{activation}` before the last {head}")


def _dead(job: SpecExperiment, engine: Engine, data: Data, state: State) -> Iterator[Obstacle]:
    """The first layer of which all, or nearly all, units are 0 for every example."""
    module = engine.module(state["params"], state["other"], state["random"])
    for name, value in job.model.results_of_layers(module, data.inputs):
        values = np.asarray(value)
        if values.dtype.kind != "f" or values.ndim < 2:
            continue
        dead = ~values.reshape(-1, values.shape[-1]).any(axis=0)
        if dead.mean() >= MIN_DEAD:
            how_many = "every unit" if dead.all() else f"{dead.sum()} of {dead.size} units"
            message = f"dead units: {how_many} of `{name}` gives 0 for every example of the batch"
            advice = (
                "use a lower rate, `leaky_relu` instead of `relu`, or inputs that are scaled (`normalize = standard`)"
            )
            yield Obstacle(
                "dead units", message, advice if _is_rectified(job, name) else "look at what comes before it"
            )
            return


def _is_rectified(job: SpecExperiment, name: str) -> bool:
    """Whether a layer ends in a relu."""
    return any(row.name == name and activation_of(row) in RECTIFIERS for row in rows(job.compilation.optimized))


def _without_gradient(seen: Seen) -> Iterator[Obstacle]:
    """Layers that no gradient reaches, neither in the first nor in the last step."""
    lengths: dict[str, float] = {}
    for gradients in (seen.first_gradients, seen.last_gradients):
        for name, length in gradients.items():
            layer = name.rpartition("/")[0] or name
            lengths[layer] = max(lengths.get(layer, 0.0), length)
    idle = [layer for layer, length in lengths.items() if length == 0]
    if idle:
        named = ", ".join(f"`{layer}`" for layer in idle[:MAX_NAMED]) + (", …" if len(idle) > MAX_NAMED else "")
        all_of = "every layer" if len(idle) == len(lengths) else named
        message = f"no gradient: that of {all_of} is 0 in the first and in the last step"
        advice = "nothing that it computes changes the loss: look for dead units, `stop_gradient` and unused branches"
        yield Obstacle("no gradient", message, advice)
