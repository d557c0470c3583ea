"""What a format's reader returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netspec.interchange.formats import Runner
from netspec.interchange.reading.sketch import Sketch
from netspec.language.record import Frozen


class LayerWeights(Frozen):
    """The weights of a layer whose network has a text already.

    `name` is what the file calls it, for messages; `arrays` are by the names of `layer.parameters` and `layer.state`,
    in the layout of these.
    """

    name: str
    arrays: Mapping[str, Any]


class Foreign(Frozen):
    """A network from another program.

    `tool` is the program that computes the outputs of the file, to verify what was read; empty where there is none.
    `runner` starts it: the function that it returns takes inputs and gives outputs by the names of the sketch (an only
    output is called `output`), in the layout of netspec, channels last. It raises ModuleNotFoundError if the program is
    not installed. `text` is set where the network is known and has a text already; then `layers` has the weights of its
    layers, in their order there, without those that have none. `unverified` says why nothing can run what was read.
    """

    sketch: Sketch
    tool: str = ""
    install: str = ""
    runner: Callable[[], Runner] | None = None
    text: str = ""
    layers: tuple[LayerWeights, ...] = ()
    unverified: str = ""
