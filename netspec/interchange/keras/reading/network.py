"""From the configuration of a model to a sketch: every use of a layer is read once what it takes is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from netspec.interchange.keras.reading.config import Call, LayerSpec, ModelSpec, Ref
from netspec.interchange.keras.reading.layers import (  # noqa: F401  # these fill the table
    activations,
    attention,
    convolution,
    merges,
    norms,
    operations,
    pooling,
    recurrent,
    regularization,
    reshaping,
)
from netspec.interchange.keras.reading.problems import Damaged, Unreadable
from netspec.interchange.keras.reading.site import Notes, Site, Value
from netspec.interchange.keras.reading.table import READERS
from netspec.interchange.keras.reading.weights import GROUPED_KINDS
from netspec.interchange.reading.sketch import Sketch, Step
from netspec.language.shape import Dim, Shape
from netspec.language.vocabulary import RESERVED, words

SIZES = {1: "T", 2: "HW", 3: "DHW"}
"""Names of sizes that are open, by the number of axes before the channels."""
TAKES = {"MultiHeadAttention", *GROUPED_KINDS, "LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional"}
"""Classes that look at the keyword arguments of their calls."""
ON_MASKS = {"ops.LogicalOr", "ops.LogicalAnd"}
"""Operations that join masks of padded steps."""


@dataclass
class Network:
    """Reads one model.

    `arrays` are the weights by layer; `paths` the names in netspec of the layers that it has exported; `is_uniform`:
    sizes that are open are the same for all inputs.
    """

    sketch: Sketch
    arrays: Mapping[LayerSpec, Mapping[str, Any]]
    version: str = ""
    paths: Mapping[str, Any] = field(default_factory=dict)
    is_uniform: bool = False
    is_weighted: bool = False
    notes: Notes = field(default_factory=Notes)

    def __post_init__(self) -> None:
        self.made: dict[LayerSpec, list[Step]] = {}
        self.names: set[str] = set()
        self.first: list[bool] = []
        """For each input, whether Keras has its channels first."""

    def read(self, model: ModelSpec) -> None:
        """Add the inputs, the layers and the outputs to the sketch."""
        is_first = _is_channels_first(model)
        feeds = [self._input(model, ref, index, is_first) for index, ref in enumerate(model.inputs)]
        self.first = [feed.is_first for feed in feeds]
        results = self.outputs(model, feeds, ())
        for (name, ref), value in zip(model.outputs, results, strict=True):
            title = name or ref.layer
            step = Site(self.sketch, model.layers[ref.layer], {}, self.notes).plain(self._usable(value, title))
            self.sketch.output(step, _unique(title, self.names) if len(results) > 1 else "")
        self.notes.report(self.sketch)
        _prune(self.sketch)

    # ------------------------------------------------------------ inputs

    def _input(self, model: ModelSpec, ref: Ref, index: int, is_first: bool) -> Value:
        layer = model.layers[ref.layer]
        shape = layer.config.get("batch_shape") or layer.config.get("batch_input_shape")
        if not isinstance(shape, list) or any(n is not None and not _is_size(n) for n in shape[1:]) or not shape:
            reason = f"the shape of the input `{layer.name}` is not known"
            raise Damaged(reason, "build the model, or give it an `Input` with a shape, and save it again")
        is_only_generated = len(model.inputs) == 1 and re.fullmatch(r"input(_layer)?(_\d+)?|.*_input", layer.name)
        sizes, name = shape[1:], _unique("x" if is_only_generated else layer.name, self.names)
        vocabulary, pad = _tokens(model, Ref(layer.name, 0, 0))
        is_first = is_first and len(sizes) > 1 and vocabulary is None
        letters = SIZES.get(len(sizes) - (vocabulary is None), "")
        known = [n if n is not None else None for n in (sizes[1:] + sizes[:1] if is_first else sizes)]
        suffix = "" if self.is_uniform or not index else f"_{index + 1}"
        found: list[int | Dim] = []
        for axis, size in enumerate(known):
            letter = letters[axis] if axis < len(letters) else "C"
            found.append(size if size is not None else Dim.named(f"{letter}{suffix}"))
        return Value(self.sketch.input(name, Shape(tuple(found), vocabulary), pad), is_first=is_first)

    # ------------------------------------------------------------ layers

    def outputs(self, model: ModelSpec, feeds: list[Value], scope: tuple[str, ...]) -> list[Value]:
        """The outputs of a model for these inputs."""
        values: dict[tuple[str, int], list[Value]] = {}
        for ref, feed in zip(model.inputs, feeds, strict=True):
            values[ref.layer, 0] = [feed]
        for use in model.uses():
            if use in values:
                continue
            layer = model.layers[use[0]]
            if not layer.calls:
                raise Damaged(f"the layer `{layer.title}` is called with nothing")
            values[use] = self._call(model, layer, layer.calls[use[1]], values, scope)
        return [_at(values, model.producer(ref)) for _, ref in model.outputs]

    def _call(
        self, model: ModelSpec, layer: LayerSpec, call: Call, values: dict[tuple[str, int], list[Value]], scope: Any
    ) -> list[Value]:
        def known(item: Any) -> Any:
            if isinstance(item, Ref):
                return self._usable(_at(values, model.producer(item)), layer.title)
            if isinstance(item, list):
                return [known(part) for part in item]
            return item

        args = [known(item) for item in call.args]
        kwargs = {name: known(item) for name, item in call.kwargs.items() if item is not None}
        if not args and "inputs" in kwargs:
            args = [kwargs.pop("inputs")]
        given = list(_flat(args))
        mask = kwargs.pop("mask", None)
        if isinstance(mask, Value) and mask.is_mask and given:
            given[0] = replace(given[0], is_masked=True, is_unmasked=False)
        elif mask is not None and not _is_lost(mask):
            advice = "declare the padding by `Embedding(mask_zero=True)`"
            return [self._lost(layer, "it is called with a mask", advice)]
        if layer.inner is None and layer.kind not in READERS:
            advice = "write it as a layer of your own, or leave it out" if layer.is_layer else ""
            return [self._lost(layer, "netspec has no layer like it", advice)]
        if any(value.step.is_lost for value in _flat([args, list(kwargs.values())])):
            return [Value(Step(layer=None, shape=Shape(()), is_lost=True))]
        if layer.inner is not None:
            if len(given) != len(layer.inner.inputs):
                raise Damaged(f"the model `{layer.name}` is called with {len(given)} tensors")
            return self.outputs(layer.inner, given, (*scope, layer.name))
        if any(value.is_mask for value in given) and layer.kind not in ON_MASKS:
            return [self._lost(layer, "it computes with the mask of padded steps", "")]
        try:
            return self._read(layer, args, kwargs, given, scope)
        except Unreadable as reason:
            return [self._lost(layer, str(reason), reason.advice)]

    def _read(
        self, layer: LayerSpec, args: list[Any], kwargs: dict[str, Any], given: list[Value], scope: Any
    ) -> list[Value]:
        function = READERS[layer.kind]
        _check_arguments(layer, kwargs)
        code = function.__code__
        if not code.co_flags & 4 and code.co_argcount - 1 != len(given):  # 4: it takes any number
            raise Damaged(f"the layer `{layer.title}` is called with {len(given)} tensors")
        if code.co_argcount - 1 > len(given):
            raise Damaged(f"the layer `{layer.title}` is called with nothing")
        path = self.paths.get(layer.name)
        *outer, name = path.split("/") if isinstance(path, str) and path else [layer.name]
        site = Site(
            sketch=self.sketch,
            layer=layer,
            arrays=self.arrays.get(layer, {}),
            notes=self.notes,
            scope=(*scope, *outer),
            name=name,
            args=args,
            kwargs=kwargs,
            twins=self.made.get(layer),
            version=self.version,
            is_weighted=self.is_weighted,
        )
        found = function(site, *given)
        self.made.setdefault(layer, site.made)
        return found if isinstance(found, list) else [found]

    def _lost(self, layer: LayerSpec, reason: str, advice: str) -> Value:
        return Value(self.sketch.lost(layer.title, reason, advice=advice))

    def _usable(self, value: Value, user: str) -> Value:
        """A value that the language can say; what it cannot say is reported once it is used."""
        return Value(self.sketch.lost(user, value.reason)) if value.reason else value


def _at(values: Mapping[tuple[str, int], list[Value]], ref: Ref) -> Value:
    found = values[ref.layer, ref.use]
    if found and found[0].step.is_lost:
        return found[0]
    if ref.tensor >= len(found):
        raise Damaged(f"the layer `{ref.layer}` has {len(found)} outputs")
    return found[ref.tensor]


def _is_lost(item: Any) -> bool:
    return isinstance(item, Value) and item.step.is_lost


def _flat(item: Any) -> Any:
    """All values in arguments."""
    if isinstance(item, Value):
        yield item
    elif isinstance(item, list):
        for part in item:
            yield from _flat(part)


def _check_arguments(layer: LayerSpec, kwargs: Mapping[str, Any]) -> None:
    """Whether a layer is called with arguments that netspec has, too.

    Raises:
        Unreadable: it is not.
    """
    for name, value in kwargs.items():
        if name != "training" and layer.is_layer and layer.kind not in TAKES and value is not None:
            raise Unreadable(f"it is called with `{name}`")


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 31


def _is_channels_first(model: ModelSpec) -> bool:
    """Whether the layers of a model take images with channels first."""
    for layer in model.layers.values():
        if layer.config.get("data_format") == "channels_first":
            return True
        if layer.inner is not None and _is_channels_first(layer.inner):
            return True
    return False


def _tokens(model: ModelSpec, ref: Ref) -> tuple[int | None, int | None]:
    """The vocabulary of an input that an embedding takes, and its padding id; None for what there is not."""
    for layer in model.layers.values():
        for call in layer.calls:
            places = [index for index, other in enumerate(call.refs) if model.producer(other) == ref]
            if places and layer.kind == "Embedding":
                size = layer.config.get("input_dim")
                if not _is_size(size):
                    raise Damaged(f"the size of the vocabulary of `{layer.title}` is not known")
                return size, 0 if layer.config.get("mask_zero") else None
            if places and layer.inner is not None and places[0] < len(layer.inner.inputs):
                found = _tokens(layer.inner, layer.inner.inputs[places[0]])
                if found[0] is not None:
                    return found
    return None, None


def _unique(name: str, taken: set[str]) -> str:
    """A name that a spec can have, and that is not taken."""
    base = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "x"
    if not base[0].isalpha():
        base = f"x_{base}"
    if base in RESERVED.split() or any(base in words(category) for category in ("layer", "activation")):
        base = f"{base}_1"
    found, number = base, 1
    while found in taken:
        number += 1
        found = f"{base}_{number}"
    taken.add(found)
    return found


def _prune(sketch: Sketch) -> None:
    """Leave out steps that no output needs, such as those that became an option of another one."""
    needed: set[int] = set()
    stack = [step for _, step in sketch.outputs]
    while stack:
        step = stack.pop()
        if id(step) not in needed:
            needed.add(id(step))
            stack += step.inputs
    sketch.steps = [step for step in sketch.steps if id(step) in needed or step.is_input]
