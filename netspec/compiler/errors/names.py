"""NS2xx: names and arguments. Mistakes in what expressions mean are in values.py, in shapes in layers/errors."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class UnknownName(Diagnostic):
    """A word that is neither a layer nor a name of the file, or not one of the words that may stand there."""

    code = "NS201"
    title = "`{name}` is {what}"
    label = "not known"
    name: str
    what: str


class UnknownOption(Diagnostic):
    """An option that the word does not have."""

    code = "NS202"
    title = "`{word}` has no {noun} `{option}`"
    label = "not known"
    word: str
    option: str
    noun: str = "option"


class MissingArgument(Diagnostic):
    """An argument without a default is not given."""

    code = "NS203"
    title = "`{word}` needs {missing}"
    label = "{missing} is missing"
    hint = "write it as {signature}"
    word: str
    missing: str
    signature: str


class TooManyArguments(Diagnostic):
    """More arguments without a name than the word takes. At most three stand by position; the rest goes by name."""

    code = "NS204"
    title = "`{word}` takes {limit} without a name"
    label = "{label_words}"
    word: str
    limit: str
    label_words: str = "one too many"


class GivenTwice(Diagnostic):
    """One argument is given by position and by name, or by name twice."""

    code = "NS205"
    title = "`{option}` of `{word}` is given twice"
    label = "again here"
    hint = "remove one of the two"
    word: str
    option: str


class WrongValue(Diagnostic):
    """An argument is of the wrong kind, or outside its limits."""

    code = "NS206"
    title = "{what} is {expected}, not {found}"
    label = "{found}"
    what: str
    expected: str
    found: str


class DefinedTwice(Diagnostic):
    """Two statements give the same name, or a name that a layer has."""

    code = "NS207"
    title = "`{name}` is {already}"
    label = "{label_words}"
    name: str
    already: str = "already defined"
    label_words: str = "defined again here"
    advice: str = "choose another name"


class Cycle(Diagnostic):
    """A definition uses itself, directly or through others; every program ends, so there is no recursion."""

    code = "NS208"
    title = "{path} goes round in a circle"
    label = "used here, inside itself"
    path: str


class CannotUse(Diagnostic):
    """A file named by `use` is not there, or cannot be read."""

    code = "NS209"
    title = "cannot use {target}: {reason}"
    label = "{reason}"
    target: str
    reason: str


class NotInFile(Diagnostic):
    """A name in the list of a `use` is not defined by that file."""

    code = "NS210"
    title = "{target} defines no `{name}`"
    label = "not defined there"
    target: str
    name: str


class UnusedName(Diagnostic):
    """A name is defined and never used; mostly a misspelling or a forgotten layer."""

    code = "NS251"
    severity = "warning"
    title = "{problem}"
    label = "{label_words}"
    problem: str
    label_words: str = "defined here"
    advice: str = "use it, or remove the line"
