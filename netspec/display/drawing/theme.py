"""Colors, for light and dark pages.

The colors of kinds of layers are those of Okabe and Ito 2008, Color universal design, which people with any color
vision tell apart; their lightness differs as well, so that they differ in gray.
"""

from __future__ import annotations

from collections.abc import Mapping

LIGHT = {
    "page": "#ffffff",
    "card": "#ffffff",
    "frame": "#f4f6f9",
    "line": "#b9c0ca",
    "wire": "#5b6572",
    "text": "#16191d",
    "faint": "#59626e",
    "input": "#16191d",
    "output": "#16191d",
    "block": "#7d8794",
    "conv": "#0072b2",
    "dense": "#d55e00",
    "pool": "#56b4e9",
    "norm": "#b8bec7",
    "activation": "#e2c512",
    "recurrent": "#009e73",
    "attention": "#6a3d9a",
    "merge": "#3c4450",
    "embedding": "#cc79a7",
    "dropout": "#cdd3da",
    "reshape": "#8d96a3",
    "other": "#a6761d",
    "added": "#007a55",
    "removed": "#c1272d",
    "changed": "#a36a00",
}
DARK = {
    **LIGHT,
    "page": "#14171b",
    "card": "#1e2329",
    "frame": "#191d22",
    "line": "#424b57",
    "wire": "#98a3b1",
    "text": "#eef1f4",
    "faint": "#a9b3c0",
    "input": "#eef1f4",
    "output": "#eef1f4",
    "conv": "#3c9ad8",
    "pool": "#86cdf5",
    "dense": "#ee7d2b",
    "norm": "#6c7683",
    "attention": "#a67fd6",
    "recurrent": "#1fb98c",
    "merge": "#e1e5ea",
    "dropout": "#4d5866",
    "added": "#2fd19a",
    "removed": "#ff6b70",
    "changed": "#f0b429",
}
FONT = "ui-monospace, 'SFMono-Regular', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"

STYLES: dict[str, dict[str, str]] = {
    "page": {"fill": "page"},
    "card": {"fill": "card", "stroke": "line"},
    "frame": {"fill": "frame", "stroke": "line"},
    "stripe": {"fill": "kind"},
    "track": {"fill": "line", "fill-opacity": "0.35"},
    "side": {"fill": "kind", "stroke": "card", "stroke-width": "0.6"},
    "top": {"fill-opacity": "0.55"},
    "back": {"fill-opacity": "0.75"},
    "wire": {"fill": "none", "stroke": "wire", "stroke-width": "1.3"},
    "skip": {"stroke-dasharray": "5 3"},
    "window": {"fill": "page", "fill-opacity": "0.45", "stroke": "text", "stroke-width": "0.8"},
    "ray": {"fill": "none", "stroke": "faint", "stroke-width": "0.7"},
    "head": {"fill": "wire"},
    "grid": {"fill": "none", "stroke": "line", "stroke-width": "0.5"},
    "mark": {"fill": "none", "stroke": "kind", "stroke-width": "2"},
    "thin": {"stroke-width": "1.2"},
    "thick": {"stroke-width": "3.4"},
    "outline": {"stroke": "text", "stroke-width": "0.8"},
    "halo": {"fill": "page", "fill-opacity": "0.75"},
    "whisker": {"fill": "none", "stroke": "text", "stroke-width": "1.2"},
    "added": {"fill": "added"},
    "removed": {"fill": "removed"},
    "changed": {"fill": "changed"},
    "title": {"fill": "text"},
    "note": {"fill": "faint"},
    "shape": {"fill": "faint"},
}
"""What the classes of elements look like, of networks and of charts: every picture and page has them all. Colors are
names of those above, `kind` that of the layer around."""


def rgb(name: str) -> tuple[int, ...]:
    """A color on light pages, from 0 to 255, for the pixels of images, which are the same on dark pages."""
    return tuple(bytes.fromhex(LIGHT[name].removeprefix("#")))


def variables(colors: dict[str, str]) -> str:
    """The colors as CSS custom properties."""
    return "".join(f"--{name}:{value};" for name, value in colors.items())


def style_sheet(scope: str) -> str:
    """The CSS of drawings below an element."""
    rules = [
        f"{scope}{{{variables(LIGHT)}color-scheme:light dark;font-family:{FONT}}}",
        f"@media(prefers-color-scheme:dark){{{scope}{{{variables(DARK)}}}}}",
        f"{scope} text{{white-space:pre}}",
        *(f"{scope} .{kind}{{--kind:var(--{kind})}}" for kind in LIGHT),
    ]
    return "".join(rules) + _rules(scope, STYLES)


def _rules(scope: str, styles: Mapping[str, Mapping[str, str]]) -> str:
    bodies = {
        name: ";".join(f"{key}:{_css(key, value)}" for key, value in style.items()) for name, style in styles.items()
    }
    return "".join(f"{scope} .{name}{{{body}}}" for name, body in bodies.items())


def _css(key: str, value: str) -> str:
    return f"var(--{value})" if key in ("fill", "stroke") and value != "none" and value[0] != "#" else value
