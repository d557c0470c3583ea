"""NS450 to NS479: losses, metrics and settings that do not go with the net, runs that break, damaged checkpoints.

Whether targets go with the last layer at all is asked by netspec/data/checks.py (NS43x).
"""

from __future__ import annotations

from netspec.diagnostics import Diagnostic
from netspec.record import record


@record
class LossNotForHead(Diagnostic):
    """A loss is asked for that says nothing about what the net ends in.

    `cross_entropy` compares the probabilities of several classes, so the net ends in a softmax (or in plain numbers,
    one for each class); `binary_cross_entropy` compares a yes or no for each unit, so it ends in a sigmoid.

    Wrong:
        dense(classes, softmax)
        data { source = digits }
        train { loss = binary_cross_entropy }

    Right:
        dense(classes, softmax)
        data { source = digits }
        train { loss = cross_entropy }
    """

    code = "NS450"
    title = "the loss `{loss}` cannot go with {head}"
    label = "{reason}"
    hint = "{advice}"
    loss: str
    head: str
    reason: str
    advice: str


@record
class MetricNotForHead(Diagnostic):
    """A figure is asked for that these answers do not have.

    Wrong:
        dense(classes, softmax)
        data { source = digits }
        train { metrics = roc_auc }

    Right:
        dense(classes, softmax)
        data { source = digits }
        train { metrics = accuracy }
    """

    code = "NS456"
    title = "the metric `{metric}` needs {needs}"
    label = "the net ends in {head}"
    hint = "use {advice}"
    metric: str
    needs: str
    head: str
    advice: str


@record
class RateCount(Diagnostic):
    """A chain of optimizer words in which not exactly one has a learning rate.

    Wrong:
        dense(classes, softmax)
        data { source = digits }
        train { optimizer = clip(1.0) }

    Right:
        dense(classes, softmax)
        data { source = digits }
        train { optimizer = clip(1.0) -> adam(1e-3) }
    """

    code = "NS457"
    title = "{found} of this chain has a learning rate, and exactly one must"
    label = "{chain}"
    hint = "{advice}"
    found: str
    chain: str
    advice: str


@record
class NeverReached(Diagnostic):
    """A schedule stands behind one that lasts to the end of the run.

    Wrong:
        dense(classes, softmax)
        data { source = digits }
        train { schedule = cosine -> warmup(1 epochs) }

    Right:
        dense(classes, softmax)
        data { source = digits }
        train { schedule = warmup(1 epochs) -> cosine }
    """

    code = "NS458"
    title = "`{word}` lasts to the end of the run, so `{following}` is never reached"
    label = "{following} comes too late"
    hint = "put `{word}` last; before it may stand `warmup(1 epochs)` or `constant(5 epochs)`"
    word: str
    following: str


@record
class UnknownFigure(Diagnostic):
    """Early stopping looks at a figure that is not measured.

    Wrong:
        dense(classes, softmax)
        data { source = digits }
        train { stop = early(val_rmse) }

    Right:
        dense(classes, softmax)
        data { source = digits }
        train { stop = early(val_accuracy) }
    """

    code = "NS459"
    title = "`{figure}` is not measured in this run"
    label = "{reason}"
    hint = "{advice}"
    figure: str
    reason: str
    advice: str


@record
class NonfiniteLoss(Diagnostic):
    """The loss or a weight became infinite or no number at all (NaN), and training was stopped.

    The steps since the last checkpoint are run again up to the one at fault, to see where the first number that is not
    finite comes from. Mostly the learning rate is too high, the inputs are not scaled, or a logarithm or division meets
    0. The checkpoints before it are kept.
    """

    code = "NS460"
    title = "training left the finite numbers in epoch {epoch}, step {step}: {where}"
    hint = "{advice}"
    epoch: int
    step: int
    where: str
    advice: str = "lower the learning rate, put `clip(1.0) ->` before the optimizer, or scale the inputs"


@record
class NothingToTrain(Diagnostic):
    """The net has no weights that training may change."""

    code = "NS461"
    title = "there is nothing to train: {reason}"
    hint = "remove `frozen`, or add a layer with weights such as `dense(10)`"
    reason: str = "the net has no trainable weights"


@record
class NothingToCompare(Diagnostic):
    """The best weights are asked for, and there is no validation split that says which they are."""

    code = "NS465"
    title = "`keep = best` needs a validation split"
    label = "best by which figure?"
    hint = "write `val = 10%` in the `data` section, or `keep = last`"


@record
class NoCheckpoint(Diagnostic):
    """A run is to be resumed that has no checkpoint."""

    code = "NS470"
    title = "`{run}` has no checkpoint to go on from"
    hint = "start again with `netspec train`"
    run: str


@record
class NoUsableCheckpoint(Diagnostic):
    """Every checkpoint of a run is damaged: files are missing or cut off."""

    code = "NS471"
    title = "no checkpoint of `{run}` can be read: {reason}"
    hint = "start again with `netspec train`; `weights.safetensors` in the run may still hold the best weights"
    run: str
    reason: str


@record
class OlderCheckpoint(Diagnostic):
    """The newest checkpoint of a run is damaged, so an older one is used; the steps between them are done again."""

    code = "NS472"
    severity = "warning"
    title = "the checkpoint of step {damaged} cannot be read ({reason}); going on from step {used}"
    hint = "the steps between are done again, with the same result"
    damaged: int
    used: int
    reason: str


@record
class NoRun(Diagnostic):
    """A folder is given as a run, and is none."""

    code = "NS473"
    title = "`{run}` is no run folder: {reason}"
    hint = "give a folder that `netspec train` has made, such as runs/digits-1"
    run: str
    reason: str


@record
class OtherNet(Diagnostic):
    """The weights that were saved are not those of this net."""

    code = "NS474"
    title = "what `{source}` holds is not for this net: {reason}"
    hint = "use the spec of the run, or start a new run"
    source: str
    reason: str


@record
class DamagedFile(Diagnostic):
    """A file of a run is missing, cut off or changed."""

    code = "NS475"
    title = "`{file}` cannot be read: {reason}"
    hint = "copy the run again, or train again"
    file: str
    reason: str


@record
class OtherSettings(Diagnostic):
    """A run is to be resumed with other settings or data than it was started with.

    Only `epochs` may change: everything else would give a run that is neither the old nor the new one.
    """

    code = "NS476"
    title = "the run was started with other settings: {changes}"
    hint = "only `epochs` may change in a run that goes on; start a new run for the rest"
    changes: str


@record
class CannotWrite(Diagnostic):
    """A run folder cannot be made or written to: no space, no permission, or a file stands in the way."""

    code = "NS477"
    title = "cannot write `{path}`: {reason}"
    hint = "make room, or choose another folder for the runs"
    path: str
    reason: str
