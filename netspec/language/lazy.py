"""Modules that are imported at their first use, so that `netspec check` waits for nothing heavy.

`jnp = lazy("jax.numpy")` at the top of a file stands for `import jax.numpy as jnp`. Where types matter, the import
itself is written under `TYPE_CHECKING` and this under `else`; for NumPy that is done here, `np` is imported from this
module. PEP 810 (`lazy import`, Python 3.15) replaces all of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["lazy", "np"]


class _LazyModule:
    """Stands for a module; every attribute is the module's own."""

    def __init__(self, name: str) -> None:
        self.__dict__["__name__"] = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(_imported(self), attribute)

    def __setattr__(self, attribute: str, value: Any) -> None:
        setattr(_imported(self), attribute, value)

    def __delattr__(self, attribute: str) -> None:
        delattr(_imported(self), attribute)

    def __dir__(self) -> list[str]:
        return dir(_imported(self))

    def __repr__(self) -> str:
        return f"<lazy module {self.__name__!r}>"


def _imported(proxy: _LazyModule) -> Any:
    """The module; its import lock makes a first use by two threads at once safe."""
    state = proxy.__dict__
    if "_module" not in state:
        state["_module"] = import_module(state["__name__"])
    return state["_module"]


def lazy(name: str) -> Any:
    """The module of a dotted name, imported when one of its attributes is first used.

    Raises (at that use):
        ModuleNotFoundError: it is not installed; the error names it.
    """
    return _LazyModule(name)


if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")
