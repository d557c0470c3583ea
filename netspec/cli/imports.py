"""`netspec --import my_words check x.net`: Python modules that declare words, imported before the command runs."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path

import click

imported: set[str] = set()
"""The packages that a module was imported from."""


def import_modules(names: tuple[str, ...]) -> None:
    """Import modules by their dotted names; the current folder is searched, too.

    Raises:
        click.ClickException: there is no such module, or it cannot be imported.
    """
    if not names:
        return
    importlib.import_module("netspec.spec.compilation")  # so that words that netspec has cannot be declared again
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
                advice = f"looked in {here} and in what is installed; omit `.py`"
                raise click.UsageError(f"--import: no module named `{error.name}`\n{advice}") from None
            last = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__}: {error}"
            raise click.ClickException(f"--import {name}: {what}\n  {last.filename}:{last.lineno}") from error
        imported.add(name.partition(".")[0])


def comes_from_imported(error: BaseException) -> bool:
    """Whether an exception passed through code of an imported package."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(str(f.f_globals.get("__name__", "")).partition(".")[0] in imported for f, _ in frames)
