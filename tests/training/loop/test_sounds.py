"""Sounds from files to predictions: trained, predicted in every form, served, reported, exported, resumed."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import signal

import netspec
from netspec.cli.main import run
from netspec.serving.protocol.examples import SAMPLES
from tests.data.sound_files import chirp, wav_bytes, write_wav
from tests.serving.client import Client

PAGE = (Path(__file__).parents[3] / "docs/sound.md").read_text(encoding="utf-8")
SPEC = re.findall(r"^```net\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0]


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sounds and the spec of the page about sound, and a run in `runs/tones-1`, trained as a user trains it."""
    folder = tmp_path_factory.mktemp("sounds")
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    with contextlib.chdir(folder):
        exec(code, {})
    (folder / "tones.net").write_text(SPEC)
    assert run(["train", str(folder / "tones.net"), "--runs", str(folder / "runs"), "--json"]) == 0
    return folder


@pytest.fixture(scope="module")
def rising() -> Any:
    noise = 0.02 * np.random.default_rng(9).normal(size=2000)
    return (chirp(1800, 3000) + noise).astype(np.float32)


def probabilities(model: netspec.Model, value: Any) -> Any:
    return np.array([list(one["probabilities"].values()) for one in model.predict(value).to_dicts()])


def test_a_network_tells_chirps_apart(tones: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", str(tones / "runs/tones-1"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["metrics"]["test_accuracy"] >= 0.8
    assert run(["eval", str(tones / "runs/tones-1"), "--data", str(tones / "tones"), "--json"]) == 0


def test_a_run_is_evaluated_on_a_table_of_two_sounds(tones: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fewer than its classes, and than the splits that a source has."""
    (tones / "two.csv").write_text("file,label\ntones/up/0.wav,up\ntones/down/0.wav,down\n")
    source = f'sounds("{tones / "two.csv"}", target = "label")'
    assert run(["eval", str(tones / "runs/tones-1"), "--data", source, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["metrics"]["test_accuracy"] >= 0.5


def test_predict_takes_files_and_folders(tones: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_folder, up = str(tones / "runs/tones-1"), tones / "tones/up"
    capsys.readouterr()
    assert run(["predict", run_folder, str(up / "0.wav"), str(up), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 25 and lines[0]["input"] == lines[1]["input"] == str(up / "0.wav")
    classes = [line["outputs"]["output"]["class"] for line in lines]
    assert classes.count("up") >= 20
    assert run(["predict", run_folder, str(up), "-o", str(tones / "up.csv")]) == 0
    assert (tones / "up.csv").read_text().splitlines()[1].startswith("0.wav,")


def test_python_takes_paths_and_samples_with_their_rate(tones: Path, tmp_path: Path, rising: Any) -> None:
    soundfile = pytest.importorskip("soundfile")
    model = netspec.load(tones / "runs/tones-1")
    path = write_wav(tmp_path / "a.wav", rising)
    wanted = probabilities(model, path)
    assert wanted.argmax() == 2  # down, tone, up
    quiet = np.round(rising * 32767).astype(np.int16)
    for value in (
        (quiet, 8000),
        (np.stack([quiet, quiet], 1), 8000),
        (quiet / np.float32(32768), 8000),
        [(quiet, 8000)],
    ):
        np.testing.assert_allclose(probabilities(model, value), wanted, atol=1e-5)
    faster = signal.resample_poly(rising, 441, 80).astype(np.float32)
    np.testing.assert_allclose(probabilities(model, (faster, 44100)), wanted, atol=0.05)
    soundfile.write(tmp_path / "a.flac", rising, 8000)
    np.testing.assert_allclose(probabilities(model, [path, tmp_path / "a.flac"]), np.repeat(wanted, 2, 0), atol=1e-4)
    with pytest.warns(UserWarning, match=r"sound 1 has 0.5 s, of which the network reads the first 0.25 s"):
        longer = probabilities(model, (np.concatenate([quiet, quiet]), 8000))
    np.testing.assert_allclose(longer, wanted, atol=1e-5)
    with pytest.warns(UserWarning, match=r"sound 1 has 0.05 s, and is padded with silence to 0.25 s"):
        probabilities(model, (quiet[:400], 8000))


@pytest.mark.parametrize(("make", "part"), [
    (lambda p: p / "none.wav", "no such file"),
    (lambda p: p, "the folder has no sounds"),
    (lambda p: (p / "t.wav").write_text("text") and p / "t.wav", "does not begin as a WAV file does"),
    (lambda p: (np.zeros(100, np.int16), 0.5), "its rate is 0.5"),
    (lambda p: (np.zeros(100, np.int16), True), "its rate is True"),
    (lambda p: (np.zeros((2, 900), np.int16), 8000), "samples.T"),
    (lambda p: (np.zeros(0, np.int16), 8000), r"the shape \(0,\)"),
    (lambda p: (np.full(2000, np.nan, np.float32), 8000), "not finite"),
])  # fmt: skip
def test_what_is_not_a_sound_to_predict_for(tones: Path, tmp_path: Path, make: Any, part: str) -> None:
    with pytest.raises(netspec.CompileError, match=part):
        netspec.load(tones / "runs/tones-1").predict(make(tmp_path))


def test_the_server_takes_sounds(tones: Path, rising: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    content = wav_bytes(rising)
    wanted = netspec.load(tones / "runs/tones-1").predict((np.round(rising * 32767).astype(np.int16), 8000)).to_dicts()
    with netspec.serve({"tones": tones / "runs/tones-1"}, port=0) as handle:
        client = Client(handle.url)
        text = base64.b64encode(content).decode()
        for answer in (
            client.send("POST", "/models/tones/predict", content, Content_Type="audio/wav"),
            client.post("/models/tones/predict", {"inputs": [text]}),
            client.post("/models/tones/predict", {"inputs": f"data:audio/wav;base64,{text}"}),
        ):
            assert answer.status == 200
            (found,) = answer.json["predictions"]
            assert found["class"] == "up"
            assert found["probabilities"] == pytest.approx(wanted[0]["probabilities"], abs=1e-4)
        bad = client.send("POST", "/models/tones/predict", b"a text", Content_Type="audio/wav")
        assert bad.status == 400 and "sound 1 cannot be read: it does not begin as a WAV file" in bad.json["error"]
        wrong = client.send("POST", "/models/tones/predict", content, Content_Type="text/plain")
        assert wrong.status == 415 and "audio/wav" in wrong.json["error"]
        (about,) = client.get("/models").json["models"]
        assert about["takes"] == "sound" and about["sound"] == {"rate": 8000, "seconds": 0.25}
        assert "audio/wav" in client.get("/openapi.json").body.decode()
        monkeypatch.setenv(SAMPLES.variable, "0.001")
        long = client.send("POST", "/models/tones/predict", content, Content_Type="audio/wav")
        assert long.status == 400 and "0.002 million samples" in long.json["error"]
        client.connection.close()


def test_the_report_shows_mistakes_as_spectrograms(tones: Path, tmp_path: Path) -> None:
    """A network that has learned nothing makes enough of them."""
    for form in ("mel(16)", "waveform"):
        text = (
            SPEC.replace("mel(16)", form)
            .replace("epochs    = 12", "epochs = 1")
            .replace("gru(12, return = last)", "gap")
        )
        (tones / "short.net").write_text(text)
        result = netspec.train(tones / "short.net", runs=tmp_path / "runs", verbose=0)
        page = netspec.report(result.run).html
        assert "The pictures are spectrograms" in page
        (sprites,) = set(re.findall(r"--w:(\d+px);--h:(\d+px)", page))
        assert sprites == ("120px", "72px")
        assert ("Saliency" in page) == (form != "waveform")


@pytest.mark.parametrize("name", ["net.onnx", "net.py"])
def test_an_exported_program_reads_sounds_as_the_training(tones: Path, tmp_path: Path, name: str) -> None:
    soundfile = pytest.importorskip("soundfile")
    pytest.importorskip("onnxruntime" if name.endswith("onnx") else "torch")
    model = netspec.load(tones / "runs/tones-1")
    netspec.export(model, tmp_path / name, code=True)
    path = tmp_path / "net_predict.py"
    assert "from netspec" not in path.read_text() and "import netspec" not in path.read_text()
    spec = util.spec_from_file_location(f"sounds_{name.partition('.')[2]}", path)
    assert spec is not None and spec.loader is not None
    program = util.module_from_spec(spec)
    spec.loader.exec_module(program)
    stereo = np.stack([chirp(1800, 3000, rate=22050, seconds=0.4)] * 2, axis=1)
    files = [str(write_wav(tmp_path / "a.wav", stereo, 22050)), str(tones / "tones/down/0.wav")]
    soundfile.write(tmp_path / "b.flac", chirp(2000, 1000, seconds=0.2), 8000, subtype="PCM_24")
    files.append(str(tmp_path / "b.flac"))
    found = program.predict(files)
    with pytest.warns(UserWarning):
        wanted = model.predict(files).to_dicts()
    for one, other in zip(found, wanted, strict=True):
        assert one["outputs"]["output"]["class"] == other["class"]
        assert one["outputs"]["output"]["probabilities"] == pytest.approx(other["probabilities"], abs=1e-4)
    (tmp_path / "t.wav").write_text("a text")
    with pytest.raises(ValueError, match=r"t\.wav is not a sound"):
        program.predict([str(tmp_path / "t.wav")])


def test_a_resumed_run_with_streamed_sounds_is_the_same(tones: Path, tmp_path: Path) -> None:
    text = SPEC.replace("epochs    = 12", "epochs = 2").replace("val       = 10%", "stream = true")
    (tones / "resumed.net").write_text(text.replace("gru(12, return = last)", "gap"))
    whole = netspec.train(tones / "resumed.net", runs=tmp_path / "a", verbose=0)
    half = netspec.train(tones / "resumed.net", runs=tmp_path / "b", verbose=0, epochs=1)
    assert netspec.resume(half.run, epochs=2, verbose=0).metrics == whole.metrics


def test_check_says_what_is_wrong_at_its_place(tones: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_wav(tmp_path / "tones/a/1.wav", chirp(200, 300))
    (tmp_path / "tones/a/2.wav").write_text("a text")
    (tmp_path / "tones.net").write_text(SPEC)
    capsys.readouterr()
    assert run(["check", str(tmp_path / "tones.net")]) == 1
    said = capsys.readouterr().err
    assert "error[NS638]: a/2.wav cannot be read as a sound" in said and '"tones"' in said and "^^^^^^^" in said
    assert run(["train", str(tmp_path / "tones.net"), "--data", str(tmp_path / "tones")]) == 1
    assert "'sounds(\"" in capsys.readouterr().err
    (tmp_path / "tones.net").write_text(SPEC.replace("mel(16)", "mfcc"))
    assert run(["check", str(tmp_path / "tones.net")]) == 1
    assert "NS201" in capsys.readouterr().err
