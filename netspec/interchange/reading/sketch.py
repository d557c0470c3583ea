"""A network that is read from a file of another program, layer by layer, before it has a text.

Every format that netspec reads makes a `Sketch`; `text.py` writes it as a person would, and `alignment.py` gives the
compiled network its weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from netspec.interchange.errors import NotInNetspec
from netspec.language.diagnostics import Diagnostic, Problems, Unplaced
from netspec.language.shape import Shape
from netspec.language.source import Span
from netspec.layers.base import Layer


@dataclass(eq=False, kw_only=True)
class Step:
    """An input, or the use of a layer.

    `layer` is None for an input, and for what could not be read (`is_lost`): what is computed from it is lost, too, and
    reported once. `name` is that in the file, `scope` the names of the modules or blocks around it, outer first.
    `weights` are arrays by the names of `layer.parameters` and `layer.state`, in the layout of these. `shared` is an
    earlier step whose weights this one uses. `pad` is the padding id of an input of token ids, if it has one.
    """

    layer: Layer | None
    inputs: tuple[Step, ...] = ()
    shape: Shape
    name: str = ""
    scope: tuple[str, ...] = ()
    weights: Mapping[str, Any] = field(default_factory=dict)
    shared: Step | None = None
    span: Span | None = None
    is_lost: bool = False
    pad: int | None = None

    @property
    def is_input(self) -> bool:
        return self.layer is None and not self.is_lost

    @property
    def declared_shape(self) -> str:
        """The shape of an input as a spec declares it: `(H, W, 3)`, `128 tokens(5000, pad = 0)`."""
        shape = self.shape
        sizes = str(shape.without_tokens) if shape.sizes else ""
        if len(shape.sizes) > 1 and not shape.is_known:
            sizes = f"({', '.join(map(str, shape.sizes))})"
        pad = "" if self.pad is None else f", pad = {self.pad}"
        return f"{sizes} tokens({shape.vocabulary}{pad})".strip() if shape.is_tokens else sizes


@dataclass(eq=False)
class Sketch:
    """A network. `steps` are in an order in which they can be computed; inputs are among them.

    `outputs` has names (empty for the only one) and steps. `settings` has entries for sections of the spec, such as
    `{"train": {"optimizer": "adam(1e-3)"}}`. `about` is a line for the head of the spec: what it comes from.
    """

    name: str
    about: str = ""
    steps: list[Step] = field(default_factory=list)
    outputs: list[tuple[str, Step]] = field(default_factory=list)
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)

    def input(self, name: str, shape: Shape, pad: int | None = None) -> Step:
        """An input; shapes leave the batch out, and channels come last. `pad` is the padding id of token ids."""
        return self._added(Step(layer=None, shape=shape, name=name, pad=pad))

    def add(
        self,
        layer: Layer,
        *inputs: Step,
        name: str = "",
        scope: Sequence[str] = (),
        weights: Mapping[str, Any] | None = None,
        shared: Step | None = None,
        span: Span | None = None,
    ) -> Step:
        """The use of a layer, after those that it needs before it (`flatten` before `dense`).

        A layer that does not fit its inputs is reported (NS571), and lost.
        """
        if any(step.is_lost for step in inputs):
            return self._lost()
        shapes = [step.shape for step in inputs]
        for before in layer.before(*shapes):
            inputs = (self.add(before, *inputs, scope=scope, span=span),)
            shapes = [inputs[0].shape]
        try:
            shape = layer.infer(*shapes)
        except Unplaced as bad:
            reason = bad.kind(**bad.fields).message
            return self.lost(name or layer.word, f"`{layer.to_source()}` does not fit: {reason}", span)
        return self._added(
            Step(
                layer=layer,
                inputs=inputs,
                shape=shape,
                name=name,
                scope=tuple(scope),
                weights=dict(weights or {}),
                shared=shared,
                span=span,
            )
        )

    def lost(self, name: str, reason: str, span: Span | None = None, advice: str = "") -> Step:
        """What the language cannot say: it is reported (NS571), and what is computed from it is left out.

        Args:
            name: the name of the layer or node in the file, with its kind: `conv1 (LRN)`.
            reason: why, such as `netspec has no operator DeformConv`.
            span: its place in a text.
            advice: what to do instead.
        """
        self.report(NotInNetspec(what=name, reason=reason, span=span, advice=advice))
        return self._lost()

    def report(self, problem: Diagnostic) -> None:
        """Keep an error or a warning."""
        self.problems.add(problem)

    def output(self, step: Step, name: str = "") -> None:
        """What flows out."""
        self.outputs.append((name, step))

    @property
    def inputs(self) -> list[Step]:
        return [step for step in self.steps if step.is_input]

    @property
    def has_weights(self) -> bool:
        """Whether there are weights for a layer that has some."""
        return any(step.weights for step in self.steps)

    def _added(self, step: Step) -> Step:
        self.steps.append(step)
        return step

    def _lost(self) -> Step:
        return Step(layer=None, shape=Shape(()), is_lost=True)
