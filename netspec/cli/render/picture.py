"""Pictures drawn by Matplotlib, in formats that papers and browsers take."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import click

from netspec.display.pictures import VECTOR
from netspec.language.lazy import lazy

matplotlib = lazy("matplotlib")
mpl_agg = lazy("matplotlib.backends.backend_agg")
mpl_figure = lazy("matplotlib.figure")

FORMATS = ("png", "svg", "pdf")
NO_DATE = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}


def picture_format(path: Path) -> str:
    """The format that the name of a picture ends in.

    Raises:
        click.UsageError: there is no such format.
    """
    form = path.suffix[1:].lower()
    if form not in FORMATS:
        raise click.UsageError(f"-o takes a name that ends in .png, .svg or .pdf, not `{path}`")
    return form


def vector_format(path: Path) -> str:
    """The format of a picture that is drawn as SVG, from the ending of its name.

    Raises:
        click.UsageError: there is no such format.
    """
    form = path.suffix[1:].lower()
    if form not in VECTOR:
        endings = ", ".join(f".{name}" for name in VECTOR)
        raise click.UsageError(f"-o takes a name that ends in {endings}, not `{path}`")
    return form


def new_picture(**options: Any) -> Any:
    """An empty picture of Matplotlib, without a window."""
    picture = mpl_figure.Figure(**options)
    mpl_agg.FigureCanvasAgg(picture)
    return picture


def picture_bytes(picture: Any, form: str) -> bytes:
    """The content of its file; the same picture gives the same bytes."""
    content = BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "netspec"}):
        picture.savefig(content, format=form, metadata=NO_DATE.get(form))
    return content.getvalue()
