"""What a contestant is to the one who measures."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

import numpy as np

from benchmarks.data import Data


class Program(Protocol):
    """A workload made ready by a contestant. `parameters` are the trained weights."""

    parameters: int

    def warm_up(self) -> None:
        """Compile: one step of every size of batch, or one answer."""
        ...

    def run(self, units: int) -> None:
        """Do this many epochs, steps or answers, and come back when the last one is finished."""
        ...

    def accuracy(self) -> float:
        """On the test examples, with the weights as they are now."""
        ...


class Unavailable(Exception):
    """A contestant cannot run on this machine, for a reason that is not its fault: the message says it."""


@dataclass(frozen=True)
class Contestant:
    """`style` chooses among the ways of one module."""

    name: str
    title: str
    module: str
    style: str = ""

    def load(self) -> ModuleType:
        """Import its module, and with it the library."""
        return importlib.import_module(f"benchmarks.contestants.{self.module}")


CONTESTANTS = {
    contestant.name: contestant
    for contestant in [
        Contestant("netspec", "netspec", "in_netspec"),
        Contestant("nnx", "Flax NNX by the book", "in_flax", "book"),
        Contestant("functional", "Flax, functional", "in_flax", "functional"),
        Contestant("keras", "Keras 3 on JAX", "in_keras"),
        Contestant("equinox", "Equinox", "in_equinox"),
        Contestant("torch", "PyTorch, eager", "in_torch", "eager"),
        Contestant("torch.compile", "torch.compile", "in_torch", "compile"),
    ]
}

PEAK = Contestant("matmul", "1024 x 1024 x 1024 product", "matmul")
"""Runs along: what the machine can do at this moment."""


def batches_of_each_size(data: Data, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """A whole batch, and one as large as the last of an epoch where that is smaller."""
    for count in {min(size, len(data.x)), len(data.x) % size or size}:
        yield data.x[:count], data.y[:count]


def shuffled_batches(data: Data, size: int, random: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batches of an epoch as NumPy arrays, in a new order; the last one has what is left."""
    order = random.permutation(len(data.x))
    for begin in range(0, len(order), size):
        rows = order[begin : begin + size]
        yield data.x[rows], data.y[rows]
