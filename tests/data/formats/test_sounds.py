"""Sounds in files: the samples are those of soundfile and SciPy, and what is not a sound is said to be none."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from netspec.data.formats import sounds
from netspec.data.formats.sounds import decode_sound, load_sound, read_sound_head
from netspec.language.diagnostics import Unplaced
from netspec.language.files.regular_file import Limit
from tests.data.sound_files import chirp, wav_bytes

soundfile = pytest.importorskip("soundfile")


def noise(frames: int = 300, channels: int = 1) -> Any:
    return np.random.default_rng(0).uniform(-1, 1, (frames, channels))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("form", ["WAV", "WAVEX"])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_wav_files_are_read_as_soundfile_and_scipy_read_them(
    tmp_path: Path, subtype: str, form: str, channels: int
) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(channels=channels), 11025, subtype=subtype, format=form)
    sound, head = load_sound(path), read_sound_head(path)
    assert (head.rate, head.frames, head.channels, sound.rate) == (11025, 300, channels, 11025)
    wanted = soundfile.read(path, dtype="float64", always_2d=True)[0].mean(axis=1)
    assert sound.samples.dtype == np.float32
    np.testing.assert_allclose(sound.samples, wanted, atol=1e-7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wavfile.WavFileWarning)  # of chunks that it does not know
        raw = wavfile.read(path)[1].reshape(300, channels).astype(np.float64)
    scale = {"PCM_U8": 128, "PCM_16": 2**15, "PCM_24": 2**31, "PCM_32": 2**31}.get(subtype, 1)
    raw = raw - 128 if subtype == "PCM_U8" else raw
    np.testing.assert_allclose(sound.samples, (raw / scale).mean(axis=1), atol=1e-7)


@pytest.mark.parametrize(("name", "form", "subtype"), [
    ("a.flac", "FLAC", "PCM_16"), ("a.ogg", "OGG", "VORBIS"), ("a.wav", "WAV", "ULAW"), ("a.wav", "FLAC", "PCM_24"),
])  # fmt: skip
def test_other_files_are_read_by_soundfile(tmp_path: Path, name: str, form: str, subtype: str) -> None:
    soundfile.write(tmp_path / name, noise(2000, 2), 16000, format=form, subtype=subtype)
    sound = load_sound(tmp_path / name)
    wanted = soundfile.read(tmp_path / name, dtype="float32", always_2d=True)[0].mean(axis=1)
    assert sound.rate == 16000 and read_sound_head(tmp_path / name).frames == 2000
    np.testing.assert_allclose(sound.samples, wanted, atol=1e-7)


def test_only_the_first_seconds_are_read(tmp_path: Path) -> None:
    for name in ("a.wav", "a.flac"):
        soundfile.write(tmp_path / name, noise(8000)[:, 0], 8000)
        assert len(load_sound(tmp_path / name, 0.25).samples) == 2000
        assert len(load_sound(tmp_path / name, 60).samples) == 8000


def test_samples_that_were_written_to_a_pipe_end_where_the_file_does(tmp_path: Path) -> None:
    content = bytearray(wav_bytes(chirp(200, 400)))
    at = content.index(b"data")
    content[at + 4 : at + 8] = struct.pack("<I", 0xFFFFFFFF)
    (tmp_path / "a.wav").write_bytes(content)
    assert read_sound_head(tmp_path / "a.wav").frames == 2000
    assert np.abs(load_sound(tmp_path / "a.wav").samples - chirp(200, 400)).max() < 1e-4


def float_wav(samples: Any) -> bytes:
    content = io.BytesIO()
    wavfile.write(content, 8000, samples)
    return content.getvalue()


def odd_chunk() -> bytes:
    """A file with a chunk of three bytes before its samples, and one after them."""
    content = wav_bytes(chirp(200, 400))
    at = content.index(b"data")
    return content[:at] + b"note" + struct.pack("<I", 3) + b"abc\0" + content[at:] + b"LIST" + struct.pack("<I", 0)


def test_other_chunks_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(odd_chunk())
    assert np.abs(load_sound(tmp_path / "a.wav").samples - chirp(200, 400)).max() < 1e-4


GOOD = wav_bytes(chirp(200, 400))
BROKEN = {
    "text": (b"this is a text, not a sound", "does not begin as a WAV file"),
    "nothing": (b"", "does not begin as a WAV file"),
    "truncated": (GOOD[:-100], "truncated: 100 of 4,000 bytes"),
    "head alone": (GOOD[:20], "no samples"),
    "no samples": (wav_bytes(np.zeros(0, np.int16)), "no samples"),
    "no form": (GOOD[:12] + GOOD[36:], "does not say how"),
    "no channels": (GOOD[:22] + b"\0\0" + GOOD[24:], "damaged"),
    "no rate": (GOOD[:24] + bytes(4) + GOOD[28:], "damaged"),
    "a strange rate": (GOOD[:24] + b"\xff" * 4 + GOOD[28:], "rate is 4,294,967,295 Hz"),
    "five bytes": (GOOD[:32] + b"\5\0" + GOOD[34:], "damaged"),
    "another codec": (GOOD[:20] + b"\x99\x09" + GOOD[22:], "damaged, or not a sound"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_not_a_sound(tmp_path: Path, kind: str) -> None:
    content, reason = BROKEN[kind]
    (tmp_path / "a.wav").write_bytes(content)
    for read in (read_sound_head, load_sound):
        with pytest.raises(OSError, match=reason):
            read(tmp_path / "a.wav")
    with pytest.raises(OSError, match=reason):
        decode_sound(content, "sound 1", Limit("NETSPEC_X", 1, "million samples", 10**6))


@pytest.mark.parametrize("content", [b"this is a text", b"fLaC and nothing else", b""])
def test_what_is_not_a_flac_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.flac").write_bytes(content)
    with pytest.raises(OSError, match="damaged, or not a sound"):
        read_sound_head(tmp_path / "a.flac")


def test_a_flac_file_whose_end_is_missing(tmp_path: Path) -> None:
    content = io.BytesIO()
    soundfile.write(content, noise(20000)[:, 0], 8000, format="FLAC")
    (tmp_path / "a.flac").write_bytes(content.getvalue()[:-9000])
    with pytest.raises(OSError, match=r"truncated|damaged"):
        load_sound(tmp_path / "a.flac")


@pytest.mark.parametrize("seed", range(60))
def test_random_damage_is_an_error_or_a_sound(seed: int) -> None:
    random = np.random.default_rng(seed)
    content = bytearray(GOOD)
    for place in random.integers(0, 60, 4):
        content[place] = random.integers(0, 256)
    try:
        sound, _ = decode_sound(bytes(content), "sound 1", Limit("NETSPEC_X", 1, "million samples", 10**6))
    except OSError as error:
        assert error.strerror
    else:
        assert sound.samples.ndim == 1 and sound.rate > 0


def test_without_soundfile_wav_files_are_read_and_others_say_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.flac", noise()[:, 0], 8000)
    (tmp_path / "a.wav").write_bytes(GOOD)
    monkeypatch.setattr(sounds, "find_spec", lambda name: None)
    assert len(load_sound(tmp_path / "a.wav").samples) == 2000
    with pytest.raises(Unplaced, match=r"NS639: a\.flac is read with the package soundfile") as caught:
        load_sound(tmp_path / "a.flac")
    assert "pip install 'netspec-compiler[audio]'" in caught.value.diagnostic().hint_text


def test_samples_that_are_not_finite(tmp_path: Path) -> None:
    samples = np.zeros(100, np.float32)
    samples[7] = np.inf
    (tmp_path / "a.wav").write_bytes(float_wav(samples))
    with pytest.raises(OSError, match="not finite"):
        load_sound(tmp_path / "a.wav")


def test_long_sounds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.wav").write_bytes(GOOD)
    monkeypatch.setenv("NETSPEC_MAX_SOUND_MEGASAMPLES", "0.001")
    with pytest.raises(OSError, match=r"it has 0.002 million samples, and the limit is 0.001"):
        load_sound(tmp_path / "a.wav")
