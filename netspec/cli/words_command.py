"""`netspec words`"""

from __future__ import annotations

import click

from netspec.cli.options import json_option
from netspec.cli.output import print_json
from netspec.diagnostics import suggest
from netspec.reference import all_names, category_order, find_words, vocabulary_lines, word_json, word_page, word_text
from netspec.vocabulary import words


@click.command()
@click.argument("word", required=False)
@json_option
def command(word: str | None, as_json: bool) -> int:
    """List the words of the language, or explain one WORD: its options, limits and defaults.

    \b
    Example:
        netspec words
        netspec words conv
    """
    if word is None:
        if as_json:
            for category in category_order():
                for declared in words(category).values():
                    print_json(word_json(word_page(declared)))
        else:
            click.echo("\n".join(vocabulary_lines()).rstrip())
        return 0
    found = find_words(word)
    if not found:
        raise click.ClickException(f"there is no word `{word}`.\n" + suggest(word, all_names(), what="words"))
    for index, declared in enumerate(found):
        if as_json:
            print_json(word_json(word_page(declared)))
        else:
            click.echo(("\n" if index else "") + word_text(word_page(declared)))
    return 0
