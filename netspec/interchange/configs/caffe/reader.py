"""Reads Caffe: a prototxt of a network, or of a solver that names one, and the weights of a caffemodel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netspec.interchange.configs.caffe import layers
from netspec.interchange.configs.caffe.caffemodel import read_blobs
from netspec.interchange.configs.caffe.layers.ends import LOSSES, MEASURES, loss_input
from netspec.interchange.configs.caffe.layers.norm import is_plain_scale
from netspec.interchange.configs.caffe.layers.table import INPUTS, READERS, Blobs, Site, type_advice
from netspec.interchange.configs.caffe.network import (
    DATA_LAYERS,
    CaffeInput,
    CaffeLayer,
    declared_inputs,
    layer_inputs,
    layers_of,
)
from netspec.interchange.configs.caffe.opencv import deploy_text, is_run
from netspec.interchange.configs.caffe.prototxt import Message, parse_prototxt
from netspec.interchange.configs.caffe.schema import check_fields
from netspec.interchange.configs.caffe.solver import is_solver, net_of, solver_beside, train_settings
from netspec.interchange.configs.input_files import InputFile, identifier, read_source
from netspec.interchange.configs.opencv import OpenCVNet, OpenCVOutput, verified_by_opencv
from netspec.interchange.errors import NotImported, NoWeights
from netspec.interchange.formats import Foreign
from netspec.interchange.reading.channels_first.builder import Builder
from netspec.interchange.reading.channels_first.values import Value
from netspec.interchange.reading.sketch import Sketch
from netspec.language.corrections import suggest
from netspec.layers.activation_layer import ActivationLayer

_ = layers  # its files fill the table


def read(source: Any, weights: Path | None) -> Foreign:
    """The network of a prototxt.

    Args:
        source: the prototxt of a network or of a solver.
        weights: the caffemodel, if there are weights.

    Returns:
        The network, and OpenCV to verify it, which is used if there are weights and it can compute all layers.

    Raises:
        CompileError: a file cannot be read (NS570).
    """
    text, file = read_source(source, "Caffe")
    message, solver, path = parse_prototxt(text, file), None, Path(source)
    if is_solver(message):
        solver, path = message, net_of(message, path)
        text, file = read_source(path, "Caffe")
        message = parse_prototxt(text, file)
    else:
        solver = solver_beside(path)
    blobs = None
    if weights is not None:
        blobs = Blobs(InputFile(name=str(weights), format="Caffe"), read_blobs(weights))
    return _Reader(message, blobs, path).read(solver, weights)


@dataclass
class _Reader:
    """Reads the layers one after the other.

    `values` are the blobs by name, `open` those that no layer has read yet, each with the layer that wrote it, and
    `predicted` what losses are computed from. `inputs` are names in the sketch and those in the file.
    """

    net: Message
    blobs: Blobs | None
    path: Path
    values: dict[str, Value] = field(default_factory=dict)
    open: dict[str, CaffeLayer] = field(default_factory=dict)
    predicted: list[tuple[str, Value, CaffeLayer]] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        title = self.net.text("name") or self.path.stem
        self.sketch = Sketch(identifier(self.path.stem, set()), about=f"from the Caffe network {title}")
        self.builder = Builder(self.sketch)

    def read(self, solver: Message | None, weights: Path | None) -> Foreign:
        check_fields(self.sketch, self.net)
        found = layers_of(self.net)
        for layer in found:
            check_fields(self.sketch, layer.message)
        if self.net.has("input"):
            for declared in declared_inputs(self.net):
                self._input(declared)
        folded = self._folded_scales(found)
        for layer in found:
            if id(layer) not in map(id, folded.values()):
                self._layer(layer, folded.get(id(layer)))
        outputs = self._outputs()
        self._check_weights()
        if solver is not None:
            train_settings(self.sketch, solver, self.net)
        if weights is None or not all(map(is_run, found)):
            return Foreign(sketch=self.sketch)
        inputs = {own: (name, self.values[name].sizes) for own, name in self.inputs.items()}
        text = deploy_text(found, dict(inputs.values()))
        net = OpenCVNet(function="readNetFromCaffe", text=text, weights=weights, inputs=inputs, outputs=outputs)
        return verified_by_opencv(self.sketch, net)

    # ---------------------------------------------------------------- inputs

    def _input(self, given: CaffeInput) -> None:
        if given.sizes is None:
            reason = f"the size of its input `{given.name}` is not in it"
            advice = "give the prototxt for deployment, or begin it with `input` and `input_shape`"
            raise self.net.file.bad(reason, advice, given.span)
        if given.name in self.values:
            raise self.net.file.bad(f"there are two inputs `{given.name}`", "", given.span)
        name = identifier(given.name, self.names)
        self.inputs[name] = given.name
        with self.builder.place(given.name, span=given.span):
            self.values[given.name] = self.builder.input(name, given.sizes)

    # ---------------------------------------------------------------- layers

    def _folded_scales(self, found: Sequence[CaffeLayer]) -> dict[int, CaffeLayer]:
        """The layers `Scale` that are read with the batch norm before them, by the identity of that."""
        folded = {}
        for index, layer in enumerate(found):
            readers = [later for later in found[index + 1 :] if set(layer.tops) & {*later.bottoms, *later.tops}]
            if layer.type != "BatchNorm" or not readers:
                continue
            scale = readers[0]
            is_only = len(scale.tops) == 1 and (scale.tops == layer.tops or len(readers) == 1)
            is_scale = scale.type == "Scale" and scale.bottoms == layer.tops
            if is_scale and is_only and is_plain_scale(scale.message.message("scale_param")):
                folded[id(layer)] = scale
        return folded

    def _layer(self, layer: CaffeLayer, scale: CaffeLayer | None) -> None:
        if layer.type in DATA_LAYERS:
            for given in layer_inputs(layer):
                self._input(given)
            return
        if layer.type in (*MEASURES, "Silence"):
            self._measure(layer)
            return
        bottoms = layer.bottoms[:1] if layer.type in LOSSES else layer.bottoms
        inputs = [self._value(name, layer) for name in bottoms]
        scope = tuple(layer.name.split("/")[:-1])
        site = Site(self.builder, layer, inputs, self.blobs, scale)
        with self.builder.place(layer.name, scope, layer.span):
            values = self._read(site)
        self._check_shared(layer)
        for name in bottoms:
            self.open.pop(name, None)
        if layer.type in LOSSES:
            self.predicted += [(name, value, layer) for name, value in zip(bottoms, values, strict=False)]
            return
        tops = (scale or layer).tops
        if len(tops) != len(values):
            reason = f"layer `{layer.name}` has {len(tops)} tops, and gives {len(values)}"
            raise self.net.file.bad(reason, "", layer.span)
        for name, value in zip(tops, values, strict=True):
            self.values[name] = value
            self.open[name] = scale or layer

    def _read(self, site: Site) -> list[Value]:
        """The values of the tops of a layer."""
        layer, lost = site.layer, [x for x in site.inputs if x.is_lost]
        count = max(len(layer.tops), 1)
        if layer.type not in READERS and layer.type not in LOSSES:
            reason = f"netspec has nothing for layers of type `{layer.type}`"
            return [site.lost(reason, type_advice(layer.type))] * count
        if lost:
            return lost[:1] * count
        if layer.type in LOSSES:
            return [loss_input(site)] if site.inputs else [site.lost("it has no input")]
        low, high = INPUTS[layer.type]
        if not low <= len(site.inputs) <= high:
            reason = f"layer `{layer.name}` has {len(site.inputs)} bottoms, where it needs {low}"
            raise self.net.file.bad(reason, "", layer.span)
        made = READERS[layer.type](site)
        return made if isinstance(made, list) else [made]

    def _check_shared(self, layer: CaffeLayer) -> None:
        """Layers that share weights by name have them twice in a caffemodel."""
        names = {
            name for param in layer.message.all("param") if isinstance(param, Message) for name in param.texts("name")
        }
        if names & self.shared:
            reason = "its weights are those of another layer, and are separate here"
            advice = "name the layer with `share`, and use it twice"
            self.sketch.report(NotImported(what=layer.title, reason=reason, span=layer.span, advice=advice))
        self.shared |= names

    def _value(self, name: str, layer: CaffeLayer) -> Value:
        if name not in self.values:
            reason = f"layer `{layer.name}` reads `{name}`, which no layer before it gives"
            raise self.net.file.bad(reason, suggest(name, self.values), layer.span)
        return self.values[name]

    def _measure(self, layer: CaffeLayer) -> None:
        """A layer that nothing is predicted with."""
        if layer.type == "Silence":
            for name in layer.bottoms:
                self.open.pop(name, None)
            return
        reason = "it does not change what the network predicts"
        if layer.type == "ArgMax":
            reason = "netspec gives the probabilities, and predicts the class of the largest one"
        problem = NotImported(what=layer.title, reason=reason, span=layer.span)
        self.sketch.report(problem)

    # ---------------------------------------------------------------- ends

    def _outputs(self) -> list[OpenCVOutput]:
        """What flows out: what no layer reads, and what losses are computed from, each once."""
        ends = [(name, self.values[name], layer) for name, layer in self.open.items()] + self.predicted
        seen: list[Value] = []
        found = []
        for name, value, layer in ends:
            if not value.is_lost and not any(_is_same(value, other) for other in seen):
                seen.append(value)
                found.append((name, value, layer))
        if not found and not self.sketch.problems.errors:
            raise self.net.file.bad("it has no layers that predict something", "give the prototxt of a network")
        self._drop_unread_inputs()
        outputs = []
        for name, value, layer in found:
            own = "" if len(found) == 1 else identifier(name, self.names)
            with self.builder.place(layer.name, span=layer.span):
                written = self.builder.output(value, own)
            if not written.is_lost:
                sizes = written.step.shape.sizes
                outputs.append(OpenCVOutput(own or "output", layer.name, written.axes, sizes))
        return outputs

    def _drop_unread_inputs(self) -> None:
        read = {id(step) for reader in self.sketch.steps for step in reader.inputs}
        for own, name in list(self.inputs.items()):
            step = self.values[name].step
            if id(step) not in read and step in self.sketch.steps and len(self.inputs) > 1:
                self.sketch.steps.remove(step)
                del self.inputs[own]

    def _check_weights(self) -> None:
        """Whether the file has the weights of all layers: otherwise it is reported (NS575)."""
        if self.blobs is not None and self.blobs.missing:
            missing = self.blobs.missing
            names = f" for {len(missing)} layers: {', '.join(missing[:MAX_NAMES])}"
            advice = "give the caffemodel of this prototxt: weights are found by the names of the layers"
            self.sketch.report(NoWeights(file=self.blobs.file.name, layers=names, advice=advice))


MAX_NAMES = 8
"""Names of layers that a message lists at most."""


def _is_same(a: Value, b: Value) -> bool:
    """Whether two values are the same, or the same activation of the same."""
    if a.step is b.step:
        return True
    x, y = a.step.layer, b.step.layer
    if not isinstance(x, ActivationLayer) or not isinstance(y, ActivationLayer):
        return False
    return a.step.inputs == b.step.inputs and x.to_source() == y.to_source()
