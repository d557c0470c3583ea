"""NS1xx: what cannot be read."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic
from netspec.language.record import record


@record
class UnexpectedToken(Diagnostic):
    """Something stands where the grammar has no place for it.

    Wrong:
        input 8
        dense(10 = 3)

    Right:
        input 8
        dense(10)
    """

    code = "NS101"
    title = "{found} cannot stand here"
    label = "{label_words}"
    hint = "{advice}"
    found: str
    label_words: str = "not expected here"
    advice: str


@record
class UnclosedBracket(Diagnostic):
    """A bracket is opened and never closed.

    Wrong:
        input 8
        dense(10, softmax

    Right:
        input 8
        dense(10, softmax)
    """

    code = "NS102"
    title = "this `{bracket}` is never closed"
    label = "opened here"
    hint = "add a `{closing}` where it should end"
    bracket: str
    closing: str


@record
class UnopenedBracket(Diagnostic):
    """A bracket is closed that was never opened, or another one is open.

    Wrong:
        input 8
        dense(10, softmax))

    Right:
        input 8
        dense(10, softmax)
    """

    code = "NS103"
    title = "this `{bracket}` closes nothing"
    label = "{label_words}"
    hint = "{advice}"
    bracket: str
    label_words: str = "no bracket is open here"
    advice: str = "remove it, or open one before it"


@record
class UnclosedText(Diagnostic):
    """A text begins with a quote and has no second one on its line.

    Wrong:
        data { source = csv("train.csv, target = "label") }
        dense(2, softmax)

    Right:
        input 4
        dense(2, softmax)
    """

    code = "NS104"
    title = "this text has no closing quote"
    label = "begins here"
    hint = 'end it with `"` on the same line'


@record
class MalformedNumber(Diagnostic):
    """A number or extent that cannot be read. Numbers are `12`, `0.25`, `1e-3`, with a suffix `%`, `k`, `M` or `G`;
    extents are whole numbers joined by `x`, such as `3x3` or `28x28x1`.

    Wrong:
        input 8x8x1
        conv(16, 3x) -> flatten -> dense(10, softmax)

    Right:
        input 8x8x1
        conv(16, 3x3) -> flatten -> dense(10, softmax)
    """

    code = "NS105"
    title = "`{text}` is no number"
    label = "cannot be read"
    hint = "{advice}"
    text: str
    advice: str


@record
class BadCharacter(Diagnostic):
    """A character that the language does not have.

    Wrong:
        input 8
        dense(10, relu) → dense(2, softmax)

    Right:
        input 8
        dense(10, relu) -> dense(2, softmax)
    """

    code = "NS106"
    title = "the character `{character}` is not part of the language"
    label = "here"
    hint = "{advice}"
    character: str
    advice: str


@record
class NestedTooDeep(Diagnostic):
    """Brackets or operators inside each other beyond any use. Name the inner parts, or make them a `def`.

    Wrong:
        input 8
        ((((((((((((((((((((((((((((((((((((((((((((dense(2)))))))))))))))))))))))))))))))))))))))))))))

    Right:
        input 8
        inner = dense(2)
        inner
    """

    code = "NS107"
    title = "this is nested more than {limit} deep"
    label = "too deep here"
    hint = "give the inner part a name (`name = …`) and use the name"
    limit: int


@record
class UnknownEdition(Diagnostic):
    """The file asks for an edition of the language that this program does not know, or does so behind other lines.

    Wrong:
        netspec 7
        input 8
        dense(2)

    Right:
        netspec 1
        input 8
        dense(2)
    """

    code = "NS108"
    title = "{problem}"
    label = "here"
    hint = "{advice}"
    problem: str
    advice: str


@record
class UnreadableFile(Diagnostic):
    """The file is not there, is a folder, or is not text in UTF-8."""

    code = "NS109"
    title = "cannot read `{path}`: {reason}"
    hint = "{advice}"
    path: str
    reason: str
    advice: str = "check the name and the folder"
