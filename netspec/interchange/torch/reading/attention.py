"""Finds attention in a program: linear maps, views that split them into heads, products and a softmax, views, a map.

What views do is computed on the indices of the numbers, so that every order of views is understood, and none is taken
for another.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from netspec.interchange.torch.reading.program import SAME, VIEWS, Call, Program, Ref, computed, count
from netspec.language.lazy import lazy

torch = lazy("torch")

DROPOUTS = frozenset(("dropout", "alpha_dropout", "feature_dropout"))
REPEAT = "repeat_interleave"
ANDS = ("bitwise_and", "logical_and", "__and__")
LINEAR = frozenset(("linear", "addmm", "matmul", "mm"))
LARGEST = 2**26
"""Indices that are computed: tensors with more numbers are not looked into."""
CLOSE = 1e-4
"""How far a scale may be from one over the root of the size of a head."""


@dataclass(eq=False)
class Projection:
    """A linear map of the features of each step: the name of the sequence, the call, the first of its outputs, and the
    heads that it has."""

    source: str
    call: Call
    first: int
    heads: int


@dataclass(eq=False)
class Attention:
    """A match: `end` is the call whose result is that of attention; the sizes are those of a head."""

    end: Call
    query: Projection
    key: Projection
    value: Projection
    out: Call
    heads: int
    head_size: int
    causal: bool
    mask: str | None
    swapped: bool
    kv_heads: int

    @property
    def linear(self) -> list[Call]:
        """Its linear maps."""
        return list(dict.fromkeys((self.query.call, self.key.call, self.value.call, self.out)))


class Heads:
    """What reaches a product of attention: batch x heads x steps x features of a head."""

    def __init__(self, batch: int, heads: int, steps: int, size: int) -> None:
        self.batch, self.heads, self.steps, self.size = batch, heads, steps, size

    def indices(self, width: int, first: int, shared: int = 1) -> Any:
        """Where each number comes from in a sequence of batch x steps x width. So many heads share one."""
        b = torch.arange(self.batch)[:, None, None, None] * self.steps
        t = torch.arange(self.steps)[None, None, :, None]
        f = torch.arange(self.heads)[None, :, None, None] // shared * self.size + torch.arange(self.size)
        return (b + t) * width + f + first


class Finder:
    """Looks for attention in a program.

    Args:
        program: the program.
        batch: the size of the batch.
        fixed: the names of constants.
    """

    def __init__(self, program: Program, batch: int, fixed: set[str]) -> None:
        self.program, self.batch, self.fixed = program, batch, fixed
        self.calls = {call.name: call for call in program.calls}
        self.users: dict[str, list[Call]] = {}
        for call in program.calls:
            for name in set(call.reads):
                self.users.setdefault(name, []).append(call)
        self.outputs = {value for _, value in program.outputs}

    def all(self) -> dict[str, Attention]:
        """The matches by the names of their results."""
        found = {}
        for call in self.program.calls:
            if call.target in LINEAR and (match := self._at(call)) is not None:
                found[match.end.name] = match
        return found

    # ------------------------------------------------------------ from the last linear map back

    def _at(self, out: Call) -> Attention | None:
        given = input_of(out)
        if not isinstance(given, Ref) or given.name in self.fixed:
            return None
        chain, core = self._back(given.name)
        parts = self._core(core)
        if parts is None:
            return None
        query, key, value, causal, mask, turned, scale = parts
        shape = self.program.shapes.get(core, ())
        source = self.program.shapes.get(key, ())
        steps_of_keys = source[-1] if turned else source[-2]
        heads, steps, size = self._heads(shape)
        if not heads or count(shape) > LARGEST or len(source) < 3:
            return None
        own = Heads(self.batch, heads, steps, size)
        others = Heads(self.batch, heads, steps_of_keys, size)
        found = [
            self._projection(query, own),
            self._projection(key, others, turned=turned),
            self._projection(value, others),
        ]
        if any(part is None for part in found):
            return None
        total = scale * math.prod(factor for part in found if part is not None for factor in (part[1],))
        if abs(total * math.sqrt(size) - 1) > CLOSE:
            return None
        end = self._end(out, chain, own, shape)
        if end is None:
            return None
        first, second, third = (part[0] for part in found if part is not None)
        swapped = self.program.shapes[first.source][0] != self.batch
        if swapped != end[1]:
            return None
        if first.heads != heads or second.heads != third.heads:
            return None
        return Attention(end[0], first, second, third, out, heads, size, causal, mask, swapped, second.heads)

    def _heads(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Heads, steps and the size of a head of batch x heads x steps x size, or of batch * heads x steps x size."""
        if len(shape) == 4 and shape[0] == self.batch:
            return shape[1], shape[2], shape[3]
        if len(shape) == 3 and shape[0] % self.batch == 0:
            return shape[0] // self.batch, shape[1], shape[2]
        return 0, 0, 0

    def _back(self, name: str) -> tuple[list[Call], str]:
        """The views before a value, the last one first, and what they view."""
        chain = []
        while (call := self.calls.get(name)) is not None and name not in self.fixed:
            if not (call.target in VIEWS | DROPOUTS or self._hides_nothing(call)):
                break
            chain.append(call)
            name = _data(call).name
        return chain, name

    def _hides_nothing(self, call: Call) -> bool:
        """Whether a call sets what attends to nothing to zero, as netspec does."""
        seen = self.calls.get(call["condition"].name) if call.target == "where" else None
        other = call["other"]
        if seen is None or seen.target != "any" or not isinstance(call["self"], Ref):
            return False
        is_zero = other == 0 if not isinstance(other, Ref) else other.name in self.fixed and self._is_zero(other.name)
        return bool(is_zero)

    def _is_zero(self, name: str) -> bool:
        return not bool(self.program.computed_constants([name])[name].any())

    def _core(self, name: str) -> tuple[str, str, str, bool, str | None, bool, float] | None:
        """Query, key and value; whether it is causal, and the mask of padding; whether keys are turned; the scale."""
        call = self.calls.get(name)
        if call is None:
            return None
        if call.target == "scaled_dot_product_attention":
            if call["enable_gqa"] or call["dropout_p"]:
                return None
            size = self.program.shapes[call["query"].name][-1]
            causal, mask = bool(call["is_causal"]), None
            if isinstance(call["attn_mask"], Ref):
                masked = self._mask(call["attn_mask"].name)
                if masked is None:
                    return None
                causal, mask = causal or masked[0], masked[1]
            scale = call["scale"] if call["scale"] is not None else 1 / math.sqrt(size)
            return call["query"].name, call["key"].name, call["value"].name, causal, mask, False, float(scale)
        return self._explicit(call)

    def _explicit(self, call: Call) -> tuple[str, str, str, bool, str | None, bool, float] | None:
        """The same for a softmax of a product, multiplied with the values."""
        operands = _operands(call)
        if operands is None:
            return None
        weights = self._past(operands[0], DROPOUTS | SAME)
        softmax = self.calls.get(weights)
        if softmax is None or softmax.target not in ("softmax", "_softmax"):
            return None
        if softmax["dim"] not in (-1, len(self.program.shapes.get(weights, ())) - 1):
            return None
        scale, causal, mask, name = 1.0, False, None, softmax.first.name
        while (step := self.calls.get(name)) is not None and (product := _operands(step)) is None:
            if (factor := _factor(step)) is not None:
                scale *= factor
                name = step.first.name
            elif step.target in ("masked_fill", "add", "where", "view", "reshape", "to", "_to_copy", "baddbmm"):
                peeled = self._unmasked(step)
                if peeled is None:
                    return None
                name, own, padding = peeled
                causal, mask = causal or own, mask or padding
            else:
                return None
        if step is None or product is None:
            return None
        return product[0], product[1], operands[1], causal, mask, True, scale

    def _past(self, name: str, targets: frozenset[str]) -> str:
        while (call := self.calls.get(name)) is not None and call.target in targets and isinstance(call.first, Ref):
            name = call.first.name
        return name

    # ------------------------------------------------------------ masks

    def _unmasked(self, call: Call) -> tuple[str, bool, str | None] | None:
        """What a mask is applied to; whether it is causal; the mask of padding."""
        if call.target in ("view", "reshape", "to", "_to_copy"):
            return call.first.name, False, None
        if call.target == "masked_fill":
            masked = self._mask(call["mask"].name, hides=True)
            return None if masked is None else (call.first.name, *masked)
        if call.target == "add" and isinstance(call["other"], Ref):
            masked = self._mask(call["other"].name)
            return None if masked is None else (call.first.name, *masked)
        return None

    def _mask(self, name: str, *, hides: bool = False) -> tuple[bool, str | None] | None:
        """Whether a mask is causal, or the name of the ids that are padding."""
        if name in self.fixed:
            tensor = self.program.computed_constants([name])[name]
            seen = ~tensor if hides else tensor if tensor.dtype == torch.bool else tensor > -1e4
            if tensor.dtype != torch.bool and not bool(((tensor == 0) | (tensor < -1e4)).all()):
                return None
            steps = seen.shape[-1]
            if bool(seen.all()):
                return False, None
            causal = torch.ones(seen.shape[-2:], dtype=torch.bool).tril()
            return (True, None) if seen.shape[-2] == steps and bool((seen == causal).all()) else None
        call = self.calls.get(name)
        while call is not None and call.target in VIEWS and isinstance(call.first, Ref):
            call = self.calls.get(call.first.name)
        if call is not None and call.target in ANDS and not hides:
            parts = [self._mask(part.name) for part in list(call.arguments.values())[:2] if isinstance(part, Ref)]
            known = [part for part in parts if part is not None]
            if len(known) < 2:
                return None
            return any(causal for causal, _ in known), next((mask for _, mask in known if mask is not None), None)
        if call is not None and call.target == ("eq" if hides else "ne") and isinstance(call.first, Ref):
            return False, call.name
        return None

    # ------------------------------------------------------------ what views do

    def _projection(self, name: str, heads: Heads, *, turned: bool = False) -> tuple[Projection, float] | None:
        """The linear map whose output has been split into these heads, and the scale of its result."""
        scale, chain = 1.0, list[Call]()
        while (call := self.calls.get(name)) is not None and call.target not in LINEAR:
            if (factor := _factor(call)) is not None:
                scale *= factor
            elif call.target in VIEWS or call.target == REPEAT:
                chain.append(call)
            else:
                return None
            name = call.first.name
        if call is None or not isinstance(input_of(call), Ref) or name not in self.program.shapes:
            return None
        width = self.program.shapes[name][-1]
        for source, rows in self._rows(input_of(call).name, heads):
            own = rows[..., None] * width + torch.arange(width)
            if count(tuple(own.shape)) > LARGEST:
                return None
            got = self._viewed(own.reshape(self.program.shapes[name]), name, chain)
            if got is None:
                return None
            got = got.transpose(-1, -2) if turned else got
            if got.numel() != heads.batch * heads.heads * heads.steps * heads.size:
                continue
            got = got.reshape(heads.batch, heads.heads, heads.steps, heads.size)
            first = int(got.reshape(-1)[0])
            for shared in (n for n in range(1, heads.heads + 1) if heads.heads % n == 0):
                if bool((got == heads.indices(width, first, shared)).all()):
                    return Projection(source, call, first, heads.heads // shared), scale
        return None

    def _rows(self, name: str, heads: Heads) -> Iterator[tuple[str, Any]]:
        """Sequences that the rows of a linear map may be those of, and which of their steps each row is."""
        chain: list[Call] = []
        rows = heads.batch * heads.steps
        while True:
            shape = self.program.shapes.get(name, ())
            if len(shape) == 3 and set(shape[:2]) == {heads.batch, heads.steps} and shape[0] * shape[1] == rows:
                swapped = shape[0] != heads.batch
                start = torch.arange(rows).reshape(heads.batch, heads.steps)
                start = (start.T if swapped else start)[..., None].expand(shape)
                if (got := self._viewed(start, name, chain)) is not None:
                    yield name, got[..., 0]
            call = self.calls.get(name)
            if call is None or call.target not in VIEWS or name in self.fixed:
                return
            chain.append(call)
            name = call.first.name

    def _viewed(self, indices: Any, name: str, chain: list[Call]) -> Any:
        """Indices after the views of a chain, the last one first; None where a view needs something else."""
        values: dict[str, Any] = {name: indices.contiguous()}
        for call in reversed(chain):
            if call.target in DROPOUTS or call.target in SAME or call.target == "where":
                values[call.name] = values[_data(call).name]
                continue
            if any(read not in values for read in call.reads):
                return None
            result = computed(call, values)
            values[call.name] = result.contiguous() if torch.is_tensor(result) else result
        return values[chain[0].name] if chain else indices

    def _end(self, out: Call, chain: list[Call], heads: Heads, shape: tuple[int, ...]) -> tuple[Call, bool] | None:
        """The call after whose views there is a sequence again, and whether its steps come before its batch."""
        core = _data(chain[-1]).name if chain else input_of(out).name
        inner = heads.heads * heads.size
        got = self._viewed(heads.indices(inner, 0).reshape(shape), core, chain)
        if got is None or got.shape[-1] != inner:
            return None
        rows = got[..., 0] // inner
        if not bool((got == rows[..., None] * inner + torch.arange(inner)).all()):
            return None
        width = self.program.shapes[out.name][-1]
        got = (rows[..., None] * width + torch.arange(width)).reshape(self.program.shapes[out.name])
        straight = torch.arange(heads.batch * heads.steps * width).reshape(heads.batch, heads.steps, width)
        name = out.name
        while True:
            for swapped, wanted in ((False, straight), (True, straight.transpose(0, 1))):
                if got.shape == wanted.shape and bool((got == wanted).all()):
                    return self.calls[name], swapped
            users = self.users.get(name, [])
            if len(users) != 1 or users[0].target not in VIEWS or name in self.outputs:
                return None
            got = self._viewed(got, name, users)
            name = users[0].name
            if got is None:
                return None


def input_of(call: Call) -> Any:
    """The first operand of a linear map."""
    return call["mat1"] if call.target == "addmm" else call.first


def _data(call: Call) -> Any:
    """The tensor that a view is of."""
    return call["self"] if call.target == "where" else call.first


def _operands(call: Call) -> tuple[str, str] | None:
    """The names of both operands of a product of matrices."""
    if call.target in ("matmul", "bmm", "mm"):
        a, b = list(call.arguments.values())[:2]
    elif call.target == "baddbmm" and call["beta"] == 0:
        a, b = call["batch1"], call["batch2"]
    else:
        return None
    return (a.name, b.name) if isinstance(a, Ref) and isinstance(b, Ref) else None


def _factor(call: Call) -> float | None:
    """The number that a call multiplies with."""
    other = call["other"]
    if call.target in ("mul", "div") and isinstance(other, int | float) and not isinstance(other, bool) and other:
        return float(other) if call.target == "mul" else 1 / float(other)
    return None
