"""netspec, as its users get it: from the spec, through the same loop and the same compiled step as `netspec train`."""

from __future__ import annotations

from typing import Any

import jax

import netspec
from benchmarks.data import Data
from benchmarks.workloads import Workload
from netspec.compiler.ir.cost import step_bytes
from netspec.runs.arguments import read_spec
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import SpecExperiment, prepare
from netspec.training.feed.device import keep_freed_memory
from netspec.training.loop import loop
from netspec.training.loop.callback import TrainingCallback
from netspec.training.loop.evaluate import evaluate
from netspec.training.loop.nonfinite import not_finite
from netspec.training.loop.signals import Interruption
from netspec.training.step.engine import Engine
from netspec.training.step.epoch_steps import steps_of

FOREVER = 1_000_000
"""Epochs: the one who measures says when it is enough."""


class Epochs:
    """The loop of `netspec train`, an epoch at a time, without a run folder."""

    def __init__(self, prepared: SpecExperiment) -> None:
        self.parameters = prepared.model.cost.trainable
        self.test = prepared.splits.test
        self.training = loop.Training(Engine(prepared), None, TrainingCallback(), Interruption(), loop.SAVE_SECONDS)
        self.training.begin(resume=False)

    def warm_up(self) -> None:
        """On copies of the state, so that the training itself begins with the first epoch; also what lies between two
        epochs."""
        engine = self.training.engine
        for program, given in {program: given for program, given, _ in steps_of(engine, self.training.data, 0)}.items():
            state, _ = program(engine.copy(self.training.state), *given)
        not_finite(engine, engine.begin_epoch(state))
        self.training.checkpointing.save(self.training)

    def run(self, units: int) -> None:
        for _ in range(units):
            self.training.run_epoch()

    def accuracy(self) -> float:
        return float(evaluate(self.training.engine, self.training.weights, self.test)["accuracy"])


class Steps:
    """The compiled step of the engine, on data that lie on the device."""

    def __init__(self, prepared: SpecExperiment, batch: int) -> None:
        engine = Engine(prepared)
        self.parameters = prepared.model.cost.trainable
        self.state, self.data = engine.start(), engine.feed(prepared.train).arrays
        self.order, self.program = engine.order(0, batch), engine.step_program(batch)

    def warm_up(self) -> None:
        self.run(1)

    def run(self, units: int) -> None:
        for _ in range(units):
            self.state, loss = self.program(self.state, self.data, self.order)
        jax.block_until_ready((self.state, loss))

    def accuracy(self) -> float:
        raise NotImplementedError("a step is not measured by what it learns")


class Answers:
    """A model that is called."""

    def __init__(self, workload: Workload, data: Data) -> None:
        self.model = netspec.compile(workload.net.file)
        self.parameters = self.model.cost.trainable
        self.x = jax.device_put(data.x)

    def warm_up(self) -> None:
        self.run(1)

    def run(self, units: int) -> None:
        for _ in range(units):
            jax.block_until_ready(self.model(self.x))

    def accuracy(self) -> float:
        raise NotImplementedError("nothing was learned")


def build(workload: Workload, data: Data, style: str) -> Any:
    if workload.kind == "answer":
        return Answers(workload, data)
    spec = Compilation(read_spec(workload.net.file))
    spec.check()
    assert spec.graph is not None
    keep_freed_memory(step_bytes(spec.graph, workload.batch))
    settings = {
        "train.batch": str(workload.batch),
        "train.epochs": str(FOREVER),
        "train.optimizer": workload.optimizer.word,
        "train.schedule": "constant",
        "data.val": "0",
        "data.augment": "none",
    }
    arrays = (data.x, data.y, data.x_test, data.y_test)
    prepared = prepare(read_spec(workload.net.file), arrays, settings)
    return Epochs(prepared) if workload.kind == "epochs" else Steps(prepared, workload.batch)
