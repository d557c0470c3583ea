"""NS423 to NS425, NS517 to NS522: data whose numbers or colors are read in a way that may surprise."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.diagnostics import Diagnostic


class RoundedNumbers(Diagnostic):
    """Networks compute in float32, which holds about seven digits. Numbers that are large and close to each other, such
    as times in milliseconds since 1970, become equal there. `normalize` works in float64 on the numbers of the file,
    and rounds the small ones that come out.
    """

    severity: ClassVar[str] = "warning"
    code = "NS517"
    title = (
        "float32 hardly tells the numbers of {names} apart: {first} is rounded by up to {error} and ranges over {range}"
    )
    label = "not normalized"
    hint = "set `normalize = standard` in `data`: it is computed in float64, before the numbers are rounded"
    names: str
    first: str
    error: str
    range: str


class MixedColors(Diagnostic):
    """Some of the images have more channels than others: gray, RGB, RGB with transparency. All are read as the richest
    of them, so that no color is lost; `channels` in `images` chooses another form.
    """

    severity: ClassVar[str] = "warning"
    code = "NS518"
    title = "the images have different colors ({counts}): all are read as {richest}"
    label = "different colors"
    counts: str
    richest: str


class UnlikeColors(Diagnostic):
    """Of very many images the heads of some are read beforehand, and all of those have fewer channels than this one,
    whose colors would be lost.
    """

    code = "NS519"
    title = "{file} is {found}, but the images that were looked at before are {expected}"
    label = "{count} of {total} images have more channels"
    hint = "write `channels = {channels}` to read all as {found}, or `channels = {fewer}` to read all as {expected}"
    file: str
    found: str
    expected: str
    channels: int
    fewer: int
    count: int
    total: int


class NotScaled(Diagnostic):
    """Images of floats or 32-bit integers have no largest number that a file names, and are not scaled: their numbers
    are taken as they are. Those of 8 and 16 bits are scaled to 0..1.
    """

    severity: ClassVar[str] = "warning"
    code = "NS520"
    title = "{count} of {total} images hold floats or 32-bit integers from {low} to {high}, which are not scaled"
    label = "not from 0 to 1"
    hint = "`normalize = standard` or `normalize = unit` in `data` scales them"
    count: int
    total: int
    low: str
    high: str


class FirstFrame(Diagnostic):
    """An animation or a file of several pages: only the first image of it is read."""

    severity: ClassVar[str] = "warning"
    code = "NS521"
    title = "{count} of {total} images have several frames or pages: only the first of each is read"
    label = "such as {first}"
    hint = "to use all of them, write each into a file of its own"
    count: int
    total: int
    first: str


class SourceNotUsed(Diagnostic):
    """Arrays are passed to train on, and the spec names a data source, too; the arrays are used."""

    code = "NS425"
    severity = "warning"
    title = "the source of the `data` section is not used: arrays were passed"
    label = "not used"
    hint = "leave out the arrays to train on the source, or remove the line"


class NoData(Diagnostic):
    """Training or evaluation needs data, but the spec names none."""

    code = "NS423"
    title = {"": "no data to train on", "evaluation": "no data to evaluate on: the spec names none"}
    hint = {
        "": "name a source in the section `data`, as in `data {{ source = digits }}`, or use `--data digits`",
        "evaluation": "give examples, in Python `netspec.evaluate(run, (x, y))`, or a source such as `--data digits`",
    }


class NoSplit(Diagnostic):
    """The run does not have this split."""

    code = "NS424"
    title = "there is no {split} split"
    split: str
