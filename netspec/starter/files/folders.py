"""Folders: of images, texts or sounds in a folder for each class, or of images and their masks.

Input: a folder. Output: `Found`, or what the folder should have.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netspec.data.formats.files import TEXT_ENDINGS
from netspec.data.formats.images import ENDINGS
from netspec.data.formats.sounds import SOUND_ENDINGS
from netspec.data.sources.class_folders import files_in, folders_in, split_folders
from netspec.data.sources.images.image_survey import common_size, survey_files
from netspec.data.sources.sounds.survey import survey_sounds
from netspec.language.diagnostics import CompileError, fail
from netspec.language.values import to_source
from netspec.starter.draft import Found, Setting
from netspec.starter.errors import UnknownData

MASKS = ("masks", "mask", "labels", "annotations", "segmentations", "targets", "gt")
PHOTOS = ("images", "image", "photos", "imgs", "img", "inputs", "jpegimages")
"""What folders of masks and of their images are often called."""

MAX_SURVEYED = 2000
"""The heads of how many images are read."""


def survey_folder(folder: Path, path: str) -> Found:
    """What a folder gives; `path` is as it is written in the spec.

    Raises:
        CompileError: it has nothing that can be read (NS661).
    """
    names = folders_in(folder)
    lower = {name.lower(): name for name in names}
    photos, masks = (next((lower[n] for n in known if n in lower), None) for known in (PHOTOS, MASKS))
    if photos is not None and masks is not None and files_in(folder / photos, ENDINGS):
        return _masks(folder, path, photos, masks)
    test = None
    place, where = folder, path
    if splits := split_folders(names):
        train = next((name for name in splits if name.lower().startswith("train")), splits[0])
        test = next((n for start in ("test", "val") for n in splits if n.lower().startswith(start)), None)
        place, where, names = folder / train, f"{path}/{train}", folders_in(folder / train)
    test = None if test is None else f"{path}/{test}"
    for endings, make in ((ENDINGS, _images), (TEXT_ENDINGS, _texts), (SOUND_ENDINGS, _sounds)):
        counts = {name: len(files_in(place / name, endings)) for name in names}
        if any(counts.values()):
            return make(place, where, {name: count for name, count in counts.items() if count}, test, counts)
    raise _unknown(folder)


def _images(folder: Path, path: str, counts: dict[str, int], test: str | None, every: dict[str, int]) -> Found:
    _check_classes(folder, counts, every, "images")
    paths = [file for name in counts for file in files_in(folder / name, ENDINGS)]
    sizes = [head.size for head in survey_files(paths[:: -(-len(paths) // MAX_SURVEYED)]).heads.values()]
    options = [to_source(path), f"size = {common_size(sizes)}"] if sizes else [to_source(path)]
    options += [f"test = {to_source(test)}"] if test else []
    findings = [_counted(counts, "image")]
    if len({*sizes}) > 1:
        findings.append(f"the images have {len({*sizes})} different sizes, and are resized to {common_size(sizes)}")
    title = f"Classifies the images in {folder.name}: {len(paths):,} images of {len(counts)} classes."
    side = int(common_size(sizes or [(8, 8)]).split("x")[0])
    augment = Setting(
        "augment",
        f"crop(pad = {max(1, side // 10)})",
        "shifts; add `-> flip(horizontal)` if mirrored images have the same class",
    )
    return Found("images", f"images({', '.join(options)})", title, tuple(findings), (*_weights(counts), augment))


def _texts(folder: Path, path: str, counts: dict[str, int], test: str | None, every: dict[str, int]) -> Found:
    _check_classes(folder, counts, every, "texts")
    options = [to_source(path), *([f"test = {to_source(test)}"] if test else [])]
    title = f"Classifies the texts in {folder.name}: {sum(counts.values()):,} texts of {len(counts)} classes."
    return Found("texts", f"texts({', '.join(options)})", title, (_counted(counts, "text"),), _weights(counts))


def _sounds(folder: Path, path: str, counts: dict[str, int], test: str | None, every: dict[str, int]) -> Found:
    _check_classes(folder, counts, every, "sounds")
    paths = [file for name in counts for file in files_in(folder / name, SOUND_ENDINGS)]
    heads = [*survey_sounds(paths[:: -(-len(paths) // MAX_SURVEYED)]).heads.values()]
    options = [to_source(path)]
    findings = [_counted(counts, "sound")]
    if heads:
        rates = sorted(head.rate for head in heads)
        lengths = sorted(head.seconds for head in heads)
        rate, seconds = min(rates[len(rates) // 2], 16_000), max(0.05, round(lengths[(9 * len(lengths)) // 10], 2))
        options += [f"rate = {rate}", f"seconds = {seconds:g}", f"as = mel({64 if rate >= 16_000 else 32})"]
        findings.append(f"read with {rate:,} samples in a second and {seconds:g} seconds: nine of ten are not longer")
    options += [f"test = {to_source(test)}"] if test else []
    title = f"Classifies the sounds in {folder.name}: {len(paths):,} sounds of {len(counts)} classes."
    return Found("steps", f"sounds({', '.join(options)})", title, tuple(findings), _weights(counts))


def _masks(folder: Path, path: str, photos: str, masks: str) -> Found:
    paths = files_in(folder / photos, ENDINGS)
    sizes = [head.size for head in survey_files(paths[:MAX_SURVEYED]).heads.values()]
    width, height = sizes[0] if len({*sizes}) == 1 else (128, 128)
    size = f"{max(16, round(min(height, 256) / 16) * 16)}x{max(16, round(min(width, 256) / 16) * 16)}"
    options = [to_source(f"{path}/{photos}"), to_source(f"{path}/{masks}"), f"size = {size}"]
    findings = [f"{len(paths):,} images with masks, resized to {size}: sizes that can be halved three times"]
    title = f"Predicts the class of each pixel of the images in {folder.name}."
    augment = Setting("augment", "flip(horizontal)", "images are mirrored with their masks")
    return Found("masks", f"masks({', '.join(options)})", title, tuple(findings), (augment,))


def _check_classes(folder: Path, counts: dict[str, int], every: dict[str, int], noun: str) -> None:
    if len(counts) < 2:
        raise fail(UnknownData(path=str(folder), reason=f"it has {noun} of a single class, `{next(iter(counts))}`",
                               advice="put each class into a folder of its own"))  # fmt: skip
    if empty := [name for name in every if name not in counts]:
        raise fail(UnknownData(path=str(folder), reason=f"its folder `{empty[0]}` has no {noun}",
                               advice="every folder is a class: remove the empty ones"))  # fmt: skip


def _counted(counts: dict[str, int], noun: str) -> str:
    some = ", ".join(f"{name} {count:,}" for name, count in [*counts.items()][:8])
    more = f", {len(counts) - 8} more classes" if len(counts) > 8 else ""
    return f"{noun}s of each class: {some}{more}"


def _weights(counts: dict[str, int]) -> tuple[Setting, ...]:
    rarest = min(counts.values()) * len(counts) / sum(counts.values())
    reason = "rare classes count as much as frequent ones"
    return (Setting("class_weights", "balanced", reason),) if rarest < 0.25 else ()


def _unknown(folder: Path) -> CompileError:
    here: Sequence[str] = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    shown = ", ".join(here[:8]) + (", …" if len(here) > 8 else "")
    reason = f"it has no folders of images, texts or sounds (it has {shown})" if here else "it is empty"
    advice = "make a folder for each class with its images, texts or sounds, or give a file"
    return fail(UnknownData(path=str(folder), reason=reason, advice=advice))
