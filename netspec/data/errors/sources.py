"""NS426 to NS429, NS442, NS482 to NS486: what is wrong with folders, columns, text, and what is asked of a target."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class NoTarget(Diagnostic):
    """The data say what goes in, and not what should come out: a table without a target, images without classes."""

    code = "NS426"
    title = "{source} has inputs and no target"
    label = "nothing to predict"
    source: str


class BadFolder(Diagnostic):
    """Images for classes lie in folders, one for each class, and the name of the folder is that of the class: the
    source `images("photos")` takes `photos/cat/1.jpg`, `photos/cat/2.jpg` and `photos/dog/1.jpg`.
    """

    code = "NS427"
    title = "the folder {folder} {problem}"
    label = "{problem}"
    folder: str
    problem: str


class ImageSizes(Diagnostic):
    """A network takes images of one size. With `size` they are brought to it when they are read."""

    code = "NS428"
    title = "{file} is {found}, and {first} is {expected}"
    label = "{count} of {total} images have another size"
    file: str
    found: str
    first: str
    expected: str
    count: int
    total: int


class MissingPackage(Diagnostic):
    """A data source needs a Python package that does not come with netspec by default."""

    code = "NS429"
    title = "`{source}` needs the package {package}, which is not installed"
    label = "needs {package}"
    hint = "install it with `pip install 'netspec-compiler[{extra}]'`"
    source: str
    package: str
    extra: str


class ColumnConflict(Diagnostic):
    """A column of a table has two parts to play that do not go together: it is the target and a feature, is asked for
    and left out, or is named twice; or its values are no categories, because nearly every row has one of its own."""

    code = "NS442"
    title = "the column `{column}` of {file} {problem}"
    label = "{problem}"
    file: str
    column: str
    problem: str


class ClassWeights(Diagnostic):
    """`class_weights` are one number for each class, in the order of the classes, or `balanced`."""

    code = "NS482"
    title = "`class_weights` {problem}"
    label = "{problem}"
    problem: str


class UnseenClass(Diagnostic):
    """A test file has a class that no row of the training file has; the network has no unit for it."""

    code = "NS483"
    title = '{where}, column `{column}`: the class "{name}" is not in the training file'
    label = "{count} such rows"
    where: str
    column: str
    name: str
    count: int


class TooShort(Diagnostic):
    """A text is cut into pieces of `length` ids, each with the ids one further on as its target; there must be at least
    one such piece for each part of the data."""

    code = "NS484"
    title = "{file} has {found} {unit}, too few for pieces of {length}"
    label = "needs at least {needed}"
    hint = "lower `length` to at most {longest}, or get more text"
    file: str
    found: int
    unit: str
    length: int
    needed: int
    longest: int


class TargetIsInput(Diagnostic):
    """`target = input` is for networks with one input, which learn to give it back."""

    code = "NS485"
    title = "`target = input` goes with one input, and the data have {count}: {names}"
    label = "which of them?"
    count: int
    names: str
    advice: str = "use a source with one input, or remove `target = input`"


class WrongLoad(Diagnostic):
    """A data source written in Python gave something else than data from its `load`."""

    code = "NS486"
    title = "`load` of the source `{source}` gave {found}"
    label = "no data"
    hint = "return `(x, y)`, `(x, y, x_test, y_test)`, a dict with these keys, or a `Dataset`"
    source: str
    found: str
