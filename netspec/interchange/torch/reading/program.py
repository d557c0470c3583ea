"""A program of ATen operators: what `torch.export` makes of a module, and what a file of it has.

Parts of it are computed here operator by operator: what is constant, what views do with indices, and all of it to
verify what was read from a file. Only operators that compute something are ever called.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from netspec.language.lazy import lazy

torch = lazy("torch")

GETITEM = "getitem"
VIEWS = frozenset(
    (
        *("view", "_unsafe_view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "permute", "transpose"),
        *("t", "numpy_T", "movedim", "swapaxes", "select", "slice", "narrow", "split", "split_with_sizes", "chunk"),
        *("unbind", "expand", "expand_as", "alias", "detach", "contiguous", "clone", "to", "_to_copy", GETITEM),
        *("unsafe_split", "unsafe_chunk", "lift_fresh_copy", "view_as", "reshape_as", "type_as", "float"),
    )
)
"""Operators that only arrange numbers in another way, or leave some out."""
SAME = frozenset(("alias", "detach", "contiguous", "clone", "to", "_to_copy", "lift_fresh_copy", "type_as", "float"))
"""Those of them that leave a tensor of numbers as it is."""
MAKERS = frozenset(
    (
        *("arange", "zeros", "ones", "full", "empty", "eye", "linspace", "scalar_tensor", "new_zeros", "new_ones"),
        *("zeros_like", "ones_like", "full_like", "new_full", "tril", "triu", "where", "masked_fill", "logical_not"),
        *("logical_and", "logical_or", "bitwise_not", "bitwise_and", "bitwise_or", "eq", "ne", "lt", "le", "gt", "ge"),
        *("exp", "log", "sin", "cos", "sqrt", "rsqrt", "reciprocal", "pow", "abs", "repeat", "index", "outer", "floor"),
        *("cumsum", "stack", "repeat_interleave", "bmm", "einsum", "sum", "meshgrid", "tile", "flip", "roll", "any"),
        *("__and__", "__or__", "argmax", "all"),
    )
)
"""Operators that are computed where all their inputs are constant."""
COMPUTED = frozenset(
    (
        *("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution"),
        *("linear", "addmm", "mm", "matmul", "baddbmm", "batch_norm", "layer_norm", "group_norm", "instance_norm"),
        *("rms_norm", "max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "relu"),
        *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "relu6"),
        *(
            "adaptive_max_pool2d",
            "adaptive_max_pool3d",
            "max_pool2d_with_indices",
            "leaky_relu",
            "prelu",
            "elu",
            "selu",
        ),
        *("celu", "gelu", "silu", "mish", "hardswish", "hardsigmoid", "hardtanh", "clamp", "clamp_min", "sigmoid"),
        *("tanh", "softplus", "softmax", "_softmax", "log_softmax", "_log_softmax", "log_sigmoid", "add", "sub", "mul"),
        *("div", "neg", "rsub", "maximum", "cat", "mean", "amax", "max", "embedding", "lstm", "gru", "rnn_tanh"),
        *("rnn_relu", "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_bilinear2d"),
        *("upsample_linear1d", "upsample_trilinear3d", "upsample_bicubic2d", "_upsample_nearest_exact1d"),
        *("_upsample_nearest_exact2d", "_upsample_nearest_exact3d", "_upsample_bilinear2d_aa", "pad"),
        *("_upsample_bicubic2d_aa", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "replication_pad1d"),
        *("replication_pad2d", "replication_pad3d", "reflection_pad3d", "pixel_shuffle", "pixel_unshuffle"),
        *("channel_shuffle", "dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"),
        *("scaled_dot_product_attention", "linalg_vector_norm", "norm"),
    )
)
"""Operators that layers are made of."""
ALLOWED = VIEWS | MAKERS | COMPUTED
MAX_CONSTANT = 2**28
"""Numbers in a constant."""


@dataclass(frozen=True)
class Ref:
    """The result of a call, an input or a constant, by its name."""

    name: str


@dataclass(eq=False)
class Call:
    """The use of an operator.

    `target` is its name (`conv2d`), `overload` which variant of it (`default`); `arguments` are by the names of its
    schema, `Ref`s for tensors. `modules` has the path and the class of each module around, outer first.
    """

    name: str
    target: str
    overload: str
    arguments: dict[str, Any]
    modules: tuple[tuple[str, str], ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.arguments.get(name)

    @property
    def reads(self) -> Iterator[str]:
        """The names of what it is computed from."""
        return _names(list(self.arguments.values()))

    @property
    def first(self) -> Any:
        """Its first argument."""
        return next(iter(self.arguments.values()), None)


@dataclass(eq=False)
class Program:
    """Calls in an order in which they can be computed.

    `inputs` has the names of values by those that a person gives; so has `outputs`, in pairs. `constants` has weights
    by the names of values, `paths` what these are in the module, `shapes` the shape of every tensor, with the batch;
    `rates` has the dropout of attention weights by the path of the module, which the calls do not have at inference.
    """

    inputs: dict[str, str]
    constants: dict[str, Any]
    paths: dict[str, str]
    calls: list[Call]
    outputs: list[tuple[str, str]]
    shapes: dict[str, tuple[int, ...]]
    rates: dict[str, float] = field(default_factory=dict)

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs by name, from tensors with the batch that the program is for."""
        values = {**self.constants, **{self.inputs[name]: tensor for name, tensor in inputs.items()}}
        last = {name: call.name for call in self.calls for name in call.reads}
        kept = {value for _, value in self.outputs}
        with torch.no_grad():
            for call in self.calls:
                values[call.name] = computed(call, values)
                for name in {name for name in call.reads if last[name] == call.name} - kept:
                    values.pop(name, None)
        return {name: values[value] for name, value in self.outputs}

    @property
    def fixed(self) -> set[str]:
        """The names of values that no input has an influence on."""
        found = set(self.constants)
        for call in self.calls:
            sizes = self.shapes.get(call.name, ())
            if call.target in ALLOWED and count(sizes) <= MAX_CONSTANT and all(name in found for name in call.reads):
                found.add(call.name)
        return found

    def computed_constants(self, wanted: Collection[str]) -> dict[str, Any]:
        """The constants and the values of `wanted`, which are fixed, with what they are computed from."""
        needed = set(wanted)
        for call in reversed(self.calls):
            if call.name in needed:
                needed |= set(call.reads)
        values = dict(self.constants)
        with torch.no_grad():
            for call in self.calls:
                if call.name in needed:
                    values[call.name] = computed(call, values)
        return values


