"""What to write instead of branches whose shapes do not fit: the join again, with a layer where one is missing.

Input: the place of an `add`, a `concat` or of `a + b`, and the tensors that it joins. Output: a hint, or None where
these tensors have unknown sizes or different ranks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate
from math import prod

from netspec.compiler.elaborate.builder import Tensor
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

Sizes = tuple[int, ...]


def advise_join(word: str, span: Span, tensors: Sequence[Tensor]) -> str | None:
    """The hint for tensors of equal rank that `word`, which is written at `span`, cannot join."""
    all_sizes = [_sizes(tensor) for tensor in tensors]
    sizes = [one for one in all_sizes if one]
    if len(sizes) < len(tensors) or len({len(one) for one in sizes}) > 1:
        return None
    points = [prod(one[:-1]) == 1 < len(one) for one in sizes]
    if any(points) and not all(points):  # a gate
        return None
    operands = _split(span.text, "+")
    is_sum = len(operands) > 1
    texts = operands if is_sum else _branches_before(span)
    if len(texts) > len(tensors) == 2:  # a sum of a sum
        texts = [" + ".join(texts[:-1]), texts[-1]]
    if len(texts) != len(tensors):
        texts = [""] * len(tensors)
    bodies = [_inside(text) for text in texts if text != "identity"]
    if word == "add" and len(bodies) == 1 and len(texts) == 2:
        before, after = tensors if texts[0] == "identity" else reversed(tensors)
        is_pool = before.shape.channels == after.shape.channels and _unstrided(after, bodies[0], before.shape.space)
        if not is_pool and can_project(before.shape, after.shape) and len(bodies[0]) < MAX_LENGTH:
            return f"write `residual({bodies[0]})`"
    space = _common_space(tensors, sizes, texts)
    ends = [one[-1] for one in sizes]
    channels = max(zip(ends, tensors, strict=True), key=lambda pair: (ends.count(pair[0]), pair[1].edge.node))[0]
    wanted = [(*space, end if word == "concat" else channels) for end in ends]
    changed = [_fitted(*each) for each in zip(tensors, sizes, texts, wanted, strict=True)]
    return _written(texts, changed, span, is_sum=is_sum)


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
        line = span.source.text[: span.start].rpartition("\n")[2]
        name = re.fullmatch(r"[ \t]*(?:output[ \t]+)?(\w+)[ \t]*=[ \t]*", line) if is_sum else None
        is_all = span.source.text[span.end :].partition("\n")[0].strip() == ""
        return f"write `{name[1]} = {whole}`" if name is not None and is_all else f"write `{whole}`"
    noun = "term" if is_sum else "branch"
    parts = []
    for ordinal, (old, new) in zip(ORDINALS, changed, strict=False):
        if new:
            parts.append(f"`{new}` in place of `{old}` in the {ordinal}" if old else f"`{new}` after the {ordinal}")
    return f"put {' and '.join(parts)} {noun}" if parts else None


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
    return _split(inside[start + 1 : -1], "|")


def _split(text: str, mark: str) -> list[str]:
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
