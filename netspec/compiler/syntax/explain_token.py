"""The message about a token that the grammar does not accept."""

from __future__ import annotations

import re

from netspec.compiler.syntax import errors
from netspec.compiler.syntax.advice import (
    FOREIGN,
    VALUE_ENDS,
    VALUE_STARTS,
    Mistake,
    comment_before,
    ends_line,
    find_advice,
    shorten,
)
from netspec.compiler.syntax.tokens import Token, token_span
from netspec.language.diagnostics import Diagnostic, Fix
from netspec.language.source import Source, Span
from netspec.language.vocabulary import categories, choice_names, words

REPLACEMENTS = {
    **dict.fromkeys("→⟶⇒", "->"), **dict.fromkeys("“”‘’'`", '"'), **dict.fromkeys("–—−", "-"),
    "×": "x", "≤": "<=", "≥": ">=", "&": "and", "\u00a0": " ",
}  # fmt: skip
"""What to write instead of characters that people paste from other texts."""

LOOKALIKES = {
    "×": "write the letter x: 3x3",
    **dict.fromkeys("'`‘’", 'strings are in double quotes: write `"`'),
    ";": "end the line instead",
    "!": "write `not`, or `!=` for different",
    "?": "write `a if condition else b`",
    "^": "there is no power operator: write a product, x * x",
    "\u00a0": "write an ordinary space",
    "\\": "chains continue by themselves: begin the next line with `->`",
    "@": "remove it; words written in Python are registered in Python files",
    "$": "names have no sign before them",
}
"""The hints that are more than a replacement."""


def explain_token(source: Source, tokens: list[Token], index: int, accepted: frozenset[str]) -> Diagnostic:
    """The diagnostic for the token at `index` of a statement, which the grammar refuses.

    An `index` after the last token stands for the end of the statement; `accepted` are the terminals that would fit.
    """
    mistake = Mistake(tokens, index, accepted)
    advice = find_advice(mistake)
    if index == len(tokens):
        span = token_span(source, tokens[-1])
        return errors.UnexpectedToken(span=span, case="end", token=shorten(tokens[-1]), advice=advice)
    quote = _missing_quote(tokens, index)
    if quote is not None:
        return errors.UnclosedText(span=token_span(source, quote))
    if (comment := comment_before(mistake)) is not None:
        span = token_span(source, tokens[comment])
        return errors.UnexpectedToken(span=span, token="//", advice=advice)
    token = tokens[index]
    if index and advice == FOREIGN.get(str(tokens[index - 1])):  # the word of another language is what is wrong
        token = tokens[index - 1]
        return errors.UnexpectedToken(span=token_span(source, token), token=shorten(token), advice=advice)
    text, span = str(token), token_span(source, token)
    match token.type:
        case "BAD_NUMBER":
            advice, replacement = _number_advice(text)
            fixes = (Fix(span, replacement),) if replacement else ()
            return errors.MalformedNumber(span=span, text=shorten(token), advice=advice, fixes=fixes)
        case "BAD_CHARACTER":
            return _bad_character(text, span, mistake.bracket)
        case "_NL":
            span = Span(source, token.start_pos, token.start_pos + 1)
            return errors.UnexpectedToken(span=span, case="line", advice=advice)
    return errors.UnexpectedToken(span=span, token=shorten(token), advice=advice, fixes=find_fixes(mistake, source))


def find_fixes(m: Mistake, source: Source) -> tuple[Fix, ...]:
    """The change that mends the mistake, where the text can have been meant in one way only."""
    if m.index >= len(m.tokens):
        return ()
    token, here, before = m.tokens[m.index], m.tokens[m.index].start_pos, m.tokens[max(0, m.index - 1)]
    end = token.end_pos
    if m.kind(-1) in ("EQUAL", "MINUS", "VBAR") and (m.text() == ">" or (m.kind(), m.kind(-1)) == ("ARROW", "MINUS")):
        return (Fix(Span(source, before.start_pos, end), "->"),)
    if m.kind() in ("EQUAL", "VBAR") and m.text(1) == ">":
        return (Fix(Span(source, here, m.tokens[m.index + 1].end_pos), "->"),)
    if m.text() == "==" and "EQUAL" in m.accepted:
        return (Fix(Span(source, here, end), "="),)
    if m.kind() == "COLON" and m.bracket == "LBRACE" and m.kind(-1) == "NAME" and "EQUAL" in m.accepted:
        return (Fix(Span(source, before.end_pos, end), " ="),)
    if m.kind() == "COMMA" and m.bracket not in ("LPAR", "LSQB") and ends_line(m):
        return (Fix(Span(source, here, end), ""),)
    if m.kind(-1) in VALUE_ENDS and m.kind() in VALUE_STARTS:
        gap = Span(source, before.end_pos, here)
        values = ("NUMBER", "EXTENT", "STRING", "TRUE", "FALSE")
        if m.is_in_call and "COMMA" in m.accepted and (m.kind() in values or m.kind(-1) in values):
            return (Fix(gap, ", "),)
        is_chain = m.kind() == "NAME" and m.kind(-1) in ("NAME", "RPAR") and m.kind(1) not in ("EQUAL", "COLON")
        if is_chain and "ARROW" in m.accepted and not m.is_in_call:
            return (Fix(gap, " -> ", is_sure=m.tokens[0].type != "SECTION"),)
    return ()


