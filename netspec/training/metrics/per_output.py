"""Which metrics are for which output: `of("digit", top(3)) -> of("style", rmse)`."""

from __future__ import annotations

from netspec.language.kinds import Chain, Text
from netspec.language.vocabulary import register
from netspec.language.word import Word, option
from netspec.training.metrics.base import Metric


@register("metric", "of")
class OfOutputMetrics(Word):
    """The metrics of one output of a network with several outputs.

    Join several of them by `->`. Metrics in the chain without `of` are for all other outputs; an output without any
    gets those that fit its last layer.

    Example: train { metrics = of("digit", accuracy -> top(3)) -> of("style", rmse) }
    """

    output: str = option(Text(), "the name of the output, in quotes", position=0)
    metrics: tuple[Metric | OfOutputMetrics, ...] = option(Chain("metric"), "its metrics", position=1)


MetricWord = Metric | OfOutputMetrics
"""A word of the chain `metrics`."""
