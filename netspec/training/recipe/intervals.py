"""Which prediction intervals an output has, and whether a loss that predicts distributions fits it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from msgspec import structs

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.checks.heads import describe
from netspec.data.dataset.dataset import Target
from netspec.language.diagnostics import Diagnostic
from netspec.language.source import Span
from netspec.language.values import to_source
from netspec.training.control.conformal import Conformal, percent
from netspec.training.errors import intervals as errors
from netspec.training.losses import Loss
from netspec.training.losses.distributions import Distribution, Quantile
from netspec.training.recipe.settings import Check

Setting = float | Conformal | None
"""The value of the setting `interval`."""


class Output(Protocol):
    """What is asked of an `OutputRecipe`."""

    @property
    def head(self) -> OutputHead: ...

    @property
    def target(self) -> Target: ...

    @property
    def loss(self) -> Loss: ...

    @property
    def level(self) -> float | None: ...


def check_distribution(loss: Loss, head: OutputHead, target: Target, check: Check) -> bool | None:
    """Whether a loss of which several units describe a target fits; None for other losses."""
    if loss.output_kind != "distribution":
        return None
    positions = head.positions if head.is_sequence else 1
    targets = target.size // positions if target.size % positions == 0 else target.size
    case = ""
    if target.kind != "numbers":
        case = "classes"
    elif head.activation != "linear":
        case = "activation"
    elif head.parts != loss.parts or (not head.is_open and head.count != target.size):
        case = "units"
    if case:
        span = check.at("loss", head) if case == "classes" else head.span or check.at("loss")
        wrong = errors.NotADistribution(
            span=span,
            case=case,
            loss=loss.word,
            head=str(head),
            parts=f"{loss.parts} unit{'s' if loss.parts > 1 else ''}",
            found=describe(target),
            right=f"dense({loss.parts * targets})",
        )
        check.problems.add(wrong)
    return not case


def interval_of(setting: Setting, loss: Loss, scored: OutputHead, target: Target) -> tuple[float | None, bool]:
    """The level of the intervals of an output (None: it has none), and whether they are calibrated."""
    are_numbers = loss.output_kind in ("predictions", "distribution") and scored.activation in ("linear", "exp")
    if target.kind != "numbers" or not are_numbers or target.mask is not None:
        return None, False
    if isinstance(setting, Conformal):
        return (None, False) if scored.is_sequence else (setting.level, True)
    if not isinstance(loss, Distribution):
        return None, False
    return (loss.usual_level if setting is None or loss.usual_level is None else setting), False


def check_interval(setting: Setting, outputs: Iterable[Output], has_val: bool, check: Check) -> None:
    """Report a setting `interval` that no output can have."""
    if setting is None:
        return
    outputs, span = list(outputs), check.at("interval")
    having = [output for output in outputs if output.level is not None]
    if not having:
        check.problems.add(without_interval(outputs[0], span=span))
    elif isinstance(setting, Conformal):
        if not has_val:
            check.problems.add(errors.NoIntervals(span=span, case="val"))
    elif wrong := next((found for output in having if (found := other_level(output.loss, setting))), None):
        check.problems.add(structs.replace(wrong, span=span))


def without_interval(output: Output, span: Span | None = None) -> Diagnostic:
    """The error about an output without intervals."""
    case = "classes"
    if output.target.kind == "numbers" and output.loss.output_kind in ("predictions", "distribution"):
        case = "single" if isinstance(output.loss, Distribution) else "point"
        case = "sequence" if output.head.is_sequence else case
    return errors.NoIntervals(span=span, case=case, loss=output.loss.to_source())


def other_level(loss: Loss, level: float) -> Diagnostic | None:
    """The error about a level that the loss has no interval of."""
    if not isinstance(loss, Quantile) or loss.has_level(level):
        return None
    ends = [to_source(round(end, 10)) for end in ((1 - level) / 2, (1 + level) / 2)]
    usual, right = loss.usual_level, f"`quantile({ends[0]}, 0.5, {ends[1]})`"
    known = percent(usual) if usual is not None else "no interval"
    return errors.NoSuchLevel(case="quantile", loss=loss.to_source(), level=percent(level), known=known, right=right)
