"""The example specs that come with netspec, in the folder `specs`."""

from __future__ import annotations

import re
from pathlib import Path

import click

from netspec.language.corrections import suggest
from netspec.language.files.example_specs import example_names, specs_folder
from netspec.language.vocabulary import words

INCLUDED = ("bundled", "synthetic")
"""The modules of the data sources that need no download."""


def find_example(name: str) -> Path:
    """The file of an example, by its name with or without `.net`.

    Raises:
        click.ClickException: there is no such example.
    """
    names = example_names()
    if name.removesuffix(".net") not in names:
        advice = suggest(name[:80], names, what="examples")
        raise click.ClickException(f"unknown example `{name[:80]}`\n{advice}")
    return specs_folder() / f"{name.removesuffix('.net')}.net"


def summary(path: Path) -> str:
    """The first sentence of the comment that a spec begins with, up to a colon."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return re.split(r"(?<!et al)\. |: ", " ".join(lines), maxsplit=1)[0].rstrip(".")


def data_source(path: Path) -> str | None:
    """The word of the data source of a spec."""
    found = re.search(r"^\s*source\s*=\s*(\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else None


def data_files(path: Path) -> list[Path]:
    """The files with data that a spec names beside itself."""
    names = re.findall(r'"([\w.-]+\.\w+)"', path.read_text(encoding="utf-8"))
    return [path.parent / name for name in dict.fromkeys(names) if (path.parent / name).is_file()]


def needs_no_download(source: str) -> bool:
    """Whether the data of a source are in netspec, or are made by it."""
    import netspec.data.sources  # noqa: F401  # which declare their words

    word = words("source").get(source)
    return word is not None and word.__module__.rpartition(".")[2] in INCLUDED
