"""`netspec words`"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from netspec.cli.files import write_text
from netspec.cli.options import json_option
from netspec.cli.output import print_json
from netspec.display.text import line_width
from netspec.language.corrections import squeeze, suggest
from netspec.language.reference.entries import (
    all_names,
    category_order,
    find_words,
    vocabulary_lines,
    word_json,
    word_page,
    word_text,
)
from netspec.language.reference.options import (
    OptionPage,
    find_options,
    find_settings,
    option_json,
    option_text,
    setting_names,
)
from netspec.language.reference.pages import PAGES, word_markdown
from netspec.language.vocabulary import categories, word_aliases, words
from netspec.language.word import Word


@click.command()
@click.argument("word", required=False)
@click.option("--markdown", is_flag=True, help="Print Markdown: the page of WORD, or of all layers.")
@click.option("--write", "folder", metavar="FOLDER", help=f"Write the reference pages to a folder: {', '.join(PAGES)}.")
@json_option
def command(word: str | None, markdown: bool, folder: str | None, as_json: bool) -> int:
    """List the words of the language, or explain one WORD: its options, limits and defaults. WORD may also be a setting
    or an option.

    \b
    Example:
        netspec words
        netspec words conv
        netspec words class_weights
        netspec --import my_words words --write docs
    """
    if folder is not None:
        _write_pages(Path(folder))
    elif word is not None:
        _show(_find(word), markdown=markdown, as_json=as_json)
    elif as_json:
        _show([w for category in category_order() for w in words(category).values()], markdown=False, as_json=True)
    elif markdown:
        click.echo(PAGES["layers.md"](), nl=False)
    else:
        click.echo("\n".join(vocabulary_lines(line_width())).rstrip())
    return 0


def _find(name: str) -> list[type[Word] | OptionPage]:
    """The words of that name and the setting of that name; or the options that are called so."""
    found: list[type[Word] | OptionPage] = [*find_words(name), *find_settings(name)]
    found = found or [*find_options(name)]
    names = all_names()
    aliases = {alias: word for category in categories() for alias, word in word_aliases(category).items()}
    if not found and squeeze(name) in aliases:
        found = [*find_words(aliases[squeeze(name)])]
    if not found and len(within := [word for word in names if name.lower() in word]) == 1:
        found = [*find_words(within[0])]
    if not found:
        near = suggest(name, [*names, *setting_names()], what="near", rest="`netspec words` lists all")
        raise click.ClickException(f"unknown word `{name}`\n{near}")
    return found


def _show(found: Sequence[type[Word] | OptionPage], *, markdown: bool, as_json: bool) -> None:
    for index, word in enumerate(found):
        if isinstance(word, OptionPage):
            if as_json:
                print_json(option_json(word))
            else:
                click.echo(("\n" if index else "") + option_text(word, line_width()))
            continue
        page = word_page(word)
        if as_json:
            print_json(word_json(page))
        else:
            text = word_markdown(page, level=1) if markdown else word_text(page, line_width())
            click.echo(("\n" if index else "") + text)


def _write_pages(folder: Path) -> None:
    for name, page in PAGES.items():
        write_text(folder / name, page())
        click.echo(f"wrote {folder / name}")
