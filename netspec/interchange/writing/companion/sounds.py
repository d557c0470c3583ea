"""Sounds as waveforms or mel spectrograms, in programs that predict without netspec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netspec.data.formats.wav import wav_head, wav_samples
from netspec.data.transforms.sounds.mel import fitted_wave, mel_bands, mel_spectrogram
from netspec.language.lazy import np

SOUND_ENDINGS = (".wav", ".flac", ".ogg")


def read_examples(arguments: list[str], metadata: dict[str, Any]) -> tuple[dict[str, Any], list[str], None]:
    """Sounds, and folders of them, as an array of shape (examples, samples, 1) or (examples, frames, bands)."""
    ((name, _),) = metadata["inputs"].items()
    encoder, parts, names = metadata["encoder"], [], []
    mel, rate = encoder["mel"], encoder["rate"]
    if mel is not None:
        triangles = mel_bands(rate, mel["bands"], mel["fft"], mel["low"], mel["high"], mel["scale"])
    for argument in arguments:
        path = Path(argument)
        files = sorted(f for f in path.rglob("*") if f.suffix.lower() in SOUND_ENDINGS) if path.is_dir() else [path]
        for file in files:
            samples, own_rate = sound_of(file)
            wave = fitted_wave(samples, own_rate, rate, encoder["samples"])
            if mel is not None:
                parts.append(mel_spectrogram(wave, triangles, mel["hop"], mel["scale"], mel["decibels"]))
            else:
                parts.append(wave[:, None])
            names.append(str(file))
    if not parts:
        raise ValueError(f"there are no sounds in {', '.join(arguments)}")
    return {name: np.stack(parts)}, names, None


def sound_of(path: Path) -> tuple[Any, int]:
    """The samples of a sound, the mean of all channels, and how many there are in a second; WAV files of integers and
    floats need no package."""
    with path.open("rb") as file:
        try:
            head = wav_head(file)
        except ValueError as error:
            if len(error.args) == 1 and path.suffix.lower() == ".wav":
                raise ValueError(f"{path} is not a sound: {error}") from error
            import soundfile

            samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
        else:
            samples, rate = wav_samples(file, head), head.rate
    if not len(samples):
        raise ValueError(f"{path} has no samples")
    return samples.mean(axis=1, dtype=np.float32), rate
