"""What is under a name that a person gave. No file can have a name that is too long or that has a NUL character: such
names are answered like those of files that do not exist, where `pathlib` raises for some of them.
"""

from __future__ import annotations

import os
from pathlib import Path


def exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110  # see above


def is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113  # see above


def is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112  # see above
