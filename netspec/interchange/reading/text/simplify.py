"""Removes from a sketch what has no influence on its outputs, and joins what the language writes as one."""

from __future__ import annotations

from netspec.interchange.reading.sketch import Sketch, Step
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.activations import Linear
from netspec.layers.base import Layer
from netspec.layers.dense import Dense
from netspec.layers.merge import Concat
from netspec.layers.reshape import Flatten


def simplify(sketch: Sketch) -> None:
    """Change a sketch to a smaller one that computes the same.

    Layers that do nothing or lead nowhere go; `conv(8) -> relu` becomes `conv(8, relu)`, and a concatenation that
    begins with all that another one concatenates reads that one.
    """
    _bypass(sketch)
    _prune(sketch)
    _nest(sketch)
    _join(sketch)
    _prune(sketch)


def _redirect(sketch: Sketch, places: dict[int, Step]) -> None:
    """Let every step read others instead of those in `places`, by identity."""
    for step in sketch.steps:
        step.inputs = tuple(places.get(id(i), i) for i in step.inputs)
    sketch.outputs = [(name, places.get(id(step), step)) for name, step in sketch.outputs]


def _bypass(sketch: Sketch) -> None:
    """Take out layers that return their input."""
    places: dict[int, Step] = {}
    for step in sketch.steps:
        if step.layer is not None and _does_nothing(step.layer) and not step.shared:
            places[id(step)] = places.get(id(step.inputs[0]), step.inputs[0])
    _redirect(sketch, places)


def _does_nothing(layer: Layer) -> bool:
    return layer.is_identity or (isinstance(layer, ActivationLayer) and layer.activation == Linear())


def _prune(sketch: Sketch) -> None:
    """Drop layers that no output is computed from; inputs stay."""
    needed = {id(step) for _, step in sketch.outputs}
    for step in reversed(sketch.steps):
        if id(step) in needed:
            needed |= {id(i) for i in step.inputs}
    first: dict[int, Step] = {}
    for step in sketch.steps:  # where the first use of shared weights is dropped, the next one takes them over
        root = step.shared
        if id(step) in needed and root is not None and id(root) not in needed:
            owner = first.setdefault(id(root), step)
            step.shared = None if owner is step else owner
            step.weights = root.weights if owner is step else step.weights
    sketch.steps = [step for step in sketch.steps if step.is_input or id(step) in needed]


def _nest(sketch: Sketch) -> None:
    """`(a | b | c) -> concat` after `(a | b) -> concat` reads the latter: densely connected layers become a chain."""
    known: dict[tuple[object, ...], Step] = {}
    for step in sketch.steps:
        layer = step.layer
        if not isinstance(layer, Concat):
            continue
        ids = tuple(map(id, step.inputs))
        for count in range(len(ids) - 1, 1, -1):
            before = known.get((layer, *ids[:count]))
            if before is not None:
                step.inputs = (before, *step.inputs[count:])
                break
        known.setdefault((layer, *ids), step)


def _join(sketch: Sketch) -> None:
    """Make activations options of the layers before them that have none; of a shared layer, where all uses have it."""
    readers: dict[int, list[Step | None]] = {}
    uses: dict[int, list[Step]] = {}
    for step in sketch.steps:
        uses.setdefault(id(step.shared or step), []).append(step)
        for i in step.inputs:
            readers.setdefault(id(i), []).append(step)
    for _, step in sketch.outputs:
        readers.setdefault(id(step), []).append(None)
    places: dict[int, Step] = {}
    for group in uses.values():
        after = [_activation_after(step, readers.get(id(step), [])) for step in group]
        first = after[0]
        if first is None or any(other is None or other.layer != first.layer for other in after):
            continue
        for step, follower in zip(group, after, strict=True):
            assert follower is not None and step.layer is not None and isinstance(follower.layer, ActivationLayer)
            step.layer = step.layer.replace(activation=follower.layer.activation)
            places[id(follower)] = step
    _redirect(sketch, places)
    sketch.steps = [step for step in sketch.steps if id(step) not in places]


def _activation_after(step: Step, readers: list[Step | None]) -> Step | None:
    """The activation that may become an option of a layer, which nothing else reads."""
    layer, reader = step.layer, readers[0] if len(readers) == 1 else None
    if layer is None or reader is None or not hasattr(layer, "activation") or isinstance(layer, ActivationLayer):
        return None
    if layer.activation_word not in (None, Linear()) or not isinstance(reader.layer, ActivationLayer):
        return None
    return None if reader.layer.activation.has_weights else reader


def is_implied(step: Step, reader: Step) -> bool:
    """Whether the compiler inserts this flatten before its reader."""
    layer = reader.layer
    return isinstance(step.layer, Flatten) and isinstance(layer, Dense) and bool(layer.before(step.inputs[0].shape))
