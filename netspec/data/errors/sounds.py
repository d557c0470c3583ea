"""NS638 to NS644: sounds, and how they become waveforms and spectrograms."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.diagnostics import Diagnostic


class BadSound(Diagnostic):
    """A file is not a sound: it is damaged, truncated or empty, or has another content than its name says. WAV files of
    8, 16, 24 or 32 bits and of floats are read, and with the package soundfile FLAC, Ogg and compressed WAV files.
    """

    code = "NS638"
    title = "{file} cannot be read as a sound: {reason}"
    label = "{count} of {total} sounds cannot be read"
    file: str
    reason: str
    count: int
    total: int


class NeedsSoundfile(Diagnostic):
    """FLAC, Ogg and compressed WAV files are read by the package soundfile, which is not installed by default."""

    code = "NS639"
    title = "{file} is read with the package soundfile, which is not installed"
    label = "needs soundfile"
    hint = "install it with `pip install 'netspec-compiler[audio]'`, or convert the sounds to WAV files of 16 bits"
    file: str


class UnlikeSounds(Diagnostic):
    """All examples must have one sampling rate and one length. With `rate` sounds are resampled, and with `seconds`
    short ones are padded with silence and long ones cut.
    """

    code = "NS640"
    title = "{file} has {found}, but {first} has {expected}"
    label = "{count} of {total} sounds differ from it"
    hint = "give all of them one {what}: `{option_name} = {value}`"
    file: str
    found: str
    first: str
    expected: str
    count: int
    total: int
    what: str
    option_name: str
    value: str


class SoundsRead(Diagnostic):
    """Sounds that are not read as they are in their files: resampled to `rate`, mixed to one channel (the mean of all),
    cut at `seconds`, or padded with silence at the end.
    """

    severity: ClassVar[str] = "warning"
    code = "NS641"
    title = "of {total} sounds {changes}"
    label = "such as {first}"
    hint = "listen to some of them; to read all as they are, convert them before"
    total: str
    changes: str
    first: str


class FittedSound(Diagnostic):
    """A sound to predict for is longer or shorter than what the network reads: its end is left out, or silence is
    added, as in the training.
    """

    severity: ClassVar[str] = "warning"
    code = "NS642"
    title = {
        "cut": "{name}{more} has {found}, of which the network reads the first {seconds}",
        "": "{name}{more} has {found}, and is padded with silence to {seconds}",
    }
    hint = {"cut": "cut it into parts to predict for each", "": "the network was trained on sounds of {seconds}"}
    name: str
    found: str
    seconds: str
    more: str = ""


class BadMel(Diagnostic):
    """The settings of a mel spectrogram do not fit each other or the sounds. Frequencies go up to half of `rate`; a
    window of `fft` samples must fit into a sound.
    """

    code = "NS643"
    title = "the mel spectrogram {problem}"
    label = "{reason}"
    problem: str
    reason: str


class EmptyBands(Diagnostic):
    """Some mel bands are narrower than the distance of two frequencies of the Fourier transform, `rate / fft`, and
    contain none of them: they are always silent.
    """

    severity: ClassVar[str] = "warning"
    code = "NS644"
    title = "{count} of {bands} mel bands contain no frequency of the Fourier transform"
    label = "always silent"
    hint = "write a larger `fft`, such as `fft = {fft}`, or fewer bands"
    count: int
    bands: int
    fft: int
