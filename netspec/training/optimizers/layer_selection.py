"""Parts of a network by the names of their layers: those that are frozen, those with another learning rate.

A name is that of a layer (`conv1`) or of a block, which stands for everything in it (`stem`, `stem/conv1`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from netspec.language.corrections import suggest
from netspec.language.diagnostics import fail
from netspec.language.lazy import lazy
from netspec.language.values import to_source
from netspec.language.word import Kind, Mismatch
from netspec.training.errors import recipe as errors

nnx = lazy("flax.nnx")

Path = tuple[str | int, ...]
Tree = Any


class LayerNames(Kind):
    """One name of a layer or block, or a list of them."""

    def accept(self, value: object) -> tuple[str, ...]:
        names = value if isinstance(value, list | tuple) else [value]
        if not names or not all(isinstance(name, str) and name for name in names):
            raise Mismatch(self.describe(), value)
        return tuple(dict.fromkeys(names))

    def describe(self) -> str:
        return 'names of layers or blocks (strings), such as "conv1" or ["stem", "conv1"]'

    def to_source(self, value: object) -> str:
        names = list(value) if isinstance(value, tuple) else value
        if not names:
            return "none"
        return to_source(names[0] if isinstance(names, list) and len(names) == 1 else names)


def names_of(layers: Mapping[str, int]) -> dict[str, int]:
    """Every name that may be given, and how many weights it stands for; `layers` has those of each layer."""
    names: dict[str, int] = {}
    for layer, weights in layers.items():
        parts = layer.split("/")
        for end in range(1, len(parts) + 1):
            name = "/".join(parts[:end])
            names[name] = names.get(name, 0) + weights
    return names


def advise_layer(name: str, known: Iterable[str]) -> str:
    """What to type in the place of a name that no layer has."""
    names = list(known)
    inner = [known for known in names if known.endswith(f"/{name}")]
    if inner:
        return "it is inside a block: " + ", ".join(f'"{known}"' for known in inner[:3])
    return suggest(name, names, what="layers and blocks of this network")


def is_inside(layer: str, name: str) -> bool:
    """Whether a layer is the one of that name, or in the block of that name."""
    return layer == name or layer.startswith(f"{name}/")


# ---------------------------------------------------------------- in a live module


def find_part(module: Any, name: str) -> Any:
    """The layer or block of a live module.

    Raises:
        CompileError: it has none of that name (NS452).
    """
    part = module
    for step in name.split("/"):
        part = vars(part).get(step)
        if not isinstance(part, nnx.Module):
            known = ["/".join(map(str, path)) for path, _ in nnx.iter_modules(module) if path]
            raise fail(errors.UnknownLayer(name=name, advice=advise_layer(name, known)))
    return part


def weights_of(module: Any, name: str) -> tuple[Path, ...]:
    """The paths of the trainable weights of a layer or block in the state of a live module, shared ones too."""

    def variables(owner: Any) -> list[tuple[Path, Any]]:
        return [(tuple(path), v) for path, v in nnx.iter_graph(owner) if isinstance(v, nnx.Param)]

    inside = {id(variable) for _, variable in variables(find_part(module, name))}
    return tuple(path for path, variable in variables(module) if id(variable) in inside)


def keep_statistics(module: Any, name: str) -> None:
    """Let the batchnorms of a layer or block use the running means that they have, and leave them as they are."""
    for _, part in nnx.iter_graph(find_part(module, name)):
        if hasattr(part, "use_running_average") and isinstance(part, nnx.Module):
            part.use_running_average = True


# ---------------------------------------------------------------- trees of weights


def split_tree(tree: Tree, paths: Sequence[Path]) -> tuple[Tree, Tree]:
    """A tree without the leaves at these paths, and one with these alone; empty branches are left out."""
    if not paths:
        return tree, {}
    left: Tree = {}
    taken: Tree = {}
    for key, branch in tree.items():
        inner = [path[1:] for path in paths if path[0] == key]
        if () in inner:
            taken[key] = branch
        elif not inner:
            left[key] = branch
        else:
            rest, some = split_tree(branch, inner)
            left.update({key: rest} if rest else {})
            taken.update({key: some} if some else {})
    return left, taken


def merge_trees(one: Tree, other: Tree) -> Tree:
    """The two halves of `split_tree` as one tree again, in the order of their keys."""
    if not other:
        return one
    return {**one, **{key: merge_trees(one[key], part) if key in one else part for key, part in other.items()}}
