"""How sounds become the input of a network; saved with the weights.

Input: sounds. Output: a waveform of shape (samples, 1), or a spectrogram of shape (frames, bands).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

from netspec.data.dataset.lazy_rows import Array
from netspec.data.formats.sounds import Sound, load_sound
from netspec.data.transforms.sounds.mel import fitted_wave, mel_bands, mel_spectrogram
from netspec.language.record import Frozen
from netspec.language.shape import Shape


class MelSettings(Frozen):
    """Those of a mel spectrogram: `fft` and `hop` in samples, `low` and `high` in Hz."""

    bands: int
    fft: int
    hop: int
    low: float
    high: float
    scale: Literal["htk", "slaney"] = "htk"
    decibels: bool = True


MAX_BANDS = 64
"""Bands of the spectrogram that shows a waveform."""


class SoundEncoder(Frozen, tag="sounds", tag_field="kind"):
    """Sounds of one channel with `samples` samples, `rate` in a second: resampled, cut at the end or padded with zeros.
    `mel` are the settings of the spectrogram (None: the waveform)."""

    kind: ClassVar[str] = "sounds"

    rate: int
    samples: int
    mel: MelSettings | None = None

    @property
    def sizes(self) -> tuple[int, int]:
        """Samples and 1, or frames and bands."""
        if self.mel is None:
            return self.samples, 1
        return 1 + self.samples // self.mel.hop, self.mel.bands

    @property
    def shape(self) -> Shape:
        return Shape(self.sizes)

    @property
    def seconds(self) -> float:
        return self.samples / self.rate

    def read(self, path: Path) -> Array:
        """The sound in a file.

        Raises:
            OSError: it cannot be read, or is not a sound.
            Unplaced: a package is missing.
        """
        return self.encode(load_sound(path, self.needed))

    @property
    def needed(self) -> float:
        """How many seconds of a file are needed: some more than are kept, which resampling looks at."""
        return self.seconds + 1

    def encode(self, sound: Sound) -> Array:
        """The input of shape `sizes`, float32."""
        wave = fitted_wave(sound.samples, sound.rate, self.rate, self.samples)
        return wave[:, None] if self.mel is None else self.spectrogram(wave, self.mel)

    def spectrogram(self, wave: Array, mel: MelSettings) -> Array:
        """Of shape (frames, bands)."""
        found: Array = mel_spectrogram(wave, triangles(self.rate, mel), mel.hop, mel.scale, mel.decibels)
        return found

    def picture(self, example: Array) -> Array:
        """The spectrogram of an example as an image of shape (bands, frames), the low frequencies at the bottom."""
        if self.mel is not None:
            return example.T[::-1]
        fft = min(max(16, 2 * round(0.0125 * self.rate)), max(16, 2 * (self.samples // 4)))
        hop = max(1, self.samples // (2 * MAX_BANDS))
        bands = min(MAX_BANDS, fft // 4)
        mel = MelSettings(bands, fft, hop, 0.0, self.rate / 2, "slaney")
        return self.spectrogram(example[:, 0], mel).T[::-1]

    def problem(self) -> str | None:
        """What is wrong with one that was read from a file."""
        numbers = [self.rate, self.samples]
        if self.mel is not None:
            numbers += [self.mel.bands, self.mel.fft, self.mel.hop]
        return None if min(numbers) > 0 else "the settings of the sounds are not above 0"


@lru_cache(maxsize=8)
def triangles(rate: int, mel: MelSettings) -> Array:
    """The mel bands over the frequencies, of shape (1 + fft // 2, bands)."""
    found: Array = mel_bands(rate, mel.bands, mel.fft, mel.low, mel.high, mel.scale)
    return found
