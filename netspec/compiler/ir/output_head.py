"""What one output of a network ends in: read by the checks of data, losses, metrics and the recipe."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar, Literal

from netspec.compiler.ir.graph import Padding
from netspec.language.lazy import lazy, np
from netspec.language.record import Placed
from netspec.language.source import Span

nn = lazy("netspec.nn")

OutputKind = Literal["predictions", "probabilities", "scores", "sequence", "embedding", "distribution"]
"""How a loss compares the units of an output with the targets: each unit predicts its number or class (`predictions`),
the units are probabilities of classes and the targets are probabilities too (`probabilities`), a score for each class
or for yes (`scores`), a sequence of classes shorter than the time steps (`sequence`), a point in space for each
example (`embedding`), or several units describe the distribution of one target (`distribution`)."""


TINY, NEAR_1 = 1e-37, 2**-25
"""The smallest probability, and how far the largest one is from 1: about as float32 has them."""


class OutputHead(Placed):
    """The end of one output.

    `sizes` is the shape of one example (channels last), None for a size that is not known. `activation` is the softmax
    or sigmoid that passes have taken off the end, and `linear` otherwise; where a loss reads plain numbers as something
    else, it may also be `exp` (logarithms) or `margin` (scores, above 0 for yes). `padding` says which time steps are
    padding, `blank` is the id of no class where the steps form a sequence of classes, `kind` how the loss reads the
    units; `is_unbounded`: the last layer is linear, with weights that scale and shift its output. For messages: `word`,
    `span`, `reshaped_by` (the last layer, where it only reshapes), and `steps_from`, the recurrent layer that gives the
    steps, as it is written; `last_step` is the same with `return = last`.

    Where `parts` units of the last layer describe one target, `sizes` has one number for each target (`of_targets`).
    """

    aside: ClassVar[frozenset[str]] = frozenset({"span", "reshaped_by", "steps_from", "last_step"})

    sizes: tuple[int | None, ...]
    activation: str = "linear"
    word: str = "dense"
    padding: Padding | None = None
    span: Span | None = None
    blank: int | None = None
    kind: OutputKind = "predictions"
    reshaped_by: str | None = None
    steps_from: str = ""
    last_step: str = ""
    is_unbounded: bool = False
    parts: int = 1

    def of_targets(self, parts: int) -> OutputHead:
        """The same with one number for each target, which `parts` units of the last layer describe; as it is where they
        are not divisible."""
        if parts == 1 or not self.sizes or self.sizes[-1] is None or self.sizes[-1] % parts:
            return self
        return self.replace(sizes=(*self.sizes[:-1], self.sizes[-1] // parts), parts=parts)

    @property
    def logits_shape(self) -> tuple[int, ...]:
        """The shape of what the network gives for one example."""
        return (*self.shape[:-1], self.shape[-1] * self.parts) if self.parts > 1 else self.shape

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example; an unknown size counts as 1."""
        return tuple(1 if size is None else size for size in self.sizes)

    @property
    def is_open(self) -> bool:
        """Whether a size is not known."""
        return None in self.sizes

    @property
    def has_units(self) -> bool:
        """Whether the number of units is known."""
        return not self.sizes or self.sizes[-1] is not None

    @property
    def units(self) -> int:
        return self.shape[-1] if self.sizes else 1

    @property
    def positions(self) -> int:
        """Predictions for one example: 1, or one at each time step or position."""
        return prod(self.shape[:-1])

    @property
    def count(self) -> int:
        """Numbers in the output for one example."""
        return prod(self.shape)

    @property
    def is_sequence(self) -> bool:
        """Whether there is a prediction at each time step or position."""
        return len(self.sizes) > 1

    def apply(self, logits: Any) -> Any:
        """The predictions (probabilities, or plain numbers) for logits of any batch shape; the shape stays."""
        return nn.predictions(self.activation, logits)

    def logits_of(self, predictions: Any) -> Any:
        """Logits that give these predictions, as an array of NumPy; of a softmax those whose exponentials sum to 1."""
        if self.activation == "softmax":
            return np.log(np.maximum(predictions, TINY))
        if self.activation == "sigmoid":
            shown = np.clip(np.asarray(predictions, np.float64), TINY, 1 - NEAR_1)
            return np.log(shown) - np.log1p(-shown)
        return predictions

    def __str__(self) -> str:
        size = "x".join(map(str, self.logits_shape)) or "1"
        what = f"`{self.word}` of {size} {'unit' if self.word == 'dense' else 'value'}{'s' if size != '1' else ''}"
        if self.activation != "linear":
            return f"{what} with {self.activation}"
        return f"{what} without an activation" if self.word == "dense" else what
