"""Emitted source to a live module: executed unchanged, and shown in tracebacks."""

from __future__ import annotations

import hashlib
import linecache
import sys
from types import ModuleType
from typing import Any


def load_source(source: str, name: str) -> ModuleType:
    """Execute emitted source as a Python module.

    The module stays in `sys.modules` under a name made of its text, so that its classes can be pickled and tracebacks
    show the lines.
    """
    digest = hashlib.sha256(source.encode()).hexdigest()[:12]
    module_name = f"netspec_{name}_{digest}"
    known = sys.modules.get(module_name)
    if known is not None:
        return known
    module = ModuleType(module_name)
    module.__file__ = f"<{module_name}>"
    linecache.cache[module.__file__] = (len(source), None, source.splitlines(keepends=True), module.__file__)
    exec(compile(source, module.__file__, "exec"), module.__dict__)
    sys.modules[module_name] = module
    return module


def network_class(module: ModuleType) -> Any:
    """The last class of emitted source: the network."""
    classes = [v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__]
    return classes[-1]
