"""How each output of a network is trained and measured: its loss and its metrics, given or by default.

Input: the `train` section, heads and targets. Output: an `OutputRecipe` for each output, or diagnostics. The
defaults are those of docs/language.md, section 7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.data.dataset.lazy_rows import Column, blocks
from netspec.data.transforms.normalization import Normalization
from netspec.language.corrections import suggest
from netspec.language.diagnostics import Fix, Problems
from netspec.language.lazy import np
from netspec.language.record import Frozen
from netspec.language.source import Span
from netspec.language.word import Word
from netspec.training.errors import outputs as output_errors, recipe as errors
from netspec.training.feed.targets import are_ids
from netspec.training.losses import JointLoss, Loss
from netspec.training.losses.base import OfOutput, WrongTargets, loss_for
from netspec.training.losses.classification import BinaryCrossEntropy, CrossEntropy
from netspec.training.losses.regression import Mse
from netspec.training.metrics import Metric
from netspec.training.metrics.base import DEFAULT_THRESHOLD, OfOutputMetrics
from netspec.training.recipe.default_metrics import default_metrics
from netspec.training.recipe.intervals import check_distribution, interval_of
from netspec.training.recipe.metric_fit import check_metric, has_classes
from netspec.training.recipe.settings import Check, TrainSettings

if TYPE_CHECKING:
    from netspec.data.splits.split import Splits


MAX_COLUMNS = 20
"""Of more target columns, metrics are reported over all of them only."""


class OutputRecipe(Frozen):
    """How one output is trained and measured. `weight` is that of its loss in the sum over all outputs;
    `class_weights` are those of the classes, one number for each unit (two for a single binary label). Normalized
    targets, and predictions of them, are converted to the units of the targets by `scale`. Of a yes/no output,
    `threshold` is the probability above which it predicts yes. Of numbers, `level` is that of their intervals, if they
    have some; where these `are_calibrated`, `margins` (in the units of the targets; None before) move their ends
    apart. `called` is the name of its target column, where there is one."""

    head: OutputHead
    target: Target
    loss: Loss
    metrics: tuple[Metric, ...]
    weight: float = 1.0
    class_weights: tuple[float, ...] | None = None
    scale: Normalization | None = None
    threshold: float = DEFAULT_THRESHOLD
    level: float | None = None
    are_calibrated: bool = False
    margins: tuple[float, ...] | None = None
    called: str | None = None

    @property
    def std(self) -> Any:
        """What each number of the targets was divided by, in double precision; [1] where they are not normalized."""
        return np.ones(1) if self.scale is None else np.array(self.scale.std)

    @property
    def scored(self) -> OutputHead:
        """The head that metrics are computed with: where the loss takes plain numbers for logits, so do they."""
        return self.loss.scored(self.head, self.target)

    @property
    def chooses(self) -> bool:
        """A prediction is one class of several, not a number or a binary label for each unit."""
        return has_classes(self.scored, self.target)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the target columns, where there are several that are numbers, and not too many."""
        names = self.target.columns
        is_each = self.head.count == len(names) == self.head.units and self.target.kind == "numbers"
        return names if is_each and 1 < len(names) <= MAX_COLUMNS else ()

    @property
    def is_mask(self) -> bool:
        """A prediction is a class at each pixel of an image."""
        return self.target.mask is not None and len(self.head.sizes) == 3

    @property
    def counts_positions(self) -> bool:
        """Some positions of an example may not count: padding, or ignored pixels."""
        return self.head.padding is not None or self.is_mask

    @property
    def is_yes_or_no(self) -> bool:
        """A prediction is the probability of yes."""
        return self.scored.activation == "sigmoid" and self.head.count == 1 and self.target.kind != "numbers"

    @property
    def decisions(self) -> int:
        """Right or wrong predictions of an example: one class at each position, or a binary label for each unit."""
        return self.head.positions if self.chooses else self.head.count

    def place_targets(self, array: Any) -> Any:
        """Targets as the loss and the metrics take them: int32 ids, or float32 numbers in the shape of the output."""
        return self.loss.place_targets(array, self.head, self.target)

    def wrong_targets(self, column: Column) -> WrongTargets | None:
        """The first target of a part of the data that the loss cannot use; streamed ones are read block by block."""
        begin = 0
        for block in blocks(column):
            wrong = self.loss.wrong_targets(self.place_targets(block), self.head)
            if wrong is not None:
                return wrong.replace(index=begin + wrong.index)
            begin += len(block)
        return None

    def describe(self) -> dict[str, Any]:
        more: dict[str, Any] = {"weight": self.weight} if self.weight != 1 else {}
        if self.class_weights is not None:
            more["class_weights"] = list(self.class_weights)
        if self.scale is not None:
            more["target_scale"] = {"mean": list(self.scale.mean), "std": list(self.scale.std)}
        return {
            "head": self.head.activation,
            "shape": list(self.head.shape),
            "targets": self.target.kind,
            "loss": self.loss.to_source(full=True),
            "metrics": [metric.to_source(full=True) for metric in self.metrics],
            **({"interval": self.level} if self.level is not None else {}),
            **more,
        }


