"""A small histogram as SVG, for a cell of a table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from netspec.report.text import number_text

WIDTH, HEIGHT = 132.0, 34.0


def histogram_svg(counts: Sequence[int], low: float, high: float) -> str:
    """Bars from the smallest number to the largest, as high as many numbers are in each part of that range."""
    floor, step = HEIGHT - 1, WIDTH / len(counts)
    heights = [max((floor - 2) * count / max(counts), 1) if count else 0 for count in counts]
    bars = "".join(
        f"M{index * step:.1f} {floor:g}v{-height:.1f}h{step - 1:.1f}V{floor:g}z"
        for index, height in enumerate(heights)
        if height
    )
    width = (high - low) / len(counts)
    fullest = low + width * max(range(len(counts)), key=counts.__getitem__)
    words = (
        f"Histogram from {number_text(low)} to {number_text(high)}: most numbers, {max(counts) / sum(counts):.0%}, are "
        f"between {number_text(fullest)} and {number_text(fullest + width)}"
    )
    return (
        f'<svg class="net" width="{WIDTH:g}" height="{HEIGHT:g}" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
        f'aria-label="{escape(words)}"><title>{escape(words)}</title>'
        f'<g class="conv"><path class="stripe" d="{bars}"/></g>'
        f'<path class="ray" d="M0 {HEIGHT - 0.5:g}h{WIDTH:g}"/></svg>'
    )
