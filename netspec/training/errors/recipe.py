"""NS450–NS461, NS465, NS500–NS502, NS539, NS540, NS560: losses, metrics and settings that do not fit, failing runs.

Whether the targets fit the last layer is checked in netspec/data/checks (NS43x).
"""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class LossNotForHead(Diagnostic):
    """The loss does not fit the last layer of the network.

    `cross_entropy` compares the probabilities of several classes, so the network ends in a softmax (or in logits, one
    for each class); `binary_cross_entropy` takes a binary label for each unit, so it ends in a sigmoid.
    """

    code = "NS450"
    title = {
        "": "the loss `{loss}` does not fit {head}",
        "size": "{reason}",
        "steps": "{reason}",
        "recurrent": "{reason}",
        "classes": "the targets are {classes} classes, of which one is correct, but the net ends in {head}",
        "classes and loss": "the targets are {classes} classes, of which one is correct, but the net ends in {head}",
    }
    label = {
        "": "{reason}",
        "size": "the network ends in {head}",
        "steps": "the network ends in {head}",
        "recurrent": "the network ends in {head}",
        "classes": "decides about each class by itself",
        "classes and loss": "decides about each class by itself",
    }
    hint = {
        "": "use `{default}`, the default for this last layer",
        "classes": "for one of several classes write `softmax` instead of `sigmoid`",
        "classes and loss": "write `softmax` instead of `sigmoid`, and remove `loss = {loss}`",
        "open": "write numbers in the `input` line instead of names and `_`",
        "size": "the network must give {wanted}",
        "recurrent": "write `{advice}` instead of `{given}`, to predict once for each example",
        "steps": "the network must give as many outputs as there are targets; "
        "for sequences shorter than the steps use `loss = ctc`",
    }
    loss: str
    head: str
    reason: str
    default: str = ""
    classes: int = 0
    wanted: str = ""
    given: str = ""


class WrongPlace(Diagnostic):
    """A word of an optimizer chain is in the wrong place.

    Transforms of gradients come before the optimizer, the word with the learning rate; transforms of updates and
    weights come after it. `accumulate` applies to everything after it, `skip_nonfinite` to the whole step.
    """

    code = "NS451"
    title = {
        "first": "`{word}` must come first in the chain, not after `{other}`",
        "before": "`{word}` applies to `{other}`, so it must come before it",
        "after": "`{word}` works on the updates of `{other}`, so it must come after it",
        "last": "`{word}` must come after `{other}`, which would change the weights again",
    }
    label = "wrong position"
    hint = "write `{right}`"
    word: str
    other: str
    right: str


class AfterOptimizer(Diagnostic):
    """A word for gradients comes after the optimizer, so it changes the steps, to which the learning rate is applied.

    `clip(1.0)` before the optimizer limits the gradient; steps are so short that it hardly ever limits them.
    """

    code = "NS565"
    severity = "warning"
    title = "`{word}` after `{other}` changes the step, not the gradient"
    label = "after the learning rate"
    hint = "write `optimizer = {right}`"
    word: str
    other: str
    right: str


class UnknownLayer(Diagnostic):
    """The settings name a layer or block that the network does not have, or one without trainable weights.

    `netspec show` lists the names. A block includes everything in it; `block/layer` is one layer of it.
    """

    code = "NS452"
    title = "no layer or block `{name}` with trainable weights"
    name: str


class AllFrozen(Diagnostic):
    """`freeze` leaves no weight to train."""

    code = "NS453"
    title = "with {names} frozen, there is nothing left to train"
    hint = "remove a layer from `freeze`"
    names: str


class RateOfFrozen(Diagnostic):
    """A layer has its own learning rate, but is frozen."""

    code = "NS454"
    title = "`{name}` is frozen, so its learning rate has no effect"
    hint = "remove it from `freeze`, or remove `rate_of`"
    name: str


class MetricNotForHead(Diagnostic):
    """The metric does not fit the output of the network."""

    code = "NS456"
    title = "the metric `{metric}` needs {needs}"
    label = "the network ends in {head}"
    hint = {
        "": "write `metrics = {defaults}`",
        "others": 'for another output write `of("{other}", {metric})`; `{defaults}` fits this one',
        "none": "leave `metrics` out",
    }
    metric: str
    needs: str
    head: str
    defaults: str = ""
    other: str = ""


class RateCount(Diagnostic):
    """An optimizer chain must have exactly one word with a learning rate."""

    code = "NS457"
    title = {
        "": "exactly one word of this chain must have a learning rate, but several have one: {words}",
        "none": "exactly one word of this chain must have a learning rate, but none has",
    }
    label = "{chain}"
    hint = {"": "keep one of them", "none": "add an optimizer: `{chain} -> adam(1e-3)`"}
    words: str
    chain: str