def count(sizes: tuple[int, ...]) -> int:
    """The number of numbers in a tensor."""
    total = 1
    for size in sizes:
        total *= size
    return total


def computed(call: Call, values: Mapping[str, Any]) -> Any:
    """The result of a call.

    Raises:
        ValueError: it is not one of the operators that are computed here.
    """
    arguments = {name: _resolved(value, values) for name, value in call.arguments.items()}
    if call.target == GETITEM:
        return arguments["0"][arguments["1"]]
    if call.target not in ALLOWED:
        raise ValueError(f"{call.target} is not computed")
    if arguments.get("device") is not None:
        arguments["device"] = torch.device("cpu")
    return getattr(getattr(torch.ops.aten, call.target), call.overload)(**arguments)


def out_of_place(calls: list[Call], outputs: list[tuple[str, str]]) -> tuple[list[Call], list[tuple[str, str]]]:
    """The same calls without those that change a tensor in place: what reads the tensor later reads the result.

    Where a part of a tensor is changed, and the whole is read later, that reads the change, which stays in place.
    """
    roots: dict[str, str] = {}
    renamed: dict[str, str] = {}
    found: list[Call] = []
    for index, call in enumerate(calls):
        call.arguments = {name: _renamed(value, renamed) for name, value in call.arguments.items()}
        first = call.first
        if isinstance(first, Ref) and call.target in VIEWS:
            roots[call.name] = roots.get(first.name, first.name)
        changes = call.target.endswith("_") and not call.target.endswith("__") and isinstance(first, Ref)
        if changes and _is_part(first.name, roots, calls[index + 1 :], outputs):
            renamed[roots.get(first.name, first.name)] = call.name
        elif changes:
            call.target = call.target[:-1]
            renamed[first.name] = call.name
        found.append(call)
    return found, [(name, _final(value, renamed)) for name, value in outputs]


def _is_part(name: str, roots: Mapping[str, str], later: list[Call], outputs: list[tuple[str, str]]) -> bool:
    """Whether other tensors with the same numbers are read later."""
    root = roots.get(name, name)
    others = {other for other, of in roots.items() if of == root} | {root}
    others.discard(name)
    read = {value for call in later for value in call.reads} | {value for _, value in outputs}
    return bool(others & read)


def _final(name: str, renamed: Mapping[str, str]) -> str:
    while name in renamed:
        name = renamed[name]
    return name


def _renamed(value: Any, renamed: Mapping[str, str]) -> Any:
    if isinstance(value, Ref):
        return Ref(_final(value.name, renamed))
    return [_renamed(item, renamed) for item in value] if isinstance(value, list) else value


def _resolved(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, Ref):
        return values[value.name]
    return [_resolved(item, values) for item in value] if isinstance(value, list) else value


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, Ref):
        yield value.name
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _names(item)
