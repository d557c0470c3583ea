"""Recurrent layers of other libraries that are several in one call: `lstm(64, num_layers = 2, bidirectional = true)`.

Input: the word and the arguments of such a call. Output: the layers as they are written here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from netspec.compiler.syntax import tree
from netspec.language.corrections import squeeze
from netspec.language.word import Word


def is_stack(word: type[Word] | None, arguments: Sequence[tree.Argument]) -> bool:
    """Whether a call of a recurrent layer says how many layers there are, or that they read in both directions."""
    names = [squeeze(a.name.name) for a in arguments if a.name is not None]
    return (
        word is not None
        and word.word in ("lstm", "gru", "rnn")
        and not {"numlayers", "bidirectional"}.isdisjoint(names)
    )


def stacked(
    word: type[Word],
    arguments: Sequence[tree.Argument],
    write: Callable[[Mapping[str, str]], str],
    written: Mapping[str, str],
) -> str:
    """Recurrent layers of which a call makes several, or one for each direction: all but the last return their steps;
    `write` gives a layer with changed options."""
    named = {squeeze(a.name.name): a.value.span.text for a in arguments if a.name is not None}
    times = named.get("numlayers", "1")
    if not is_stack(word, arguments):
        return write({}) + (f" * {times}" if times != "1" else "")
    around = "bidirectional({})" if named.get("bidirectional", "").lower() == "true" else "{}"
    last = around.format(write({}))
    if times == "1" or written.get("return") != "last":
        return last + (f" * {times}" if times != "1" else "")
    before = str(int(times) - 1) if times.isdigit() else f"({times} - 1)"
    first = around.format(write({"return": "sequence"})).replace(", return = sequence", "")
    return f"{first}{f' * {before}' if before != '1' else ''} -> {last}"
