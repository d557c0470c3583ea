"""Texts as ids, in programs that predict without netspec."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from netspec.data.transforms.texts.splitting import split_pieces
from netspec.language.lazy import np


def read_examples(arguments: list[str], metadata: dict[str, Any]) -> tuple[dict[str, Any], list[str], list[int]]:
    """Texts, and files of texts, as ids of shape (examples, steps), and the last step of each text: a long one is
    truncated at the start, a short one is padded with 0 at the end."""
    ((name, _),) = metadata["inputs"].items()
    encoder = metadata["encoder"]
    ids = {piece: index for index, piece in enumerate(encoder["vocabulary"]) if index}  # 0 is for unknown ones
    array, last = np.zeros((len(arguments), encoder["length"]), np.int32), []
    for row, argument in enumerate(arguments):
        text = text_of(argument)
        pieces = list(text) if encoder["by"] == "char" else re.findall(r"\w+|[^\w\s]", text)
        found = [ids.get(piece, 0) for piece in pieces[-encoder["length"] :]]
        if not found:
            raise ValueError(f"the text {argument!r} is empty")
        array[row, : len(found)] = found
        last.append(len(found) - 1)
    return {name: array}, arguments, last


def text_ids(text: str, coder: dict[str, Any]) -> Any:
    """The ids of a text as those of the training, of the length of an example: 0 is padding, 1 what is not known."""
    if coder["tokenizer"] is not None:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(coder["tokenizer"])
        tokenizer.no_padding()
        tokenizer.no_truncation()
        found = [number + coder["shift"] for number in tokenizer.encode(text).ids]
    else:
        known = {piece: number for number, piece in enumerate(coder["vocabulary"]) if number > 1}
        found = [known.get(piece, 1) for piece in split_pieces(text, coder["by"], coder["lowercase"])]
    length, array = coder["length"], np.zeros(coder["length"], np.int32)
    part = found[:length] if coder["keep"] == "start" else found[-length:]
    array[: max(len(part), 1)] = part or [1]
    return array


def text_of(argument: str) -> str:
    """The content of a file, or the text itself."""
    try:
        is_there = bool(argument.strip()) and Path(argument).is_file()
    except (OSError, ValueError):  # it is too long for a name
        is_there = False
    text = Path(argument).read_text("utf-8-sig") if is_there else argument
    if not text.strip():
        raise ValueError(f"the text {argument!r} is empty")
    return text
