"""The builder of channels-first programs."""

from __future__ import annotations

from netspec.interchange.reading.channels_first.merges import Merges
from netspec.interchange.reading.channels_first.norms import Norms
from netspec.interchange.reading.channels_first.sequence import Sequences
from netspec.interchange.reading.channels_first.shapes import Shapes


class Builder(Merges, Norms, Sequences, Shapes):
    """Builds a sketch from the operators of a program whose tensors have their channels first.

    Each method adds the steps of an operator and returns its result. What the language cannot say is reported (NS571),
    and what is computed from it is left out.
    """
