"""Results of calls that are not one tensor of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netspec.interchange.reading.channels_first.values import Value
from netspec.layers.sequence.recurrent import Recurrent


@dataclass(eq=False)
class Rows:
    """A tensor whose leading axes, with the sizes `lead`, are one axis: batch * steps x features."""

    value: Value
    lead: tuple[int, ...]


@dataclass(eq=False)
class State:
    """The last state of one direction of a recurrent layer; `sequence` is the output at all steps."""

    sequence: Value
    layer: Recurrent
    is_bidirectional: bool
    is_backward: bool


@dataclass(eq=False)
class States:
    """The last states of recurrent layers, in the order of PyTorch: layers, and directions of each.

    `is_one` is set for the state of one direction, which has no axis of layers anymore.
    """

    states: Sequence[State]
    is_one: bool = False
