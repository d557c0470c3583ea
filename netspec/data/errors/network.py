"""NS430 to NS449: data and network do not fit each other; found before the first step."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class InputUnlikeData(Diagnostic):
    """The examples have another shape than the `input` of the spec."""

    code = "NS430"
    title = "the examples are {found}, and {what} is {expected}"
    label = "expects {expected}"
    what: str
    found: str
    expected: str


class ChannelsFirst(Diagnostic):
    """The images have their channels in front (PyTorch's order); in netspec the channels are last, height x width x
    channels. With NumPy, `numpy.moveaxis(x, 1, -1)` puts them there."""

    code = "NS431"
    title = "the images stand channels first: {found}"
    label = "expects {expected}, channels last"
    hint = "move the channels to the end: `x = numpy.moveaxis(x, 1, -1)` gives {wanted}"
    found: str
    expected: str
    wanted: str


class ClassCount(Diagnostic):
    """The last layer has a unit for each class, so there are as many units as classes in the data."""

    code = "NS432"
    title = "the data have {classes} classes, and the last layer {units}"
    label = "for {classes} classes"
    classes: int
    units: str


class SoftmaxOfOne(Diagnostic):
    """A softmax shares 1 out among its units; with one unit the answer is always 1, whatever the net computes."""

    code = "NS433"
    title = "a softmax of one unit is always 1"
    label = "one unit"


class LabelsOutside(Diagnostic):
    """Class ids are whole numbers from 0 to the number of classes minus 1. Labels that begin at 1, or -1 and 1 for no
    and yes, have to be shifted first."""

    code = "NS434"
    title = "the label {label_value} of {where} is outside 0..{highest}"
    label = "for labels 0..{highest}"
    hint = "the labels go from {low} to {high}; {advice}"
    label_value: int
    where: str
    highest: int
    low: int
    high: int


class LabelsNotIds(Diagnostic):
    """A softmax answers which one of several classes it is; its targets are class ids, and these are numbers with a
    fraction, or rows of zeros and ones.
    """

    code = "NS435"
    title = "the last layer is a softmax, and the targets are {found}"
    label = "needs class ids"
    found: str


class WrongHead(Diagnostic):
    """The last layer answers another kind of question than the data ask: classes need a softmax (or one sigmoid unit
    for two of them), yes or no a sigmoid, numbers a layer without an activation.
    """

    code = "NS436"
    title = "the targets are {found}, and the last layer {head}"
    label = "{head}"
    found: str
    head: str


class NotFinite(Diagnostic):
    """An input or a target is infinite or no number at all (NaN); every weight would become NaN in the first step."""

    code = "NS437"
    title = "{where}, {column}, is {value}"
    label = "{count} such values in the {what}"
    where: str
    column: str
    value: str
    count: int
    what: str
    advice: str = "remove these examples, or fill in values; a 0 divided by 0 makes NaN"


class TargetsOutsideUnit(Diagnostic):
    """A sigmoid answers between 0 and 1, and can never reach a target outside."""

    code = "NS438"
    title = "the target {value:g} of {where} is outside 0..1, which a sigmoid cannot reach"
    label = "answers between 0 and 1"
    hint = "the targets go from {low:g} to {high:g}; remove `sigmoid`, or scale the targets to 0..1"
    value: float
    where: str
    low: float
    high: float


class IdsOutside(Diagnostic):
    """Token ids are whole numbers from 0 to the size of the vocabulary minus 1."""

    code = "NS439"
    title = "the token id {value:g} of {where} is no whole number from 0 to {highest}"
    label = "the vocabulary has {vocabulary} ids"
    hint = "the ids go from {low:g} to {high:g}; {advice}"
    value: float
    where: str
    highest: int
    vocabulary: int
    low: float
    high: float


class UnitCount(Diagnostic):
    """The last layer has a unit for each number of a target."""

    code = "NS440"
    title = "a target is {found}, and the last layer gives {units}"
    label = "gives {units}"
    found: str
    units: str


class NamesUnlikeData(Diagnostic):
    """With several inputs or outputs, those of the data and of the spec find each other by their names."""

    code = "NS441"
    title = "the data have no {what} `{name}`"
    label = "not in the data"
    what: str
    name: str


class TokensUnlikeData(Diagnostic):
    """The data are ids of words, characters or categories, and the input takes numbers, or fewer ids than there are."""

    code = "NS443"
    title = "the data are ids below {vocabulary}, and {what} takes {expected}"
    label = "takes {expected}"
    hint = "write `{declared}`"
    vocabulary: int
    what: str
    expected: str
    declared: str


class UnlikeScales(Diagnostic):
    """Features of very different size make training slow: the steps that are right for the large ones are far too small
    for the others.
    """

    code = "NS444"
    severity = "warning"
    title = "features of very different size: {large} has the deviation {large_std:.3g}, {small} {small_std:.3g}"
    label = "not normalised"
    hint = "set `normalize = standard` in `data`, or begin the net with `batchnorm`"
    large: str
    large_std: float
    small: str
    small_std: float


class ConstantColumns(Diagnostic):
    """A feature has the same value in every example. Nothing can be learnt from it."""

    code = "NS445"
    severity = "warning"
    title = "{count} of {total} features never change: {columns}"
    label = "always the same"
    hint = "nothing can be learnt from them; leave them out, or check how they were made"
    count: int
    total: int
    columns: str


class Leak(Diagnostic):
    """Examples stand in the training part and in another one as well, so that the figures on that one come out too
    good: the net may know these examples by heart."""

    code = "NS446"
    severity = "warning"
    title = "{count} of {total} {part} examples are also in the training part"
    label = "these data have equal rows"
    count: int
    total: int
    part: str


class ClassWithoutExamples(Diagnostic):
    """No training example shows this class, so the net cannot learn it."""

    code = "NS447"
    severity = "warning"
    title = "no training example for {classes}"
    label = "{count} of {total} classes"
    hint = "get examples of every class, or hold out fewer of them"
    classes: str
    count: int
    total: int


class UnscaledPixels(Diagnostic):
    """The numbers look like brightness from 0 to 255. Nets learn badly from numbers that large; 0..1 is what the usual
    learning rates and initial weights are made for."""

    code = "NS448"
    severity = "warning"
    title = "the inputs are whole numbers from {low:g} to {high:g}, as pixels are before they are scaled"
    label = "large inputs make training slow or unstable"
    hint = "set `normalize = unit` in `data`, or begin the net with `scale(1 / 255)`"
    low: float
    high: float


class NoActivation(Diagnostic):
    """The data ask which class it is, or yes or no, and the last layer answers any number. Such a net can be
    trained, but it does not predict probabilities.
    """

    code = "NS449"
    severity = "warning"
    title = "the targets are {found}, and the last layer has no activation"
    label = "gives any number"
    hint = "write `{advice}` for probabilities"
    found: str
