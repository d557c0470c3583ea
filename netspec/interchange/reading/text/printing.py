"""Terms to text."""

from __future__ import annotations

from typing import Any

from netspec.interchange.reading.options import plain_pad, written_options
from netspec.interchange.reading.text.terms import (
    Call,
    Chain,
    Formula,
    Merge,
    Reference,
    Repeat,
    Shared,
    Shortcut,
    Term,
    Use,
    at,
    value_text,
)
from netspec.language.word import Option, Word
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.merge import Add
from netspec.layers.sequence.unembed import TiedOutput

LINE = 84
"""Longer chains and branches get line ends."""
WIDE = ("conv", "depthwise", "upconv")
"""Layers whose kernels are written for each axis, `3x3`."""
ALWAYS = ("conv", "depthwise")
"""Layers whose kernels are written even if they are the default: so it is done on a whiteboard."""


def chain_text(chain: Chain) -> str:
    """A chain on one line."""
    return " -> ".join(item_text(term) for term in chain) or "identity"


def item_text(term: Term) -> str:
    """A term as an item of a chain."""
    match term:
        case Use():
            return use_text(term)
        case Call():
            return call_text(term)
        case Reference():
            return value_text(term.values[0])
        case Shared():
            return term.label.text
        case Repeat():
            (inner,) = term.chains
            text = chain_text(inner)
            is_atom = len(inner) == 1 and isinstance(inner[0], Use | Call | Shared)
            count = value_text(term.values[0])
            return f"{text if is_atom else f'({text})'} * {f'({count})' if ' ' in count else count}"
        case Merge():
            return merge_text(term)
        case Shortcut():
            return f"({shortcut_text(term)})"
    raise TypeError(type(term).__name__)


def merge_text(term: Merge) -> str:
    """`a + b`, or `(a | b) -> concat`."""
    if is_sum(term):
        return " + ".join(_summand(branch) for branch in term.branches)
    branches = [chain_text(resolved(branch)) for branch in term.branches]
    text = " | ".join(branches)
    if len(text) > LINE or "\n" in text:
        text = "\n" + "\n| ".join(branches) + "\n"
    return f"({text}) -> {item_text(term.joint)}"


def is_sum(term: Term) -> bool:
    """Whether it is written with `+`."""
    if not isinstance(term, Merge) or not isinstance(term.joint, Use) or type(term.joint.layer) is not Add:
        return False
    first = term.branches[0]
    if len(first) == 1 and is_sum(first[0]):  # `(a + b) + c` would add three at once
        return False
    return len(term.branches) == 2 or not any(
        isinstance(inner, Reference) for branch in term.branches for inner in branch[:1]
    )


def _summand(branch: Chain) -> str:
    branch = resolved(branch)
    text = chain_text(branch)
    is_single = not branch or (len(branch) == 1 and not isinstance(branch[0], Merge))
    return text if is_single else f"({text})"


def resolved(branch: Chain) -> Chain:
    """A branch; the input or the projection instead of a shortcut that is always one of them."""
    if len(branch) == 1 and isinstance(branch[0], Shortcut) and not branch[0].is_mixed:
        return () if all(branch[0].identities) else branch[0].chains[0]
    return branch


def shortcut_text(term: Shortcut) -> str:
    """`identity if stride == 1 else conv(…)`."""
    (chain,) = term.chains
    text = chain_text(chain)
    is_single = len(chain) == 1 and not isinstance(chain[0], Merge)
    return f"identity if {term.condition} else {text if is_single else f'({text})'}"


# ---------------------------------------------------------------- layers


def use_text(term: Use) -> str:
    """A layer with the options that differ from their defaults."""
    layer = term.layer
    assert layer is not None
    if isinstance(layer, TiedOutput):
        return f"unembed({dict(term.fixed)['table'].text})"
    if isinstance(layer, ActivationLayer):
        return layer.to_source()
    values = {**dict(term.fixed), **term.numbers}
    parts: list[str] = []
    by_name = False
    for option in written_options(layer):
        value = values[option.field]
        if not option.is_required and _is_default(option, value, values, term):
            by_name = True
            continue
        text = _option_text(option, value, term)
        is_last = isinstance(value, Word) and value.category == "activation"
        parts.append(text if option.position is not None and (not by_name or is_last) else f"{option.name} = {text}")
    return f"{term.word}({', '.join(parts)})" if parts else term.word


def _option_text(option: Option, value: Any, term: Use) -> str:
    if isinstance(value, Formula):
        return value.text
    if option.name == "kernel" and term.word in WIDE and isinstance(value, int) and term.rank > 2:
        return "x".join([str(value)] * (term.rank - 1))
    if option.name == "pad" and value == 0 and option.default == "same":
        return "valid"
    return "none" if value is None else option.kind.to_source(value)


def _is_default(option: Option, value: Any, values: dict[str, Any], term: Use) -> bool:
    if option.name == "kernel" and term.word in ALWAYS and term.rank > 2:
        return False
    if option.name == "stride" and option.default is None:
        return bool(_same(value, values["window"], term))
    if option.name == "ceil":
        return not value
    if option.name == "pad" and "kernel" in values | {"kernel": values.get("window")}:
        return _is_default_pad(option, value, values, term)
    return bool(value == option.default) and type(value) is not Formula


def _same(one: Any, other: Any, term: Use) -> bool:
    count = len(term.channels)
    return all(at(one, i) == at(other, i) for i in range(count))


def _is_default_pad(option: Option, value: Any, values: dict[str, Any], term: Use) -> bool:
    """Whether the padding is the default one at every use of the block."""
    window = values.get("kernel", values.get("window"))
    if term.word == "upconv":
        return bool(value == option.default)
    stride, dilation = values["stride"], values.get("dilation", 1)
    return all(
        at(value, i) == plain_pad(option.default, at(window, i), at(stride, i), at(dilation, i))
        for i in range(len(term.channels))
    )


def call_text(term: Call) -> str:
    """A use of a block: the first argument by position, then a second one without default, others by name."""
    block = term.block
    assert block is not None
    required = sum(default is None for _, default in block.parameters)
    parts = []
    for index, ((name, default), value) in enumerate(zip(block.parameters, term.values, strict=True)):
        if default is not None and not isinstance(value, Formula) and value == default:
            continue
        text = value_text(value)
        parts.append(text if index == 0 or (index < required <= 2) else f"{name} = {text}")
    return f"{block.name}({', '.join(parts)})" if parts else block.name
