"""What a spec says of sounds: their rate and length, and the words `waveform` and `mel`."""

from __future__ import annotations

from typing import ClassVar, Literal, cast

from netspec.data.errors.sounds import BadMel
from netspec.data.transforms.sounds.encoder import MelSettings, SoundEncoder
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Choice, Count, Flag, Number, OneWord
from netspec.language.vocabulary import Declares
from netspec.language.word import Word, option

MAX_RATE = 768_000
"""Samples in a second."""


class SoundForm(Word):
    """Base of the forms of sounds."""

    category: ClassVar[str] = "sound"


sound_form = Declares("sound")
"""The decorator that declares a form of sounds: `@sound_form("mel")`."""


@sound_form("waveform")
class Waveform(SoundForm):
    """The samples of a sound as they are, a sequence of one feature: from -1 to 1 where the file has integers.

    Shape: rate * seconds x 1
    Example: data { source = sounds("words", rate = 8000, seconds = 1.0, as = waveform) }
    """

    aliases = ("raw", "wave")


@sound_form("mel")
class Mel(SoundForm):
    """A mel spectrogram: a sequence of frames with the power in each mel band, in decibels.

    `reshape(101x64x1)` makes an image of it for 2D convolutions. Normalize it: `normalize = standard` in `data`.

    `scale = htk` gives the numbers of `torchaudio.transforms.MelSpectrogram` and `AmplitudeToDB`, with `n_fft`,
    `hop_length` and `n_mels`; `scale = slaney` those of `librosa.feature.melspectrogram` and
    `power_to_db(top_db = None)`.

    Shape: (1 + samples // hop) x bands
    Formula: 10 log10 max(sum_f B(f, band) |FFT(hann * frame)(f)|^2, 1e-10)
    Example: data { source = sounds("words", rate = 16000, seconds = 1.0, as = mel(40)) }
    Reference: O'Shaughnessy 1987 (htk); Slaney 1998, Auditory Toolbox.
    """

    aliases = ("MelSpectrogram", "melspectrogram", "log_mel")

    bands: int = option(Count(), "how many mel bands", default=64, position=0, aliases=("n_mels",))
    fft: int | None = option(
        Count(4), "samples of a window (none: 25 ms)", default=None, aliases=("n_fft", "win_length", "window")
    )
    hop: int | None = option(
        Count(), "samples from one frame to the next (none: 10 ms)", default=None, aliases=("hop_length", "stride")
    )
    low: float = option(Number(0), "the lowest frequency, in Hz", default=0.0, aliases=("f_min", "fmin"))
    high: float | None = option(
        Number(0, open_low=True),
        "the highest frequency, in Hz (none: half of the rate)",
        default=None,
        aliases=("f_max", "fmax"),
    )
    scale: str = option(
        Choice(("htk", "slaney")),
        "the mel scale: `htk` with triangles of height 1, as torchaudio; `slaney` with triangles of area 1, as librosa",
        default="htk",
        aliases=("mel_scale",),
    )
    log: bool = option(Flag(), "whether the power is in decibels", default=True, aliases=("decibels", "db"))

    def settings(self, rate: int, samples: int) -> MelSettings:
        """For sounds of that rate and length; raises Unplaced unless they fit each other."""
        fft = self.fft if self.fft is not None else max(4, 2 * round(0.0125 * rate))
        hop = self.hop if self.hop is not None else max(1, round(0.01 * rate))
        high = self.high if self.high is not None else rate / 2
        if high > rate / 2:
            raise _bad(
                f"goes up to {high:g} Hz",
                f"at a sampling rate of {rate:,} Hz there are frequencies up to {rate / 2:g} Hz",
                f"write `high = {rate / 2:g}` or less, or a larger `rate`",
            )
        if fft % 2:
            raise _bad(f"has windows of {fft:,} samples", "it is an odd number", f"write `fft = {fft + 1}`")
        if self.low >= high:
            raise _bad(f"goes from {self.low:g} to {high:g} Hz", "nothing is between them", "write a smaller `low`")
        if fft // 2 >= samples:
            raise _bad(
                f"has windows of {fft:,} samples",
                f"a sound has {samples:,} samples",
                f"write `fft = {max(4, samples // 2)}` or less, or a larger `seconds`",
            )
        scale = cast('Literal["htk", "slaney"]', self.scale)
        return MelSettings(self.bands, fft, hop, self.low, high, scale, self.log)


def _bad(problem: str, reason: str, advice: str) -> Unplaced:
    return Unplaced(BadMel, option="as", problem=problem, reason=reason, advice=advice)


class SoundOptions(Word):
    """How sounds are read: with one channel, at one rate, and of one length."""

    rate: int | None = option(
        Count(100, MAX_RATE),
        "the sampling rate, in Hz: sounds with another one are resampled (none: all have one rate)",
        default=None,
        position=1,
        aliases=("sample_rate", "sampling_rate", "sr"),
    )
    seconds: float | None = option(
        Number(0, open_low=True),
        "the length: longer sounds are cut at the end, shorter ones padded with silence (none: all have one length)",
        default=None,
        position=2,
        aliases=("duration",),
    )
    as_: SoundForm = option(OneWord("sound"), "what the network gets: `waveform`, or `mel(bands)`", default=Mel())

    def encoder(self, rate: int, samples: int) -> SoundEncoder:
        """How sounds of that rate and length are read; raises Unplaced where the spectrogram does not fit them."""
        return SoundEncoder(rate, samples, self.as_.settings(rate, samples) if isinstance(self.as_, Mel) else None)
