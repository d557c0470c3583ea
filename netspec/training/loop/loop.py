"""The loop: epochs, figures, checkpoints, and the ways to end.

Comes in: a `Job` (net, recipe, data) that fits together, and a run folder or none. Goes out: a `Result`. A run that is
killed at any moment goes on from its last checkpoint with the same numbers: an epoch's order follows from the seed and
the epoch, everything else that matters is in the state.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext, suppress
from functools import cached_property
from typing import Any

import jax
import numpy as np

from netspec.data.errors.streaming import CannotReadOn
from netspec.language.diagnostics import CompileError, Diagnostic, fail
from netspec.storage import errors
from netspec.storage.checkpoint import CheckpointStore, FileStore, MemoryStore
from netspec.storage.run_folder import Run, plain
from netspec.storage.run_lock import locked, this_process
from netspec.storage.tree_paths import Tree, Weights
from netspec.training.feed.data_checksum import fingerprint
from netspec.training.feed.device_data import Data
from netspec.training.loop.callback import Reporter, Silent, Tick
from netspec.training.loop.evaluate import figures, measure, prepare, spreads_of
from netspec.training.loop.job import Job, Result
from netspec.training.loop.nonfinite import explain, explain_weights, not_finite
from netspec.training.loop.resume_checks import changes, longer_schedule
from netspec.training.loop.run_state import Progress
from netspec.training.loop.signals import Interruption, listening
from netspec.training.schedules import find_plateau, rates_of, steps_before
from netspec.training.step.engine import State
from netspec.training.step.epoch_steps import steps_of
from netspec.training.step.gradient_stats import watched_figures

TICK_SECONDS = 0.3
"""How often an epoch under way is looked at."""
AHEAD = 16
"""Steps that are handed to the device before one of them is waited for, so that an end comes soon after it is asked."""
STREAMED_AHEAD = 2
"""The same where each of them brings its examples along, which are kept until it is done."""
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
    begun: Callable[[], None] | None = None,
) -> Result:
    """Train.

    Args:
        job: what is trained on what.
        run: the folder to write to, or None.
        resume: go on from the newest checkpoint of `run`.
        reporter: who wants to know; nobody by default.
        save_seconds: the least time between two checkpoints; 0 writes one after every epoch.
        begun: called when everything is known to fit together, before the first step.

    Raises:
        CompileError: nothing to train (NS461), a loss that is not finite (NS460), or a run folder that cannot be
            written or gone on from (NS47x).
    """
    with listening() as interruption, locked(run.path) if run else nullcontext():
        training = _Training(job, run, reporter or Silent(), interruption, save_seconds)
        try:
            training.begin(resume)
            if begun is not None:
                begun()
            while not (training.progress.is_over(job.recipe) or training.is_leaving()):
                training.run_epoch()
            return training.finish()
        except Exception as error:
            training.store.wait(check=False)  # what is being written is a step that is worth having
            training.note(error)
            raise


class _Training:
    """A training under way."""

    def __init__(
        self, job: Job, run: Run | None, reporter: Reporter, interruption: Interruption, save_seconds: float
    ) -> None:
        self.job, self.recipe, self.run, self.reporter = job, job.recipe, run, reporter
        self.interruption, self.interrupted = interruption, False
        self.engine = job.engine()
        self.store: CheckpointStore = (
            FileStore(run.checkpoints, self.engine.copy, self._publish) if run else MemoryStore(self.engine.copy)
        )
        self.progress = Progress()
        self.state: State = {}
        self.best: Weights | None = None
        self.save_seconds, self.saved_at = save_seconds, time.perf_counter()
        self.started = time.perf_counter()
        self.programs: set[int] = set()

    # ------------------------------------------------------------ begin and end

    def begin(self, resume: bool) -> None:
        """Place the data and the first state, or the one to go on from."""
        self.state = self.engine.start()
        self.data = self.engine.feed(self.job.train)
        self.spreads = spreads_of(self.recipe, self.job.train)
        self.exam = prepare(self.engine, self.job.val) if self.job.val is not None else None
        test = self.job.test if self.recipe.test_decides else None
        self.test_exam = prepare(self.engine, test) if test is not None else None
        self.fingerprint = fingerprint(self.job.train, self.job.val, self.job.test) if self.run else ""
        warnings = self._restore() if resume else ()
        began = "resumed" if resume else "started"
        self.log(f"{began} at epoch {self.progress.epoch + 1}, step {self.step} ({this_process()})")
        self.reporter.start(
            {
                "event": "start",
                "run": str(self.run.path) if self.run else None,
                "epochs": self.recipe.epochs,
                "epoch": self.progress.epoch + 1,
                "is_resumed": resume,
                "steps": self.engine.steps_per_epoch,
                "examples": self.data.examples,
                "parameters": sum(x.size for x in jax.tree.leaves(self.state["params"])),
                "device": jax.devices()[0].device_kind,
                "warnings": warnings,
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
            with self._reading():
                found.update(self._last_figures(weights))
        seconds = self.progress.seconds + time.perf_counter() - self.started
        record = {
            "event": "interrupted" if self.interrupted else "done",
            "run": str(self.run.path) if self.run else None,
            "epochs": len(self.progress.history),
            "best_epoch": self.progress.best_epoch,
            "stopped_by": self.progress.stopped_by,
            "class_names": self.recipe.class_names,
            "seconds": seconds,
            "metrics": plain(found),
        }
        self.store.wait()
        if self.run and not self.interrupted:
            self.run.write_weights(weights)  # those of the last checkpoint, which a kill may have left without them
            self.run.add_record(record)
        self.log(f"{record['event']} after epoch {record['epochs']}, step {self.step}")
        self.reporter.done(record)
        return Result(
            self.engine, weights, tuple(self.progress.history), found, seconds, self.progress.best_epoch,
            self.interrupted, self.run, self.interruption.signal if self.interrupted else None,
        )  # fmt: skip

    def _last_figures(self, weights: Weights) -> dict[str, Any]:
        """Figures with tables on the test split, or on the validation split when there is no other."""
        if self.job.test is not None:
            return measure(self.engine, weights, prepare(self.engine, self.job.test), prefix="test_", tables=True)
        if self.exam is not None:
            return measure(self.engine, weights, self.exam, prefix="val_", tables=True)
        return {}

    # ------------------------------------------------------------ one epoch

    def is_leaving(self) -> bool:
        """Whether a signal has ended the run; one that came before the first step leaves nothing to save."""
        self.interrupted = self.interrupted or self.interruption.requested
        return self.interrupted

    @property
    def step(self) -> int:
        return int(self.state["step"])

    @property
    def current(self) -> Weights:
        """The weights of the state that the net answers with; they live until the next step."""
        return Weights(self.engine.eval_weights(self.state), self.state["other"])

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
        found = self._figures_of_training(self.data.examples)
        if self.exam is not None:
            with self._reading():
                found.update(measure(self.engine, self.current, self.exam, prefix="val_"))
        if self.test_exam is not None:
            with self._reading():
                found.update(measure(self.engine, self.current, self.test_exam, prefix="test_"))
        if self.progress.judge(self.recipe, found, self.progress.seconds + time.perf_counter() - self.started):
            self.best = Weights(*self.engine.copy(tuple(self.current)))
            self.progress.best_step = self.step
        rate = self._rate()
        has_fallen = self._follow_plateau(found)
        seconds = self.progress.epoch_seconds + time.perf_counter() - began
        record = {
            "event": "epoch",
            "epoch": self.progress.epoch + 1,
            "seconds": seconds,
            "train_seconds": self.progress.train_seconds,
            "loss": found.pop("loss"),
            "metrics": found,
        }
        if "watch" in self.state:
            record["gradients"] = watched_figures(self.state["watch"])
        if rate is not None:
            record["rate"] = rate
        self._close_epoch(record, must_save=has_fallen)

    def _rate(self) -> float | None:
        """The rate of the step before, where it follows a figure."""
        if find_plateau(self.recipe.schedule) is None:
            return None
        return float(self._rates[self.step - 1]) * float(self.state["rate_scale"])

    @cached_property
    def _rates(self) -> Any:
        """The rate at every step, without what follows a figure."""
        rate = next(word.rate for word in self.recipe.optimizer if word.has_rate)  # type: ignore[attr-defined]  # has it
        return rates_of(rate, self.recipe.schedule, self.engine.steps_per_epoch, self.recipe.epochs)

    def _follow_plateau(self, found: Mapping[str, Any]) -> bool:
        """Lower the rate where the schedule follows a figure that does not become better; whether it has fallen."""
        chain, steps = self.recipe.schedule, self.engine.steps_per_epoch
        rule = find_plateau(chain)
        if rule is None or self.step <= steps_before(chain, rule, steps) or not self.progress.is_plateau(rule, found):
            return False
        before = float(self.state["rate_scale"])
        after = max(before * rule.factor, rule.least)
        self.state["rate_scale"] = jax.device_put(np.float32(after))
        self.log(f"`{rule.figure}` has not become better: the rate is multiplied by {after:.4g} from now on")
        return after < before

    def _close_epoch(self, record: dict[str, Any], *, must_save: bool) -> None:
        """Keep the record. After a fall of the rate it is saved: steps that are run again all have the same rate."""
        self.progress.history.append(record)
        self.progress.epoch += 1
        self.progress.epoch_seconds = self.progress.train_seconds = 0.0
        if self.run and self.recipe.every is not None and self.recipe.every.takes(self.progress.epoch):
            self.run.write_weights(self.current, self.progress.epoch)
        self.state = self.engine.begin_epoch(self.state)
        if self.run:
            self.run.add_record(record)
        is_over = self.progress.is_over(self.recipe)
        self.interrupted = self.interruption.requested and not is_over
        if is_over or self.interrupted or must_save or self._is_save_due():
            self.save()
        self.reporter.epoch(plain(record))

    def _train(self, began: float) -> bool:
        """The steps of an epoch; False when a signal ended them early."""
        steps, epoch = self.engine.steps_per_epoch, self.progress.epoch
        first = self.step % steps
        underway: deque[Any] = deque()
        ahead = AHEAD if isinstance(self.data, Data) else STREAMED_AHEAD
        next_tick, compiling = began + TICK_SECONDS, 0.0
        at = first
        with closing(steps_of(self.engine, self.data, epoch, first)) as taken, self._reading():
            for program, given, count in taken:
                is_new = id(program) not in self.programs  # it is compiled now, which may take seconds
                if is_new and at > first:
                    self._tell(at - first, at, began + compiling, is_compiling=True)
                called = time.perf_counter()
                self.state, loss = program(self.state, *given)
                if is_new:
                    self.programs.add(id(program))
                    compiling += time.perf_counter() - called
                at += count
                underway.append(loss)
                if len(underway) * count > ahead:
                    underway.popleft().block_until_ready()
                if at < steps and time.perf_counter() >= next_tick:
                    self._tick(at - first, at, began, compiling)
                    next_tick = time.perf_counter() + TICK_SECONDS
                if at < steps and self.interruption.requested:
                    self._check_finite()
                    return False
        self._check_finite()
        return True

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Where data that are streamed are read: when they cannot be, what was trained until then is saved.

        Raises:
            CompileError: NS515.
        """
        try:
            yield
        except CompileError as error:
            if not isinstance(error.diagnostics[0], CannotReadOn):
                raise
            self._check_finite()
            if self._is_between_steps():
                self.save()
            self._give_up(error.diagnostics[0])

    def _is_between_steps(self) -> bool:
        """Whether the state is one that training goes on from: not that at the end of an epoch before its figures."""
        return self.step // self.engine.steps_per_epoch == self.progress.epoch and self.step > 0

    def _tick(self, done: int, at: int, began: float, compiling: float) -> None:
        """Look at an epoch under way: figures for people, and whether the loss is finite; save when it is time."""
        self._check_finite()
        self._tell(done, at, began + compiling)
        if self._is_save_due():
            seconds = self.progress.train_seconds, self.progress.epoch_seconds
            self.progress.train_seconds += time.perf_counter() - began
            self.progress.epoch_seconds += time.perf_counter() - began
            self.save()
            self.progress.train_seconds, self.progress.epoch_seconds = seconds

    def _tell(self, done: int, at: int, began: float, *, is_compiling: bool = False) -> None:
        """Tell people about an epoch under way. The time that compiling took is not in the one since `began`."""
        per_second = done / (time.perf_counter() - began)
        left = (self.recipe.epochs - self.progress.epoch) * self.engine.steps_per_epoch - at
        self.reporter.progress(
            Tick(
                epoch=self.progress.epoch + 1,
                epochs=self.recipe.epochs,
                step=at,
                steps=self.engine.steps_per_epoch,
                figures=self._figures_of_training(at * self.recipe.batch),
                examples_per_second=per_second * self.recipe.batch,
                seconds_left=left / per_second,
                is_compiling=is_compiling,
            )
        )

    def _figures_of_training(self, examples: int) -> dict[str, Any]:
        """Figures of the epoch so far; with steps that were left out, which do not count, how many they are."""
        sums, skipped = jax.device_get((self.state["sums"], self.state.get("skipped")))
        if skipped is None:
            return figures(self.recipe, sums, examples, self.spreads)
        found = figures(self.recipe, sums, max(1, examples - int(skipped["examples"])), self.spreads)
        return {**found, "skipped_steps": int(skipped["steps"])}

    def _check_finite(self) -> None:
        """Stop with a diagnostic when a loss was not finite.

        Raises:
            CompileError: NS460.
        """
        bad = int(self.state["bad_step"])
        if bad >= 0:
            start = self.engine.start()
            snapshot = self.store.restore(start, tuple(self.current))
            state = start if snapshot is None else snapshot.state
            self._give_up(explain(self.engine, self.data, state, bad, self.job.locate_nonfinite))

    def _give_up(self, diagnostic: Diagnostic) -> None:
        """Stop. A later `netspec runs` tells why from the record.

        Raises:
            CompileError: the diagnostic.
        """
        if self.run:
            self.run.add_record({"event": "failed", "code": diagnostic.code, "message": diagnostic.message})
        raise fail(diagnostic)

    # ------------------------------------------------------------ checkpoints

    def note(self, error: Exception) -> None:
        """Say in the log why the training ends, if the disk still takes it."""
        told = error.diagnostics if isinstance(error, CompileError) else ()
        text = "; ".join(f"{d.code}: {d.message}" for d in told) or f"{type(error).__name__}: {error}"
        with suppress(CompileError):  # the error itself matters more
            self.log(text)

    def log(self, message: str) -> None:
        if self.run:
            self.run.log(message)

    def _is_save_due(self) -> bool:
        """Whether it is time; with `save_seconds` 0 it always is. Nobody waits for the disk.

        Raises:
            CompileError: the last checkpoint could not be written (NS490).
        """
        if not self.save_seconds:
            return True
        wait = max(self.save_seconds, self.store.seconds / SAVE_SHARE)
        return not self.store.is_busy() and time.perf_counter() - self.saved_at >= wait

    def save(self) -> None:
        """Begin to write a checkpoint, and the kept weights beside it, unless a number in them is not finite.

        Raises:
            CompileError: a weight is not finite (NS460), or the checkpoint before cannot be written (NS490).
        """
        began = time.perf_counter()
        if self.step > 0 and not_finite(self.engine, self.state):
            self._give_up(explain_weights(self.engine, self.state))
        is_best = self.progress.best_step == self.step
        best = None if self.best is None or is_best else tuple(self.best)
        progress = {**self.progress.as_json(), "seconds": self.progress.seconds + began - self.started}
        record = {**progress, **self._identity()}
        self.store.save(self.step, self.state, best, record)
        self.saved_at = time.perf_counter()

    def _identity(self) -> dict[str, Any]:
        """What a checkpoint is one of: the meaning of the spec, the recipe, and the data."""
        recipe, examples = self.recipe.describe(), self.data.examples
        return {"spec": self.job.spec_hash, "recipe": recipe, "examples": examples, "data": self.fingerprint}

    def _publish(self, state: State, best: Tree | None) -> None:
        """Write the kept weights of a checkpoint."""
        assert self.run is not None
        kept = best if best is not None else (self.engine.eval_weights(state), state["other"])
        self.run.write_weights(Weights(*kept))

    def _restore(self) -> tuple[Diagnostic, ...]:
        """Go on from the newest checkpoint that can be read, or from the beginning when nothing was saved yet.

        Returns:
            What is to be told about it.

        Raises:
            CompileError: there is none, or the settings or data are others (NS470 to NS478).
        """
        assert self.run is not None, "only a run folder can be gone on from"
        found = self.store.restore(self.state, tuple(self.current))
        if found is None:
            return self._start_again(self.run)
        differences = changes(found.record, self._identity())
        if differences:
            raise fail(errors.OtherSettings(changes=differences))
        if found.record["data"] != self.fingerprint:
            raise fail(errors.OtherData())
        warnings = (*found.warnings, *self._longer(found.record))
        for warning in warnings:
            self.log(f"{warning.code}: {warning.message}")
        self.state = found.state
        self.progress = Progress.from_json(found.record)
        if self.progress.best_epoch is not None:
            self.best = Weights(*(found.best or self.engine.copy(tuple(self.current))))
        self.run.write_history(self.progress.history)
        return warnings

    def _longer(self, record: Mapping[str, Any]) -> list[Diagnostic]:
        return longer_schedule(self.recipe, self.engine.steps_per_epoch, record["recipe"]["epochs"])

    def _start_again(self, run: Run) -> tuple[Diagnostic, ...]:
        """A run that was stopped before its first checkpoint; weights are only there when there was one.

        Raises:
            CompileError: its checkpoints are gone (NS470).
        """
        if (run.path / "weights.safetensors").exists():
            raise fail(errors.NoCheckpoint(run=str(run.path)))
        run.write_history([])
        warning = errors.StartsAgain(run=str(run.path))
        self.log(f"{warning.code}: {warning.message}")
        return (warning,)
