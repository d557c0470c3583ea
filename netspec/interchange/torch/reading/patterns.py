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
from netspec.layers.sequence.steps import First, Last, MeanPool

PADS = ("pad", "constant_pad_nd")


class Pattern(Frozen):
    """A layer, the tensor that it is applied to, and the axis that becomes the last one for it (None: any order).

    `mask` is the call that tells steps from padding, if it depends on that.
    """

    layer: Layer
    source: str
    axis: int | None = None
    mask: str | None = None


def find_patterns(program: Program) -> dict[str, Pattern]:
    """The patterns by the names of their last calls."""
    calls = {call.name: call for call in program.calls}
    found = {}
    finder = _Finder(program, calls)
    for call in program.calls:
        pattern = (
            finder.divided(call) if call.target == "div" else finder.picked(call) if call.target == "index" else None
        )
        if pattern is not None:
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
        if under.target in ("clamp", "clamp_min"):
            return self.mean_of_steps(call, under)
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

    # ------------------------------------------------------------ steps that are not padding

    def mask(self, argument: Any) -> Call | None:
        """The comparison of ids with the padding id that a mask is."""
        found = self.past(argument, VIEWS | {"sum"})
        is_mask = found is not None and found.target == "ne" and isinstance(found["other"], int)
        return found if is_mask else None

    def mean_of_steps(self, call: Call, count: Call) -> Pattern | None:
        """The sum of the steps that are not padding, divided by their number, which is 1 for none."""
        total = self.call(call["self"], "sum")
        kept = self.call(total.first, "where") if total is not None else None
        mask = self.mask(count.first)
        if total is None or kept is None or mask is None or count["min"] != 1 or total["dim"] != [1]:
            return None
        if self.mask(kept["condition"]) is not mask or not isinstance(kept["self"], Ref):
            return None
        return Pattern(MeanPool(), kept["self"].name, 2, mask.name)

    def picked(self, call: Call) -> Pattern | None:
        """The first or the last step that is not padding."""
        indices = call["indices"]
        if len(indices) != 2 or not isinstance(call["self"], Ref):
            return None
        at = self.call(indices[1])
        is_last = at is not None and at.target in ("rsub", "sub")
        if is_last and at is not None:
            at = self.call(at["self"] if at.target == "rsub" else at["other"], "argmax")
        if at is None or at.target != "argmax" or at["dim"] != 1:
            return None
        turned = self.past(at.first, VIEWS)
        if is_last and (turned is None or turned.target != "flip"):
            return None
        mask = self.mask(turned.first if is_last and turned is not None else at.first)
        if mask is None:
            return None
        return Pattern(Last() if is_last else First(), call["self"].name, 2, mask.name)
