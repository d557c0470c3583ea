"""What the devices of a mesh send each other in a training step, from the shapes of a network alone.

Input: a graph, a mesh, and how its weights are split. Output: the collective operations that XLA needs for it, each
with its reason. Gradients are summed over the devices that hold the same weight; weights that are split over `fsdp` are
gathered before they are used (ZeRO-3, Rajbhandari et al. 2020, arXiv:1910.02054); layers that are split over `model`
exchange what they compute (Shoeybi et al. 2019, Megatron-LM, arXiv:1909.08053, section 3).

For recurrent layers over `model` it is an estimate, and so it is where a layer mixes split channels in another way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

from netspec.analysis.scaling.collectives import Collective, Kind
from netspec.compiler.ir.cost import rows
from netspec.compiler.ir.graph import Edge, Graph, Input, Node
from netspec.language.shape import Shape
from netspec.layers.base import Layer
from netspec.layers.dense import Embedding
from netspec.layers.norm import BatchNorm
from netspec.layers.sequence.attention import Attention
from netspec.layers.sequence.bidirectional import Bidirectional
from netspec.layers.sequence.recurrent import Recurrent
from netspec.layers.sequence.unembed import TiedOutput
from netspec.training.distributed.mesh import Mesh
from netspec.training.distributed.rules import Axes, Path
from netspec.training.optimizers.layer_selection import is_inside

F32 = 4
GRADIENTS, WEIGHTS = "gradients", "weights, before they are used"
ACTIVATIONS, STATISTICS = "activations of layers split over `model`", "statistics of batchnorm"
NAMED_SIZE = 16
"""What stands for a size that only the data know (`length`)."""


@dataclass(frozen=True)
class Transfer(Collective):
    """A collective operation with its reason."""

    why: str = ""


@dataclass(frozen=True)
class Step:
    """What the traffic of a step depends on, besides the network and the mesh.

    Args:
        batch: examples on all devices together.
        number: bytes of a number that layers compute with: 4, or 2 for bf16.
        freeze: the layers and blocks that are not trained.
        remat: the blocks that are computed again in the backward pass; true: the outermost ones.
        scatters: whether the compiler has a reduce-scatter for gradients of split weights, as on GPUs and TPUs; on a
            CPU it sums whole gradients on every device, and keeps a part.
        has_sync: whether batchnorm is computed over the examples of all devices.
    """

    batch: int
    number: int = F32
    freeze: tuple[str, ...] = ()
    remat: bool | tuple[str, ...] = False
    scatters: bool = True
    has_sync: bool = True


@dataclass
class Traffic:
    """The operations of a step, and which part of the activations a device holds because of `model`."""

    transfers: list[Transfer] = field(default_factory=list)
    activations: int = 0
    held: float = 0.0

    @property
    def held_fraction(self) -> float:
        """The part of the activations of its examples that a device holds: 1 without `model`."""
        return self.held / self.activations if self.activations else 1.0

    def add(self, kind: Kind, size: int, devices: int, why: str, count: int = 1) -> None:
        if size and devices > 1 and count:
            self.transfers.append(Transfer(kind, size, devices, count, why=why))


def traffic_of(graph: Graph, mesh: Mesh, weights: Mapping[Path, Axes], step: Step) -> Traffic:
    """The traffic of a training step.

    Args:
        graph: the network, after its passes.
        mesh: the devices.
        weights: how each weight is split (`netspec.training.distributed.rules.weight_axes`).
        step: what else it depends on.
    """
    found = Traffic()
    _add_weights(graph, mesh, weights, step, found)
    walk = _Walk(mesh, weights, step, found)
    ends = walk.block(graph, (), [_Flow(is_split=False, has_gradient=False)] * len(graph.inputs))
    for output, end in zip(graph.outputs, ends, strict=True):
        if end.is_split:
            walk.loss(graph.shape_of(output.edge))
    return found


def _add_weights(graph: Graph, mesh: Mesh, weights: Mapping[Path, Axes], step: Step, found: Traffic) -> None:
    fsdp, replicas = mesh.get("fsdp"), mesh.batch_parts
    for path, shape, is_trained in trained_weights(graph, step.freeze):
        axes = weights.get(path, ())
        size = prod(shape) * step.number // (mesh.get("model") if "model" in axes else 1)
        if "fsdp" in axes:
            found.add("all-gather", size, fsdp, WEIGHTS)
        if not is_trained:
            continue
        if "fsdp" in axes and step.scatters:
            found.add("reduce-scatter", size, fsdp, GRADIENTS)
            found.add("all-reduce", size // fsdp, mesh.get("data"), GRADIENTS)
        else:
            found.add("all-reduce", size, replicas, GRADIENTS)


def trained_weights(graph: Graph, freeze: Sequence[str] = ()) -> Iterator[tuple[Path, tuple[int, ...], bool]]:
    """Every weight of a network with its path and shape, and whether it is trained."""
    for row in rows(graph):
        if row.is_shared_again:
            continue
        is_trained = not row.frozen and not any(is_inside(row.name, name) for name in freeze)
        for name in row.weights:
            yield (*row.path, *name.split(".")), row.sizes[name], is_trained


# ---------------------------------------------------------------- over `model`


@dataclass(frozen=True)
class _Flow:
    """What is known of a tensor: whether its channels are split, and whether a gradient flows back through it."""

    is_split: bool
    has_gradient: bool


class _Walk:
    """Follows the tensors of a network through its layers."""

    def __init__(self, mesh: Mesh, weights: Mapping[Path, Axes], step: Step, found: Traffic) -> None:
        self.weights, self.step, self.found = weights, step, found
        self.devices, self.parts = mesh.get("model"), mesh.batch_parts
        self.examples = max(1, step.batch // mesh.batch_parts)
        self.first_use: dict[object, Path] = {}
        self.forward: list[Transfer] = []

    def bytes_of(self, shape: Shape) -> int:
        """Bytes of a tensor for the examples of a device."""
        return prod(_sizes(shape)) * self.examples * self.step.number

    def send(self, kind: Kind, shape: Shape) -> None:
        """A part of the forward pass."""
        before = len(self.found.transfers)
        self.found.add(kind, self.bytes_of(shape), self.devices, ACTIVATIONS)
        self.forward += self.found.transfers[before:]

    def hold(self, numbers: int, *, is_split: bool) -> None:
        """Count numbers of an example that are kept for the backward pass."""
        self.found.activations += numbers
        self.found.held += numbers / self.devices if is_split else numbers

    def block(self, graph: Graph, path: Path, given: Sequence[_Flow]) -> list[_Flow]:
        """Add the layers of a block; what its outputs are."""
        flows: dict[Edge, _Flow] = {Edge(index): flow for index, flow in zip(graph.inputs, given, strict=True)}
        for index, node in enumerate(graph.nodes):
            if isinstance(node.operation, Input):
                continue
            here = (*path, node.name)
            if node.shared is not None:
                here = self.first_use.setdefault((path[:-1], node.shared), here)
            inputs = [flows[edge] for edge in node.inputs]
            if isinstance(node.operation, Graph):
                before = len(self.forward)
                for port, flow in enumerate(self.block(node.operation, here, inputs)):
                    flows[Edge(index, port)] = flow
                remat = self.step.remat
                if not path and (remat is True or (remat and node.name in remat)):
                    self.found.transfers += self.forward[before:-1]  # again, but for the result of the block
            else:
                flow = self.layer(node, node.operation, graph.input_shapes(node), here, inputs)
                flows[Edge(index)] = flow
                self.hold(prod(_sizes(node.shape)), is_split=flow.is_split)
        return [flows[output.edge] for output in graph.outputs]

    def layer(self, node: Node, layer: Layer, shapes: Sequence[Shape], path: Path, inputs: Sequence[_Flow]) -> _Flow:
        names = list(layer.parameters(*shapes))
        axes = {name: self.weights.get((*path, *name.split(".")), ()) for name in names}
        has_gradient = any(flow.has_gradient for flow in inputs) or (bool(names) and not layer.is_frozen)
        arrives = all(flow.is_split for flow in inputs) and bool(inputs)
        flow = _Flow(is_split=False, has_gradient=has_gradient)
        if isinstance(layer, BatchNorm) and self.step.has_sync:
            self._statistics(node.shape, is_split=arrives)
        if isinstance(layer, Attention):
            self._attention(layer, node, shapes, axes, inputs)
            return flow
        if isinstance(layer, Recurrent | Bidirectional):
            self._recurrent(layer, shapes[0], axes, inputs[0])
            return flow
        if isinstance(layer, Embedding):
            table = axes["embedding"]
            if "model" in table:  # every device looks up the ids of its rows
                self.send("all-reduce" if table[0] == "model" else "all-gather", node.shape)
            return flow
        if isinstance(layer, TiedOutput) and self.devices > 1 and layer.vocabulary % self.devices == 0:
            self._back(shapes[0], inputs[0])
            return replace(flow, is_split=True)
        kernel = axes.get("kernel", ())
        if "model" in kernel:
            return self._linear(layer, node, shapes[0], kernel, inputs[0], has_gradient)
        keeps = all(shape.rank > 0 and shape.channels == node.shape.channels for shape in shapes)
        if arrives and keeps and (not names or isinstance(layer, BatchNorm)):
            return replace(flow, is_split=True)
        for shape, one in zip(shapes, inputs, strict=True):
            if one.is_split:
                self.send("all-gather", shape)
        return flow

    def _back(self, shape: Shape, flow: _Flow) -> None:
        """The gradient of the input of a layer whose output channels are split: each device has its part of the sum."""
        if flow.has_gradient:
            self.found.add("all-reduce", self.bytes_of(shape), self.devices, ACTIVATIONS)

    def _linear(self, layer: Layer, node: Node, shape: Shape, kernel: Axes, given: _Flow, has_gradient: bool) -> _Flow:
        by_output = kernel[len(kernel) + (layer.output_axis or -1)] == "model"
        if by_output:
            if given.is_split:
                self.send("all-gather", shape)
            self._back(shape, given)
        else:
            self.send("all-reduce", node.shape)
        return _Flow(is_split=by_output, has_gradient=has_gradient)

    def _attention(
        self,
        layer: Attention,
        node: Node,
        shapes: Sequence[Shape],
        axes: Mapping[str, Axes],
        inputs: Sequence[_Flow],
    ) -> None:
        steps, others = _sizes(shapes[0])[0], _sizes(shapes[-1])[0]
        kernels = {name.split(".")[0]: shape for name, shape in layer.parameters(*shapes).items() if "kernel" in name}
        is_split = "model" in axes["query.kernel"]
        for part in ("query", "key", "value"):
            source = 0 if part == "query" else -1
            self.hold(_sizes(shapes[source])[0] * kernels[part][1], is_split="model" in axes[f"{part}.kernel"])
            if "model" in axes[f"{part}.kernel"]:
                self._back(shapes[source], inputs[source])
        self.hold(layer.heads * steps * others, is_split=is_split)
        if is_split:
            self.send("all-reduce", node.shape)

    def _recurrent(
        self, layer: Recurrent | Bidirectional, shape: Shape, axes: Mapping[str, Axes], given: _Flow
    ) -> None:
        """Estimated: in each step the state is gathered and its gradient summed, and the gates change devices, forward
        and backward; the states of all steps are gathered once more for the gradient of the kernels."""
        inner = layer.layer if isinstance(layer, Bidirectional) else layer
        directions = 2 if isinstance(layer, Bidirectional) else 1
        steps = _sizes(shape)[0]
        is_split = any("model" in one for one in axes.values())
        self.hold(directions * steps * (inner.gates + 1) * inner.units, is_split=is_split)
        if not is_split:
            return
        state, times = self.bytes_of(Shape((inner.units,))), steps * directions
        sizes: dict[Kind, int] = {
            "all-gather": 2 * state,
            "all-reduce": state,
            "collective-permute": 2 * state * (self.devices - 1) // self.devices,
            "all-to-all": 2 * state,
        }
        for kind, size in sizes.items():
            self.found.add(kind, size, self.devices, ACTIVATIONS, times)
        self._back(shape, given)

    def _statistics(self, shape: Shape, *, is_split: bool) -> None:
        """The mean and the variance of each channel, and the gradients of both."""
        channels = _sizes(shape)[-1] // (self.devices if is_split else 1)
        self.found.add("all-reduce", channels * F32, self.parts, STATISTICS, 4)

    def loss(self, shape: Shape) -> None:
        """Softmax and accuracy of classes that are split: the maximum, the sum and the score of the target at each
        position, and the best class of each device with its score."""
        positions = prod(_sizes(shape)[:-1]) * self.examples
        self.found.add("all-reduce", positions * F32, self.devices, ACTIVATIONS, 3)
        self.found.add("all-gather", positions * F32 * self.devices, self.devices, ACTIVATIONS, 2)


def _sizes(shape: Shape) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else NAMED_SIZE for size in shape.sizes)
