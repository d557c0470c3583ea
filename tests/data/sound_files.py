"""Sounds for tests."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import wavfile


def chirp(begin: float, end: float, *, rate: int = 8000, seconds: float = 0.25, loud: float = 0.5) -> Any:
    """A sine from one frequency to another, float32."""
    t = np.arange(round(rate * seconds)) / rate
    phase = begin * t + (end - begin) * t**2 / (2 * seconds)
    return (loud * np.sin(2 * np.pi * phase)).astype(np.float32)


def wav_bytes(samples: Any, rate: int = 8000) -> bytes:
    """A WAV file: of 16 bits for floats, as the array is otherwise."""
    array = np.asarray(samples)
    if array.dtype.kind == "f":
        array = np.round(array * 32767).astype(np.int16)
    content = io.BytesIO()
    wavfile.write(content, rate, array)
    return content.getvalue()


def write_wav(path: Path, samples: Any, rate: int = 8000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav_bytes(samples, rate))
    return path


def write_tones(folder: Path, each: int = 12, **options: Any) -> Path:
    """Chirps that rise or fall and tones, with noise, a folder for each."""
    random = np.random.default_rng(0)
    for name, change in (("down", -1200.0), ("tone", 0.0), ("up", 1200.0)):
        for index in range(each):
            begin = random.uniform(1500, 2500)
            sound = chirp(begin, begin + change, **options)
            write_wav(folder / name / f"{index}.wav", sound + 0.02 * random.normal(size=len(sound)).astype(np.float32))
    return folder
