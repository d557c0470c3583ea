"""NS1xx: text that cannot be parsed."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class UnexpectedToken(Diagnostic):
    """Something is where the grammar does not allow it."""

    code = "NS101"
    title = {
        "": "unexpected `{token}`",
        "line": "unexpected end of the line",
        "end": "unexpected end of the statement after `{token}`",
    }
    label = {"": "not expected here", "end": "the line ends here"}
    token: str = ""


class UnclosedBracket(Diagnostic):
    """A bracket is opened and never closed."""

    code = "NS102"
    title = "this `{bracket}` is never closed"
    label = "opened here"
    hint = "add a `{closing}` where it should end"
    bracket: str
    closing: str


class UnopenedBracket(Diagnostic):
    """A bracket is closed that was never opened, or a bracket of another kind is open."""

    code = "NS103"
    title = "unmatched `{bracket}`"
    label = {"": "no bracket is open here", "crossed": "expected `{closing}`"}
    hint = {
        "": "remove it, or open a bracket before it",
        "crossed": "write `{closing}` here, or close the `{opened}` before it",
    }
    bracket: str
    closing: str = ""
    opened: str = ""


class UnclosedText(Diagnostic):
    """A string has no closing quote on its line."""

    code = "NS104"
    title = "unterminated string"
    label = "begins here"
    hint = 'end it with `"` on the same line'


class MalformedNumber(Diagnostic):
    """A malformed number or shape. Numbers are `12`, `0.25`, `1e-3`, with a suffix `%`, `k`, `M` or `G`; shapes are
    integers joined by `x`, such as `3x3` or `28x28x1`.
    """

    code = "NS105"
    title = "not a number: `{text}`"
    label = "malformed number"
    hint = {"": "{advice}", "long": "a number has at most 40 characters", "large": "numbers go up to 1e308"}
    text: str


class BadCharacter(Diagnostic):
    """A character that the language does not have."""

    code = "NS106"
    title = "the character `{character}` is not part of the language"
    label = "here"
    character: str


class NestedTooDeep(Diagnostic):
    """Brackets or operators are nested too deep. Give the inner parts names, or make them a `def`."""

    code = "NS107"
    title = "this is nested more than {limit} levels deep"
    label = "too deep here"
    hint = "give the inner part a name (`name = …`) and use the name"
    limit: int


class UnknownEdition(Diagnostic):
    """The file asks for an edition of the language that this program does not know, or not in its first line."""

    code = "NS108"
    title = {"": "unknown edition {edition} of the language", "late": "the edition must come first"}
    label = {"": "not known", "late": "after other statements"}
    hint = {
        "": "this program knows edition {known}: write `netspec {known}`, or install a newer netspec",
        "late": "make it the first line of the file",
    }
    edition: str = ""
    known: int = 1


class UnreadableFile(Diagnostic):
    """The file does not exist, is a folder, or is not text in UTF-8."""

    code = "NS109"
    title = {"": "cannot read `{path}`: {reason}", "not text": "cannot read `{path}`: it is not a text file in UTF-8"}
    hint = {"": "{advice}", "not text": "give a .net file"}
    path: str
    reason: str = ""
    advice: str = "check the name and the folder"
