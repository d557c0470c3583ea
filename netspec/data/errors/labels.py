"""NS536 to NS538 and NS543: labels of classes that are not 0, 1, 2, …, and names that are alike."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class LabelsFrom(Diagnostic):
    """The labels begin at 1 or above, so that the network has units for classes that never occur.

    Class ids are integers from 0. `class_ids = from(1)` numbers labels that begin at 1; `class_ids = auto` numbers
    those that occur, in increasing order; a list gives the order, and which labels there may be. The labels become the
    names of the classes.
    """

    code = "NS536"
    severity = "warning"
    title = "the labels run from {low} to {high}, but the last layer has {units} units, for 0 to {highest}"
    label = "no example has the label 0"
    hint = "write `class_ids = {right}` in `data`, and a last layer of {count} units"
    low: int
    high: int
    units: int
    highest: int
    right: str
    count: int


class LabelNotListed(Diagnostic):
    """`class_ids` leaves out a label of the data."""

    code = "NS537"
    title = "the label {label_value} of {where} is not among `class_ids`"
    label = "has no class for {label_value}"
    hint = "add the label, start lower, or write `class_ids = auto` for all labels that occur"
    label_value: int
    where: str


class AlikeNames(Diagnostic):
    """Classes or categories differ only in upper and lower case or in spaces, such as `Cat` and `cat`. They are counted
    as different ones."""

    code = "NS543"
    severity = "warning"
    title = "{what} has {count} names that differ only in case or spaces: {names}"
    label = "counted as different"
    hint = "if they are the same, write them alike in the data"
    what: str
    count: int
    names: str


class LabelTooLarge(Diagnostic):
    """Class ids are 32-bit integers: a larger number is an identifier or a hash, or the wrong column."""

    code = "NS538"
    title = "the label {label_value} is outside the range of 32-bit integers"
    label = "holds the label {label_value}"
    hint = "write `class_ids = auto` in `data` to number the labels that occur, or check that these are the targets"
    label_value: int
    count: int = 0
