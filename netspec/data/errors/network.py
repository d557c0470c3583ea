"""NS430 to NS449: data that do not fit the network; reported before the first step."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class InputUnlikeData(Diagnostic):
    """The examples have another shape than the `input` of the spec."""

    code = "NS430"
    title = "the examples have shape {found}, but {what} has shape {expected}"
    label = "expects {expected}"
    hint = {
        "": "{advice}",
        "run": "the run was trained on {expected}: evaluate it on data of the same shape",
    }
    what: str
    found: str
    expected: str


class ChannelsFirst(Diagnostic):
    """The images are channels-first (as in PyTorch); netspec uses channels-last, height x width x channels. With NumPy,
    `numpy.moveaxis(x, 1, -1)` converts them.
    """

    code = "NS431"
    title = "the images are channels-first: {found}"
    label = "expects {expected}, channels last"
    hint = "move the channels to the end: `x = numpy.moveaxis(x, 1, -1)` gives {wanted}"
    found: str
    expected: str
    wanted: str


class ClassCount(Diagnostic):
    """The last layer needs one unit for each class in the data."""

    code = "NS432"
    title = "the data have {classes} classes{names}, but the last layer has {units}"
    label = "for {classes} classes"
    hint = {
        "tags": "if a cell may have several of the tags {tags}, write `{option}` in `{source}(…)` and {layer} here\n"
        "for one class for each different cell write `dense({classes}, softmax)`",
        "": "write `dense({classes}, softmax)`, or `dense(classes, softmax)`",
    }
    classes: int
    units: str
    names: str = ""
    tags: str = ""
    option: str = ""
    source: str = ""
    layer: str = ""


class SoftmaxOfOne(Diagnostic):
    """The outputs of a softmax sum to 1; with one unit the prediction is always 1, whatever the network computes."""

    code = "NS433"
    title = "a softmax of one unit is always 1"
    label = "one unit"
    hint = {
        "class": "write `dense({classes}, softmax)`, or `dense(classes, softmax)`",
        "binary": "for binary classification write `dense(1, sigmoid)`",
        "numbers": "for numbers leave out the activation: `dense(1)`",
    }
    classes: int = 0


class LabelsOutside(Diagnostic):
    """Class ids are integers from 0 to the number of classes minus 1. `class_ids` in `data` numbers labels that begin
    at 1, have gaps, or are -1 and 1 for no and yes; the labels are then the names of the classes.
    """

    code = "NS434"
    title = "the label {label_value} of {where} is outside 0..{highest}"
    label = "for labels 0..{highest}"
    hint = {
        "from": "the labels run from {low} to {high}, and ids begin at 0: write `class_ids = {right}` in `data`"
        ", or subtract {low}",
        "signs": "the labels are -1 and 1: write `class_ids = {right}` in `data`, or give `(y + 1) // 2`",
        "gaps": "the labels are {count} of the integers from {low} to {high}: write `class_ids = {right}` in `data`",
        "units": "the labels are {count} integers from {low} to {high}: write `class_ids = {right}` in `data`, and the "
        "last layer `{layer}`",
        "": "the labels range from {low} to {high}; ids are integers from 0 to {highest}",
    }
    label_value: int
    where: str
    highest: int
    low: int
    high: int
    right: str = ""
    count: int = 0
    layer: str = ""


class LabelsNotIds(Diagnostic):
    """A softmax predicts one of several classes, so its targets must be class ids, not numbers with a fraction or rows
    of zeros and ones.
    """

    code = "NS435"
    title = "the last layer is a softmax, but the targets are {found}"
    label = "needs class ids"
    hint = {
        "binary": "for one of several classes give ids: `y.argmax(axis=1)`; "
        "for several binary labels write `dense({size}, sigmoid)`",
        "rows": "to predict numbers write `dense({size})`\n"
        "if each row has the probabilities of the classes, write `loss = cross_entropy` in `train`\n"
        'to predict classes give integers: `y.astype("int32")`',
        "table": "to predict numbers write `dense({size})`\nto predict classes add `task = classes` to `{source}(…)`",
        "several": "to predict numbers write `dense({size})`",
        "numbers": 'to predict numbers write `dense({size})`\nto predict classes give integers: `y.astype("int32")`',
    }
    found: str
    size: int
    source: str = ""


class WrongHead(Diagnostic):
    """The last layer does not fit the kind of targets: classes need a softmax (or one sigmoid unit for two of them),
    binary labels a sigmoid, numbers a layer without an activation.
    """

    code = "NS436"
    title = "the targets are {found}, but the last layer {head}"
    label = "{head}"
    hint = {
        "each example": "put `gap` or `flatten` before the last layer, to predict once for each example",
        "each example, ending": "end in `gap -> dense({size}, softmax)`, to predict once for each example",
        "each example, recurrent": "write `{advice}` instead of `{given}`, to predict once for each example",
        "each step": "the targets have a class for each step: remove `last`, `gap` and `flatten` before the last layer",
        "table": "to predict the number itself, add `task = numbers` to `{source}(…)`\n"
        "to predict classes, write `dense({size}, softmax)`",
        "names": "write `dense({size}, softmax)`",
        "class": 'write `dense({size}, softmax)`\nto predict the number itself, give floats: `y.astype("float32")`',
        "many classes": 'to predict the number itself, give floats: `y.astype("float32")`\n'
        "if they are ids of classes, write `dense({size}, softmax)`",
        "binary": "write `dense({size}, sigmoid)`",
    }
    found: str
    head: str
    size: int = 0
    given: str = ""
    source: str = ""


class NotFinite(Diagnostic):
    """An input or a target is NaN, infinite, or outside the range of float32, in which networks compute; every weight
    would become NaN in the first step.
    """

    code = "NS437"
    title = "{where}, {column}, is {value}"
    label = "{count} such values in the {what}"
    hint = {
        "range": "float32 holds numbers up to 3.4e38: remove these examples, or use a larger unit",
        "": "remove these examples, or fill in values; dividing 0 by 0 gives NaN",
    }
    where: str
    column: str
    value: str
    count: int
    what: str


class TargetsOutsideUnit(Diagnostic):
    """A sigmoid predicts values between 0 and 1, and cannot reach a target outside this range."""

    code = "NS438"
    title = "the target {value:g} of {where} is outside 0..1, which a sigmoid cannot reach"
    label = "predicts values between 0 and 1"
    hint = "the targets range from {low:g} to {high:g}; remove `sigmoid`, or scale the targets to 0..1"
    value: float
    where: str
    low: float
    high: float


class IdsOutside(Diagnostic):
    """Token ids are integers from 0 to the size of the vocabulary minus 1."""

    code = "NS439"
    title = "the token id {value:g} of {where} is not an integer from 0 to {highest}"
    label = "the vocabulary has {vocabulary} ids"
    hint = {
        "from 1": "the ids range from {low:g} to {high:g}; lower the ids by 1",
        "not ids": "the ids range from {low:g} to {high:g}; check that this is the array of token ids",
        "": "the ids range from {low:g} to {high:g}; write `tokens({count})`",
    }
    value: float
    where: str
    highest: int
    vocabulary: int
    low: float
    high: float
    count: int


class UnitCount(Diagnostic):
    """The last layer needs one unit for each number of a target."""

    code = "NS440"
    title = "each target has {found}, but the last layer has {units}"
    label = "has {units}"
    hint = "write `{right}`"
    found: str
    units: str
    right: str


class NamesUnlikeData(Diagnostic):
    """With several inputs or outputs, those of the data and of the spec are matched by name."""

    code = "NS441"
    title = "the data have no {what} named `{name}`"
    label = "not in the data"
    what: str
    name: str


class TokensUnlikeData(Diagnostic):
    """The data are ids of words, characters or categories, but the input takes numbers, or has a smaller vocabulary."""

    code = "NS443"
    title = "the data are token ids below {vocabulary}, but {what} expects {expected}"
    label = "expects {expected}"
    hint = "write `{declared}`"
    vocabulary: int
    what: str
    expected: str
    declared: str


class UnlikeScales(Diagnostic):
    """Features on very different scales slow training: a learning rate that suits the large ones is far too small for
    the others.
    """

    code = "NS444"
    severity = "warning"
    title = (
        "features on very different scales: "
        "{large} has the standard deviation {large_std:.3g}, {small} has {small_std:.3g}"
    )
    label = "not normalized"
    hint = "set `normalize = standard` in `data`, or begin the network with `batchnorm`"
    large: str
    large_std: float
    small: str
    small_std: float


class ConstantColumns(Diagnostic):
    """A feature has the same value in every example, so nothing can be learned from it."""

    code = "NS445"
    severity = "warning"
    title = "{count} of {total} features are constant: {columns}"
    label = "always the same"
    hint = "nothing can be learned from them; remove them, or check how they were made"
    count: int
    total: int
    columns: str


class Leak(Diagnostic):
    """The same examples are in the training set and in another one, whose metrics are then too optimistic: the network
    may have memorized them. Or examples of the two have the same inputs with different targets. Where only few
    different inputs are possible, as with two columns of categories, equal ones are not reported.
    """

    code = "NS446"
    severity = "warning"
    title = {
        "inputs": "{counts} have the same inputs as examples of the training set",
        "": "{counts} are also in the training set{others}",
    }
    label = {"inputs": "with other targets", "": "these data have duplicate rows"}
    hint = {
        "inputs": "the first is {first}; no network can predict both of their targets",
        "file": "the first is {where}: `test` names the file of the training examples\n"
        "leave `test` out, and some of them are held out; or name another file",
        "": "the first is {first}; remove duplicates before splitting",
    }
    counts: str
    """How many examples of each split."""
    where: str
    first: str
    """The first of each split, and its twin."""
    others: str = ""
    """The splits of which only the inputs are equal."""


class ClassWithoutExamples(Diagnostic):
    """No training example has this class, so the network cannot learn it."""

    code = "NS447"
    severity = "warning"
    title = "no training example for {classes}"
    label = "{count} of {total} classes"
    hint = {
        "": "get examples of every class, or hold out fewer examples",
        "gaps": "get examples of every class; or, if there are no such classes, write `class_ids = auto` in `data`",
    }
    classes: str
    count: int
    total: int


class UnscaledPixels(Diagnostic):
    """The inputs look like pixels from 0 to 255. Networks train badly on values that large; the usual learning rates
    and initial weights are made for 0 to 1.
    """

    code = "NS448"
    severity = "warning"
    title = "the inputs are integers from {low:g} to {high:g}, like unscaled pixels"
    label = "large inputs make training slow or unstable"
    hint = "set `normalize = unit` in `data`, or begin the network with `scale(1 / 255)`"
    low: float
    high: float


class NoActivation(Diagnostic):
    """The targets are classes or binary labels, but the last layer has no activation. Such a network can be trained,
    but it predicts logits, not probabilities.
    """

    code = "NS449"
    severity = "warning"
    title = "the targets are {found}, but the last layer does not give probabilities"
    label = "without a {activation}"
    hint = {
        "": "write `{advice}`\nthe loss stays the same, and predictions become probabilities",
        "other": "write `{advice}`\n`{given}` is for the layers before the last one",
    }
    found: str
    activation: str
    given: str = ""


class SeesTarget(Diagnostic):
    """The targets of a text are its ids one step later, so what the network predicts at a step is the next step of
    its input. A layer that reads later steps copies it: the loss goes to 0, and nothing about the text is learned.
    """

    code = "NS559"
    severity = "warning"
    title = "`{word}` sees the target: each step predicts the next one, which this layer reads"
    label = "reads later steps"
    hint = {
        "attention": "write `causal = true`: `{advice}`",
        "bidirectional": "read the text forward only: `{advice}`",
        "reverse": "read the text forward: `{advice}`",
        "conv": "pad the beginning only: `{advice}`",
    }
    word: str
