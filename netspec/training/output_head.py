"""What a net ends in and what it is compared with: read by losses, metrics and the recipe."""

from __future__ import annotations

from dataclasses import field
from math import prod
from typing import Any, Protocol

from netspec.compiler.ir.graph import Padding
from netspec.language.record import Record, value
from netspec.language.source import Span


@value
class HeadInfo(Record):
    """The end of one output of a net.

    `shape` is that of one example (channels last), `activation` is `softmax` or `sigmoid` when one is peeled off at the
    end and otherwise `linear`, whatever stands inside; where a loss takes plain numbers for something else, it may also
    be `exp` (logarithms) or `margin` (scores, above 0 for yes). `padding` tells which steps of a sequence only fill up,
    `blank` is the id that spells nothing where steps spell a sequence. `is_open` says that a size is not known: it then
    stands as 1. `word` and `span` are for messages.
    """

    shape: tuple[int, ...]
    activation: str = "linear"
    word: str = "dense"
    padding: Padding | None = None
    span: Span | None = field(default=None, compare=False)
    blank: int | None = None
    is_open: bool = False

    @property
    def units(self) -> int:
        return self.shape[-1] if self.shape else 1

    @property
    def places(self) -> int:
        """Answers of an example: 1, or one at each step or place."""
        return prod(self.shape[:-1])

    @property
    def count(self) -> int:
        """Numbers in an example's output."""
        return prod(self.shape)

    @property
    def is_sequence(self) -> bool:
        """One answer at each step, or at each place."""
        return len(self.shape) > 1

    def apply(self, logits: Any) -> Any:
        """What the net answers (probabilities, or plain numbers) from what it computes; the shape stays."""
        import jax
        import jax.numpy as jnp

        if self.activation == "softmax":
            return jax.nn.softmax(logits, axis=-1)
        if self.activation == "sigmoid":
            return jax.nn.sigmoid(logits)
        return jnp.exp(logits) if self.activation == "exp" else logits

    def __str__(self) -> str:
        size = "x".join(map(str, self.shape)) or "1"
        return f"`{self.word}` with {self.activation} and {size} unit{'s' if size != '1' else ''}"


class TargetInfo(Protocol):
    """What an output should answer, as the data tell it (`netspec.data.dataset.dataset.Target`).

    `kind` is `class` (ids from 0), `binary` (all are 0 or 1) or `numbers`; `size` is how many ids or numbers an example
    has; `names` are those of the classes.
    """

    @property
    def kind(self) -> str: ...

    @property
    def size(self) -> int: ...

    @property
    def classes(self) -> int | None: ...

    @property
    def names(self) -> tuple[str, ...] | None: ...


def are_ids(head: HeadInfo, target: TargetInfo) -> bool:
    """Whether targets are handed to losses as class ids; otherwise as numbers in the shape of the output."""
    return target.kind == "class" and head.units > 1


def place_targets(array: Any, head: HeadInfo, target: TargetInfo) -> Any:
    """Targets as losses and metrics take them: int32 ids, or float32 numbers in the shape of the output.

    Raises:
        ValueError: the numbers cannot take that shape.
    """
    import numpy as np

    count = len(array)
    if are_ids(head, target):
        return np.asarray(array, np.int32).reshape(count, *head.shape[:-1])
    return np.asarray(array, np.float32).reshape(count, *head.shape)


def as_numbers(targets: Any, units: int) -> Any:
    """Class ids (whole numbers) as zeros and a one for each class; numbers as they are."""
    import jax
    import jax.numpy as jnp

    if jnp.issubdtype(targets.dtype, jnp.integer):
        return jax.nn.one_hot(targets, units, dtype=jnp.float32)
    return targets
