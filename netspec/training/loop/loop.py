"""The training loop: epochs, their metrics, and the ways to end.

Input: an `Experiment`, and a run folder or none. Output: a `FitResult`. Whatever happens between two epochs is a
callback (callback.py): `epoch_callbacks` and `checkpointing` have those of the loop itself.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

from netspec.data.errors.streaming import CannotReadOn
from netspec.language.diagnostics import CompileError, Diagnostic, fail
from netspec.storage.run_folder import Run, plain
from netspec.storage.run_lock import this_process
from netspec.storage.tree_paths import Weights
from netspec.training.distributed.looks import Looks
from netspec.training.distributed.placement import placement_of
from netspec.training.distributed.processes import peers
from netspec.training.distributed.shared_run import check_same, writing
from netspec.training.experiment import Experiment
from netspec.training.feed.batch_feed import BatchFeed
from netspec.training.feed.device_data import Data
from netspec.training.feed.prefetch import Stream
from netspec.training.feed.spreads import spreads_of
from netspec.training.loop.baselines import held_out_baselines, record_of
from netspec.training.loop.callback import Reporter, Several, Tick
from netspec.training.loop.checkpointing import SAVE_SECONDS, Checkpointing
from netspec.training.loop.epoch_callbacks import callbacks_of
from netspec.training.loop.evaluate import (
    MAX_STREAMED_AHEAD,
    EvalSet,
    compute_metrics,
    decide,
    measure,
    put_eval_set,
)
from netspec.training.loop.fit_result import FitResult, History, start_record
from netspec.training.loop.nonfinite import explain
from netspec.training.loop.run_state import Progress
from netspec.training.loop.signals import Interruption, listening
from netspec.training.step.engine import Engine, State
from netspec.training.step.epoch_steps import steps_of
from netspec.training.step.gradient_stats import gradient_metrics

TICK_SECONDS = 0.3
"""How often an epoch under way is looked at."""
MAX_AHEAD = 16
"""Steps that are dispatched to the device before one of them is waited for, so that an interrupt takes effect soon."""


def fit(
    experiment: Experiment,
    *,
    engine: Engine | None = None,
    run: Run | None = None,
    resume: bool = False,
    reporter: Reporter | None = None,
    save_seconds: float = SAVE_SECONDS,
    on_start: Callable[[], None] | None = None,
) -> FitResult:
    """Train.

    Args:
        experiment: the network, the recipe and the data.
        engine: that of the experiment, with another `Placement` or shared programs; made here by default.
        run: the folder to write to, or None.
        resume: continue from the newest checkpoint of `run`.
        reporter: a callback.
        save_seconds: the minimum time between two checkpoints; 0 writes one after every epoch.
        on_start: called when everything is known to fit together, before the first step.

    Raises:
        CompileError: nothing to train (NS461), a loss that is not finite (NS460), or a run folder that cannot be
            written or resumed (NS47x).
    """
    with listening() as interruption, writing(run):
        engine = engine or Engine(experiment, placement=placement_of(experiment))
        training = Training(engine, run, reporter or Several(), interruption, save_seconds)
        try:
            training.begin(resume)
            if on_start is not None:
                on_start()
            while not training.is_ending:
                training.interrupted = training.looks.between_epochs()  # before the first step: nothing to save
                if not training.interrupted:
                    training.run_epoch()
            return training.finish()
        except Exception as error:
            training.checkpointing.store.wait(check=False)  # what is being written is a step that is worth having
            training.log_error(error)
            raise


class Training:
    """A training under way: what callbacks are given.

    `state` is that of the engine, `weights` the ones that the network is evaluated with, `best` the best ones so far;
    `progress` is the position of the run. A callback that has changed the state sets `must_save`.
    """

    def __init__(
        self, engine: Engine, run: Run | None, reporter: Reporter, interruption: Interruption, save_seconds: float
    ) -> None:
        self.engine, self.recipe, self.run = engine, engine.recipe, run
        self.looks, self.interrupted = Looks(peers(), lambda: interruption.signal), False
        self.progress = Progress()
        self.state: State = {}
        self.best: Weights | None = None
        self.must_save = False
        self.warnings: list[Diagnostic] = []
        self.started = time.perf_counter()
        self.epoch_began: float | None = None
        self.begun = 0, 0
        self.programs: set[int] = set()
        self._eval_sets: dict[str, EvalSet] = {}
        self.checkpointing = Checkpointing(engine, run, save_seconds)
        self.callbacks = Several([*callbacks_of(engine.experiment, run), self.checkpointing, reporter])

    # ------------------------------------------------------------ begin and end

    def begin(self, resume: bool) -> None:
        """Transfer the data, and take the first state or the one to resume from."""
        train = self.engine.experiment.train
        check_same(self.checkpointing.identity())
        self.state, self.data = self.engine.start(), self.engine.feed(train)
        self.spreads = spreads_of(self.recipe, train) if isinstance(self.data, Data | Stream) else {}
        warnings = self.checkpointing.resume(self) if resume else ()
        self.callbacks.on_begin(self)
        began = "resumed" if resume else "started"
        self.log(f"{began} at epoch {self.progress.epoch + 1}, step {self.step} ({this_process()})")
        self.callbacks.start(start_record(self, warnings, is_resumed=resume))

    def finish(self) -> FitResult:
        """Evaluate the best or last weights, write them, and report."""
        progress, weights = self.progress, self.best if self.best is not None else self.weights
        metrics: dict[str, Any] = {}
        baselines: dict[str, Any] = {}
        if progress.history:
            last = progress.history[(progress.best_epoch or len(progress.history)) - 1]
            metrics = {**last["metrics"], "loss": last["loss"]}
        if not self.interrupted:
            with self.reading():
                metrics.update(self._final_metrics(weights))
                baselines = held_out_baselines(self.recipe, self.engine.experiment)
        seconds = self.seconds
        record = {
            "event": "interrupted" if self.interrupted else "done",
            "run": str(self.run.path) if self.run else None,
            "epochs": len(progress.history),
            "best_epoch": progress.best_epoch,
            "watched": self.recipe.watched,
            "stopped_by": progress.stopped_by,
            "class_names": self.recipe.class_names,
            "seconds": seconds,
            "metrics": plain(metrics),
            **plain(record_of(self.recipe, self.engine.experiment.train, baselines)),
            **self.recipe.decided,
        }
        self.checkpointing.store.wait()
        weights = self.engine.placement.gather(weights)
        if self.run and not self.interrupted:
            # Those of the last checkpoint, which a kill may have left without them.
            self.run.write_weights(self.engine.placement.get(weights))
            self.run.add_record(record)
        self.log(f"{record['event']} after epoch {record['epochs']}, step {self.step}")
        self.callbacks.done(record)
        return FitResult(
            engine=self.engine,
            weights=weights,
            history=History(progress.history),
            metrics=metrics,
            seconds=seconds,
            best_epoch=progress.best_epoch,
            interrupted=self.interrupted,
            run=self.run.path if self.run else None,
            signal=self.looks.stopped_by if self.interrupted else None,
            warnings=tuple(self.warnings),
            thresholds=self.recipe.thresholds,
            baselines=baselines,
        )

    def _final_metrics(self, weights: Weights) -> dict[str, Any]:
        """Metrics with tables on the test split, or on the validation split when there is no test split; with a
        threshold that is chosen now, those of both. Intervals are calibrated before."""
        parts = [part for part in ("test", "val") if getattr(self.engine.experiment, part) is not None]
        chosen = decide(self.engine, weights, self.eval_set("val")) if "val" in parts else {}
        self.recipe = self.engine.recipe
        metrics: dict[str, Any] = {}
        for part in parts if chosen else parts[:1]:
            options: dict[str, Any] = {"prefix": f"{part}_", "tables": part == parts[0]}
            metrics |= measure(self.engine, weights, self.eval_set(part), **options)
        return metrics

    def eval_set(self, part: str) -> EvalSet:
        """`val` or `test`, made ready once."""
        if part not in self._eval_sets:
            self._eval_sets[part] = put_eval_set(self.engine, getattr(self.engine.experiment, part))
        return self._eval_sets[part]

    # ------------------------------------------------------------ where the run is

    @property
    def step(self) -> int:
        """Of the run, from 0: how many steps have been taken."""
        return int(self.state["step"])

    @property
    def weights(self) -> Weights:
        """The weights of the state that the network is evaluated with; they are valid until the next step."""
        return Weights(self.engine.eval_weights(self.state), self.state["other"])

    @property
    def seconds(self) -> float:
        """How long the run has taken so far, without the breaks before a resume."""
        return self.progress.seconds + time.perf_counter() - self.started

    def elapsed(self) -> dict[str, float]:
        """The times of `Progress` at this moment."""
        since = 0.0 if self.epoch_began is None else time.perf_counter() - self.epoch_began
        return {
            "seconds": self.seconds,
            "epoch_seconds": self.progress.epoch_seconds + since,
            "train_seconds": self.progress.train_seconds + since,
        }

    @property
    def epoch_steps(self) -> int | None:
        """The number of steps of an epoch; None where an iterable says when an epoch ends."""
        return None if isinstance(self.data, BatchFeed) else self.engine.steps_per_epoch

    def position(self, step: int) -> tuple[int, int]:
        """The epoch of a step of the run, and its number in there; all from 0."""
        return divmod(step, self.epoch_steps) if self.epoch_steps is not None else (self.begun[0], step - self.begun[1])

    @property
    def is_ending(self) -> bool:
        """Whether no epoch follows."""
        return self.interrupted or self.progress.is_over(self.recipe)

    # ------------------------------------------------------------ one epoch

    def run_epoch(self) -> None:
        """Train for what is left of an epoch, unless a signal comes, and do everything that follows."""
        began = self.epoch_began = time.perf_counter()
        if not self._train(began):
            self.interrupted = True
            if self.epoch_steps is not None:  # an iterable is resumed at the beginning of an epoch
                self.checkpointing.save(self)
            return
        self.progress.train_seconds, self.epoch_began = self.elapsed()["train_seconds"], None
        metrics = self._training_metrics(self.recipe.examples_per_epoch(self.data.examples))
        self.callbacks.on_metrics(self, metrics)
        record = {
            "event": "epoch",
            "epoch": self.progress.epoch + 1,
            "seconds": self.progress.epoch_seconds + time.perf_counter() - began,
            "train_seconds": self.progress.train_seconds,
            "loss": metrics.pop("loss"),
            "metrics": metrics,
        }
        if (watch := self.state.get("watch")) is not None:
            record["gradients"] = gradient_metrics(self.engine.placement.get(watch["sums"]), watch["before"])
        self.progress.history.append(record)
        self.progress.epoch += 1
        self.progress.epoch_seconds = self.progress.train_seconds = 0.0
        self.state = self.engine.begin_epoch(self.state)
        self.interrupted = self.looks.between_epochs() and not self.progress.is_over(self.recipe)
        self.callbacks.on_epoch_end(self, record)
        self.callbacks.epoch(plain(record))

    def _train(self, began: float) -> bool:
        """The steps of an epoch; False when a signal ended them early."""
        steps, epoch = self.epoch_steps, self.progress.epoch
        at = first = 0 if steps is None else self.step % steps
        self.begun = epoch, self.step - first
        underway: deque[Any] = deque()
        ahead = MAX_AHEAD if isinstance(self.data, Data) else MAX_STREAMED_AHEAD
        next_tick, compiling = began + TICK_SECONDS, 0.0
        with closing(steps_of(self.engine, self.data, epoch, first)) as taken, self.reading():
            for program, given, count in taken:
                is_new = id(program) not in self.programs  # it is compiled now, which may take seconds
                if is_new and at > first:
                    self._report_progress(at - first, at, began + compiling, is_compiling=True)
                called = time.perf_counter()
                self.state, loss = program(self.state, *given)
                if is_new:
                    self.programs.add(id(program))
                    compiling += time.perf_counter() - called
                at += count
                underway.append(loss)
                if len(underway) * count > ahead:
                    underway.popleft().block_until_ready()
                is_look = self.looks.after_call(time.perf_counter() >= next_tick)
                is_over = bool(given[-1]) if steps is None else at >= steps
                if not is_over and is_look:
                    self._check_finite()
                    self._report_progress(at - first, at, began + compiling)
                    self.callbacks.on_tick(self)
                    next_tick = time.perf_counter() + TICK_SECONDS
                if not is_over and self.looks.is_stopping:
                    self._check_finite()
                    return False
        self._check_finite()
        return True

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Around what reads streamed data: when they cannot be read, what was trained until then is saved.

        Raises:
            CompileError: NS515.
        """
        try:
            yield
        except CompileError as error:
            if not isinstance(error.diagnostics[0], CannotReadOn):
                raise
            self._check_finite()
            # Not at the end of an epoch before its metrics: a run cannot resume from that state.
            if self.step // self.engine.steps_per_epoch == self.progress.epoch and self.step > 0:
                self.checkpointing.save(self)
            self.give_up(error.diagnostics[0])

    def _report_progress(self, done: int, at: int, began: float, *, is_compiling: bool = False) -> None:
        """Report an epoch under way. The time that compiling took is not in the one since `began`."""
        per_second = done / (time.perf_counter() - began)
        steps = self.data.steps_from(at) if isinstance(self.data, BatchFeed) else self.engine.steps_per_epoch
        left = (self.recipe.epochs - self.progress.epoch) * steps - at if steps else math.inf
        self.callbacks.progress(
            Tick(
                epoch=self.progress.epoch + 1,
                epochs=self.recipe.epochs,
                step=at,
                steps=steps,
                metrics=self._training_metrics(at * self.recipe.batch),
                examples_per_second=per_second * self.recipe.batch,
                seconds_left=left / per_second,
                is_compiling=is_compiling,
            )
        )

    def _training_metrics(self, examples: int) -> dict[str, Any]:
        """Metrics of the epoch so far; skipped steps do not count, and are reported where they can occur."""
        sums, skipped = self.engine.placement.get((self.state["sums"], self.state.get("skipped")))
        spreads = self.spreads
        if isinstance(self.data, BatchFeed):  # those that were given so far
            examples, spreads = self.data.examples, self.data.spreads
        counted = examples if skipped is None else max(1, examples - int(skipped["examples"]))
        if counted < self.data.examples:  # of some of the examples
            spreads = {name: spread * (counted / self.data.examples) for name, spread in spreads.items()}
        metrics = compute_metrics(self.recipe, sums, counted, spreads)
        if skipped is None:
            return metrics
        return {**metrics, "skipped_steps": int(skipped["steps"])}

    # ------------------------------------------------------------ ending with an error

    def _check_finite(self) -> None:
        """Stop with a diagnostic when a loss was not finite.

        Raises:
            CompileError: NS460.
        """
        if (bad := int(self.state["bad_step"])) >= 0:
            start = self.engine.start()
            snapshot = self.checkpointing.store.restore(start, tuple(self.weights))
            state = start if snapshot is None else snapshot.state
            self.give_up(explain(self.engine, self.data, state, bad, self.position(bad)))

    def give_up(self, diagnostic: Diagnostic) -> None:
        """Stop. `netspec runs` shows why from the record.

        Raises:
            CompileError: the diagnostic.
        """
        if self.run:
            self.run.add_record({"event": "failed", "code": diagnostic.code, "message": diagnostic.message})
        raise fail(diagnostic)

    def log_error(self, error: Exception) -> None:
        """Write to the log why the training ends, if the disk still takes it."""
        diagnostics = error.diagnostics if isinstance(error, CompileError) else ()
        text = "; ".join(f"{d.code}: {d.message}" for d in diagnostics) or f"{type(error).__name__}: {error}"
        with suppress(CompileError):  # the error itself matters more
            self.log(text)

    def warn(self, diagnostic: Diagnostic) -> None:
        """Report something about the training while it goes on."""
        self.warnings.append(diagnostic)
        self.log(f"{diagnostic.code}: {diagnostic.message}")
        self.callbacks.warning(diagnostic)

    def log(self, message: str) -> None:
        if self.run:
            self.run.log(message)
