"""Sounds at another rate, and mel spectrograms: equal to SciPy's, and to the formulas of torchaudio and librosa."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import signal

from netspec.data.formats.sounds import Sound
from netspec.data.transforms.sounds.encoder import MelSettings, SoundEncoder
from netspec.data.transforms.sounds.mel import fitted_wave, mel_bands, mel_spectrogram as spectrogram


def noise(count: int) -> Any:
    return np.random.default_rng(0).normal(0, 0.3, count).astype(np.float32)


def mel_spectrogram(
    wave: Any, rate: int, bands: int, fft: int, hop: int, low: float, high: float, scale: str, *, decibels: bool
) -> Any:
    return spectrogram(wave, mel_bands(rate, bands, fft, low, high, scale), hop, scale, decibels)


# The documentation of torchaudio 2: `functional.melscale_fbanks` with mel_scale="htk" and norm=None.
def torchaudio_bands(n_freqs: int, f_min: float, f_max: float, n_mels: int, rate: int) -> Any:
    torch = pytest.importorskip("torch")
    all_freqs = torch.linspace(0, rate // 2, n_freqs, dtype=torch.float64)
    m_min, m_max = (2595.0 * np.log10(1.0 + f / 700.0) for f in (f_min, f_max))
    f_pts = 700.0 * (10.0 ** (torch.linspace(m_min, m_max, n_mels + 2, dtype=torch.float64) / 2595.0) - 1.0)
    f_diff = f_pts[1:] - f_pts[:-1]
    slopes = f_pts.unsqueeze(0) - all_freqs.unsqueeze(1)
    down_slopes = (-1.0 * slopes[:, :-2]) / f_diff[:-1]
    up_slopes = slopes[:, 2:] / f_diff[1:]
    return torch.max(torch.zeros(1, dtype=torch.float64), torch.min(down_slopes, up_slopes))


@pytest.mark.parametrize(("rate", "fft", "hop", "bands", "low", "high"), [
    (16000, 400, 160, 64, 0, 8000), (16000, 400, 200, 128, 0, 8000), (8000, 256, 80, 24, 50, 3800),
])  # fmt: skip
def test_htk_is_what_torchaudio_computes(rate: int, fft: int, hop: int, bands: int, low: float, high: float) -> None:
    torch, wave = pytest.importorskip("torch"), noise(rate // 2)
    window = torch.hann_window(fft, periodic=True, dtype=torch.float64)
    found = torch.stft(
        torch.from_numpy(wave).double(), fft, hop, fft, window, center=True, pad_mode="reflect", return_complex=True
    )
    power = found.abs() ** 2
    mels = torch.matmul(power.T, torchaudio_bands(fft // 2 + 1, low, high, bands, rate))
    wanted = 10.0 * torch.log10(torch.clamp(mels, min=1e-10))  # AmplitudeToDB("power"), ref 1
    ours = mel_spectrogram(wave, rate, bands, fft, hop, low, high, "htk", decibels=True)
    assert ours.shape == (1 + len(wave) // hop, bands) and ours.dtype == np.float32
    np.testing.assert_allclose(ours, wanted.numpy(), rtol=1e-5, atol=1e-4)
    linear = mel_spectrogram(wave, rate, bands, fft, hop, low, high, "htk", decibels=False)
    np.testing.assert_allclose(linear, mels.numpy(), rtol=1e-5, atol=1e-6)


# The documentation of librosa 0.10: `filters.mel` with htk=False and norm="slaney", `mel_frequencies`.
def librosa_bands(rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> Any:
    def hz_to_mel(frequency: float) -> float:
        if frequency >= 1000.0:
            return 1000.0 / (200.0 / 3) + np.log(frequency / 1000.0) / (np.log(6.4) / 27.0)
        return frequency / (200.0 / 3)

    def mel_to_hz(mel: float) -> float:
        if mel >= 15.0:
            return 1000.0 * np.exp((np.log(6.4) / 27.0) * (mel - 15.0))
        return (200.0 / 3) * mel

    mel_f = np.array([mel_to_hz(m) for m in np.linspace(hz_to_mel(fmin), hz_to_mel(fmax), n_mels + 2)])
    fftfreqs = np.fft.rfftfreq(n=n_fft, d=1.0 / rate)
    weights = np.zeros((n_mels, 1 + n_fft // 2))
    ramps = np.subtract.outer(mel_f, fftfreqs)
    for i in range(n_mels):
        lower = -ramps[i] / np.diff(mel_f)[i]
        upper = ramps[i + 2] / np.diff(mel_f)[i + 1]
        weights[i] = np.maximum(0, np.minimum(lower, upper))
    return weights * (2.0 / (mel_f[2 : n_mels + 2] - mel_f[:n_mels]))[:, np.newaxis]


@pytest.mark.parametrize(("rate", "fft", "hop", "bands", "low", "high"), [
    (22050, 2048, 512, 128, 0, 11025), (16000, 512, 160, 40, 20, 7600), (44100, 1102, 441, 64, 0, 22050),
])  # fmt: skip
def test_slaney_is_what_librosa_computes(rate: int, fft: int, hop: int, bands: int, low: float, high: float) -> None:
    wave = noise(rate // 2)
    padded = np.pad(wave.astype(np.float64), fft // 2)  # center=True, pad_mode="constant"
    window = signal.get_window("hann", fft, fftbins=True)
    columns = [np.fft.rfft(window * padded[i : i + fft]) for i in range(0, len(padded) - fft + 1, hop)]
    power = np.abs(np.array(columns)) ** 2
    wanted = power @ librosa_bands(rate, fft, bands, low, high).T
    ours = mel_spectrogram(wave, rate, bands, fft, hop, low, high, "slaney", decibels=False)
    np.testing.assert_allclose(ours, wanted[: len(ours)], rtol=1e-5, atol=1e-10)
    assert len(ours) == len(wanted)


def test_a_tone_is_in_the_band_of_its_frequency() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    for scale in ("htk", "slaney"):
        found = mel_spectrogram(tone, 16000, 40, 512, 160, 0, 8000, scale, decibels=True)
        bands = mel_bands(16000, 40, 512, 0, 8000, scale)
        assert (found[5:-5].argmax(axis=1) == bands[round(1000 / (16000 / 512))].argmax()).all()


@pytest.mark.parametrize(("rate", "to"), [(44100, 16000), (22050, 16000), (8000, 16000), (48000, 8000), (11025, 44100)])
def test_resampling_is_scipys(rate: int, to: int) -> None:
    wave = noise(rate)
    divisor = np.gcd(rate, to)
    whole = signal.resample_poly(wave, to // divisor, rate // divisor)
    for count in (to // 3, to, to + 500):  # cut, as it is, padded
        wanted = np.zeros(count)
        wanted[: min(count, len(whole))] = whole[:count]
        np.testing.assert_allclose(fitted_wave(wave, rate, to, count), wanted, atol=1e-6)


def test_a_tone_keeps_its_frequency_and_loudness() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    found = fitted_wave(tone, 44100, 16000, 16000)
    wanted = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert np.abs(found - wanted)[200:-200].max() < 5e-4


def test_the_encoder_cuts_and_pads() -> None:
    encoder = SoundEncoder(8000, 100)
    assert encoder.shape.sizes == (100, 1)
    wave = noise(250)
    assert encoder.encode(Sound(wave, 8000))[:, 0].tolist() == wave[:100].tolist()
    short = encoder.encode(Sound(wave[:40], 8000))[:, 0]
    assert short[:40].tolist() == wave[:40].tolist() and not short[40:].any()
    mel = SoundEncoder(8000, 800, MelSettings(20, 200, 80, 0.0, 4000.0))
    assert mel.shape.sizes == (11, 20) == mel.encode(Sound(wave, 8000)).shape


def test_the_picture_of_a_waveform_shows_its_tone() -> None:
    """The low frequencies are at the bottom."""
    times = np.arange(8000) / 8000
    low, high = (SoundEncoder(8000, 8000).picture(np.sin(2 * np.pi * f * times)[:, None]) for f in (300, 3000))
    middles = [int(one[:, 5:-5].mean(axis=1).argmax()) for one in (low, high)]
    assert middles[1] < low.shape[0] / 2 < middles[0]
    assert SoundEncoder(8000, 30).picture(np.zeros((30, 1))).ndim == 2
