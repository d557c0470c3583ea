"""`netspec generate`"""

from __future__ import annotations

import re
import sys
from contextlib import closing
from typing import Any

import click

from netspec.cli.options import device_option, json_option
from netspec.cli.output import print_json, print_problems, usage_errors
from netspec.storage.run_files import path_of_run


@click.command()
@click.argument("run")
@click.option("--prompt", metavar="TEXT", help="The text to continue, for a network that was trained on text.")
@click.option("--prompt-ids", metavar="IDS", help="The ids to continue, such as 5,2,9; for an encoder, those it reads.")
@click.option(
    "--start-id", type=int, metavar="ID", help="The id that every target of an encoder and decoder begins with."
)
@click.option("--length", type=int, default=200, show_default=True, help="Characters, words or ids at most.")
@click.option(
    "--temperature",
    type=float,
    metavar="T",
    help="Below 1 likely ids get likelier, above 1 less likely; 0 takes the likeliest. [default: 1]",
)
@click.option("--top-k", type=int, metavar="K", help="Consider only the K likeliest ids.")
@click.option(
    "--top-p", type=float, metavar="P", help="Consider only the likeliest ids with this probability together."
)
@click.option("--seed", type=int, help="Another seed gives another text. [default: 0]")
@click.option("--beams", type=int, metavar="N", help="Beam search with N sequences, instead of drawing ids.")
@click.option("--length-penalty", type=float, metavar="A", help="With --beams: favor longer sequences. [default: 0.6]")
@click.option("--stop", metavar="TEXT", multiple=True, help=r"End before this text (\n is a new line), or at this id.")
@device_option
@json_option
def command(
    run: str, prompt: str | None, prompt_ids: str | None, start_id: int | None, as_json: bool, **options: Any
) -> int:
    """Continue a prompt with the language model of a RUN folder, as it was trained from
    specs/char_transformer.net or specs/char_lstm.net.

    The text is printed as it comes, without the prompt; Ctrl-C ends it. The same seed gives the same text. With --json
    each piece is a JSON object on a line, and the last line has the whole text and why it ended.

    \b
    Example:
        netspec generate runs/char_lstm-1 --prompt "The " --length 400 --temperature 0.8
        netspec generate runs/char_transformer-1 --prompt "ROMEO:" --top-k 40 --top-p 0.9 --stop "\\n\\n"
        netspec generate runs/translate-1 --prompt-ids 7,3,9 --start-id 1 --stop 2 --beams 4
    """
    if (prompt is None) == (prompt_ids is None):
        raise click.UsageError("give the text to continue with --prompt, or ids with --prompt-ids")
    given = _ids(prompt_ids) if prompt_ids is not None else prompt
    texts = tuple(text.replace("\\n", "\n").replace("\\t", "\t") for text in options.pop("stop"))
    from netspec.runs.generation.generate import open_generation, settings_of

    stop: Any = texts if prompt is not None else [i for text in texts for i in _ids(text)]
    with usage_errors("give another name"):
        settings = settings_of(stop=stop, **options)
    generation = open_generation(path_of_run(run), given, settings, start_id)
    print_problems(generation.warnings)
    is_text = generation.of.vocabulary is not None
    pieces: list[Any] = []
    is_interrupted = False
    with closing(generation.pieces()) as found:
        try:
            for piece in found:
                pieces.append(piece)
                _print(piece, as_json, is_text, is_first=len(pieces) == 1)
        except KeyboardInterrupt:
            is_interrupted = True
    whole = "".join(pieces) if is_text else pieces
    if as_json:
        reason = "interrupted" if is_interrupted else generation.reason
        score = {} if generation.score is None else {"score": generation.score}
        print_json({"prompt": given, "text" if is_text else "ids": whole, "reason": reason, **score})
    else:
        click.echo()
    return 130 if is_interrupted else 0


def _print(piece: Any, as_json: bool, is_text: bool, *, is_first: bool) -> None:
    """A piece of the text, at once."""
    if as_json:
        print_json({"piece" if is_text else "id": piece})
        return
    click.echo(piece if is_text or is_first else f" {piece}", nl=False)
    sys.stdout.flush()


def _ids(text: str) -> list[int]:
    """Ids as they are typed: `5,2,9` or `5 2 9`."""
    parts = [part for part in re.split(r"[,\s]+", text.strip()) if part]
    if not parts or not all(re.fullmatch(r"[0-9]{1,9}", part) for part in parts):
        raise click.UsageError(f"ids are whole numbers such as 5,2,9, not `{text}`")
    return [int(part) for part in parts]
