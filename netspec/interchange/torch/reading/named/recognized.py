"""What is known of a network by the names of its weights."""

from __future__ import annotations

from netspec.interchange.reading.alignment import LayerWeights
from netspec.interchange.torch.reading.named.state_dict import StateDict
from netspec.language.record import Frozen


class Recognized(Frozen):
    """A network.

    `layers` has the weights in the order of the layers of `text`, taken from `weights`. `left_out` are prefixes of
    weights that the text has no layers for, with the reason; an empty one where nothing is lost.
    """

    title: str
    text: str
    layers: tuple[LayerWeights, ...]
    weights: StateDict
    left_out: dict[str, str] = {}