class NeverReached(Diagnostic):
    """A schedule follows one that lasts until the end of the run."""

    code = "NS458"
    title = "`{word}` lasts until the end of the run, so `{following}` is never reached"
    label = "never reached"
    hint = {"": "write `schedule = {right}`", "one": "keep one of the two: `schedule = {right}`"}
    word: str
    following: str
    right: str


class BeginsTooLate(Diagnostic):
    """The schedules before the last one take as long as the run or longer, so the last one is never reached.

    A schedule with a time (`warmup(5 epochs)`) hands over to the next one when its time has passed.
    """

    code = "NS560"
    severity = "warning"
    title = "`{following}` is never reached: `{before}` takes at least as long as the run of {epochs}"
    label = "begins after the run"
    hint = "write `schedule = {shorter}`, or `epochs = {enough}` or more"
    following: str
    before: str
    epochs: str
    shorter: str
    enough: int


class NotMeasured(Diagnostic):
    """Early stopping, or a schedule that follows a metric, monitors one that is not measured."""

    code = "NS459"
    title = "`{metric}` is not measured in this run"
    label = {"": "unknown metric", "no val": "there is no validation split", "no test": "there is no test split"}
    hint = {
        "": "{advice}",
        "no val": "write `val = 10%` in the `data` section",
        "no test": "write `test = 10%` in the `data` section",
    }
    metric: str


class NonfiniteLoss(Diagnostic):
    """The loss or a weight became NaN or infinite, and training was stopped.

    The steps since the last checkpoint are run again up to the failing one, to locate the first value that is not
    finite. Usually the learning rate is too high, the inputs are not scaled, or there is a logarithm of or division by
    zero. Earlier checkpoints are kept.
    """

    code = "NS460"
    title = "training diverged in epoch {epoch}, step {step}: {where}"
    epoch: int
    step: int
    where: str
    advice: str = "lower the learning rate, put `clip(1.0) ->` before the optimizer, or scale the inputs"


class NothingToTrain(Diagnostic):
    """The network has no trainable weights."""

    code = "NS461"
    title = "there is nothing to train: {reason}"
    hint = "remove `frozen`, or add a layer with weights such as `dense(10)`"
    reason: str = "the network has no trainable weights"


class NothingToCompare(Diagnostic):
    """`keep = best` needs a validation split to tell which weights are best."""

    code = "NS465"
    title = "`keep = best` needs a validation split"
    label = "needs a validation metric"
    hint = "write `val = 10%` in the `data` section, or `keep = last`"


class LeftOver(Diagnostic):
    """A batch of one example, of which a `batchnorm` computes a mean and a variance: the variance of one number is 0.

    The output of the layer is then the same for every example, and the 0 enters the running variance, with which the
    network predicts. With `drop_last` the examples that do not fill a batch are left out of an epoch, others each time.
    """

    code = "NS539"
    severity = "warning"
    title = {
        "": "{examples} examples in batches of {batch} leave 1 for the last batch, and `{layer}` needs at least 2",
        "each": "a batch is 1 example, and `{layer}` needs at least 2",
    }
    label = "a variance of one number"
    hint = {
        "": "write `drop_last = true` in `train`, or another `batch`",
        "each": "write a larger `batch`, or use `layernorm` instead",
    }
    layer: str
    examples: int
    batch: int


class NoWholeBatch(Diagnostic):
    """With `drop_last` only whole batches are trained on, and there are fewer examples than one batch has."""

    code = "NS540"
    title = "`drop_last` leaves nothing to train on: {examples} examples are fewer than a batch of {batch}"
    label = "drops every example"
    hint = "write `batch = {examples}` or less, or remove `drop_last`"
    examples: int
    batch: int


class NoBlocks(Diagnostic):
    """`remat` saves memory inside blocks, and the network has none.

    A block is defined with `def`, as a chain or as a body in `{ }`.
    """

    code = "NS500"
    title = "there is no block to recompute"
    label = "needs blocks"
    hint = "define the repeated parts as blocks (`def part = …`), or remove `remat`"


class NotInstalled(Diagnostic):
    """`tensorboard = true`, `mlflow = true` and `wandb = true` need packages that are not installed with netspec by
    default."""

    code = "NS502"
    title = "`{setting} = true` needs the package {package}, which is not installed"
    label = "needs {package}"
    hint = "install it with `pip install 'netspec-compiler[{setting}]'`"
    setting: str
    package: str


class UnknownBlock(Diagnostic):
    """`remat` names a block that the network does not have.

    `netspec show` lists the names. `outer/inner` is a block inside another one.
    """

    code = "NS501"
    title = "there is no block `{name}`"
    name: str
