"""Files of styles and scripts that pages have in them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def asset(package: str, name: str) -> str:
    """The text of a file in the folder `assets` of a package, such as `netspec.display.page`."""
    return files(package).joinpath("assets", name).read_text("utf-8")
