"""NS2xx: names and arguments. Values are in values.py, shapes in layers/errors, warnings in ir/warnings.py."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class UnknownName(Diagnostic):
    """A name that is neither a layer nor defined in the file, or not one of the words that are allowed here."""

    code = "NS201"
    title = {
        "": "unknown {kind} `{name}`",
        "flag": "`{name}` is not `true` or `false`",
        "size": "`{name}` is not a size of one example",
        "early": "`{name}` is used before it is defined",
        "unmeasured": "`{name}` is not measured in this run",
        "comment": "unknown name `{name}` after `//`",
        "layer": "`{name}` is a layer, not a tensor",
    }
    label = {
        "": "not defined",
        "flag": "expected `true` or `false`",
        "size": "not a size",
        "early": "not defined yet",
        "unmeasured": "not measured",
        "layer": "has no size",
    }
    hint = {
        "": "{advice}",
        "size": "remove it: the batch size is never written",
        "early": "define it on a line before this one; the input of the block is `input`",
        "comment": "a comment begins with `#`: write `# {name}`; to divide, write a number",
    }
    name: str
    kind: str = "name"


class UnknownOption(Diagnostic):
    """An option that the word does not have."""

    code = "NS202"
    title = "`{word}` has no {noun} `{option}`"
    label = "unknown {noun}"
    hint = {"": "{advice}", "none": "`{word}` takes no arguments"}
    word: str
    option: str
    noun: str = "option"


class MissingArgument(Diagnostic):
    """An argument without a default is missing."""

    code = "NS203"
    title = "`{word}` needs {missing}"
    label = "{missing} is missing"
    hint = "write it as {signature}"
    word: str
    missing: str
    signature: str


class TooManyArguments(Diagnostic):
    """More positional arguments than the word takes. At most three are positional; the others are passed by name."""

    code = "NS204"
    title = {
        "": "`{word}` takes at most {limit} positional arguments",
        "one": "`{word}` takes at most one positional argument",
        "none": "`{word}` takes no positional arguments",
    }
    label = {"": "{extra} too many"}
    hint = "{advice}"
    word: str
    limit: int
    extra: str


class GivenTwice(Diagnostic):
    """One argument is given by position and by name, or twice by name."""

    code = "NS205"
    title = "`{option}` of `{word}` is given twice"
    label = "given again here"
    hint = "remove one of the two"
    word: str
    option: str


class WrongValue(Diagnostic):
    """An argument has the wrong type, or is out of range."""

    code = "NS206"
    title = "{what} must be {expected}, not {given}"
    label = "{given}"
    hint = {
        "": "{advice}",
        "option": "`netspec words {word}` describes its options",
        "number": "write an integer, or a name or an expression whose value is one",
        "unknown size": "{unknown} is not known before the data are loaded; write sizes as numbers in the `input` line",
        "size": "write sizes as `28x28x1` or `(H, W, 3)`; the batch size is never written",
        "pad": "the ids of `tokens({vocabulary})` are less than {vocabulary}",
        "percent": "for {given} percent write `{given}%`",
        "fraction": "write a fraction such as 99%",
    }
    what: str
    expected: str
    given: str
    word: str = ""
    unknown: str = ""
    vocabulary: int = 0


class DefinedTwice(Diagnostic):
    """Two statements define the same name, or a name that a layer has."""

    code = "NS207"
    title = {"": "`{name}` is already defined", "layer": "`{name}` is already the name of a layer"}
    label = {"": "defined again here", "import": "imported again here", "whole file": "imported again here"}
    hint = {
        "": "choose another name",
        "chain": "{advice}",
        "import": "take it from one file only: remove one of the two names, or rename the block in one of the files",
        "whole file": "import only what you need: list the names, as in `{use} (name, name)`",
    }
    name: str
    use: str = ""


class Cycle(Diagnostic):
    """A definition uses itself, directly or through others. Recursion is not allowed, so every program ends."""

    code = "NS208"
    title = "circular definition: {path}"
    label = "uses itself here"
    hint = {
        "block": "a definition cannot use itself; to repeat a block write `block * 3`",
        "name": "a name cannot be defined by itself; choose another name for one of the values",
        "file": "move what both files need into a third file",
    }
    path: str


class CannotUse(Diagnostic):
    """A file named by `use` does not exist, or cannot be read."""

    code = "NS209"
    title = "cannot use {target}: {reason}"
    label = "{reason}"
    hint = {
        "": "{advice}",
        "library": '{advice}\nto use your own file write `use "blocks.net"`',
        "not text": "give a .net file",
        "unreadable": "check the name and the permissions",
        "folder": "give a file in this folder\n{advice}",
    }
    target: str
    reason: str


class NotInFile(Diagnostic):
    """A name in the list of a `use` is not defined by that file."""

    code = "NS210"
    title = "{target} does not define `{name}`"
    label = "not defined there"
    hint = {
        "": "{advice}",
        "other": "`{name}` is {noun} there; `use` imports only what `def` defines",
        "empty": "the file has no `def`",
    }
    target: str
    name: str
    noun: str = ""


class UnusedName(Diagnostic):
    """A name is defined and never used: usually a misspelling or a forgotten layer."""

    code = "NS251"
    severity = "warning"
    title = {"": "the {what} `{name}` is never used", "file": "nothing from {name} is used"}
    label = {"": "defined here", "file": "imported here", "import": "imported here", "list": "imported here"}
    hint = {
        "": "use it, or remove the line",
        "parameter": "use it, or remove it from the parameters",
        "setting": "settings are in braces: `{advice}`",
        "file": "use one of its definitions, or remove the line",
        "list": "use it, or remove it from the list",
    }
    name: str
    what: str = "definition"
