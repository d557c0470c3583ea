"""What a format's reader returns."""

from __future__ import annotations

from collections.abc import Callable

from netspec.interchange.formats import Runner
from netspec.interchange.reading.sketch import Sketch
from netspec.language.record import Frozen


class Foreign(Frozen):
    """A network from another program.

    `tool` is the program that computes the outputs of the file, to verify what was read; empty where there is none.
    `runner` starts it: the function that it returns takes inputs and gives outputs by the names of the sketch (an only
    output is called `output`), in the layout of netspec, channels last. It raises ModuleNotFoundError if the program is
    not installed. `text` is set by formats whose networks have a text already.
    """

    sketch: Sketch
    tool: str = ""
    install: str = ""
    runner: Callable[[], Runner] | None = None
    text: str = ""
