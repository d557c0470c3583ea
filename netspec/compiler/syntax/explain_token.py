"""What to say about a token that the grammar has no place for."""

from __future__ import annotations

import re

from netspec.compiler.syntax import errors
from netspec.compiler.syntax.advice import Mistake, find_advice, shorten
from netspec.compiler.syntax.tokens import Token
from netspec.language.diagnostics import Diagnostic
from netspec.language.source import Source, Span

LOOKALIKES = {
    "→": "type `->`",
    "⟶": "type `->`",
    "⇒": "type `->`",
    "×": "type the letter x: 3x3",
    "“": 'type `"`',
    "”": 'type `"`',
    "‘": 'type `"`',
    "’": 'type `"`',
    "'": 'texts stand in double quotes: type `"`',
    "`": 'texts stand in double quotes: type `"`',
    ";": "end the line instead",
    "–": "type `-`",
    "—": "type `-`",
    "−": "type `-`",
    "≤": "type `<=`",
    "≥": "type `>=`",
    "&": "type `and`",
    "!": "type `not`, or `!=` for different",
    "?": "type `a if condition else b`",
    "^": "there are no powers: write them as products, x * x",
    "\u00a0": "type an ordinary space",
    "\\": "chains go on by themselves: start the next line with `->`",
    "@": "remove it; words written in Python are registered in Python files",
    "$": "names stand without a sign before them",
}
"""What to type instead of characters that people paste or carry over from other languages."""


def explain_token(source: Source, tokens: list[Token], index: int, accepted: frozenset[str]) -> Diagnostic:
    """The diagnostic for the token at `index` of a statement, which the grammar refuses.

    An `index` behind the last token stands for the end of the statement; `accepted` are the terminals that could stand
    there.
    """
    mistake = Mistake(tokens, index, accepted)
    advice = find_advice(mistake)
    if index == len(tokens):
        last = tokens[-1]
        span = Span(source, last.start_pos, last.end_pos)
        found, label = f"the end of the statement behind `{shorten(last)}`", "the line ends here"
        return errors.UnexpectedToken(span=span, found=found, label_words=label, advice=advice)
    quote = _missing_quote(tokens, index)
    if quote is not None:
        return errors.UnclosedText(span=Span(source, quote.start_pos, quote.end_pos))
    token = tokens[index]
    span = Span(source, token.start_pos, token.end_pos)
    match token.type:
        case "BAD_NUMBER":
            return errors.MalformedNumber(span=span, text=shorten(token), advice=_number_advice(str(token)))
        case "BAD_CHARACTER":
            shown = str(token) if str(token).isprintable() else f"U+{ord(token):04X}"
            return errors.BadCharacter(span=span, character=shown, advice=LOOKALIKES.get(str(token), "remove it"))
        case "_NL":
            span = Span(source, token.start_pos, token.start_pos + 1)
            return errors.UnexpectedToken(span=span, found="the end of the line", advice=advice)
    return errors.UnexpectedToken(span=span, found=f"`{shorten(token)}`", advice=advice)


def _missing_quote(tokens: list[Token], index: int) -> Token | None:
    """The text that has no end, if an odd number of quotes on the line is the mistake."""
    for token in tokens[index:]:
        if token.type == "BAD_STRING":
            return tokens[index - 1] if index and tokens[index - 1].type == "STRING" else token
        if token.type == "_NL":
            break
    return None


def _number_advice(text: str) -> str:
    text = text[:40]
    if re.fullmatch(r"[0-9]+(X[0-9]+)+", text):
        return f"type a small x: {text.lower()}"
    if re.fullmatch(r"[0-9]+x", text):
        return f"an extent has a number on each side of every x: 3x3; to multiply, type `{text[:-1]} * n`"
    if re.fullmatch(r"\w+(x\w+)+", text):
        sizes = ", ".join(text.split("x"))
        return f"an extent has numbers only, such as 3x3; names and expressions stand in parentheses: ({sizes})"
    if re.fullmatch(r"\.[0-9]+", text):
        return f"type a number before the point: 0{text}"
    if re.fullmatch(r"[0-9]+\.", text):
        return f"type `{text[:-1]}`, or a number behind the point: {text}0"
    if re.fullmatch(r"[0-9]+(_[0-9]+)+", text):
        return f"type `{text.replace('_', '')}`; 600k and 10M are numbers too"
    if match := re.fullmatch(r"([0-9.]+)([KmgBbTt])", text):
        return f"the suffixes are k, M and G: {match[1]}k"
    if match := re.fullmatch(r"([0-9]+)([A-Za-z_]\w*)", text):
        product, duration = f"{match[1]} * {match[2]}", f"{match[1]} {match[2]}"
        return f"type `{product}` to multiply, or `{duration}` for a duration; names begin with a letter"
    return "numbers look like 12, 0.25, 1e-3, 10%, 600k"