def _bad_character(text: str, span: Span, bracket: str) -> errors.BadCharacter:
    shown = text if text.isprintable() else f"U+{ord(text):04X}"
    replacement = REPLACEMENTS.get(text)
    advice = LOOKALIKES.get(text) or (f"write `{replacement}`" if replacement else "remove it")
    if text == ";" and bracket in ("LPAR", "LSQB"):
        advice = "write a comma"
    fixes = (Fix(span, replacement),) if replacement else ()
    if replacement == '"':
        pair = re.compile(r"[“”‘’'`]([^“”‘’'`\"\n]*)[“”‘’'`]").match(span.source.text, span.start)
        is_word = pair is not None and _is_word(pair[1], span.source.text[: span.start])
        written = pair[1] if pair and is_word else f'"{pair[1]}"' if pair else ""
        fixes = (Fix(Span(span.source, *pair.span()), written),) if pair else ()
        rule = "words have no quotes" if is_word else "strings are in double quotes"
        advice = f"{rule}: write `{written}`" if pair and text != '"' else advice
    return errors.BadCharacter(span=span, character=shown, advice=advice, fixes=fixes)


def _is_word(text: str, before: str) -> bool:
    """Whether a text in quotes is a word of the language, such as `relu` or `same`, where no name of data stands."""
    if re.search(r"\b(target|label|y|drop|columns|categories|name|path|file)\s*=[\s\['\",\w]*$", before):
        return False
    return text in choice_names() or any(text in words(category) for category in categories())


def _missing_quote(tokens: list[Token], index: int) -> Token | None:
    """The text that has no end, if an odd number of quotes on the line is the mistake."""
    for token in tokens[index:]:
        if token.type == "BAD_STRING":
            return tokens[index - 1] if index and tokens[index - 1].type == "STRING" else token
        if token.type == "_NL":
            break
    return None


def _number_advice(text: str) -> tuple[str, str]:
    """A hint, and what was meant where that is certain."""
    text = text[:40]
    lower, plain, sizes = text.lower(), text.replace("_", ""), ", ".join(text.split("x"))
    forms = {
        r"[0-9]+(X[0-9]+)+": (f"write a lower-case x: {lower}", lower),
        r"([0-9]+)x": (r"a shape has a number on each side of every x: 3x3; to multiply, write `\1 * n`", ""),
        r"\w+(x\w+)+": (
            f"a shape has only numbers, such as 3x3; put names and expressions in parentheses: ({sizes})",
            "",
        ),
        r"\.[0-9]+": (f"write a digit before the point: 0{text}", f"0{text}"),
        r"([0-9]+)\.": (r"write `\1`, or a digit after the point: \g<0>0", ""),
        r"[0-9]+(_[0-9]+)+": (f"write `{plain}`; 600k and 10M are numbers too", plain),
        r"([0-9]+)(m|min)": (r"a duration is written as `\1 minutes`; the suffixes of numbers are k, M and G: \1k", ""),
        r"([0-9.]+)([KmgBbTt])": (r"the suffixes are k, M and G: \1k", ""),
        r"([0-9]+)([A-Za-z_]\w*)": (
            r"write `\1 * \2` to multiply, or `\1 \2` for a duration; names begin with a letter",
            "",
        ),
    }
    for form, (advice, replacement) in forms.items():
        if match := re.fullmatch(form, text):
            return match.expand(advice), replacement
    return "numbers look like 12, 0.25, 1e-3, 10%, 600k", ""
