"""The loop: epochs, figures, checkpoints, and the ways to end.

Comes in: a `Job` (net, recipe, data) that fits together, and a run folder or none. Goes out: a `Result`. A run that is
killed at any moment goes on from its last checkpoint with the same numbers: an epoch's order follows from the seed and
the epoch, everything else that matters is in the state.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import jax

from netspec.diagnostics import Diagnostic, fail
from netspec.train import errors
from netspec.train.checkpoint import Checkpoints, InMemory, Keeper
from netspec.train.engine import State
from netspec.train.evaluate import Weights, figures, measure, prepare, spreads_of
from netspec.train.job import Job, Result
from netspec.train.nonfinite import explain, explain_weights, not_finite
from netspec.train.progress import Progress
from netspec.train.reporting import Reporter, Silent, Tick
from netspec.train.run import Run, plain
from netspec.train.signals import Interruption, listening

TICK_SECONDS = 0.3
"""How often an epoch under way is looked at."""
AHEAD = 16
"""Steps that are handed to the device before one of them is waited for, so that an end comes soon after it is asked."""
SAVE_SECONDS = 10.0
"""A checkpoint is written when this much time has passed, and at the end."""
SAVE_SHARE = 0.05
"""Checkpoints that take long are written less often, so that they take at most this share of the time."""


def fit(
    job: Job,
    *,
    run: Run | None = None,
    resume: bool = False,
    reporter: Reporter | None = None,
    save_seconds: float = SAVE_SECONDS,
) -> Result:
    """Train.

    Args:
        job: what is trained on what.
        run: the folder to write to, or None.
        resume: go on from the newest checkpoint of `run`.
        reporter: who wants to know; nobody by default.
        save_seconds: the least time between two checkpoints; 0 writes one after every epoch.

    Raises:
        CompileError: nothing to train (NS461), a loss that is not finite (NS460), or a run folder that cannot be
            written or gone on from (NS47x).
    """
    with listening() as interruption:
        training = _Training(job, run, reporter or Silent(), interruption, save_seconds)
        try:
            training.begin(resume)
            while not (training.progress.is_over(job.recipe) or training.interrupted):
                training.run_epoch()
            return training.finish()
        finally:
            training.keeper.close()


class _Training:
    """A training under way."""

    def __init__(
        self, job: Job, run: Run | None, reporter: Reporter, interruption: Interruption, save_seconds: float
    ) -> None:
        self.job, self.recipe, self.run, self.reporter = job, job.recipe, run, reporter
        self.interruption, self.interrupted = interruption, False
        self.engine = job.engine()
        self.keeper: Keeper = Checkpoints(run.checkpoints, self.engine.copy) if run else InMemory(self.engine.copy)
        self.progress = Progress()
        self.state: State = {}
        self.best: Weights | None = None
        self.save_seconds, self.saved_at, self.save_cost = save_seconds, 0.0, 0.0
        self.started = time.perf_counter()

    # ------------------------------------------------------------ begin and end

    def begin(self, resume: bool) -> None:
        """Place the data and the first state, or the one to go on from."""
        self.state = self.engine.start()
        self.data = self.engine.place(self.job.train)
        self.spreads = spreads_of(self.recipe, self.job.train)
        self.exam = prepare(self.engine, self.job.val) if self.job.val is not None else None
        if resume:
            self._restore()
        else:
            self.save()
        self.log(f"{'resumed' if resume else 'started'} at epoch {self.progress.epoch + 1}, step {self.step}")
        self.reporter.start(
            {
                "event": "start",
                "run": str(self.run.path) if self.run else None,
                "epochs": self.recipe.epochs,
                "epoch": self.progress.epoch + 1,
                "steps": self.engine.steps_per_epoch,
                "examples": self.data.examples,
                "parameters": sum(x.size for x in jax.tree.leaves(self.state["params"])),
                "device": jax.devices()[0].device_kind,
            }
        )

    def finish(self) -> Result:
        """Measure the kept weights, write them, and tell."""
        weights = self.best if self.best is not None else self.current
        index = (self.progress.best_epoch or len(self.progress.history)) - 1
        found = dict(self.progress.history[index]["metrics"]) if self.progress.history else {}
        if self.progress.history:
            found["loss"] = self.progress.history[index]["loss"]
        if not self.interrupted:
            found.update(self._last_figures(weights))
        seconds = self.progress.seconds + time.perf_counter() - self.started
        record = {
            "event": "interrupted" if self.interrupted else "done",
            "run": str(self.run.path) if self.run else None,
            "epochs": len(self.progress.history),
            "seconds": seconds,
            "metrics": plain(found),
        }
        if self.run:
            self.run.write_weights(weights)
            if not self.interrupted:
                self.run.add_record(record)
        self.log(f"{record['event']} after epoch {record['epochs']}, step {self.step}")
        self.reporter.done(record)
        return Result(
            self.engine, weights, tuple(self.progress.history), found, seconds, self.progress.best_epoch,
            self.interrupted, self.run,
        )  # fmt: skip

    def _last_figures(self, weights: Weights) -> dict[str, Any]:
        """Figures with tables on the test split, or on the validation split when there is no other."""
        if self.job.test is not None:
            return measure(self.engine, weights, prepare(self.engine, self.job.test), prefix="test_", tables=True)
        if self.exam is not None:
            return measure(self.engine, weights, self.exam, prefix="val_", tables=True)
        return {}

    # ------------------------------------------------------------ one epoch

    @property
    def step(self) -> int:
        return int(self.state["step"])

    @property
    def current(self) -> Weights:
        """The weights of the state; they live until the next step."""
        return Weights(self.state["params"], self.state["other"])

    def run_epoch(self) -> None:
        """Train for what is left of an epoch, unless a signal comes, and see to everything that follows."""
        began = time.perf_counter()
        is_whole = self._train(began)
        self.progress.train_seconds += time.perf_counter() - began
        if not is_whole:
            self.progress.epoch_seconds += time.perf_counter() - began
            self.interrupted = True
            self.save()
            return
        found = self._figures_of_training()
        if self.exam is not None:
            found.update(measure(self.engine, self.current, self.exam, prefix="val_"))
        if self.progress.judge(self.recipe, found):
            self.best = Weights(*self.engine.copy(tuple(self.current)))
            self.progress.best_step = self.step
        seconds = self.progress.epoch_seconds + time.perf_counter() - began
        record = {
            "event": "epoch",
            "epoch": self.progress.epoch + 1,
            "seconds": seconds,
            "train_seconds": self.progress.train_seconds,
            "loss": found.pop("loss"),
            "metrics": found,
        }
        self._close_epoch(record)

    def _close_epoch(self, record: dict[str, Any]) -> None:
        self.progress.history.append(record)
        self.progress.epoch += 1
        self.progress.epoch_seconds = self.progress.train_seconds = 0.0
        self.state["sums"] = self.engine.copy(self.engine.zero_sums)
        if self.run:
            self.run.add_record(record)
        is_over = self.progress.is_over(self.recipe)
        self.interrupted = self.interruption.requested and not is_over
        if is_over or self.interrupted or self._is_save_due():
            self.save()
        self.reporter.epoch(plain(record))

    def _train(self, began: float) -> bool:
        """The steps of an epoch; False when a signal ended them early."""
        steps, epoch = self.engine.steps_per_epoch, self.progress.epoch
        order = self.engine.order(epoch, self.data.examples)
        first, arrays, state = self.step % steps, self.data.arrays, self.state
        size = self.engine.batch_size(0, self.data.examples)
        program = self.engine.step_program(size)
        underway: deque[Any] = deque()
        next_tick = began + TICK_SECONDS
        for at in range(first, steps):
            if at == steps - 1:
                program = self.engine.step_program(self.engine.batch_size(at, self.data.examples))
            state, loss = program(state, arrays, order)
            underway.append(loss)
            if len(underway) > AHEAD:
                underway.popleft().block_until_ready()
            if at + 1 < steps and time.perf_counter() >= next_tick:
                self.state = state
                self._tick(at + 1 - first, at + 1, began)
                next_tick = time.perf_counter() + TICK_SECONDS
            if at + 1 < steps and self.interruption.requested:
                self.state = state
                self._check_finite()
                return False
        self.state = state
        self._check_finite()
        return True

    def _tick(self, done: int, at: int, began: float) -> None:
        """Look at an epoch under way: figures for people, and whether the loss is finite; save when it is time."""
        self._check_finite()
        examples = at * self.recipe.batch
        sums = jax.device_get(self.state["sums"])
        per_second = done / (time.perf_counter() - began)
        left = (self.recipe.epochs - self.progress.epoch) * self.engine.steps_per_epoch - at
        self.reporter.progress(
            Tick(
                epoch=self.progress.epoch + 1,
                epochs=self.recipe.epochs,
                step=at,
                steps=self.engine.steps_per_epoch,
                figures=figures(self.recipe, sums, examples, self.spreads),
                examples_per_second=per_second * self.recipe.batch,
                seconds_left=left / per_second,
            )
        )
        if self._is_save_due():
            seconds = self.progress.train_seconds, self.progress.epoch_seconds
            self.progress.train_seconds += time.perf_counter() - began
            self.progress.epoch_seconds += time.perf_counter() - began
            self.save()
            self.progress.train_seconds, self.progress.epoch_seconds = seconds

    def _figures_of_training(self) -> dict[str, Any]:
        sums = jax.device_get(self.state["sums"])
        return figures(self.recipe, sums, self.data.examples, self.spreads)

    def _check_finite(self) -> None:
        """Stop with a diagnostic when a loss was not finite.

        Raises:
            CompileError: NS460.
        """
        bad = int(self.state["bad_step"])
        if bad >= 0:
            snapshot = self.keeper.restore(self.engine.start(), tuple(self.current))
            self._give_up(explain(self.engine, self.data, snapshot.state, bad, self.job.locate_nonfinite))

    def _give_up(self, diagnostic: Diagnostic) -> None:
        self.log(f"{diagnostic.code}: {diagnostic.message}")
        raise fail(diagnostic)

    # ------------------------------------------------------------ checkpoints

    def log(self, message: str) -> None:
        if self.run:
            self.run.log(message)

    def _is_save_due(self) -> bool:
        wait = max(self.save_seconds, self.save_cost / SAVE_SHARE) if self.save_seconds else 0.0
        return time.perf_counter() - self.saved_at >= wait

    def save(self) -> None:
        """Write a checkpoint, and the kept weights beside it, unless a number in them is not finite.

        Raises:
            CompileError: a weight is not finite (NS460), or it cannot be written (NS477).
        """
        began = time.perf_counter()
        if self.step > 0 and not_finite(self.engine, self.state):
            self._give_up(explain_weights(self.engine, self.state))
        is_best = self.progress.best_step == self.step
        best = None if self.best is None or is_best else tuple(self.best)
        progress = {**self.progress.as_json(), "seconds": self.progress.seconds + began - self.started}
        record = {**progress, "recipe": self.recipe.describe(), "examples": self.data.examples}
        self.keeper.save(self.step, self.state, best, record)
        if self.run and self.step > 0:
            self.run.write_weights(self.best if self.best is not None else self.current)
        self.saved_at = time.perf_counter()
        self.save_cost = self.saved_at - began

    def _restore(self) -> None:
        """Go on from the newest checkpoint that can be read.

        Raises:
            CompileError: there is none, or the settings are others (NS470 to NS476).
        """
        assert self.run is not None, "only a run folder can be gone on from"
        found = self.keeper.restore(self.state, tuple(self.current))
        for warning in found.warnings:
            self.log(f"{warning.code}: {warning.message}")
        changes = _changes(found.record, {"recipe": self.recipe.describe(), "examples": self.data.examples})
        if changes:
            raise fail(errors.OtherSettings(changes=changes))
        self.state = found.state
        self.progress = Progress.from_json(found.record)
        if self.progress.best_epoch is not None:
            self.best = Weights(*(found.best or self.engine.copy(tuple(self.current))))
        self.run.write_history(self.progress.history)
        self.run.write_settings(self.recipe.describe())
        self.saved_at = time.perf_counter()


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs between a run and its continuation, in words; `epochs` may."""
    old, new = dict(before["recipe"]), dict(now["recipe"])
    found = [
        f"`{key}` was {old.get(key)} and is {new[key]}" for key in new if key != "epochs" and old.get(key) != new[key]
    ]
    if before["examples"] != now["examples"]:
        found.append(f"there were {before['examples']} training examples and are {now['examples']}")
    return "; ".join(found)