def make_outputs(
    settings: TrainSettings,
    heads: Mapping[str, OutputHead],
    targets: Mapping[str, Target],
    class_weights: Mapping[str, Sequence[float]],
    check: Check,
    target_scaling: Mapping[str, Normalization] | None = None,
) -> dict[str, OutputRecipe]:
    """The recipes of all outputs; those with mistakes, which are reported, are left out.

    Raises:
        KeyError: an output has no targets.
    """
    losses, loss_of, metrics, metrics_of = check_chains(settings, heads, check)
    outputs: dict[str, OutputRecipe] = {}
    for name, head in heads.items():
        # A single output takes the only target there is, whatever the data call it.
        key = name if len(heads) > 1 or name in targets else next(iter(targets))
        target, own = targets[key], loss_of.get(name)
        given = own.loss if own is not None else losses[0] if losses else None
        loss = given or default_loss(head, target)
        if not _check_loss(loss, head, target, settings.batch, check):
            continue
        scored = loss.scored(head, target)
        level, are_calibrated = interval_of(settings.interval, loss, scored, target)
        if name in metrics_of:
            chosen = metrics_of[name].metrics
        else:
            is_open = settings.metrics is None or (metrics_of and not metrics)
            chosen = default_metrics(loss, scored, target, level) if is_open else tuple(metrics)
        other = next((other for other in heads if other != name), "")
        for metric in chosen:
            check_metric(metric, chosen, loss, scored, target, other, check, level)
        weights = _class_weights(class_weights.get(key), loss, head, check)
        weight, scale = own.weight if own is not None else 1.0, (target_scaling or {}).get(name)
        made = OutputRecipe(head, target, loss, chosen, weight, weights, scale)
        outputs[name] = made.replace(level=level, are_calibrated=are_calibrated)
    return outputs


def check_chains(
    settings: TrainSettings, heads: Mapping[str, OutputHead], check: Check
) -> tuple[list[Any], dict[str, Any], list[Any], dict[str, Any]]:
    """The losses and metrics that are for all outputs, and those of single ones; whether they are for outputs that
    there are needs no data."""
    losses, loss_of = _by_output("loss", settings.loss, heads, check)
    metrics, metrics_of = _by_output("metrics", settings.metrics, heads, check)
    if len(losses) > 1:
        first, second = losses[:2]
        case = "same" if len(heads) == 1 else "each" if len(losses) == len(heads) and not loss_of else "every"
        each = " -> ".join(f'of("{name}", {loss.to_source()})' for name, loss in zip(heads, losses, strict=False))
        facts = {"first": first.word, "second": second.word, "output": next(iter(heads)), "each": each}
        facts["first_text"] = first.to_source()
        check.problems.add(output_errors.OutputChain(span=check.at("loss"), case=case, **facts))
    return losses, loss_of, metrics, metrics_of


def _by_output(
    key: str, chain: Sequence[Word] | None, heads: Mapping[str, OutputHead], check: Check
) -> tuple[list[Any], dict[str, Any]]:
    """The words of a chain that are for all outputs, and the `of` of single ones by their names."""
    plain, named = [], dict[str, Any]()
    for word in chain or ():
        if not isinstance(word, OfOutput | OfOutputMetrics):
            plain.append(word)
            continue
        inner = word.metrics if isinstance(word, OfOutputMetrics) else (word.loss,)
        case = advice = ""
        if any(isinstance(part, OfOutput | OfOutputMetrics) for part in inner):
            case = "nested"
        elif word.output not in heads:
            case, advice = "unknown", suggest(word.output, heads, what="its outputs")
        elif word.output in named:
            case = "twice"
        if case:
            wrong = output_errors.OutputChain(span=check.at(key), case=case, first=word.output, advice=advice)
            check.problems.add(wrong)
        else:
            named[word.output] = word
    return plain, named


# ---------------------------------------------------------------- losses


def default_loss(head: OutputHead, target: Target) -> Loss:
    """The loss that follows from the head and the targets."""
    if has_classes(head, target):
        return CrossEntropy()
    loss: Loss = BinaryCrossEntropy() if head.activation == "sigmoid" and target.kind != "numbers" else Mse()
    return loss


