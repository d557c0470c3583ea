"""The network of a draft: one branch for each input, joined, and the layers after them.

Input: facts about data, a recipe. Output: lines of a spec.
"""

from __future__ import annotations

from netspec.data.dataset.dataset import Facts, Target
from netspec.language.shape import Shape
from netspec.starter.draft import Found, Goal
from netspec.starter.recipes import (
    Recipe,
    image_recipe,
    language_recipe,
    sequence_recipe,
    series_recipe,
    table_recipe,
)

LONG = 32
"""Sequences of at least this many steps are pooled before a recurrent layer reads them."""

CONV = "def block(filters) = conv(filters, 3x3, bias = false) -> batchnorm -> relu"

UNET = """def double(filters) = (conv(filters, 3x3, bias = false) -> batchnorm -> relu) * 2

def level(filters, inner) {
    skip = input -> double(filters)
    below = skip -> maxpool(2) -> inner -> upconv(filters)

    (skip | below) -> concat -> double(filters)
}
"""


def recipe_for(found: Found, facts: Facts, goal: Goal) -> Recipe:
    """The recipe for data: by the richest of its inputs."""
    examples, ranks = facts.examples or 1000, [shape.rank for shape in facts.inputs.values()]
    if found.kind == "language":
        return language_recipe(examples, goal)
    if found.kind == "series":
        return series_recipe(examples, goal)
    if 3 in ranks:
        return image_recipe(examples, goal)
    if max(ranks) >= 2 or any(shape.rank == 1 and shape.is_tokens for shape in facts.inputs.values()):
        return sequence_recipe(examples, goal)
    is_classes = any(target.kind != "numbers" for target in facts.targets.values())
    features = sum(shape.count for shape in facts.inputs.values() if isinstance(shape.count, int))
    return table_recipe(examples, features, goal, is_classes=is_classes)


def network_lines(found: Found, facts: Facts, recipe: Recipe, goal: Goal) -> str:
    """The network, with its inputs where there are several."""
    (target,) = facts.targets.values()
    if found.kind == "language":
        cell = f"gru({recipe.width})" if goal != "accuracy" else f"lstm({recipe.width})"
        cells = f"{cell} * {recipe.layers}" if recipe.layers > 1 else cell
        return (
            f"embedding({min(64, recipe.width)}) -> {cells} -> dropout({recipe.dropout:g}) -> dense(classes, softmax)"
        )
    if found.kind == "series":
        return _forecast(found, facts, recipe)
    if found.kind == "masks":
        return _unet(recipe)
    branches = {name: _branch(shape, recipe, goal) for name, shape in facts.inputs.items()}
    head = head_of(target)
    lines = [CONV, ""] if any("block(" in branch for branch in branches.values()) else []
    if len(branches) == 1:
        (branch,) = branches.values()
        tail = _after(recipe) if branch else _hidden(recipe)
        return "\n".join([*lines, " -> ".join(part for part in (branch, tail, head) if part)])
    inputs = [f"input {name}: {_shape_text(shape)}" for name, shape in facts.inputs.items()]
    named, parts = [], []
    for name, branch in branches.items():
        if branch:
            named.append(f"{name}_part = {name} -> {branch}")
        parts.append(f"{name}_part" if branch else name)
    joined = f"({' | '.join(parts)}) -> concat -> {_hidden(recipe)} -> {head}"
    return "\n".join([*inputs, "", *lines, *named, "", joined])


def head_of(target: Target) -> str:
    """The last layer for a target."""
    if target.kind == "class":
        return "dense(1, sigmoid)" if target.classes == 2 and target.size == 1 else "dense(classes, softmax)"
    if target.kind == "binary":
        return f"dense({target.size}, sigmoid)"
    return f"dense({target.size})"


def _hidden(recipe: Recipe) -> str:
    """Hidden layers after features."""
    drop = f" -> dropout({recipe.dropout:g})" if recipe.dropout else ""
    return " -> ".join([f"dense({recipe.width}, relu){drop}"] * recipe.layers)


def _after(recipe: Recipe) -> str:
    return f"dropout({recipe.dropout:g})" if recipe.dropout else ""


def _branch(shape: Shape, recipe: Recipe, goal: Goal) -> str:
    """The layers that make a vector of an input; empty for one that is a vector."""
    width = recipe.width
    if shape.is_tokens:
        if shape.rank == 0:
            count = shape.vocabulary if isinstance(shape.vocabulary, int) else 50
            return f"embedding({max(2, min(32, round(1.6 * count**0.56)))})"
        drop = f"dropout({recipe.dropout:g})"
        if goal != "accuracy":
            return f"embedding({width}) -> {drop} -> mean_pool"
        return f"embedding({width}) -> {drop} -> bidirectional(gru({width})) -> mean_pool"
    if shape.rank == 3:
        return _convolutions(shape, width)
    if shape.rank == 2:
        pool = " -> maxpool(2, pad = same)" if isinstance(shape.sizes[0], int) and shape.sizes[0] >= LONG else ""
        return f"conv({width}, 5, relu){pool} -> conv({width}, 5, relu){pool} -> gru({width}, return = last)"
    if shape.rank > 3:
        return f"conv({width}, 3, relu) -> gap"
    return ""


def _convolutions(shape: Shape, width: int) -> str:
    """Blocks with twice the filters at half the size, until an image is small."""
    side = min(size for size in shape.sizes[:2] if isinstance(size, int))
    blocks, filters = [f"block({width}) -> block({width})"], width
    while side >= 8 and filters < 8 * width:
        side, filters = side // 2, 2 * filters
        blocks.append(
            f"maxpool(2) -> block({filters}) -> block({filters})" if side > 4 else f"maxpool(2) -> block({filters})"
        )
    return " -> ".join([*blocks, "gap"])


def _forecast(found: Found, facts: Facts, recipe: Recipe) -> str:
    """A linear forecast from the last rows, and what the known columns of the rows ahead add."""
    inputs = [f"input {name}: {_shape_text(shape)}" for name, shape in facts.inputs.items()]
    (target,) = facts.targets.values()
    pasts = [name for name in facts.inputs if not name.startswith("known")]
    knowns = [name for name in facts.inputs if name.startswith("known")]
    flat = [f"({name} -> flatten)" for name in pasts]
    joined = f"({' | '.join(flat)}) -> concat" if len(flat) > 1 else f"{pasts[0]} -> flatten"
    if not knowns:
        return f"{joined} -> dense({recipe.width}, relu) -> dense({target.size})".replace("past -> ", "")
    hidden = " -> ".join([f"dense({recipe.width}, relu)"] * recipe.layers)
    known = f"({' | '.join(knowns)}) -> concat" if len(knowns) > 1 else knowns[0]
    lines = [
        *inputs,
        "",
        f"level = {joined} -> dense({target.size})  # from the last rows",
        f"shape = {known} -> {hidden} -> dense(1) -> flatten  # from the calendar",
        "",
        "(level | shape) -> add",
    ]
    return "\n".join(lines)


def _unet(recipe: Recipe) -> str:
    width = max(8, recipe.width // 4)
    inner = f"level({width}, level({2 * width}, level({4 * width}, double({8 * width}))))"
    return f"{UNET}\n{inner} -> conv(classes, 1x1, softmax)"


def _shape_text(shape: Shape) -> str:
    """A shape as an `input` line has it."""
    sizes = "x".join(map(str, shape.sizes))
    if not shape.is_tokens:
        return sizes
    pad = ", pad = 0" if shape.rank else ""
    return f"{sizes} tokens({shape.vocabulary}{pad})".strip()
