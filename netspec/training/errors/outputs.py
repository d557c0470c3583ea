"""NS462 to NS467, NS503, NS541, NS542: losses and metrics of several outputs, unusable targets, and stopping."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class TargetsNotForLoss(Diagnostic):
    """The targets have values that the loss cannot use: a negative count for `poisson`, probabilities that do not sum
    to 1 for `kl`, more classes than steps for `ctc`.
    """

    code = "NS462"
    title = "the loss `{loss}` cannot use the targets: that of {where} {reason}"
    label = "set here"
    loss: str
    where: str
    reason: str


class OutputChain(Diagnostic):
    """A chain of losses or metrics does not make clear which of them is for which output.

    `of("digit", mse)` is for the output `digit`, which the network must have; words without `of` are for all other
    outputs. Each output has one loss, and any number of metrics.
    """

    code = "NS463"
    title = {
        "same": "`{first}` and `{second}` are both for the same output",
        **dict.fromkeys(["every", "each"], "`{first}` and `{second}` are both for every output"),
        "unknown": "there is no output `{first}`",
        "twice": '`of("{first}", …)` is given twice',
        "nested": "`of` cannot contain `of`",
    }
    hint = {
        "same": "keep one of them",
        "every": 'keep one of them, or choose the output: `of("{output}", {first_text}) -> …`',
        "each": "write `loss = {each}`",
        "unknown": "{advice}",
        "twice": "keep one of them",
        "nested": "join them by `->`: `of(…) -> of(…)`",
    }
    first: str = ""
    second: str = ""
    output: str = ""
    first_text: str = ""
    each: str = ""


class LossNotForSettings(Diagnostic):
    """A loss does not fit another setting.

    `contrastive` and `triplet` compare the examples of a batch with each other, so a batch needs more than one; and
    they and `ctc` have no per-example loss that `class_weights` could be applied to.
    """

    code = "NS464"
    title = {
        "batch": "the loss `{loss}` compares the examples of a batch",
        "weights": "the loss `{loss}` does not support `class_weights`",
    }
    label = {"batch": "`batch` is 1", "weights": "it has no per-example loss"}
    hint = {
        "batch": "write `batch = 128`, so that each class occurs several times",
        "weights": "remove `class_weights` from the `data` section",
    }
    loss: str


class KeptTwice(Diagnostic):
    """A chain of `keep` sets twice which weights are saved, or how often.

    `best` and `last` choose the weights that are kept at the end; `every` also saves those of some epochs.
    """

    code = "NS466"
    title = {
        "final": "`{first}` and `{second}` both set which weights are saved",
        "every": "`{first}` and `{second}` both set how often",
    }
    hint = {
        "final": "keep one of them; `every(5 epochs)` can be added to it",
        "every": "keep one of them; `best` can be added to it",
    }
    first: str
    second: str


class NeverSoGood(Diagnostic):
    """A stopping rule that can never hold, such as an accuracy above 1."""

    code = "NS467"
    title = "`{metric}` is a fraction (0 to 1) and cannot reach {wanted}"
    label = "never satisfied"
    hint = {"": "for {wanted} percent write {wanted}%", "fraction": "write a fraction such as 99%"}
    metric: str
    wanted: str


class NoThreshold(Diagnostic):
    """`threshold` is for outputs with a single probability, of yes; `best` chooses it on the validation split.

    Of several classes the most probable one is predicted. What is compared is a metric of yes/no decisions that is a
    single number: `accuracy`, `balanced_accuracy`, `precision`, `recall`, `f1`, `iou`.
    """

    code = "NS542"
    title = {
        "output": "`threshold` is for a yes/no output, and the network ends in {head}",
        "val": "`best({metric})` chooses the threshold on a validation split, and there is none",
        "metric": "`{metric}` does not compare thresholds",
    }
    label = {"output": "decides nothing", "val": "needs a validation split", "metric": "with this metric"}
    hint = {
        "output": "remove it, or end in `dense(1, sigmoid)` for two classes",
        "val": "write `val = 20%` in `data`, or a number here",
        "metric": "write `best(f1)` or `best(balanced_accuracy)`",
    }
    metric: str
    head: str


class OneClass(Diagnostic):
    """After the first epoch the accuracy is that of a network that always predicts the most frequent class.

    Where one class is rare, that is the easiest way to a high accuracy. `class_weights = balanced` gives the classes
    the same weight in the loss; the balanced accuracy and the confusion matrix show whether the rare class is ever
    predicted.
    """

    code = "NS541"
    severity = "warning"
    title = "`{metric}` is {percent}, as if every prediction were `{most}`, the most frequent class"
    hint = "if it stays so, write `class_weights = balanced` in `data`, and look at `balanced_accuracy`"
    metric: str
    percent: str
    most: str


class Imbalanced(Diagnostic):
    """Nearly all examples have one class, and nothing in the spec takes account of it.

    A network that always predicts this class has a high accuracy, and the loss of the rare classes weighs little. It is
    reported where one class has 90% of at least 50 training examples, and the spec sets neither `class_weights` nor
    `metrics`.
    """

    code = "NS655"
    severity = "warning"
    title = "{percent} of the training examples are `{most}`: always predicting it has this accuracy"
    hint = "write `class_weights = balanced` in `data`, or `metrics = balanced_accuracy -> f1(macro)` in `train`"
    percent: str
    most: str


class TestDecides(Diagnostic):
    """The run stops by a metric of the test split, which is then no longer an unbiased estimate."""

    code = "NS503"
    severity = "warning"
    title = "the test split decides when the run stops, so its metrics are biased"
    label = "measured after every epoch"
    hint = "monitor `val_…` here, and leave the test split for the end"


class TargetsAsTheyAre(Diagnostic):
    """`normalize_targets = standard` is written, but only numbers are normalized whose output has no activation and
    whose loss is `mse`, `mae` or `huber`: others would change their meaning.
    """

    code = "NS562"
    severity = "warning"
    title = "`normalize_targets = standard` changes nothing here"
    label = "the targets stay as they are"
    hint = "it is for targets that are numbers, an output without an activation, and the loss `mse`, `mae` or `huber`"


class LargeDelta(Diagnostic):
    """The `delta` of `huber` is in standard deviations where the targets are normalized; hardly an error is larger than
    this one, so that the loss is half the squared error.
    """

    code = "NS563"
    severity = "warning"
    title = "the `delta` of `huber` is {delta} standard deviations of the targets, which hardly an error exceeds"
    label = "in standard deviations"
    hint = "for {delta} in the units of the targets write `huber({scaled})`"
    delta: str
    scaled: str
