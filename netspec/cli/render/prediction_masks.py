"""Predicted masks as files: `netspec predict RUN photos -o masks/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from netspec.cli.files import write_bytes
from netspec.data.formats.images import ENDINGS, in_mode, load_picture
from netspec.data.transforms.encoders import ImageEncoder
from netspec.data.transforms.mask_images import mask_png, overlay_png, restored_mask
from netspec.display.text import plural
from netspec.language.files.paths import exists, is_file, is_folder

if TYPE_CHECKING:
    from netspec.runs.predictions.predictions import Predictions

MAX_NAMED = 3
"""Files that are named in what is printed."""


def write_masks(predictions: Predictions, folder: Path, *, force: bool) -> str:
    """Write for each image a PNG with the class ids in its own size, and one with their colors over it.

    Returns:
        What was written, in words.

    Raises:
        click.UsageError: the network gives no masks, or a file exists and `force` is not set.
        click.ClickException: a file cannot be written.
    """
    shown = predictions.examples[0]["outputs"]
    outputs = [name for name in predictions.outputs if "mask" in shown[name]]
    if not outputs:
        raise click.UsageError(f"-o writes a folder only of masks; give a name that ends in .csv, not `{folder}`")
    if exists(folder) and not is_folder(folder):
        raise click.UsageError(f"{folder} is a file; name a folder")
    names = _names([example["input"] for example in predictions.examples])
    wanted = [(o, name if len(outputs) == 1 else f"{name}_{o}", i) for o in outputs for i, name in enumerate(names)]
    there = [path for _, name, _ in wanted for path in _paths(folder, name) if exists(path)]
    if there and not force:
        raise click.UsageError(f"{there[0]} already exists; --force overwrites it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"cannot make the folder {folder}: {error.strerror}") from None
    encoder = predictions.model.preprocessing.encoder if predictions.model.preprocessing is not None else None
    overlays = list[str]()
    for output, name, index in wanted:
        example = predictions.examples[index]
        ids, image = example["outputs"][output]["mask"], _image(example["input"])
        if image is not None:
            ids = restored_mask(ids, encoder if isinstance(encoder, ImageEncoder) else None, image.shape[1::-1])
            write_bytes(_paths(folder, name)[1], overlay_png(image, ids))
            overlays.append(_paths(folder, name)[1].name)
        write_bytes(_paths(folder, name)[0], mask_png(ids))
    masks = _listed([_paths(folder, name)[0].name for _, name, _ in wanted])
    over = f", over their images in {_listed(overlays)}" if overlays else ""
    return f"{plural(len(wanted), 'mask')} of class ids in {masks}{over}"


def _listed(names: list[str]) -> str:
    """The first names of files, and how many more there are."""
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def _paths(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.png", folder / f"{name}_overlay.png"


def _names(inputs: list[str]) -> list[str]:
    """The names of the files, each only once: those of the images, or numbers."""
    stems = [Path(text).stem if Path(text).suffix.lower() in ENDINGS else "" for text in inputs]
    width = len(str(len(inputs)))
    return [
        stem if stem and stems.count(stem) == 1 else f"{stem}_{n:0{width}}".lstrip("_")
        for n, stem in enumerate(stems, 1)
    ]


def _image(name: str) -> Any:
    """The image of an example as 8-bit RGB; None where it is not a file."""
    path = Path(name)
    if path.suffix.lower() not in ENDINGS or not is_file(path):
        return None
    picture = load_picture(path)
    if picture.is_deep:
        gray = np.asarray(picture.image, np.float64)
        low, high = float(gray.min()), float(gray.max())
        return np.round(255 * (gray - low) / ((high - low) or 1)).astype(np.uint8)[..., None]
    return np.asarray(in_mode(picture.image, 3))
