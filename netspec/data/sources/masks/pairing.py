"""Which mask belongs to which image: by the names of files, a table, or a COCO file.

Input: the options of the source. Output: `Pairs`. Files are listed here, and opened only where a table says the pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from netspec.data.errors.files import CannotRead, NoColumn
from netspec.data.errors.masks import NoPartner
from netspec.data.errors.sources import BadFolder
from netspec.data.formats.images import ENDINGS
from netspec.data.formats.tables.csv_format import CsvFormat
from netspec.data.formats.tables.table_files import CsvFile
from netspec.data.sources.class_folders import Listing
from netspec.data.sources.masks.coco import Regions, read_coco
from netspec.language.corrections import suggest
from netspec.language.diagnostics import Unplaced
from netspec.language.files.paths import exists, is_folder

COLUMNS = ("image", "mask")
"""The columns of a table of pairs."""


@dataclass(frozen=True)
class Pairs:
    """Images and their masks, in the same order: files, or regions that are drawn. `names` are those of the classes
    where the files have them; `unused` counts images that a COCO file does not list."""

    listing: Listing
    masks: Sequence[Path | Regions]
    names: tuple[str, ...] | None = None
    unused: int = 0

    def mask_name(self, index: int) -> str:
        """What a mask is called in messages."""
        mask = self.masks[index]
        return f"of {mask.name}" if isinstance(mask, Regions) else mask.name


def find_pairs(folder: Path, images: str, masks: str | None, option: str, mask_option: str) -> Pairs:
    """The pairs that two options name, which are called `option` and `mask_option`.

    Raises:
        Unplaced: a folder or a file is missing, or an image or a mask is without the other.
    """
    place = folder / images
    if masks is None:
        return _pairs_of_table(place, option)
    files = _files_in(place, option)
    if Path(masks).suffix.lower() == ".json":
        return _pairs_of_coco(place, files, folder / masks, option)
    return _pairs_of_names(place, files, folder / masks, option, mask_option)


def _pairs_of_names(place: Path, images: Mapping[str, Path], folder: Path, option: str, mask_option: str) -> Pairs:
    masks = _files_in(folder, mask_option)
    known = _without_affixes(masks, images)
    wrong = partial(_no_partner, total=len(images))
    if missing := [name for name in images if name not in known]:
        near = suggest(missing[0], known, what="masks")
        raise wrong(images[missing[0]].name, "mask", len(missing), f"{near} in {folder}", option)
    if unused := [name for name in known if name not in images]:
        near = suggest(unused[0], images, what="images")
        raise wrong(known[unused[0]].name, "image", len(unused), f"{near} in {place}", mask_option)
    return Pairs(Listing(place, {"": [*images.values()]}, option), [known[name] for name in images])


def _without_affixes(masks: Mapping[str, Path], images: Mapping[str, Path]) -> dict[str, Path]:
    """The masks by the names of their images: without what all of them begin and end with, if they match only then."""
    names = [*masks]
    if any(name in images for name in names):
        return dict(masks)
    files = [name.rpartition("/")[2] for name in names]
    begins, ends = _common(files), _common([name[::-1] for name in files])[::-1]
    for begin in [begins[:length] for length in range(len(begins) + 1)]:
        for end in [ends[start:] for start in range(len(ends) + 1)]:
            cut = {_cut(name, begin, end): masks[name] for name in names}
            if len(cut) == len(names) and any(name in images for name in cut):
                return cut
    return dict(masks)


def _common(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    first, last = min(texts), max(texts)
    return first[: next((i for i, pair in enumerate(zip(first, last, strict=False)) if len({*pair}) > 1), len(first))]


def _cut(name: str, begin: str, end: str) -> str:
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.removeprefix(begin).removesuffix(end)


def _pairs_of_coco(place: Path, images: Mapping[str, Path], file: Path, option: str) -> Pairs:
    coco = read_coco(file)
    by_name = {path.relative_to(place).as_posix(): path for path in images.values()}
    missing = [name for name in coco.images if name not in by_name]
    if missing:
        near = suggest(missing[0], by_name, what="images")
        name = f"{file.name} lists {missing[0]}, which"
        raise _no_partner(name, "image file", len(missing), f"{near} in {place}", option, total=len(coco.images))
    paths = [by_name[name] for name in coco.images]
    return Pairs(Listing(place, {"": paths}, option), [*coco.images.values()], coco.names, len(by_name) - len(paths))


def _pairs_of_table(file: Path, option: str) -> Pairs:
    if is_folder(file):
        advice = f'write `masks("{file.name}", "…")` with the folder of the masks, or a COCO file (JSON)'
        raise Unplaced(CannotRead, option=option, file=str(file), reason="its masks are not named", advice=advice)
    table = CsvFile(file, file.name, CsvFormat())
    for column in COLUMNS:
        if column not in table.header:
            advice = suggest(column, table.header, what="its columns")
            raise Unplaced(NoColumn, option=option, file=file.name, column=column, advice=advice)
    table.read([])
    positions = [table.header.index(column) for column in COLUMNS]
    cells = table.texts(positions)
    pairs = []
    for line, row in zip(table.lines.tolist(), cells.rows(), strict=True):
        found = [file.parent / (cell or "").strip() for cell in row]
        for column, path, cell in zip(COLUMNS, found, row, strict=True):
            if not exists(path) or is_folder(path):
                near = [p.name for p in path.parent.iterdir()] if is_folder(path.parent) else []
                advice = suggest(path.name, near, what=f"files in {path.parent}")
                name = f"{file.name} row {line}: {cell or 'an empty cell'}"
                raise _no_partner(name, f"{column} file", 1, advice, option, total=cells.height)
        pairs.append(found)
    if not pairs:
        raise Unplaced(BadFolder, option=option, folder=str(file), problem="has no rows", advice="list the pairs in it")
    return Pairs(Listing(file.parent, {"": [image for image, _ in pairs]}, option), [mask for _, mask in pairs])


def _files_in(folder: Path, option: str) -> dict[str, Path]:
    """The images in a folder and the folders in it, by their names without endings, in alphabetical order."""
    if not is_folder(folder):
        reason = "it is a file" if exists(folder) else "there is no such folder"
        near = [p.name for p in folder.parent.iterdir() if is_folder(p)] if is_folder(folder.parent) else []
        advice = suggest(folder.name, near, what=f"folders in {folder.parent}") or "name a folder"
        raise Unplaced(CannotRead, option=option, file=str(folder), reason=reason, advice=advice)
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in ENDINGS or path.name.startswith("."):
            continue
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in found:
            problem = f"has {found[name].name} and {path.name}, which differ only in their endings"
            advice = "give them different names, or name the pairs in a table"
            raise Unplaced(BadFolder, option=option, folder=str(folder), problem=problem, advice=advice)
        found[name] = path
    if not found:
        advice = f"supported endings: {', '.join(ENDINGS)}"
        raise Unplaced(BadFolder, option=option, folder=str(folder), problem="has no images in it", advice=advice)
    return found


def _no_partner(file: str, missing: str, count: int, advice: str, option: str, *, total: int) -> Unplaced:
    found = partial(Unplaced, NoPartner, option=option, file=file, missing=missing)
    return found(count=count, total=total, advice=advice)
