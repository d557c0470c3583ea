"""Whether Python runs behind a notebook, and how that shows things."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


def notebook_display() -> Any | None:
    """The module `IPython.display` in the kernel of a notebook; None in a script or a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return import_module("IPython.display") if getattr(shell, "kernel", None) is not None else None
