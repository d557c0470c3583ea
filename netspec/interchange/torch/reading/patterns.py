"""Functions that PyTorch computes with several operators, each of which netspec has as one layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from netspec.interchange.torch.reading.program import VIEWS, Call, Program, Ref
from netspec.language.record import Frozen
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.activations import Softsign
from netspec.layers.base import Layer
from netspec.layers.norm import L2Norm, LocalResponseNorm

PADS = ("pad", "constant_pad_nd")


class Pattern(Frozen):
    """A layer, the tensor that it is applied to, and the axis that becomes the last one for it (None: any order)."""

    layer: Layer
    source: str
    axis: int | None = None


def find_patterns(program: Program) -> dict[str, Pattern]:
    """The patterns by the names of their last calls."""
    calls = {call.name: call for call in program.calls}
    found = {}
    for call in program.calls:
        if call.target == "div" and (pattern := _Finder(program, calls).divided(call)) is not None:
            found[call.name] = pattern
    return found


class _Finder:
    def __init__(self, program: Program, calls: Mapping[str, Call]) -> None:
        self.program, self.calls = program, calls

    def call(self, argument: Any, *targets: str) -> Call | None:
        """The call that an argument is the result of, if it is of one of these operators."""
        found = self.calls.get(argument.name) if isinstance(argument, Ref) else None
        return found if found is not None and (not targets or found.target in targets) else None

    def past(self, argument: Any, targets: frozenset[str]) -> Call | None:
        """The call before those of these operators."""
        call = self.call(argument)
        while call is not None and call.target in targets:
            call = self.call(call.first)
        return call

    def divided(self, call: Call) -> Pattern | None:
        """`softsign`, `normalize` or `local_response_norm`."""
        top, below = call["self"], call["other"]
        under = self.call(below)
        if not isinstance(top, Ref) or under is None or call["rounding_mode"] is not None:
            return None
        if under.target == "add":
            inner = self.call(under["self"], "abs")
            is_softsign = inner is not None and inner.first == top and under["other"] == 1
            return Pattern(ActivationLayer(activation=Softsign()), top.name) if is_softsign else None
        if under.target in ("expand_as", "expand"):
            return self.l2norm(top, under)
        return self.lrn(top, under) if under.target == "pow" else None

    def l2norm(self, top: Ref, under: Call) -> Pattern | None:
        """x / max(norm, epsilon)"""
        least = self.call(under.first, "clamp_min", "clamp")
        norm = self.call(least.first, "linalg_vector_norm", "norm") if least is not None else None
        if least is None or norm is None or norm.first != top or not norm["keepdim"] or not least["min"]:
            return None
        order = norm["ord"] if norm.target == "linalg_vector_norm" else norm["p"]
        rank = len(self.program.shapes[top.name])
        axes = [int(axis) % rank for axis in norm["dim"] or []]
        if order != 2 or len(axes) != 1 or axes[0] == 0:
            return None
        return Pattern(L2Norm(epsilon=float(least["min"])), top.name, axes[0])

    def lrn(self, top: Ref, power: Call) -> Pattern | None:
        """x / (k + alpha * mean of the squares of neighboring channels) ** beta"""
        total = self.call(power["self"], "add")
        scaled = self.call(total["self"], "mul") if total is not None else None
        pooled = self.past(scaled["self"], VIEWS) if scaled is not None else None
        if total is None or scaled is None or pooled is None or pooled.target not in ("avg_pool2d", "avg_pool3d"):
            return None
        square = self.past(pooled.first, VIEWS | set(PADS))
        numbers = (scaled["other"], power["exponent"], total["other"])
        is_square = square is not None and square.first == top and (square.target, square["other"]) == ("mul", top)
        if not is_square or not all(isinstance(number, int | float) for number in numbers):
            return None
        alpha, beta, k = map(float, numbers)
        size = math.prod(pooled["kernel_size"])
        return Pattern(LocalResponseNorm(size=size, alpha=alpha, beta=beta, k=k, divide=True), top.name, 1)
