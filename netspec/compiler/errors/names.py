"""NS2xx: names and arguments. What expressions mean stands in meaning.py, shapes in layers/errors.py and lints.py."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic
from netspec.language.record import record


@record
class UnknownName(Diagnostic):
    """A word that is neither a layer nor a name of the file, or not one of the words that may stand there.

    Wrong:
        input 8x8x1
        cnov(16) -> gap -> dense(10, softmax)

    Right:
        input 8x8x1
        conv(16) -> gap -> dense(10, softmax)
    """

    code = "NS201"
    title = "`{name}` is {what}"
    label = "not known"
    hint = "{advice}"
    name: str
    what: str
    advice: str


@record
class UnknownOption(Diagnostic):
    """An option that the word does not have.

    Wrong:
        input 8x8x1
        conv(16, 3x3, strides = 2) -> gap -> dense(10, softmax)

    Right:
        input 8x8x1
        conv(16, 3x3, stride = 2) -> gap -> dense(10, softmax)
    """

    code = "NS202"
    title = "`{word}` has no {noun} `{option}`"
    label = "not known"
    hint = "{advice}"
    word: str
    option: str
    noun: str = "option"
    advice: str


@record
class MissingArgument(Diagnostic):
    """An argument without a default is not given.

    Wrong:
        input 8
        dense -> dense(2)

    Right:
        input 8
        dense(16) -> dense(2)
    """

    code = "NS203"
    title = "`{word}` needs {missing}"
    label = "{missing} is missing"
    hint = "write it as {signature}"
    word: str
    missing: str
    signature: str


@record
class TooManyArguments(Diagnostic):
    """More arguments without a name than the word takes. At most three stand by position; the rest goes by name.

    Wrong:
        input 8x8x1
        conv(16, 3x3, relu, 2) -> gap -> dense(2)

    Right:
        input 8x8x1
        conv(16, 3x3, relu, stride = 2) -> gap -> dense(2)
    """

    code = "NS204"
    title = "`{word}` takes {limit} without a name"
    label = "{label_words}"
    hint = "{advice}"
    word: str
    limit: str
    label_words: str = "one too many"
    advice: str


@record
class GivenTwice(Diagnostic):
    """One argument is given by position and by name, or by name twice.

    Wrong:
        input 8
        dense(16, units = 32) -> dense(2)

    Right:
        input 8
        dense(32) -> dense(2)
    """

    code = "NS205"
    title = "`{option}` of `{word}` is given twice"
    label = "again here"
    hint = "remove one of the two"
    word: str
    option: str


@record
class WrongValue(Diagnostic):
    """An argument is of the wrong kind, or outside its limits.

    Wrong:
        input 8
        dense(16) -> dropout(50) -> dense(2)

    Right:
        input 8
        dense(16) -> dropout(50%) -> dense(2)
    """

    code = "NS206"
    title = "{what} is {expected}, not {found}"
    label = "{found}"
    hint = "{advice}"
    what: str
    expected: str
    found: str
    advice: str


@record
class DefinedTwice(Diagnostic):
    """Two statements give the same name, or a name that a layer has.

    Wrong:
        input 8
        stem = dense(4)
        stem = dense(8)
        stem -> dense(2)

    Right:
        input 8
        stem = dense(4)
        body = dense(8)
        stem -> body -> dense(2)
    """

    code = "NS207"
    title = "`{name}` is {already}"
    label = "{label_words}"
    hint = "{advice}"
    name: str
    already: str = "already defined"
    label_words: str = "defined again here"
    advice: str = "choose another name"


@record
class Cycle(Diagnostic):
    """A definition uses itself, directly or through others; every program ends, so there is no recursion.

    Wrong:
        input 8
        def block(n) = dense(n) -> block(n)
        block(4)

    Right:
        input 8
        def block(n) = dense(n)
        block(4) * 3
    """

    code = "NS208"
    title = "{path} goes round in a circle"
    label = "used here, inside itself"
    hint = "{advice}"
    path: str
    advice: str


@record
class CannotUse(Diagnostic):
    """A file named by `use` is not there, or cannot be read.

    Wrong:
        use std.resnt (basic_block)
        input 8x8x16
        basic_block(16) -> gap -> dense(2)

    Right:
        use std.resnet (basic_block)
        input 8x8x16
        basic_block(16) -> gap -> dense(2)
    """

    code = "NS209"
    title = "cannot use {target}: {reason}"
    label = "{reason}"
    hint = "{advice}"
    target: str
    reason: str
    advice: str


@record
class NotInFile(Diagnostic):
    """A name in the list of a `use` is not defined by that file.

    Wrong:
        use std.resnet (basicblock)
        input 8x8x16
        basicblock(16) -> gap -> dense(2)

    Right:
        use std.resnet (basic_block)
        input 8x8x16
        basic_block(16) -> gap -> dense(2)
    """

    code = "NS210"
    title = "{target} defines no `{name}`"
    label = "not defined there"
    hint = "{advice}"
    target: str
    name: str
    advice: str


@record
class UnusedName(Diagnostic):
    """A name is defined and never used; mostly a misspelling or a forgotten layer.

    Wrong:
        input 8
        hidden = dense(16, relu)
        dense(2, softmax)

    Right:
        input 8
        hidden = dense(16, relu)
        hidden -> dense(2, softmax)
    """

    code = "NS251"
    severity = "warning"
    title = "{problem}"
    label = "{label_words}"
    hint = "{advice}"
    problem: str
    label_words: str = "defined here"
    advice: str = "use it, or remove the line"
