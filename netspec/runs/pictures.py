"""Pictures of networks and of runs, for Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from netspec.display.charts.history import history_svg
from netspec.display.drawing.draw import STYLES, picture_of_network
from netspec.display.drawing.styles.pair import pair_svg
from netspec.display.pictures import Picture
from netspec.language.files.paths import is_folder
from netspec.runs.arguments import check_choice, check_optional, read_spec, run_folder
from netspec.runs.catalog import histories
from netspec.runs.diff import differences
from netspec.spec.canonical import meaning_of
from netspec.spec.compilation import Compilation
from netspec.spec.saved import read_compilation
from netspec.storage.run_files import path_of_run

if TYPE_CHECKING:
    from netspec.runs.model import Result
    from netspec.spec.model import Model as Compiled


def draw(
    network: Compiled | str | Path,
    other: Compiled | str | Path | None = None,
    *,
    style: Literal["flow", "maps", "blocks"] = "flow",
    levels: int | None = None,
) -> Picture:
    """A drawing of a network, or of two side by side with what differs, which a notebook shows and `save` writes.

    Args:
        network: a model, a spec (file or text) or a run folder.
        other: the one to compare it with; it is drawn in the style `flow`, open where it differs.
        style: `flow`: layers from above; `maps`: feature maps, as in the LeNet-5 and AlexNet papers; `blocks`: as
            papers draw U-Net and the Transformer.
        levels: how many levels of blocks are open; None: as many as read well.

    Raises:
        CompileError: the spec has errors, or the run cannot be read.
        ValueError: two networks are drawn in another style, or with levels.
    """
    check_choice("style", style, STYLES)
    check_optional("levels", levels, int, "an integer")
    drawn = _compilation(network)
    if other is None:
        return picture_of_network(drawn.network, style, levels)
    if style != "flow" or levels is not None:
        raise ValueError("`style` and `levels` are those of one network: omit them to see what differs between two")
    after = _compilation(other)
    return Picture(pair_svg(drawn.network, after.network, differences(meaning_of(drawn), meaning_of(after))))


def _compilation(network: Compiled | str | Path) -> Compilation:
    if not isinstance(network, str | Path):
        return network.compilation
    is_run = "\n" not in str(network) and is_folder(path_of_run(network))
    compilation = read_compilation(path_of_run(network)) if is_run else Compilation(read_spec(network))
    compilation.check()
    return compilation


def plot(*runs: str | Path | Result, metrics: str | Sequence[str] = ()) -> Picture:
    """The curves of runs over their epochs, which a notebook shows and `save` writes: training examples dashed,
    validation examples solid, a diamond at the epoch of the best weights.

    Args:
        runs: run folders, or results of trainings; several are drawn together.
        metrics: their names, without `val_` for both; none: the loss and the most important ones.

    Raises:
        CompileError: a run cannot be read, or has no such metric (NS495).
    """
    if not runs:
        raise TypeError("give at least one run folder")
    folders = [run_folder(run) if isinstance(run, str | Path) else run.run for run in runs]
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    return Picture(history_svg(histories(folders), names))
