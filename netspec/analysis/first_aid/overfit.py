"""Whether a network memorizes one batch, which every working training does; and what keeps it from it.

Input: a prepared experiment. Output: `Overfit`. Nothing is written. The network, the loss, the optimizer and its rate
are those of the spec; what makes a training generalize is left out (`one_batch`).

Reference: Karpathy 2019, A recipe for training neural networks ("overfit one batch").
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from netspec.analysis.first_aid.obstacles import Obstacle, Seen, gradient_lengths, visible_obstacles
from netspec.analysis.first_aid.one_batch import OneBatch, one_batch
from netspec.analysis.lr_range_test import base_rate, rounded
from netspec.display.metric_text import metric_text, numbers_of
from netspec.display.text import plural
from netspec.spec.experiment import SpecExperiment
from netspec.training.feed.spreads import spreads_of
from netspec.training.loop.evaluate import compute_metrics
from netspec.training.step.engine import Engine, State

STEPS = 2000
"""Steps at most, with one rate."""
SECONDS = 60.0
"""Seconds at most, with one rate; `MIN_STEPS` steps are taken in any case."""
MIN_STEPS = 50
LEARNED = 0.01
"""The loss, as a fraction of the first one, at which the batch counts as learned."""
LOOK = 10
"""Steps between two looks at the loss."""
HIGHER, LOWER = (10.0, 100.0, 1e3, 1e4), (0.1, 0.01, 1e-3)
"""Other rates that are tried where that of the spec does not learn the batch, as multiples of it."""
BLOCKING = ("contradiction", "targets out of reach", "activation before the loss")
"""Obstacles that no other rate removes."""
WITHOUT_ZERO = ("poisson", "cosine", "kl", "focal")
"""Losses that are not 0 for the best prediction, or not with any network: how far they fall says nothing."""


@dataclass(frozen=True)
class Overfit:
    """How a network learned one batch.

    Args:
        learned: whether the loss fell to 1% of the first one.
        examples: of the batch.
        steps: how many were taken.
        losses: of the batch, each tenth step; the last one is the final loss.
        metrics: of the batch, after the last step.
        left_out: what of the spec was left out, in words.
        obstacles: what prevents it, the surest one first; empty where the batch was learned.
    """

    name: str
    learned: bool
    examples: int
    steps: int
    losses: tuple[float, ...]
    metrics: dict[str, Any]
    left_out: tuple[str, ...]
    obstacles: tuple[Obstacle, ...]

    @property
    def is_good(self) -> bool:
        """Whether the batch was learned."""
        return self.learned

    def record(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {
            "event": "overfit_batch",
            **{name: value for name, value in vars(self).items() if name != "obstacles"},
            "losses": [loss if math.isfinite(loss) else None for loss in self.losses],
            "obstacles": [vars(obstacle) for obstacle in self.obstacles],
        }

    def __str__(self) -> str:
        first, last = (metric_text("loss", loss) if math.isfinite(loss) else "NaN" for loss in self._ends)
        numbers = [f"{name} {metric_text(name, value)}" for name, value in numbers_of(self.metrics).items()]
        lines = [
            f"{self.name}: one batch of {plural(self.examples, 'example')}",
            *([f"left out: {', '.join(self.left_out)}"] if self.left_out else []),
            ", ".join([f"loss {first} to {last} in {plural(self.steps, 'step')}", *numbers]),
        ]
        if self.learned:
            return "\n".join([*lines, "learned: network, loss and optimizer work together"])
        lines.append("not learned; what prevents it:")
        for number, obstacle in enumerate(self.obstacles, 1):
            lines += [f"{number}. {obstacle.message}", f"   {obstacle.advice}"]
        return "\n".join(lines)

    @property
    def _ends(self) -> tuple[float, float]:
        return self.losses[0], self.losses[-1]


def overfit(job: SpecExperiment, *, name: str = "", steps: int = STEPS) -> Overfit:
    """Train on one batch until its loss is 1% of the first one; where that fails, find out why.

    Args:
        job: what is trained on what. Its first batch is taken, on one device.
        name: what the text of the result calls the network.
        steps: how many there are at most, with each rate that is tried.

    Raises:
        CompileError: the network has nothing to train (NS461), or the data cannot be read.
    """
    batch = one_batch(job)
    learner = _Learner(batch.job, steps)
    tried = learner.train(1.0)
    return Overfit(
        name=name,
        learned=tried.learned,
        examples=batch.job.recipe.batch,
        steps=tried.steps,
        losses=tuple(tried.losses),
        metrics=tried.metrics,
        left_out=tuple(batch.left_out),
        obstacles=() if tried.learned else tuple(_obstacles(batch, learner, tried)),
    )


def _obstacles(batch: OneBatch, learner: _Learner, tried: _Try) -> Iterator[Obstacle]:
    """What prevents it: what is seen, and what helps when it is tried."""
    found = visible_obstacles(batch, learner.engine, learner.data, tried.seen)
    is_blocked = any(obstacle.kind in BLOCKING for obstacle in found)
    proven = [] if is_blocked else [*_rate_obstacle(learner, tried.losses), *_frozen_obstacle(batch.job, learner.steps)]
    yield from (*proven, *found)
    if not (proven or found):
        first, last = tried.losses[0], tried.losses[-1]
        weights = learner.engine.trainable(tried.seen.end["params"])
        falls = "falls, but slowly" if last < 0.5 * first else "hardly falls"
        message = f"nothing was found: the loss {falls}, with {plural(weights, 'trained weight')} and any rate"
        yield Obstacle(
            "unknown", message, "try more units or layers, then `netspec check --gradients` and `netspec lr`"
        )


def _rate_obstacle(learner: _Learner, losses: list[float]) -> Iterator[Obstacle]:
    """The first other rate that learns the batch; a loss that has grown asks for lower ones only."""
    rate, has_fallen = base_rate(learner.batch.recipe.optimizer), losses[-1] < losses[0]  # NaN has not
    for factor in [*HIGHER, *LOWER] if has_fallen else LOWER:
        tried = learner.train(factor)
        if tried.learned:
            better, kind = rounded(rate * factor), "low" if factor > 1 else "high"
            message = (
                f"rate too {kind}: {rate:g} does not learn the batch, {better:g} does in {plural(tried.steps, 'step')}"
            )
            yield Obstacle(
                f"rate too {kind}", message, f"set the rate to {better:g}; `netspec lr` finds one for all data"
            )
            return


def _frozen_obstacle(job: SpecExperiment, steps: int) -> Iterator[Obstacle]:
    """The layers that are frozen, where the network learns the batch without that."""
    frozen = job.recipe.freeze
    if not frozen:
        return
    tried = _Learner(replace(job, recipe=job.recipe.replace(freeze=())), steps).train(1.0)
    if tried.learned:
        names = ", ".join(f'"{name}"' for name in frozen)
        message = f"frozen layers: the batch is learned in {plural(tried.steps, 'step')} without `freeze = {names}`"
        yield Obstacle("frozen layers", message, "freeze fewer layers, or start from weights that fit (`init`)")


@dataclass(frozen=True)
class _Try:
    """A training with one rate."""

    learned: bool
    steps: int
    losses: list[float]
    metrics: dict[str, Any]
    seen: Seen


class _Learner:
    """Trains on one batch, with other rates by the same program."""

    def __init__(self, batch: SpecExperiment, steps: int) -> None:
        self.batch, self.steps = batch, steps
        self.engine = Engine(batch)
        self.data: Any = self.engine.put_split(batch.train)
        self.order = self.engine.order(0, batch.examples)
        self.has_zero = all(o.loss.word not in WITHOUT_ZERO for o in batch.recipe.outputs.values())

    def start(self, factor: float) -> State:
        """The first state, with a multiple of the rate of the spec."""
        return {**self.engine.start(), "rate_scale": jnp.float32(factor)}

    def train(self, factor: float) -> _Try:
        """Train until the batch is learned, the loss is not finite, or the steps or the time are used up."""
        engine, began = self.engine, time.perf_counter()
        program, state = engine.step_program(self.batch.examples), self.start(factor)
        losses, first, steps = list[float](), dict[str, float](), 0
        while steps < self.steps:
            state, loss = program(state, self.data.arrays, self.order)
            steps += 1
            if steps == 1:
                began, first = time.perf_counter(), gradient_lengths(state)
            if steps > 1 and steps % LOOK and steps < self.steps:
                continue
            losses.append(float(jax.device_get(loss)))
            if not math.isfinite(losses[-1]) or self._is_learned(losses):
                break
            if steps >= MIN_STEPS and time.perf_counter() - began > SECONDS:
                break
        learned = self._is_learned(losses)
        seen = Seen(lambda: self.start(factor), state, first, gradient_lengths(state))
        metrics = self._metrics(engine.copy(state)) if math.isfinite(losses[-1]) else {}
        return _Try(learned, steps, losses, metrics, seen)

    def _is_learned(self, losses: list[float]) -> bool:
        first, last = losses[0], losses[-1]
        if not math.isfinite(last):
            return False
        if last <= 0 or (self.has_zero and last <= LEARNED * first):
            return True
        # A loss without a zero has been learned where it does not fall any more, below where it began.
        recent = losses[-20:]
        has_settled = len(recent) == 20 and recent[0] - last < 1e-3 * abs(first - last)
        return not self.has_zero and has_settled and last < first

    def _metrics(self, state: State) -> dict[str, Any]:
        """The metrics of the batch, in training mode, by one more step."""
        engine, recipe = self.engine, self.batch.recipe
        state, _ = engine.step_program(self.batch.examples)(engine.begin_epoch(state), self.data.arrays, self.order)
        sums = engine.placement.get(state["sums"])
        spreads = spreads_of(recipe, self.batch.train)
        found = compute_metrics(recipe, sums, self.batch.examples, spreads)
        return {name: value for name, value in found.items() if not name.endswith("loss")}
