"""Write a first spec for data."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from netspec.runs.arguments import check_choice, check_optional, check_type
from netspec.starter.draft import GOALS, Goal


def new(data: str | Path, *, target: str | None = None, goal: str = "accuracy") -> str:
    """A complete spec for data, with comments, which trains as it stands: `netspec.train(netspec.new("homes.csv",
    target="price"))`.

    Args:
        data: a table (.csv, .tsv, .parquet), a folder of images, texts or sounds by class, of images and masks, arrays
            (.npz), a text (.txt), or the name of a data set that comes with netspec.
        target: the column to predict, of a table.
        goal: what matters most: "accuracy", "small" or "fast".

    Returns:
        The text of the spec; names of files in it start from the current folder.

    Raises:
        CompileError: a table without a target (NS660), data that are not read (NS661), or from which nothing can be
            learned (NS662, NS664).
        ValueError: an unknown goal.
    """
    check_type("data", data, (str, Path), "a file or a folder (str or Path)")
    check_optional("target", target, str, "the name of a column (str)")
    check_choice("goal", goal, GOALS)
    from netspec.starter.start import draft_spec

    return draft_spec(Path(data), target, cast("Goal", goal), Path("new.net")).text
