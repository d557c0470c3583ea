"""Sounds in files: what their heads say, and their samples with all channels mixed.

Input: a path, or the content of a file. Output: `SoundHead`, or a `Sound`. WAV files of integers and floats are read
here; FLAC, Ogg and compressed WAV files by the package soundfile.
"""

from __future__ import annotations

import errno
import io
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, NamedTuple

from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.sounds import NeedsSoundfile
from netspec.data.formats.wav import WavHead, wav_head, wav_samples
from netspec.language.diagnostics import Unplaced
from netspec.language.files.regular_file import Limit, open_regular
from netspec.language.lazy import lazy, np

soundfile = lazy("soundfile")

SOUND_ENDINGS = (".wav", ".flac", ".ogg")
"""The endings of sound files, in lower case."""

SOUND_LIMIT = Limit("NETSPEC_MAX_SOUND_MEGASAMPLES", 500, "million samples", 10**6)
"""The longest sound: three hours of one channel at 44,100 Hz. A small file can announce any length."""

MAX_RATE = 1_000_000
"""Samples in a second; a head with more is damaged."""


class SoundHead(NamedTuple):
    """Samples in a second, moments, and channels."""

    rate: int
    frames: int
    channels: int

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


def resampled_length(head: SoundHead, rate: int) -> int:
    """How many samples a sound has at another rate."""
    return -(-head.frames * rate // head.rate)


class Sound(NamedTuple):
    """Samples of one channel, float32 of shape (frames,), from -1 to 1 where the file has integers."""

    samples: Array
    rate: int


def read_sound_head(path: Path) -> SoundHead:
    """What the head of a sound says; WAV files need nothing else to be read.

    Raises:
        OSError: it cannot be read, is not a sound, has no samples, or is too long.
        Unplaced: soundfile is needed, and not installed.
    """
    with open_regular(path) as file:
        return _head(file, path, SOUND_LIMIT)[0]


def load_sound(path: Path, seconds: float | None = None) -> Sound:
    """The sound in a file, or its first seconds; raises as `read_sound_head`."""
    return read_sound(path, seconds)[0]


def read_sound(path: Path, seconds: float | None = None) -> tuple[Sound, SoundHead]:
    """The sound in a file, or its first seconds, and what its head says; raises as `read_sound_head`."""
    with open_regular(path) as file:
        return _sound(file, path, SOUND_LIMIT, seconds)


def decode_sound(content: bytes, name: str, limit: Limit, seconds: float | None = None) -> tuple[Sound, SoundHead]:
    """The sound in a file that somebody sent, or its first seconds, not longer than `limit`; raises as above."""
    return _sound(io.BytesIO(content), Path(name), limit, seconds)


def mixed(samples: Array) -> Array:
    """The mean of all channels of an array of shape (frames, channels)."""
    return samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1, dtype=np.float32)


def _head(file: IO[bytes], path: Path, limit: Limit) -> tuple[SoundHead, WavHead | None]:
    wav = None
    try:
        wav = wav_head(file)
        found = SoundHead(wav.rate, wav.frames, wav.channels)
    except ValueError as error:
        if not _is_other(file, path, error):
            raise _bad(path, str(error.args[0])) from error
        with _opened(file, path) as other:
            found = SoundHead(other.samplerate, other.frames, other.channels)
    if not found.frames:
        raise _bad(path, "it has no samples")
    if not 0 < found.rate <= MAX_RATE:
        raise _bad(path, f"it says that its sampling rate is {found.rate:,} Hz")
    limit.check(path, found.frames * found.channels)
    return found, wav


def _sound(file: IO[bytes], path: Path, limit: Limit, seconds: float | None) -> tuple[Sound, SoundHead]:
    head, wav = _head(file, path, limit)
    most = head.frames if seconds is None else min(head.frames, int(np.ceil(seconds * head.rate)))
    if wav is not None:
        try:
            return _finite(Sound(mixed(wav_samples(file, wav, most)), head.rate), path), head
        except ValueError as error:
            raise _bad(path, str(error)) from error
    with _opened(file, path) as other:
        try:
            samples = other.read(most, dtype="float32", always_2d=True)
        except RuntimeError as error:  # what soundfile raises
            raise _bad(path, f"it is damaged ({_reason(error)})") from error
    if len(samples) < most:
        raise _bad(path, "it is truncated")
    return _finite(Sound(mixed(samples), head.rate), path), head


def _finite(sound: Sound, path: Path) -> Sound:
    """A sound whose samples are numbers that can be computed with."""
    if not np.isfinite(sound.samples).all():
        raise _bad(path, "some of its samples are not finite numbers")
    return sound


def _is_other(file: IO[bytes], path: Path, error: ValueError) -> bool:
    """Whether a file that is not a WAV file of plain numbers may be another kind of sound."""
    file.seek(0)
    return len(error.args) > 1 or file.read(4) in (b"fLaC", b"OggS") or path.suffix.lower() in SOUND_ENDINGS[1:]


def _opened(file: IO[bytes], path: Path) -> Any:
    """A file as soundfile reads it."""
    if find_spec("soundfile") is None:
        raise Unplaced(NeedsSoundfile, file=path.name)
    file.seek(0)
    try:
        return soundfile.SoundFile(file)
    except RuntimeError as error:
        raise _bad(path, f"it is damaged, or not a sound ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    """What soundfile says, without the name of the open file."""
    return str(error).rpartition(": ")[2].strip().rstrip(".")


def _bad(path: Path, reason: str) -> OSError:
    return OSError(errno.EINVAL, reason, str(path))
