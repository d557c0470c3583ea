"""What the heads of many sounds say: their rates, lengths and channels, and what is worth a remark.

Input: sounds in files. Output: a `Survey`, the encoder that follows from it, and warnings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from netspec.data.errors.sounds import BadSound, EmptyBands, SoundsRead, UnlikeSounds
from netspec.data.formats.files import FileStamp, file_stamp, replace_advice
from netspec.data.formats.sounds import SoundHead, read_sound_head, resampled_length
from netspec.data.transforms.sounds.encoder import MelSettings, SoundEncoder, triangles
from netspec.data.transforms.sounds.options import SoundOptions
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np

MAX_HEADS = 20_000
"""The heads of how many sounds are read beforehand: some seconds. The others are checked when they are read."""


@dataclass(frozen=True)
class Survey:
    """Heads of sounds, by their files; `broken` has those that could not be read."""

    heads: Mapping[Path, SoundHead]
    broken: Mapping[Path, OSError]


def survey_sounds(paths: Sequence[Path]) -> Survey:
    """The heads of sounds, of every n-th one if there are very many; raises Unplaced when a package is missing."""
    some = tuple(paths[:: -(-len(paths) // MAX_HEADS)])
    return _survey(some, tuple(map(file_stamp, some)))


@lru_cache(maxsize=4)
def _survey(paths: tuple[Path, ...], stamps: tuple[FileStamp, ...]) -> Survey:
    """Cached from the check to the training, as long as the files have the same stamps."""
    heads, broken = dict[Path, SoundHead](), dict[Path, OSError]()
    for path in paths:
        try:
            heads[path] = read_sound_head(path)
        except OSError as error:
            broken[path] = error
    return Survey(heads, broken)


Name = Callable[[Path], str]
"""What a file is called in messages."""


def broken_sounds(broken: Mapping[Path, OSError], name: Name, total: int, option: str) -> Unplaced:
    """What to raise for sounds that cannot be read."""
    names, error = [name(path) for path in broken], next(iter(broken.values()))
    reason, advice = str(error.strerror or error), replace_advice(names, error)
    if isinstance(error, FileNotFoundError):
        reason, advice = "there is no such file", "correct the name, or remove its row"
    bad = partial(Unplaced, BadSound, option=option, file=names[0], reason=reason, advice=advice)
    return bad(count=len(names), total=total)


def encoder_of(surveys: Sequence[Survey], said: SoundOptions, name: Name, option: str) -> SoundEncoder:
    """How sounds are read; what is not written is that of all of them.

    Raises:
        Unplaced: rates or lengths differ, and none is given; or the spectrogram does not fit.
    """
    heads = {path: head for survey in surveys for path, head in survey.heads.items()}
    first, head = next(iter(heads.items()))
    unlike = partial(Unplaced, UnlikeSounds, option=option, first=name(first), total=len(heads))
    if said.rate is None:
        others = [path for path, other in heads.items() if other.rate != head.rate]
        if others:
            rates = Counter(other.rate for other in heads.values())
            found = f"a sampling rate of {heads[others[0]].rate:,} Hz"
            common = max(rates, key=rates.__getitem__)
            raise unlike(
                file=name(others[0]), found=found, expected=f"{head.rate:,} Hz", count=len(others), what="rate",
                option_name="rate", value=str(common),
            )  # fmt: skip
    rate = said.rate if said.rate is not None else head.rate
    if said.seconds is not None:
        return said.encoder(rate, max(1, round(said.seconds * rate)))
    samples = resampled_length(head, rate)
    others = [path for path, other in heads.items() if _beyond(other, rate, samples)]
    if others:
        lengths = sorted(other.seconds for other in heads.values())
        found = f"{heads[others[0]].seconds:.4g} seconds"
        longest = f"{np.ceil(10 * lengths[int(0.9 * (len(lengths) - 1))]) / 10:g}"
        raise unlike(
            file=name(others[0]), found=found, expected=f"{head.seconds:.4g}", count=len(others), what="length",
            option_name="seconds", value=longest,
        )  # fmt: skip
    return said.encoder(rate, samples)


def _beyond(head: SoundHead, rate: int, samples: int) -> int:
    """How many samples a sound is longer, below 0 shorter; one that is resampled may differ by one."""
    count = resampled_length(head, rate) - samples
    return 0 if head.rate != rate and abs(count) <= 1 else count


def remarks_on(surveys: Iterable[Survey], encoder: SoundEncoder, name: Name, option: str) -> list[Unplaced]:
    """Warnings about sounds that are not read as they are in their files."""
    heads = {path: head for survey in surveys for path, head in survey.heads.items()}
    rates = {head.rate for head in heads.values()}
    other_rates = ", ".join(f"{rate:,}" for rate in sorted(rates - {encoder.rate}))
    beyond = {path: _beyond(head, encoder.rate, encoder.samples) for path, head in heads.items()}
    parts = {
        f"are resampled from {other_rates} to {encoder.rate:,} Hz": [
            path for path, head in heads.items() if head.rate != encoder.rate
        ],
        "are mixed to one channel": [path for path, head in heads.items() if head.channels > 1],
        f"are cut after {encoder.seconds:g} s": [path for path, n in beyond.items() if n > 0],
        f"are padded with silence to {encoder.seconds:g} s": [path for path, n in beyond.items() if n < 0],
    }
    parts = {what: paths for what, paths in parts.items() if paths}
    found = []
    if parts:
        changes = ", ".join(f"{len(paths):,} {what}" for what, paths in parts.items())
        first = name(next(iter(parts.values()))[0])
        found.append(Unplaced(SoundsRead, option=option, total=f"{len(heads):,}", changes=changes, first=first))
    if encoder.mel is not None and (count := _empty_bands(encoder.rate, encoder.mel)):
        mel, fft = encoder.mel, encoder.mel.fft
        while fft < 64 * mel.fft and _empty_bands(encoder.rate, mel.replace(fft=fft)):
            fft *= 2
        found.append(Unplaced(EmptyBands, option="as", count=count, bands=mel.bands, fft=fft))
    return found


def _empty_bands(rate: int, mel: MelSettings) -> int:
    return int((triangles(rate, mel).sum(axis=0) == 0).sum())
