"""NS462 to NS467: losses and metrics of several outputs, targets that a loss can do nothing with, when runs end."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class TargetsNotForLoss(Diagnostic):
    """The targets hold something that the loss can do nothing with: a count below 0 for `poisson`, shares that do not
    sum up to 1 for `kl`, more classes than steps for `ctc`."""

    code = "NS462"
    title = "the loss `{loss}` cannot use the targets: that of {where} {reason}"
    label = "asked for here"
    loss: str
    where: str
    reason: str


class OutputChain(Diagnostic):
    """A chain of losses or metrics does not say clearly which of them is for which output.

    `of("digit", mse)` is for the output `digit`, which has to be one of the net; what stands in the chain without `of`
    is for all others. There is one loss for each output, and any number of metrics.
    """

    code = "NS463"
    title = "{problem}"
    problem: str


class LossNotForSettings(Diagnostic):
    """A loss cannot go with another setting.

    `contrastive` and `triplet` compare the examples of a batch with each other, so a batch has more than one; and they
    and `ctc` have no loss for each example that `class_weights` could be applied to.
    """

    code = "NS464"
    title = "the loss `{loss}` {problem}"
    label = "{reason}"
    loss: str
    problem: str
    reason: str


class KeptTwice(Diagnostic):
    """A chain of `keep` says twice which weights are kept, or how often.

    `best` and `last` say which weights are kept at the end, `every` writes those of some epochs beside them.
    """

    code = "NS466"
    title = "`{first}` and `{second}` both say {what}"
    hint = "keep one of them; beside it may stand `{beside}`"
    first: str
    second: str
    what: str
    beside: str


class NeverSoGood(Diagnostic):
    """A run is to stop at a figure that is never reached, such as an accuracy above 1."""

    code = "NS467"
    title = "`{figure}` is a share and never comes to {wanted}"
    label = "stops never"
    figure: str
    wanted: str


class TestDecides(Diagnostic):
    """The run stops by a figure of the test split, so the test split no longer tells how good the net is."""

    code = "NS503"
    severity = "warning"
    title = "the test split decides when the run stops, so its figures flatter the net"
    label = "measured after every epoch"
    hint = "for an honest figure follow `val_…` here and leave the test split for the end"
