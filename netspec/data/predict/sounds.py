"""Sounds for `netspec predict` and its relatives: files, folders of them, samples with their rate, and sent files.

Input: what a user has, and the encoder of the run. Output: examples, with warnings about sounds that are cut or padded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from netspec.data.errors.prediction import cannot_predict
from netspec.data.errors.sounds import FittedSound
from netspec.data.formats.sounds import (
    SOUND_ENDINGS,
    Sound,
    SoundHead,
    decode_sound,
    mixed,
    read_sound,
    resampled_length,
)
from netspec.data.predict.rows import RawInputs
from netspec.data.transforms.sounds.encoder import SoundEncoder
from netspec.language.corrections import suggest
from netspec.language.diagnostics import Diagnostic, Unplaced, fail
from netspec.language.files.paths import exists, is_folder
from netspec.language.files.regular_file import Limit, Refused

GIVE_SOUNDS = f"give sounds ({', '.join(SOUND_ENDINGS)}), or folders of them"
MAX_CHANNELS = 64
"""An array with more columns has its samples along the second axis."""


def sound_files(text: str, name: str, encoder: SoundEncoder) -> RawInputs:
    """The sounds of one argument: a file, or a folder and the folders in it.

    Raises:
        CompileError: one of them cannot be read.
    """
    path = Path(text)
    if is_folder(path):
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SOUND_ENDINGS)
        if not files:
            advice = f"sounds end in {', '.join(SOUND_ENDINGS)}"
            raise cannot_predict(f"`{path}`", "the folder has no sounds", advice)
    elif exists(path):
        files = [path]
    else:
        near = [file.name for file in path.parent.iterdir()] if is_folder(path.parent) else []
        known = [one for one in near if Path(one).suffix.lower() in SOUND_ENDINGS]
        advice = suggest(path.name, known, what="sounds there") or GIVE_SOUNDS
        raise cannot_predict(f"`{text}`", "no such file", advice)
    read = [_read(file, encoder) for file in files]
    return _encoded([(str(file), *one) for file, one in zip(files, read, strict=True)], name, encoder)


def sent_sounds(contents: Sequence[bytes], name: str, encoder: SoundEncoder, limit: Limit) -> RawInputs:
    """Sounds in files that somebody sent.

    Raises:
        CompileError: a package is missing.
        OSError: one of them cannot be read.
    """
    found, total = [], 0
    for number, content in enumerate(contents, 1):
        called = f"sound {number}"
        try:
            sound, head = decode_sound(content, called, limit, encoder.needed)
        except Unplaced as bad:
            raise fail(bad.diagnostic()) from None
        total += head.frames * head.channels
        limit.check(Path(called), total, "all sounds together have {size}")
        found.append((called, sound, head))
    return _encoded(found, name, encoder)


def sound_arrays(pairs: Sequence[tuple[Any, Any]], name: str, encoder: SoundEncoder) -> RawInputs:
    """Samples with their rates: arrays of shape (frames,) or (frames, channels), integers or floats from -1 to 1.

    Raises:
        CompileError: one of them is not such a pair.
    """
    found = []
    for number, (samples, rate) in enumerate(pairs, 1):
        called = f"sound {number}"
        sound, channels = _as_sound(samples, rate, called)
        found.append((called, sound, SoundHead(sound.rate, len(sound.samples), channels)))
    return _encoded(found, name, encoder)


def is_sound_pair(value: Any) -> bool:
    """Whether a value is samples with their rate: `(array, 16000)`."""
    is_pair = isinstance(value, tuple) and len(value) == 2
    return is_pair and np.ndim(value[1]) == 0 and np.ndim(value[0]) in (1, 2) and not isinstance(value[0], str)


def _as_sound(samples: Any, rate: Any, name: str) -> tuple[Sound, int]:
    array = np.asarray(samples)
    is_number = isinstance(rate, int | float | np.integer | np.floating) and not isinstance(rate, bool)
    if not is_number or rate < 1 or rate != int(rate):
        raise cannot_predict(name, f"its rate is {rate!r}", "give (samples, rate), such as (array, 16000)")
    if array.dtype.kind not in "iuf" or array.ndim not in (1, 2) or not array.size:
        reason = f"its samples have the shape {array.shape} and the type {array.dtype}"
        raise cannot_predict(name, reason, "give an array of numbers of shape (frames,) or (frames, channels)")
    if not np.isfinite(array).all():
        raise cannot_predict(name, "some of its samples are not finite numbers", "leave them out, or set them to 0")
    if array.ndim == 2 and array.shape[1] > MAX_CHANNELS:
        reason = f"its samples have the shape {array.shape}, which is {array.shape[1]:,} channels"
        raise cannot_predict(name, reason, "give them with the frames first: `samples.T`")
    numbers = array.astype(np.float32)
    if array.dtype.kind == "u":
        half = 2.0 ** (8 * array.dtype.itemsize - 1)
        numbers = (numbers - half) / half
    elif array.dtype.kind == "i":
        numbers = numbers / 2.0 ** (8 * array.dtype.itemsize - 1)
    numbers = numbers.reshape(len(numbers), -1)
    return Sound(mixed(numbers), int(rate)), numbers.shape[1]


def _read(path: Path, encoder: SoundEncoder) -> tuple[Sound, SoundHead]:
    try:
        return read_sound(path, encoder.needed)
    except OSError as error:
        advice = error.advice if isinstance(error, Refused) else GIVE_SOUNDS
        raise cannot_predict(f"`{path}`", error.strerror or "it is not a sound", advice) from None
    except Unplaced as bad:  # a package is missing
        raise fail(bad.diagnostic()) from None


def _encoded(sounds: Sequence[tuple[str, Sound, SoundHead]], name: str, encoder: SoundEncoder) -> RawInputs:
    arrays = {name: np.stack([encoder.encode(sound) for _, sound, _ in sounds])}
    warnings = [*_fitted([(called, head) for called, _, head in sounds], encoder)]
    return RawInputs(arrays, [called for called, _, _ in sounds], warnings)


def _fitted(sounds: Sequence[tuple[str, SoundHead]], encoder: SoundEncoder) -> Iterator[Diagnostic]:
    """At most one warning about sounds that are cut, and one about those that are padded."""
    lengths = [resampled_length(head, encoder.rate) for _, head in sounds]
    for case, which in (
        ("cut", [row for row, n in enumerate(lengths) if n > encoder.samples]),
        ("padded", [row for row, n in enumerate(lengths) if n < encoder.samples]),
    ):
        if which:
            called, head = sounds[which[0]]
            fitted = partial(FittedSound, name=called, found=f"{head.seconds:.4g} s", seconds=f"{encoder.seconds:g} s")
            yield fitted(more=f" (and {len(which) - 1} more)" if len(which) > 1 else "", case=case)
