"""Sounds at another rate and of another length, and their mel spectrograms; also a part of exported programs.

Input: samples. Output: float32 samples, or decibels of shape (frames, bands).
Reference: Stevens, Volkmann and Newman 1937, A scale for the measurement of the psychological magnitude pitch;
O'Shaughnessy 1987 for the formula of HTK; Slaney 1998, Auditory Toolbox, for the other, as librosa has it.
"""

from __future__ import annotations

from math import gcd
from typing import Any

from netspec.language.lazy import lazy, np

signal = lazy("scipy.signal")

FLOOR = 1e-10
"""The power that is -100 decibels; less counts as much."""


def fitted_wave(samples: Any, rate: int, to_rate: int, count: int) -> Any:
    """A sound at another rate, float32 of `count` samples: cut at the end, or padded with zeros.

    The filter is that of `scipy.signal.resample_poly`; what is cut is not resampled.
    """
    if rate != to_rate:
        divisor = gcd(rate, to_rate)
        up, down = to_rate // divisor, rate // divisor
        reach = 10 * max(up, down) // up + 2  # of the filter
        samples = signal.resample_poly(samples[: -(-count * down // up) + reach], up, down)
    part = np.asarray(samples[:count], np.float32)
    return np.pad(part, (0, count - len(part)))


def mel_spectrogram(wave: Any, triangles: Any, hop: int, scale: str, decibels: bool) -> Any:
    """The power of a sound in mel bands, float32 of shape (1 + samples // hop, bands); `triangles` are `mel_bands`.

    Each frame is a window of `fft` samples (periodic Hann) around a multiple of `hop`. With `htk` the ends are
    reflected, as in torchaudio; with `slaney` they are padded with zeros, as in librosa.

    Formula: 10 log10 max(sum_f B(f, band) |FFT(window * frame)(f)|^2, 1e-10)
    """
    fft = 2 * (len(triangles) - 1)
    ends = np.pad(wave.astype(np.float64), fft // 2, mode="reflect" if scale == "htk" else "constant")
    frames = np.lib.stride_tricks.sliding_window_view(ends, fft)[::hop][: 1 + len(wave) // hop]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(fft) / fft)
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    found = power @ triangles
    if decibels:
        found = 10 * np.log10(np.maximum(found, FLOOR))
    return found.astype(np.float32)


def mel_bands(rate: int, bands: int, fft: int, low: float, high: float, scale: str) -> Any:
    """Triangles over the frequencies of a Fourier transform, of shape (1 + fft // 2, bands); their centers are at equal
    distances in mel. With `htk` each has the height 1, with `slaney` the area 1 in Hz."""
    ends = np.linspace(hertz_to_mel(low, scale), hertz_to_mel(high, scale), bands + 2)
    points = mel_to_hertz(ends, scale)
    frequencies = np.arange(1 + fft // 2) * (rate / fft)
    distances = points[None, :] - frequencies[:, None]
    widths = np.diff(points)
    rising, falling = -distances[:, :-2] / widths[:-1], distances[:, 2:] / widths[1:]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return triangles * (2 / (points[2:] - points[:-2])) if scale == "slaney" else triangles


def hertz_to_mel(frequency: float, scale: str) -> float:
    """HTK: 2595 log10(1 + f / 700). Slaney: linear up to 1000 Hz, which are 15 mel, and logarithmic above."""
    if scale == "htk":
        return float(2595 * np.log10(1 + frequency / 700))
    if frequency < 1000:
        return 3 * frequency / 200
    return float(15 + 27 * np.log(frequency / 1000) / np.log(6.4))


def mel_to_hertz(mels: Any, scale: str) -> Any:
    """The inverse of `hertz_to_mel`, of an array."""
    if scale == "htk":
        return 700 * (10 ** (mels / 2595) - 1)
    return np.where(mels < 15, 200 * mels / 3, 1000 * np.exp(np.log(6.4) * (np.maximum(mels, 15) - 15) / 27))
