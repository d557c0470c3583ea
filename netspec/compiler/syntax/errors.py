"""NS1xx: what cannot be read."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class UnexpectedToken(Diagnostic):
    """Something stands where the grammar has no place for it."""

    code = "NS101"
    title = "{found} cannot stand here"
    label = "{label_words}"
    found: str
    label_words: str = "not expected here"


class UnclosedBracket(Diagnostic):
    """A bracket is opened and never closed."""

    code = "NS102"
    title = "this `{bracket}` is never closed"
    label = "opened here"
    hint = "add a `{closing}` where it should end"
    bracket: str
    closing: str


class UnopenedBracket(Diagnostic):
    """A bracket is closed that was never opened, or another one is open."""

    code = "NS103"
    title = "this `{bracket}` closes nothing"
    label = "{label_words}"
    bracket: str
    label_words: str = "no bracket is open here"
    advice: str = "remove it, or open one before it"


class UnclosedText(Diagnostic):
    """A text begins with a quote and has no second one on its line."""

    code = "NS104"
    title = "this text has no closing quote"
    label = "begins here"
    hint = 'end it with `"` on the same line'


class MalformedNumber(Diagnostic):
    """A number or extent that cannot be read. Numbers are `12`, `0.25`, `1e-3`, with a suffix `%`, `k`, `M` or `G`;
    extents are whole numbers joined by `x`, such as `3x3` or `28x28x1`.
    """

    code = "NS105"
    title = "`{text}` is no number"
    label = "cannot be read"
    text: str


class BadCharacter(Diagnostic):
    """A character that the language does not have."""

    code = "NS106"
    title = "the character `{character}` is not part of the language"
    label = "here"
    character: str


class NestedTooDeep(Diagnostic):
    """Brackets or operators inside each other beyond any use. Name the inner parts, or make them a `def`."""

    code = "NS107"
    title = "this is nested more than {limit} deep"
    label = "too deep here"
    hint = "give the inner part a name (`name = …`) and use the name"
    limit: int


class UnknownEdition(Diagnostic):
    """The file asks for an edition of the language that this program does not know, or does so behind other lines."""

    code = "NS108"
    title = "{problem}"
    label = "here"
    problem: str


class UnreadableFile(Diagnostic):
    """The file is not there, is a folder, or is not text in UTF-8."""

    code = "NS109"
    title = "cannot read `{path}`: {reason}"
    path: str
    reason: str
    advice: str = "check the name and the folder"
