"""Names of a spec where Python reads them: attributes of modules, variables, parameters of constructors."""

from __future__ import annotations

import keyword
from collections.abc import Collection

MODULE_NAMES = frozenset(
    [
        *("eval", "iter_children", "iter_modules", "perturb", "set_attributes", "sow", "train"),
        *("decode", "deterministic", "use_running_average"),  # what `train()` and `eval()` set on every module
        "logits",  # the method of emitted networks with a head
    ]
)
"""Attributes of an `nnx.Module`; a layer stored under such a name would hide it."""


def python_name(name: str, reserved: Collection[str] = ()) -> str:
    """The name itself, or one like it where Python or `reserved` has the name for something else.

    A leading `_` is prefixed by `x`: Flax uses such names itself, and Python mangles those with two.
    """
    name = f"x{name}" if name.startswith("_") else name
    while keyword.iskeyword(name) or name in reserved:
        name = f"{name}_"
    return name


def unique_name(name: str, *taken: Collection[str]) -> str:
    """`block`, or `block2`, `block3` … when it is taken."""
    candidate, number = name, 2
    while any(candidate in names for names in taken):
        candidate, number = f"{name}{number}", number + 1
    return candidate
