"""`netspec examples`"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from netspec.cli.examples import data_files, data_source, find_example, needs_no_download, summary
from netspec.cli.files import write_text
from netspec.cli.options import json_option
from netspec.cli.output import print_json
from netspec.display.text import line_width
from netspec.language.files.example_specs import example_names
from netspec.language.files.paths import exists
from netspec.language.text import wrap


@click.command()
@click.argument("name", required=False)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@json_option
def command(name: str | None, force: bool, as_json: bool) -> int:
    """List the example specs that come with netspec, or write the one called NAME to the current folder.

    `netspec train --example NAME` trains one without writing it.

    \b
    Example:
        netspec examples
        netspec examples digits
        netspec train digits.net
    """
    if name is not None:
        _write(find_example(name), force=force, as_json=as_json)
        return 0
    paths = [find_example(name) for name in example_names()]
    if as_json:
        print_json({"examples": [{"name": p.stem, "data": data_source(p), "summary": summary(p)} for p in paths]})
    else:
        click.echo("\n".join(_lines(paths, line_width())))
    return 0


def _write(path: Path, *, force: bool, as_json: bool) -> None:
    target, data = Path(path.name), data_files(path)
    for name in (target, *(Path(file.name) for file in data)):
        if exists(name) and not force:
            raise click.ClickException(f"{name} already exists\n--force overwrites it")
    for file in (path, *data):
        write_text(Path(file.name), file.read_text(encoding="utf-8"))
    if as_json:
        print_json({"file": str(target), **({"data": [file.name for file in data]} if data else {})})
    else:
        if data:
            click.echo(f"wrote {', '.join(file.name for file in data)}, its data")
        use = f"`netspec train {target}` trains it"
        click.echo(f"wrote {target}; {use if data_source(path) else f'it has no data: `netspec show {target}`'}")


def _lines(paths: Sequence[Path], width: int) -> Iterator[str]:
    """The examples by what they need to be trained."""
    groups: dict[str, list[Path]] = {"data included:": [], "data downloaded once:": [], "networks without data:": []}
    for path in paths:
        source = data_source(path)
        is_included = source is not None and (needs_no_download(source) or data_files(path) != [])
        kind = 2 if source is None else 0 if is_included else 1
        groups[list(groups)[kind]].append(path)
    column = max(len(path.stem) for path in paths)
    for heading, found in groups.items():
        yield heading
        for path in found:
            yield from wrap(f"  {path.stem:<{column}}  {summary(path)}", width, " " * (column + 4))
        yield ""
    hint = "`netspec examples NAME` writes one to the current folder, `netspec train --example NAME` trains it"
    yield from wrap(hint, width)
