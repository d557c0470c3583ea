"""How a spec is computed on this machine, and why: what `netspec show --stage plan` prints.

Input: a `Compilation`. Output: the choices, for the training program as a whole and for the layers. Those of the
layers are noted by `netspec.nn` while the training step is traced with the shapes alone; nothing is computed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
from flax import nnx

from netspec.language.lowering_families import Choice
from netspec.language.shape import Shape
from netspec.nn.lowering.choice import compiler_options, noting, using
from netspec.spec.compilation import Compilation
from netspec.spec.model import Model
from netspec.training.step.epoch_steps import choose_steps_per_call

TRACED_EXAMPLES = 8
"""Examples of the batch that is traced: choices do not depend on how many they are."""
NAMED_SIZE = 16
"""What stands for a size that only the data know (`length`), while it is traced."""


@dataclass(frozen=True)
class Plan:
    """The choices on a device: those of the training program, and those of the layers, in order."""

    device: str
    program: tuple[Choice, ...]
    layers: tuple[Choice, ...]

    def text(self) -> str:
        lines = [f"on {self.device}", "", "program"]
        lines += _table([(c.what, c.how, c.why) for c in self.program])
        lines += ["", "layers"]
        if not self.layers:
            return "\n".join([*lines, "  all layers: the Flax implementation"])
        ways = dict.fromkeys((c.how, c.why) for c in self.layers)
        for how, why in ways:
            alike = [c for c in self.layers if (c.how, c.why) == (how, why)]
            lines.append(f"  {how}: {why}")
            lines += [f"    {c.count} x {c.what}" for c in alike]
        return "\n".join([*lines, "  all other layers: the Flax implementation"])


def plan_of(spec: Compilation) -> Plan:
    """The choices for a spec on the device that JAX uses.

    Raises:
        CompileError: the spec has mistakes.
    """
    spec.check()
    device = jax.devices()[0]
    layers = _layers(spec)
    return Plan(f"{device.platform} ({device.device_kind})", _program(spec, device.platform, layers), layers)


def _program(spec: Compilation, platform: str, layers: tuple[Choice, ...]) -> tuple[Choice, ...]:
    train, data = spec.train, spec.data
    found = [
        _steps(spec)
        or Choice(
            "step",
            "one compiled program per step, with donated buffers",
            "the step is long enough, or contains operations that are slow inside XLA loops, such as convolutions"
            if platform == "cpu"
            else "steps are dispatched asynchronously, so the device never waits",
        ),
        Choice(
            "data",
            "streamed" if data.stream else "on the device, shuffled there" if data.shuffle else "on the device",
            "set in the spec" if data.stream is not None else "streamed if too large for the device",
        ),
        Choice("metrics", "accumulated on the device, read once per epoch", "reading them blocks the device"),
    ]
    if compiler_options(train.lowering) and any(c.family in ("convolution", "groups") for c in layers):
        why = "YNNPACK, the default of XLA, runs convolutions with fewer than 96 filters on one core"
        found.append(Choice("convolutions", "XLA with Eigen, on all cores", why, "convolution"))
    if data.augment:
        found.append(Choice("augmentation", "inside the step", "one batch at a time, compiled with the step"))
    if train.precision != "f32":
        found.append(Choice("numbers", train.precision, "set in the spec"))
    if train.remat:
        found.append(Choice("memory", "blocks are recomputed in the backward pass", "set in the spec"))
    return tuple(found)


def _layers(spec: Compilation) -> tuple[Choice, ...]:
    forward, *given = _net(spec, TRACED_EXAMPLES)
    with noting() as noted, using(spec.train.lowering):
        jax.eval_shape(forward, *given)
    return tuple(replace(choice, count=count) for choice, count in Counter(noted).items())


def _steps(spec: Compilation) -> Choice | None:
    """The choice of running several steps at once, where it is made (see `Engine.steps`)."""
    train = spec.train
    if "steps" not in train.lowering or spec.data.augment or spec.data.stream or train.remat:
        return None
    with noting() as noted, using(train.lowering):
        choose_steps_per_call(*_net(spec, train.batch))
    return next((choice for choice in noted if choice.family == "steps"), None)


def _net(spec: Compilation, examples: int) -> tuple[Callable[..., object], Any, Any]:
    """The network in training mode: (its state, inputs) -> outputs; and the shapes of both."""
    model = Model(spec)

    def make() -> nnx.Module:
        module: nnx.Module = model.module_class(rngs=nnx.Rngs(0))
        module.train()
        return module

    graph, state = nnx.split(nnx.eval_shape(make))

    def forward(state: Any, inputs: Sequence[Any]) -> object:
        return nnx.merge(graph, state)(*inputs)

    return forward, state, [example_of(shape, examples) for shape in model.inputs.values()]


def example_of(shape: Shape, examples: int) -> jax.ShapeDtypeStruct:
    """The shape and type of a batch of an input, for JAX."""
    sizes = [size if isinstance(size, int) else NAMED_SIZE for size in shape.sizes]
    return jax.ShapeDtypeStruct((examples, *sizes), "int32" if shape.is_tokens else "float32")


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    return [f"  {a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows]
