"""Sounds in folders and tables: classes, rates, lengths, and what is said about files that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from netspec.data.dataset.dataset import Target
from netspec.data.formats import sounds as formats
from netspec.data.sources.sounds import survey as surveys
from netspec.data.sources.sounds.sounds import SoundRows, Sounds
from netspec.data.transforms.encoders import Encoder
from netspec.data.transforms.sounds.encoder import MelSettings, SoundEncoder
from netspec.data.transforms.sounds.options import Mel, Waveform
from netspec.language.diagnostics import CompileError, Unplaced
from netspec.language.shape import Shape
from tests.data.files import code_and_text, write
from tests.data.sound_files import chirp, write_tones, write_wav

WAVE = {"as_": Waveform()}


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """Two rising and three falling chirps of a quarter of a second under `words`."""
    for index, name in enumerate(("up/b", "up/a", "down/1", "down/2", "down/3")):
        write_wav(tmp_path / "words" / f"{name}.wav", chirp(300 + index, 900))
    write(tmp_path / "words" / "up" / "notes.txt", "not a sound")
    return tmp_path


def raised(source: Sounds, folder: Path, *, when: str = "facts") -> tuple[str, str]:
    with pytest.raises(Unplaced) as caught:
        getattr(source, when)(folder)
    return code_and_text(caught.value)


def remarks(source: Sounds, folder: Path) -> list[tuple[str, str]]:
    source.facts(folder)
    return [(one.kind.code, code_and_text(one)[1]) for one in source.remarks(folder)]


def test_a_folder_for_each_class(words: Path) -> None:
    source = Sounds(folder="words", **WAVE)
    facts, data = source.facts(words), source.load(words)
    assert facts == data.facts
    assert facts.inputs == {"input": Shape((2000, 1))}
    assert facts.targets["output"] == Target.of_classes(("down", "up"))
    assert data.train.targets["output"].tolist() == [0, 0, 0, 1, 1]
    np.testing.assert_allclose(data.train.inputs["input"][4, :, 0], chirp(300, 900), atol=1e-4)
    assert [data.where(i) for i in (0, 4)] == ["words sound down/1.wav", "words sound up/b.wav"]
    assert remarks(source, words) == []


def test_mel_is_the_default(words: Path) -> None:
    data = Sounds(folder="words").load(words)
    assert data.facts.inputs["input"] == Shape((26, 64))
    assert data.encoder == SoundEncoder(8000, 2000, MelSettings(64, 200, 80, 0.0, 4000.0))
    loudest = data.train.inputs["input"].argmax(axis=2)
    assert loudest[4, 3] < loudest[4, -4]  # it rises
    small = Sounds(
        folder="words", as_=Mel(bands=10, fft=256, hop=100, low=100.0, high=2000.0, scale="slaney", log=False)
    )
    assert small.facts(words).inputs["input"] == Shape((21, 10))
    assert small.load(words).train.inputs["input"].min() >= 0


def test_a_table_names_the_sounds_and_their_targets(words: Path) -> None:
    rows = ["file,label,pitch", "up/a.wav,rise,2.5", "down/1.wav,fall,1.5", "up/b.wav,rise,0.25"]
    write(words / "words" / "clips.csv", "\n".join(rows))
    data = Sounds(folder="words/clips.csv", target=("label",), **WAVE).load(words)
    assert data.facts.targets["output"].names == ("fall", "rise")
    assert data.train.targets["output"].tolist() == [1, 0, 1]
    np.testing.assert_allclose(data.train.inputs["input"][2, :, 0], chirp(300, 900), atol=1e-4)
    assert data.where(1) == "clips.csv row 3"
    numbers = Sounds(folder="words/clips.csv", target=("pitch",), test="words/clips.csv").load(words)
    assert numbers.train.targets["output"].tolist() == [[2.5], [1.5], [0.25]]
    assert numbers.facts.has_test and numbers.test is not None and len(numbers.test) == 3
    both = Sounds(folder="words/clips.csv", target=("label", "pitch")).facts(words)
    assert {*both.targets} == {"label", "pitch"}


def test_what_is_wrong_with_a_table(words: Path) -> None:
    table = write(words / "clips.csv", "path,label\nwords/up/a.wav,rise\nwords/up/z.wav,fall\n")
    code, text = raised(Sounds(folder="clips.csv", target=("label",)), words)
    assert code == "NS408" and "file" in text and "path" in text
    code, text = raised(Sounds(folder="clips.csv", column="path", target=("labels",)), words)
    assert code == "NS408" and "`label`" in text
    code, text = raised(Sounds(folder="clips.csv", column="path", target=("label",)), words)
    assert code == "NS638" and "words/up/z.wav cannot be read as a sound: there is no such file" in text
    table.write_text("path,label\nwords/up/a.wav,rise\nwords/up/b.wav,fall\n")
    write(words / "test.csv", "path,label\nwords/up/a.wav,stay\n")
    code, text = raised(Sounds(folder="clips.csv", column="path", target=("label",), test="test.csv"), words)
    assert code == "NS483" and "stay" in text
    assert raised(Sounds(folder="words", target=("label",)), words)[0] == "NS416"


def test_a_folder_for_the_test(words: Path) -> None:
    write_wav(words / "test/up/1.wav", chirp(200, 300))
    code, text = raised(Sounds(folder="words", test="test"), words)
    assert code == "NS427" and "no class `down`" in text
    write_wav(words / "test/down/1.wav", chirp(300, 200))
    data = Sounds(folder="words", test="test").load(words)
    assert data.test is not None and data.test.targets["output"].tolist() == [0, 1]
    assert data.where(1, "test") == "test sound up/1.wav"


@pytest.mark.parametrize(("make", "part"), [
    (lambda p: None, "there is no such folder"),
    (lambda p: (p / "s").mkdir(), "has no sounds in it"),
    (lambda p: (p / "s/a").mkdir(parents=True), "has no sounds in it"),
    (lambda p: [write_wav(p / "s/a/1.wav", chirp(1, 2)), (p / "s/b").mkdir()], "is a class without sounds"),
    (lambda p: [write_wav(p / f"s/{n}/x/1.wav", chirp(1, 2)) for n in ("train", "test")], '("s/train", test = "s/te'),
])  # fmt: skip
def test_what_is_wrong_with_a_folder(tmp_path: Path, make: Callable[[Path], object], part: str) -> None:
    make(tmp_path)
    assert part in raised(Sounds(folder="s"), tmp_path)[1]


def test_sounds_without_classes(tmp_path: Path) -> None:
    write_wav(tmp_path / "s/1.wav", chirp(1, 2))
    source = Sounds(folder="s")
    assert source.facts(tmp_path).targets == source.load(tmp_path).train.targets == {}


# ---------------------------------------------------------------- rates, lengths, channels


def test_other_rates_are_an_error_unless_one_is_given(words: Path) -> None:
    write_wav(words / "words/up/c.wav", chirp(300, 900, rate=22050), 22050)
    code, text = raised(Sounds(folder="words"), words)
    assert code == "NS640" and "up/c.wav has a sampling rate of 22,050 Hz, but down/1.wav has 8,000 Hz" in text
    assert "1 of 6 sounds differ" in text and "`rate = 8000`" in text
    source = Sounds(folder="words", rate=8000, **WAVE)
    assert [code for code, _ in remarks(source, words)] == ["NS641"]
    assert "of 6 sounds 1 are resampled from 22,050 to 8,000 Hz" in remarks(source, words)[0][1]
    found = source.load(words).train.inputs["input"]
    assert found.shape == (6, 2000, 1)
    assert np.abs(found[5, 100:-100, 0] - chirp(300, 900)[100:-100]).max() < 0.01


def test_other_lengths_are_an_error_unless_one_is_given(words: Path) -> None:
    write_wav(words / "words/up/c.wav", chirp(300, 900, seconds=0.3))
    write_wav(words / "words/up/d.wav", chirp(300, 900, seconds=0.1))
    code, text = raised(Sounds(folder="words"), words)
    assert code == "NS640" and "up/c.wav has 0.3 seconds, but down/1.wav has 0.25" in text and "`seconds = 0.3`" in text
    source = Sounds(folder="words", seconds=0.25, **WAVE)
    (remark,) = remarks(source, words)
    assert remark[0] == "NS641"
    assert "1 are cut after 0.25 s, 1 are padded with silence to 0.25 s\nsuch as up/c.wav" in remark[1]
    found = source.load(words).train.inputs["input"][..., 0]
    np.testing.assert_allclose(found[5], chirp(300, 900, seconds=0.3)[:2000], atol=1e-4)
    np.testing.assert_allclose(found[6, :800], chirp(300, 900, seconds=0.1), atol=1e-4)
    assert not found[6, 800:].any()


def test_channels_are_mixed(tmp_path: Path) -> None:
    stereo = np.stack([chirp(200, 300), chirp(800, 900)], axis=1)
    write_wav(tmp_path / "s/a/1.wav", stereo)
    source = Sounds(folder="s", **WAVE)
    np.testing.assert_allclose(source.load(tmp_path).train.inputs["input"][0, :, 0], stereo.mean(axis=1), atol=1e-4)
    assert "1 are mixed to one channel" in remarks(source, tmp_path)[0][1]


def test_flac_files(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    (tmp_path / "s/a").mkdir(parents=True)
    soundfile.write(tmp_path / "s/a/1.flac", chirp(200, 300), 8000)
    found = Sounds(folder="s", **WAVE).load(tmp_path).train.inputs["input"]
    np.testing.assert_allclose(found[0, :, 0], chirp(200, 300), atol=1e-4)


def test_flac_files_without_soundfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s/a").mkdir(parents=True)
    (tmp_path / "s/a/1.flac").write_bytes(b"fLaC")
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    code, text = raised(Sounds(folder="s"), tmp_path)
    assert code == "NS639" and "pip install 'netspec-compiler[audio]'" in text


# ---------------------------------------------------------------- damaged files, wrong settings


def test_files_that_are_not_sounds_are_listed(words: Path) -> None:
    write(words / "words/up/text.wav", "a text, not a sound")
    (words / "words/up/empty.wav").write_bytes(b"")
    good = (words / "words/up/a.wav").read_bytes()
    (words / "words/down/cut.wav").write_bytes(good[:-50])
    for when in ("facts", "load", "stream"):
        code, text = raised(Sounds(folder="words"), words, when=when)
        assert code == "NS638"
        assert "down/cut.wav cannot be read as a sound: it is truncated: 50 of 4,000 bytes" in text
        assert "3 of 8 sounds cannot be read" in text and "down/cut.wav, up/empty.wav, up/text.wav" in text


@pytest.mark.parametrize(("mel", "part"), [
    (Mel(high=5000.0), "goes up to 5000 Hz\nat a sampling rate of 8,000 Hz there are frequencies up to 4000 Hz"),
    (Mel(low=3000.0, high=2000.0), "goes from 3000 to 2000 Hz"),
    (Mel(fft=4000), "has windows of 4,000 samples\na sound has 2,000 samples"),
    (Mel(fft=401), "it is an odd number\nwrite `fft = 402`"),
])  # fmt: skip
def test_spectrograms_that_do_not_fit(words: Path, mel: Mel, part: str) -> None:
    code, text = raised(Sounds(folder="words", as_=mel), words)
    assert code == "NS643" and part in text


def test_bands_without_a_frequency(words: Path) -> None:
    (remark,) = remarks(Sounds(folder="words", as_=Mel(bands=128)), words)
    assert remark[0] == "NS644" and "of 128 mel bands contain no frequency" in remark[1] and "`fft = 400`" in remark[1]
    assert remarks(Sounds(folder="words", as_=Mel(bands=128, fft=400)), words) == []


# ---------------------------------------------------------------- streaming, encoders


def test_streamed_sounds_are_those_in_memory(tmp_path: Path) -> None:
    write_tones(tmp_path / "tones", 4)
    source = Sounds(folder="tones", as_=Mel(bands=12))
    loaded, streamed = source.load(tmp_path), source.stream(tmp_path)
    assert streamed is not None and isinstance(streamed.train.inputs["input"], SoundRows)
    rows = streamed.train.inputs["input"]
    np.testing.assert_array_equal(rows.read(np.array([5, 0, 11])), loaded.train.inputs["input"][[5, 0, 11]])
    assert rows.shape == loaded.train.inputs["input"].shape and streamed.facts == loaded.facts
    (tmp_path / "tones/down/0.wav").unlink()
    with pytest.raises(CompileError, match="NS515"):
        rows.read(np.array([0]))


def test_of_many_sounds_some_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tones(tmp_path / "tones", 4)
    monkeypatch.setattr(surveys, "MAX_HEADS", 4)
    (tmp_path / "tones/down/1.wav").write_bytes(b"damaged")
    source = Sounds(folder="tones", as_=Mel(bands=12))
    assert source.facts(tmp_path).examples == 12
    assert raised(source, tmp_path, when="load")[0] == "NS638"


def test_the_encoder_goes_to_json_and_back() -> None:
    for encoder in (SoundEncoder(8000, 2000), SoundEncoder(8000, 2000, MelSettings(64, 200, 80, 0.0, 4000.0))):
        assert msgspec.json.decode(msgspec.json.encode(encoder), type=Encoder) == encoder
    assert SoundEncoder(8000, 0).problem() is not None


def test_other_sounds_are_read_as_those_of_a_run(words: Path) -> None:
    encoder: Any = SoundEncoder(4000, 500)
    source = Sounds(folder="words").coded_as(encoder)
    assert source.facts(words).inputs["input"] == Shape((500, 1))
    assert source.load(words).train.inputs["input"].shape == (5, 500, 1)