def normalizable_heads(settings: TrainSettings, heads: Mapping[str, OutputHead]) -> dict[str, OutputHead]:
    """Those whose targets may be normalized if they are numbers: a vector or a sequence without an activation, whose
    loss goes by differences. Images stay in the range of their pixels."""
    found = {}
    for name, head in heads.items():
        loss = loss_for(name, settings.loss) or Mse()
        is_fit = head.activation == "linear" and head.is_unbounded and len(head.sizes) <= 2 and not head.is_open
        if is_fit and loss.takes_normalized_targets:
            found[name] = head
    return found


def _check_loss(loss: Loss, head: OutputHead, target: Target, batch: int, check: Check) -> bool:
    fits = check_distribution(loss, head, target, check)
    if fits is not None:
        return fits
    reason = loss.misfit(head, target)
    case = ""
    fixes: tuple[Fix, ...] = ()
    if reason and head.activation == "sigmoid" and are_ids(head, target):
        is_usual = isinstance(loss, CrossEntropy)
        case, fixes = ("classes", _softmax_for_sigmoid(head.span)) if is_usual else ("classes and loss", ())
    if not reason and (reason := _size_misfit(loss, head, target)):
        case = "open" if head.is_open else "steps" if are_ids(head, target) else "size"
        case = "recurrent" if case == "size" and head.last_step and target.size == head.units else case
    if reason:
        facts: dict[str, Any] = {"loss": loss.word, "head": str(head), "default": default_loss(head, target).word}
        facts |= {"classes": target.classes or 0, "wanted": _counted(target.size, "number")}
        facts |= {"given": head.steps_from, "advice": head.last_step}
        span = head.span if case.startswith("classes") and head.span else check.at("loss", head)
        check.problems.add(errors.LossNotForHead(span=span, case=case, fixes=fixes, reason=reason, **facts))
    elif loss.pairs_examples(head) and batch < 2:
        check.problems.add(output_errors.LossNotForSettings(span=check.at("batch", head), case="batch", loss=loss.word))
    return not reason


def _softmax_for_sigmoid(layer: Span | None) -> tuple[Fix, ...]:
    """The other activation in the last layer, `dense(10, sigmoid)`, or after it, `dense(10) -> sigmoid`."""
    if layer is None:
        return ()
    inside = list(re.finditer(r"\bsigmoid\b", layer.text))
    after = re.compile(r"\s*->\s*(sigmoid)\b").match(layer.source.text, layer.end)
    if len(inside) == 1:
        return (Fix(Span(layer.source, layer.start + inside[0].start(), layer.start + inside[0].end()), "softmax"),)
    return (Fix(Span(layer.source, after.start(1), after.end(1)), "softmax"),) if after and not inside else ()


def _size_misfit(loss: Loss, head: OutputHead, target: Target) -> str:
    """Why an example has more or fewer targets than predictions; empty when it has as many."""
    if loss.output_kind in ("sequence", "embedding"):
        return ""
    if head.is_open:
        return "the number of outputs is not known"
    if target.mask is not None and len(head.sizes) == 3 and head.shape[:-1] != target.mask:
        sizes = ["x".join(map(str, size)) for size in (target.mask, head.shape[:-1])]
        return f"the masks are {sizes[0]}, but the network gives predictions for {sizes[1]} pixels"
    if are_ids(head, target):
        is_fit, outputs = target.size == head.positions, _counted(head.positions, "prediction")
    else:
        is_fit, outputs = target.size == head.count, _counted(head.count, "number")
    return "" if is_fit else f"an example has {_counted(target.size, 'target')}, but the network gives {outputs}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count != 1 else ''}"


def _class_weights(
    weights: Sequence[float] | None, loss: Loss, head: OutputHead, check: Check
) -> tuple[float, ...] | None:
    """Weights as the loss takes them; classes that have units but do not occur in the data count nothing."""
    if weights is None:
        return None
    if isinstance(loss, JointLoss):
        check.problems.add(
            output_errors.LossNotForSettings(span=check.at("loss", head), case="weights", loss=loss.word)
        )
    return (*weights, *[0.0] * (max(head.units, 2) - len(weights)))


def check_target_values(
    outputs: Mapping[str, OutputRecipe], splits: Splits, spans: Mapping[str, Span], problems: Problems
) -> None:
    """Report the first target of each output that its loss cannot use; `spans` are those of `train`."""
    for name, output in outputs.items():
        for part in ("train", "val", "test"):
            arrays = getattr(splits, part)
            wrong = None if arrays is None else output.wrong_targets(arrays.targets[name])
            if wrong is not None:
                problems.add(
                    output_errors.TargetsNotForLoss(
                        span=spans.get("loss") or output.head.span,
                        loss=output.loss.word,
                        where=splits.where(wrong.index, part=part),
                        reason=wrong.reason,
                        advice=wrong.advice,
                    )
                )
                break
