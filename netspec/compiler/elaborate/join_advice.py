"""What to write instead of branches whose shapes do not fit: the join again, with a layer where one is missing.

Input: the place of an `add`, a `concat` or of `a + b`, and the tensors that it joins. Output: a hint, or None where
these tensors have unknown sizes or different ranks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod

from netspec.compiler.elaborate.builder import Tensor
from netspec.compiler.elaborate.values import Block
from netspec.compiler.ir.warnings import lost_rows
from netspec.language.diagnostics import Note
from netspec.language.shape import Size
from netspec.language.source import Span
from netspec.layers.base import Layer
from netspec.layers.residual import can_project
from netspec.layers.spatial.conv import Sliding
from netspec.layers.spatial.pool import Pool

MAX_LENGTH = 160
"""Longer joins are not written again."""

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")

UPSAMPLING = ("upconv", "upsample", "resize")

GENERAL = {
    "add": "use `residual(…)` around the layers: it projects its input where the shapes differ",
    "concat": "`(a | b) -> resize` gives the first the size of the second",
}
"""What is said in a block whose uses have different sizes."""

RESIZED = re.compile(r" -> resize\([^()]+\)$")
"""The end of a branch that has a size as numbers."""

Sizes = tuple[int, ...]


def advise_join(word: str, span: Span, tensors: Sequence[Tensor], block: Block | None = None) -> str | None:
    """The hint for tensors of equal rank that `word`, which is written at `span`, cannot join; `block` is the use of a
    `def` in whose body that is."""
    all_sizes = [_sizes(tensor) for tensor in tensors]
    sizes = [one for one in all_sizes if one]
    if len(sizes) < len(tensors) or len({len(one) for one in sizes}) > 1:
        return None
    points = [prod(one[:-1]) == 1 < len(one) for one in sizes]
    if any(points) and not all(points):  # a gate
        return None
    operands = split_outside(span.text, "+")
    is_sum = len(operands) > 1
    texts = operands if is_sum else _branches_before(span)
    if len(texts) > len(tensors) == 2:  # a sum of a sum
        texts = [" + ".join(texts[:-1]), texts[-1]]
    if len(texts) != len(tensors):
        texts = [""] * len(tensors)
    names = _tensor_names(tensors)
    is_input = [text == "identity" or (text == "input" and not _begins_with(names, texts)) for text in texts]
    bodies = [_inside(text) for text, is_own in zip(texts, is_input, strict=True) if not is_own]
    if word == "add" and len(bodies) == 1 and len(texts) == 2 and bodies[0]:
        before, after = tensors if is_input[0] else reversed(tensors)
        is_pool = before.shape.channels == after.shape.channels and _unstrided(after, bodies[0], before.shape.space)
        if not is_pool and can_project(before.shape, after.shape) and len(bodies[0]) < MAX_LENGTH:
            return _assigned(f"residual({bodies[0]})", span)
    space = _common_space(tensors, sizes, texts)
    unwritten = [one[:-1] for one, text in zip(sizes, texts, strict=True) if not RESIZED.search(text)]
    if block is not None and 0 < len(unwritten) < len(sizes):
        space = unwritten[0]
    ends = [one[-1] for one in sizes]
    channels = max(zip(ends, tensors, strict=True), key=lambda pair: (ends.count(pair[0]), pair[1].edge.node))[0]
    wanted = [(*space, end if word == "concat" else channels) for end in ends]
    if block is not None:
        inside = _InBlock(block, names, dict(zip(texts, sizes, strict=True)))
        own = [inside.fitted(*each) for each in zip(tensors, sizes, texts, wanted, strict=True)]
        if all(own):
            return _rejoined([one or "" for one in own], span, is_sum=is_sum)
        if block.name.uses > 1:  # numbers would fit only one of its uses
            return GENERAL["add" if word == "add" else "concat"]
    changed = [_fitted(*each) for each in zip(tensors, sizes, texts, wanted, strict=True)]
    return _written(texts, changed, span, is_sum=is_sum)


@dataclass(frozen=True)
class _InBlock:
    """The body of a `def`, where layers are written with its parameters and the sizes of its tensors, which fit all of
    its uses; `sizes` has those of the branches."""

    block: Block
    names: frozenset[str]
    sizes: Mapping[str, Sizes]

    def fitted(self, tensor: Tensor, sizes: Sizes, text: str, wanted: Sizes) -> str | None:
        """A branch with the layers that it lacks; None where they take numbers."""
        *space, channels = sizes
        *new_space, new_channels = wanted
        ratios = {old / new for old, new in zip(space, new_space, strict=True)}
        ratio = ratios.pop() if len(ratios) == 1 else 0.7  # of no integers
        scale = ratio if ratio > 1 else 1 / ratio
        stride = self.parameter(int(scale), is_stride=True) if scale.is_integer() else ""
        stride = stride if scale > 1 or self.tensor(text) == "input" else ""
        is_strided = len(sizes) > 2 and channels != new_channels and ratio.is_integer()
        layers = []
        if channels != new_channels:
            other = self.like(lambda each: each[-1] == new_channels)
            count = self.parameter(new_channels) or (other and f"{other}.{'channels' if space else 'features'}")
            if not count:
                return None
            step = f", stride = {stride or int(ratio)}" if is_strided and (stride or ratio > 1) else ""
            layers.append(f"conv({count}, {'x'.join('1' * len(space))}{step})" if len(sizes) > 2 else f"dense({count})")
        if space != new_space and not is_strided:
            pool = _unstrided(tensor, text, tuple(new_space)) if _word(tensor) in ("maxpool", "avgpool") else None
            other = self.like(lambda each: [*each[:-1]] == new_space)
            if pool is not None:
                text = _inside(text).removesuffix(pool[0]) + pool[1]
            elif not scale.is_integer() or RESIZED.search(text):
                name = self.tensor(RESIZED.sub("", text))
                if not other or not name:
                    return None
                text = f"({name} | {other}) -> resize"
            else:
                layers.insert(0, f"{'maxpool' if ratio > 1 else 'upsample'}({stride or int(scale)})")
        return " -> ".join([_inside(text) if layers and text else text, *layers]) if text else None

    def like(self, fits: Callable[[Sizes], bool]) -> str:
        """The name of a branch with certain sizes, if any."""
        return next((name for text, each in self.sizes.items() if fits(each) and (name := self.tensor(text))), "")

    def tensor(self, text: str) -> str:
        """A branch as the name of a tensor; empty where it is a layer or a chain."""
        return "input" if text in ("identity", "input") else text if text in self.names else ""

    def parameter(self, value: int, *, is_stride: bool = False) -> str:
        """The parameter with a value, if any."""
        names = [name for name, given in self.block.arguments if given == value and not isinstance(given, bool)]
        strides = [name for name in names if "stride" in name]
        others = [name for name in names if name not in strides]
        return next(iter([*strides, *(others if value > 1 else [])] if is_stride else others), "")


def _tensor_names(tensors: Sequence[Tensor]) -> frozenset[str]:
    """The names of the tensors of a block or file."""
    return frozenset(tensors[0].builder.graph.labels)


def _begins_with(names: frozenset[str], texts: Sequence[str]) -> bool:
    """Whether a branch is a tensor or a chain that begins with one, not with a layer."""
    first = {re.match(r"\w*", text.lstrip("("))[0] for text in texts if text != "input"}  # type: ignore[index]
    return bool(first & {*names, "input", ""})


def dropped_rows_note(tensors: Sequence[Tensor]) -> tuple[Note, ...]:
    """Where a pool or a convolution has ignored the last rows, for the smallest of tensors that are nearly as large."""
    by_size = sorted((sizes[:-1], i) for i, sizes in enumerate(map(_sizes, tensors)) if len(sizes) > 2)
    if len(by_size) < len(tensors) or by_size[0][0] == by_size[-1][0] or not _is_near(by_size[0][0], by_size[-1][0]):
        return ()
    smallest = tensors[by_size[0][1]]
    graph, index = smallest.builder.graph, smallest.edge.node
    while graph.nodes[index].inputs:
        node = graph.nodes[index]
        shape = graph.input_shapes(node)[0]
        if isinstance(node.operation, Layer) and node.span is not None and (lost := lost_rows(node.operation, shape)):
            return (Note(node.span, f"ignores {lost} of {shape}"),)
        index = node.inputs[0].node
    return ()


def _sizes(tensor: Tensor) -> Sizes:
    """The sizes of a tensor; empty where one is not known."""
    known = tuple(size for size in tensor.shape.sizes if isinstance(size, int))
    return known if len(known) == tensor.shape.rank else ()


def _common_space(tensors: Sequence[Tensor], sizes: Sequence[Sizes], texts: Sequence[str]) -> Sizes:
    """The spatial sizes that most of the branches have; among as many, those that are reached most simply."""
    spaces = [one[:-1] for one in sizes]
    largest, smallest = max(spaces, key=prod), min(spaces, key=prod)
    counts = {space: spaces.count(space) for space in spaces}
    most = [space for space in counts if counts[space] == max(counts.values())]
    if len(most) == 1:
        return most[0]
    kept = [space for tensor, space in zip(tensors, spaces, strict=True) if _word(tensor) not in UPSAMPLING]
    if _is_near(largest, smallest) and 0 < len(kept) < len(spaces):  # what an encoder hands over keeps its size
        return kept[0]
    is_reached = any(_unstrided(tensor, text, largest) for tensor, text in zip(tensors, texts, strict=True))
    return largest if is_reached or _is_near(largest, smallest) else smallest


def _word(tensor: Tensor) -> str:
    """The word of the layer that gives a tensor."""
    return tensor.builder.graph.nodes[tensor.edge.node].word


def _is_near(a: Sizes, b: Sizes) -> bool:
    """Whether sizes differ by less than a stride of 2 would cause: an odd size was halved and doubled again."""
    return all(3 * abs(m - n) <= max(m, n) for m, n in zip(a, b, strict=True))


def _unstrided(tensor: Tensor, text: str, space: tuple[Size, ...]) -> tuple[str, str] | None:
    """The last layer of a branch, and the same layer without its stride, if that has these spatial sizes."""
    node = tensor.builder.graph.nodes[tensor.edge.node]
    layer, written = node.operation, node.span.text if node.span is not None else ""
    if not isinstance(layer, Pool | Sliding) or not written or not _inside(text).endswith(written):
        return None
    if tensor.builder.graph.input_shapes(node)[0].space != space:
        return None
    if isinstance(layer, Sliding):
        return written, layer.replace(stride=1, pad="same").to_source()
    window = 3 if layer.window in (None, 2) else layer.window
    return written, layer.replace(window=window, to=None, stride=1, pad="same").to_source()


def _fitted(tensor: Tensor, sizes: Sizes, text: str, wanted: Sizes) -> tuple[str, str]:
    """The layer of a branch that is replaced, if any, and the layers to write there or after the branch."""
    *space, channels = sizes
    *new_space, new_channels = wanted
    project = f"dense({new_channels})" if len(sizes) < 3 else f"conv({new_channels}, {'x'.join('1' * len(space))})"
    layers = [project] if channels != new_channels else []
    if space == new_space:
        return "", " -> ".join(layers)
    if (unstrided := _unstrided(tensor, text, tuple(new_space))) is not None:
        return unstrided[0], " -> ".join([unstrided[1], *layers])
    ratios = {old / new for old, new in zip(space, new_space, strict=True)}
    ratio = ratios.pop() if len(ratios) == 1 else 0.7  # of no integers
    if ratio > 1 and ratio.is_integer():
        stride = f", stride = {ratio:g})"
        layers = [project[:-1] + stride] if layers and len(sizes) > 2 else [f"maxpool({ratio:g})", *layers]
    elif (1 / ratio).is_integer():
        layers = [f"upsample({1 / ratio:g})", *layers]
    else:
        layers = [f"resize({'x'.join(map(str, new_space))})", *layers]
    return "", " -> ".join(layers)


def _written(texts: Sequence[str], changed: Sequence[tuple[str, str]], span: Span, *, is_sum: bool) -> str | None:
    """The join with the changed branches, or which branches change where it is long."""
    branches = []
    for text, (old, new) in zip(texts, changed, strict=True):
        inside = _inside(text) if new else text
        inside = inside.removesuffix(old) + new if old else f"{inside} -> {new}" if new else inside
        branches.append(f"({inside})" if is_sum and new else inside)
    whole = " + ".join(branches) if is_sum else f"({' | '.join(branches)}) -> {span.text}"
    if all(texts) and "\n" not in whole and len(whole) <= MAX_LENGTH:
        return _assigned(whole, span) if is_sum else f"write `{whole}`"
    noun = "term" if is_sum else "branch"
    parts = []
    for ordinal, (old, new) in zip(ORDINALS, changed, strict=False):
        if new:
            parts.append(f"`{new}` in place of `{old}` in the {ordinal}" if old else f"`{new}` after the {ordinal}")
    return f"put {' and '.join(parts)} {noun}" if parts else None


def _rejoined(branches: Sequence[str], span: Span, *, is_sum: bool) -> str:
    if is_sum:
        return _assigned(" + ".join(f"({text})" if " -> " in text else text for text in branches), span)
    return f"write `({' | '.join(branches)}) -> {span.text}`"


def _assigned(text: str, span: Span) -> str:
    """What to write for a sum; with the name that it gets, where it is all that does."""
    line = span.source.text[: span.start].rpartition("\n")[2]
    name = re.fullmatch(r"[ \t]*(?:output[ \t]+)?(\w+)[ \t]*=[ \t]*", line) if "+" in span.text else None
    is_all = span.source.text[span.end :].partition("\n")[0].strip() == ""
    return f"write `{name[1]} = {text}`" if name is not None and is_all else f"write `{text}`"


def _branches_before(span: Span) -> list[str]:
    """The branches of `(a | b) -> ` before a layer; none where something else is there."""
    before = span.source.text[: span.start].rstrip()
    inside = before.removesuffix("->").rstrip()
    if inside == before or not inside.endswith(")"):
        return []
    depth, start = 0, len(inside)
    while start and (depth or start == len(inside)):
        start -= 1
        depth += (inside[start] in ")]") - (inside[start] in "([")
    return split_outside(inside[start + 1 : -1], "|")


def split_outside(text: str, mark: str) -> list[str]:
    """A text in parts, at a mark outside of brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == mark and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [" ".join(part.split()) for part in parts]


def _inside(text: str) -> str:
    """A text without the parentheses around all of it."""
    depths = [*accumulate((character in "([") - (character in ")]") for character in text)]
    return text[1:-1] if text.startswith("(") and text.endswith(")") and 0 not in depths[:-1] else text
