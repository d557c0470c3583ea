"""Less memory for more time: the inside of a block is recomputed in the backward pass instead of being stored.

Input: a live module and the blocks. Only the inputs of a block are stored for the gradient; its values are the same.

Reference: Chen et al. 2016, Training deep nets with sublinear memory cost, arXiv:1604.06174.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from netspec.language.corrections import suggest
from netspec.language.diagnostics import Diagnostic, fail
from netspec.language.lazy import lazy
from netspec.training.errors import recipe as errors
from netspec.training.optimizers.layer_selection import find_part, names_of

nnx = lazy("flax.nnx")


def check_remat(remat: bool | Sequence[str], layers: Mapping[str, int], span: Any = None) -> list[Diagnostic]:
    """What is wrong with the requested blocks (NS500, NS501)."""
    if remat is False:
        return []
    known = [name for name in names_of(layers) if any(layer.startswith(f"{name}/") for layer in layers)]
    if not known:
        return [errors.NoBlocks(span=span)]
    names = [] if remat is True else remat
    return [
        errors.UnknownBlock(span=span, name=name, advice=suggest(name, known, what="blocks of this network"))
        for name in names
        if name not in known
    ]


def recompute(module: Any, remat: bool | Sequence[str]) -> None:
    """Let blocks of a live module be computed again for the gradient: those named, or with `True` the outermost ones.

    Raises:
        CompileError: it has no block of that name (NS452), or none at all (NS500).
    """
    if remat is False:
        return
    parts = _outermost(module) if remat is True else [find_part(module, name) for name in remat]
    if not parts:
        raise fail(errors.NoBlocks())
    for part in {id(part): part for part in parts}.values():
        wrap_calls(part, _recomputed)


def _outermost(module: Any) -> list[Any]:
    """The blocks that the network itself calls. Their classes were written with its own; those of layers were not."""
    return [part for part in vars(module).values() if type(part).__module__ == type(module).__module__]


def _recomputed(call: Callable[..., Any]) -> Callable[..., Any]:
    recomputed: Callable[..., Any] = nnx.remat(call, graph=True, graph_updates=True)
    return recomputed


# ---------------------------------------------------------------- parts that are called in another way

Wrapper = Callable[[Callable[..., Any]], Callable[..., Any]]
"""From the `__call__` of a class to the one that takes its place."""


def wrap_calls(part: Any, wrapper: Wrapper) -> None:
    """Let a part of a module, and no other of its class, be called through `wrapper`.

    `__call__` is looked up in the class, so the part becomes an instance of a subclass.
    """
    kind: Any = type(part)
    object.__setattr__(part, "__class__", _subclass(kind, wrapper))


@cache
def _subclass(kind: Any, wrapper: Wrapper) -> Any:
    """One for each class and wrapper: the structure of a module names its classes, and equal ones compile once."""
    inside = {"__call__": wrapper(kind.__call__), "__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind)(kind.__name__, (kind,), inside)
