"""NS426 to NS429, NS442, NS482 to NS486, NS630 to NS632: folders, columns, text, pairs, and targets."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.diagnostics import Diagnostic

_AUTOENCODER = "for an autoencoder write `target = input` in the section `data`"


class NoTarget(Diagnostic):
    """The data have inputs but no target: a table without a target column, images or sounds without classes."""

    code = "NS426"
    title = "{source} has inputs but no target"
    label = "nothing to predict"
    hint = {
        "table": "name the column to predict: `target = …` in the source\n" + _AUTOENCODER,
        "images": "put images into a folder for each class\n" + _AUTOENCODER,
        "sounds": "put sounds into a folder for each class, or name the column of a table: `target = …` in the source\n"
        + _AUTOENCODER,
        "windows": 'name the columns to predict: `targets = ["…"]`',
        "inputs": 'name the columns to predict from: `inputs = ["…"]`',
        "evaluation": "give the targets, too: `(x, y)`",
        "python": 'give the targets, too: `(x, y)`, of a data frame `(df.drop(columns="…"), df["…"])`\n' + _AUTOENCODER,
        "": "give targets, too\n" + _AUTOENCODER,
    }
    source: str


class BadFolder(Diagnostic):
    """Images, texts and sounds of classes are in folders, one for each class and named after it: `images("photos")`
    takes `photos/cat/1.jpg`, `photos/cat/2.jpg` and `photos/dog/1.jpg`, `texts("reviews")` takes `reviews/good/1.txt`,
    and `sounds("words")` takes `words/yes/1.wav`.
    """

    code = "NS427"
    title = "the folder {folder} {problem}"
    label = "{problem}"
    folder: str
    problem: str


class ImageSizes(Diagnostic):
    """All images must have one size. With `size` they are resized when they are read."""

    code = "NS428"
    title = "{file} is {found}, but {first} is {expected}"
    label = "{count} of {total} images have another size"
    hint = {"column": "resize them first, with `map`", "": "give all of them one size: `size = {size}`"}
    file: str
    found: str
    first: str
    expected: str
    count: int
    total: int
    size: str = ""


class MissingPackage(Diagnostic):
    """A data source needs a Python package that is not installed with netspec by default."""

    code = "NS429"
    title = "`{source}` needs the package {package}, which is not installed"
    label = "needs {package}"
    hint = "install it with `pip install 'netspec-compiler[{extra}]'`"
    source: str
    package: str
    extra: str


class ColumnConflict(Diagnostic):
    """A column has conflicting roles: it is the target and a feature, is selected and dropped, or is named twice; or
    its values are not categories, because they differ in nearly every row.
    """

    code = "NS442"
    title = "the column `{column}` of {file} {problem}"
    label = "{problem}"
    hint = {
        "values": "{advice}",
        "twice": "name it once in `{role}`",
        "outside": "add it to `columns`, or take it out of `{role}`: only features are encoded",
        "target": "take it out of `{role}`: a column is a target or a feature, and targets of text are always classes",
        "": "take it out of `{role}`",
        "inputs": 'write `input = "{column}"`, or `columns = {advice}` for several; its columns are {columns}',
        "nested": 'write `drop = "{column}"` to leave it out, or `input = "{column}"` for a network on it alone',
        "unclear": 'write `{role} = "{column}"`; its columns are {columns}',
    }
    file: str
    column: str
    problem: str
    role: str = ""
    columns: str = ""
    advice: str = ""


class ClassWeights(Diagnostic):
    """`class_weights` is one number for each class, in the order of the classes, or `balanced`."""

    code = "NS482"
    title = "`class_weights` {problem}"
    label = "{problem}"
    hint = {
        "numbers": "remove the line: the targets are numbers",
        "several": "write `class_weights = balanced`",
        "": "write {count} numbers{order}, or `class_weights = balanced`",
    }
    problem: str
    count: int = 0
    order: str = ""


class UnseenClass(Diagnostic):
    """The test file has a class that does not occur in the training file, so the network has no unit for it."""

    code = "NS483"
    title = '{where}, column `{column}`: the class "{name}" is not in the training file'
    label = "{count} such rows"
    hint = "the classes are {classes}"
    where: str
    column: str
    name: str
    count: int
    classes: str


class TooShort(Diagnostic):
    """A text is cut into sequences of `length` ids, each with the ids shifted by one as its target; each split needs at
    least one sequence.
    """

    code = "NS484"
    title = "{file} has {found} {unit}, too few for sequences of {length}"
    label = "needs at least {needed}"
    hint = "lower `length` to at most {longest}, or get more text"
    file: str
    found: int
    unit: str
    length: int
    needed: int
    longest: int


class TargetIsInput(Diagnostic):
    """`target = input` is for networks with one input, which learn to reconstruct it."""

    code = "NS485"
    title = "`target = input` needs a single input, but the data have {count}: {names}"
    label = "ambiguous"
    count: int
    names: str
    advice: str = "use a source with one input, or remove `target = input`"


class WrongLoad(Diagnostic):
    """The `load` method of a user-defined data source did not return data."""

    code = "NS486"
    title = "`load` of the source `{source}` returned {found}"
    label = "not data"
    hint = "return `(x, y)`, `(x, y, x_test, y_test)`, a dict with these keys, or a `Dataset`"
    source: str
    found: str


class FewForPairs(Diagnostic):
    """The source `pairs` needs two images of one class and images of two classes in each part: for the training, the
    validation and the test, which have no image in common.
    """

    code = "NS630"
    title = {
        "folders": "{folder} has no folders of classes, from which pairs could be drawn",
        "": "{folder} has too few images for pairs in the {part} part: {images} in {classes} classes",
    }
    label = {"folders": "no classes", "": "{images} images, {classes} classes"}
    hint = {
        "folders": "put the images of each class into its own folder",
        "classes": "a part needs at least 2 classes: lower `val` or `test`, or write `split_by = images`",
        "": "a part needs 2 classes with at least 2 images each: get more images, or write `val = 0` or `test = 0`",
    }
    folder: str
    part: str
    classes: int = 0
    images: int = 0


class PairsFolded(Diagnostic):
    """Pairs share images, so that pairs which are divided at random into folds would be trained on images of the fold
    that is held out. The source `pairs` holds out images, and only then draws pairs.
    """

    code = "NS631"
    title = "pairs of images cannot be divided into folds"
    label = "pairs in different folds would share images"
    hint = "remove `folds`, and train with another `seed` of `pairs` to hold out other images"


class PairsRead(Diagnostic):
    """What the source `pairs` does where there are few images: pairs occur several times where there are not enough
    different ones, and of classes with too few images none are held out.
    """

    severity: ClassVar[str] = "warning"
    code = "NS632"
    title = {
        "small": "{most} of {drawn} classes have too few images for pairs in each part, such as `{part}`: "
        "none are held out",
        "": "the {part} part has {drawn} pairs of {answer}, of which only {most} differ: some occur several times",
    }
    label = {"small": "all of them are trained on", "": "{most} different pairs"}
    hint = {"small": "a part needs 2 images of a class", "": "lower `count`, hold more out, or get more images"}
    part: str
    answer: str
    most: int
    drawn: int
