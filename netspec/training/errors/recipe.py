"""NS450 to NS469: losses, metrics and settings that do not go with the net, and runs that break.

Whether targets go with the last layer at all is asked by netspec/data/checks/network.py (NS43x).
"""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class LossNotForHead(Diagnostic):
    """A loss is asked for that says nothing about what the net ends in.

    `cross_entropy` compares the probabilities of several classes, so the net ends in a softmax (or in plain numbers,
    one for each class); `binary_cross_entropy` compares a yes or no for each unit, so it ends in a sigmoid.
    """

    code = "NS450"
    title = "the loss `{loss}` cannot go with {head}"
    label = "{reason}"
    loss: str
    head: str
    reason: str


class WrongPlace(Diagnostic):
    """A word of an optimizer chain stands where it cannot do its work.

    What works on gradients stands in front of the optimizer, the word with the learning rate; what works on steps and
    weights stands behind it. `accumulate` decides for all that is behind it, `skip_nonfinite` for the whole step.
    """

    code = "NS451"
    title = "`{word}` stands {where}"
    label = "out of place"
    hint = "write `{right}`"
    word: str
    where: str
    right: str


class UnknownLayer(Diagnostic):
    """The settings name a layer or block that the network has not, or one without weights that are trained.

    `netspec show` lists the names. A block stands for all that is in it, and `block/layer` for a layer of it.
    """

    code = "NS452"
    title = "no layer or block `{name}` has weights to train"
    name: str


class AllFrozen(Diagnostic):
    """With everything frozen that `freeze` names, no weight is left that could be trained."""

    code = "NS453"
    title = "with {names} frozen there is nothing left to train"
    hint = "leave out a layer that is to learn"
    names: str


class RateOfFrozen(Diagnostic):
    """A layer is to learn at a rate of its own, and is frozen."""

    code = "NS454"
    title = "`{name}` is frozen, so a rate of its own does nothing"
    hint = "leave it out of `freeze`, or take `rate_of` away"
    name: str


class MetricNotForHead(Diagnostic):
    """A figure is asked for that these answers do not have."""

    code = "NS456"
    title = "the metric `{metric}` needs {needs}"
    label = "the net ends in {head}"
    metric: str
    needs: str
    head: str


class RateCount(Diagnostic):
    """A chain of optimizer words in which not exactly one has a learning rate."""

    code = "NS457"
    title = "{found} of this chain has a learning rate, and exactly one must"
    label = "{chain}"
    found: str
    chain: str


class NeverReached(Diagnostic):
    """A schedule stands behind one that lasts to the end of the run."""

    code = "NS458"
    title = "`{word}` lasts to the end of the run, so `{following}` is never reached"
    label = "{following} comes too late"
    hint = "put `{word}` last; before it may stand `warmup(1 epochs)` or `constant(5 epochs)`"
    word: str
    following: str


class UnknownFigure(Diagnostic):
    """Early stopping, or a schedule that follows a figure, looks at one that is not measured."""

    code = "NS459"
    title = "`{figure}` is not measured in this run"
    label = "{reason}"
    figure: str
    reason: str


class NonfiniteLoss(Diagnostic):
    """The loss or a weight became infinite or no number at all (NaN), and training was stopped.

    The steps since the last checkpoint are run again up to the one at fault, to see where the first number that is not
    finite comes from. Mostly the learning rate is too high, the inputs are not scaled, or a logarithm or division meets
    0. The checkpoints before it are kept.
    """

    code = "NS460"
    title = "training left the finite numbers in epoch {epoch}, step {step}: {where}"
    epoch: int
    step: int
    where: str
    advice: str = "lower the learning rate, put `clip(1.0) ->` before the optimizer, or scale the inputs"


class NothingToTrain(Diagnostic):
    """The net has no weights that training may change."""

    code = "NS461"
    title = "there is nothing to train: {reason}"
    hint = "remove `frozen`, or add a layer with weights such as `dense(10)`"
    reason: str = "the net has no trainable weights"


class NothingToCompare(Diagnostic):
    """The best weights are asked for, and there is no validation split that says which they are."""

    code = "NS465"
    title = "`keep = best` needs a validation split"
    label = "best by which figure?"
    hint = "write `val = 10%` in the `data` section, or `keep = last`"


class NoBlocks(Diagnostic):
    """`remat` saves memory inside of blocks, and the network has none: its layers stand one by one.

    Layers that are given a name with `def`, or joined by `->` inside of `{ }`, make a block.
    """

    code = "NS500"
    title = "there is no block to compute again"
    label = "needs blocks"
    hint = "make blocks of the parts that repeat (`def part = …`), or remove `remat`"


class NoTensorboard(Diagnostic):
    """`tensorboard = true` needs the package tensorboardX, which does not come with netspec by default."""

    code = "NS502"
    title = "`tensorboard = true` needs the package tensorboardX, which is not installed"
    label = "needs tensorboardX"
    hint = "install it with `pip install 'netspec-compiler[tensorboard]'`"


class UnknownBlock(Diagnostic):
    """`remat` names a block that the network has not.

    `netspec show` lists the names. `outer/inner` is a block inside of another one.
    """

    code = "NS501"
    title = "there is no block `{name}`"
    name: str
