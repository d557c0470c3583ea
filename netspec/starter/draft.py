"""What a spec is drafted from, and the draft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Goal = Literal["accuracy", "small", "fast"]

GOALS: tuple[Goal, ...] = ("accuracy", "small", "fast")
"""What matters most: the error on new data, the size of the network, or the time of the training."""

Kind = Literal["table", "images", "masks", "steps", "texts", "series", "language"]
"""What a network has to be for the data."""


@dataclass(frozen=True)
class Setting:
    """A setting of a section with its reason, which becomes a comment."""

    name: str
    value: str
    reason: str = ""


@dataclass(frozen=True)
class Found:
    """What was found in data.

    `source` is the data source as it is written in a spec; `title` says what is predicted from what; `findings` are
    sentences about the data; `settings` are those of `data` besides the source, `training` those of `train` that the
    data ask for. `is_skewed` is set for targets that are numbers with a long tail.
    """

    kind: Kind
    source: str
    title: str
    findings: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    training: tuple[Setting, ...] = ()
    is_skewed: bool = False


@dataclass(frozen=True)
class Draft:
    """The text of a spec, and what was seen in the data."""

    text: str
    findings: tuple[str, ...] = ()
