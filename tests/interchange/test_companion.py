"""`netspec export --code`: a program beside the file that predicts as `netspec predict` does, without netspec."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import netspec
from netspec.cli.main import run

os.environ.setdefault("KERAS_BACKEND", "jax")
for package in ("onnxruntime", "keras", "h5py", "flatbuffers", "torch"):
    pytest.importorskip(package)

FILES = {"onnx": "net.onnx", "keras": "net.keras", "stablehlo": "net.stablehlo", "torch": "net.py"}


@pytest.fixture(scope="module")
def photos_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of images in folders, which are resized and normalized."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for color, brightness in (("dark", 60), ("light", 180)):
        (folder / "photos" / color).mkdir(parents=True)
        for i in range(8):
            pixels = rng.integers(0, 70, (9, 11, 3)) + brightness
            Image.fromarray(pixels.astype(np.uint8)).save(folder / "photos" / color / f"{i}.png")
    source = 'images("photos", size = 6x5, fit = crop)'
    text = f"conv(3, 3x3, relu) -> gap -> dense(2, softmax)\ndata {{ source = {source}\nnormalize = standard }}"
    (folder / "photos.net").write_text(f"{text}\ntrain {{ epochs = 2 }}")
    return netspec.train(folder / "photos.net", runs=folder / "runs", verbose=0).run


@pytest.fixture(scope="module")
def rows_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A yes/no network with a threshold, for numbers, names, dates and sets, written as in Germany, some missing."""
    folder, rng = tmp_path_factory.mktemp("rows"), np.random.default_rng(1)
    lines = ["id;price;city;listed;genres;sold"]
    for i in range(60):
        price = f"{rng.normal(2000, 500):.2f}".replace(".", ",") if i % 9 else ""
        city = ["Bern", "Köln", "", "Ulm"][i % 4]
        listed = f"{1 + i % 28:02d}.{1 + i % 12:02d}.20{10 + i % 9}" if i % 11 else ""
        genres = ["rock|pop", "pop", "", "jazz | rock"][i % 4]
        lines.append(f"{i};{price};{city};{listed};{genres};{['no', 'yes'][int(rng.random() < 0.5)]}")
    (folder / "rows.csv").write_text("\n".join(lines), "utf-8")
    kinds = 'of("price", missing = category) -> of("city", as = category, missing = category)'
    kinds += ' -> of("listed", as = date, missing = mean) -> of("genres", as = set("|"))'
    source = f'csv("rows.csv", target = "sold", drop = "id", delimiter = ";", decimal = ",", per_column = {kinds})'
    text = f"dense(4, relu) -> dense(1, sigmoid)\ndata {{ source = {source}\nnormalize = standard }}"
    (folder / "rows.net").write_text(f"{text}\ntrain {{ epochs = 1\nthreshold = 0.45 }}")
    return netspec.train(folder / "rows.net", runs=folder / "runs", verbose=0).run


@pytest.fixture(scope="module")
def inputs_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two numbers from an image, the id of a name, and features; the targets are normalized."""
    folder, rng = tmp_path_factory.mktemp("inputs"), np.random.default_rng(2)
    lines = ["photo,plan,a,b,price,area"]
    for i in range(24):
        pixels = rng.integers(0, 256, (6, 6)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
        a, b = rng.normal(size=2)
        lines.append(f"{i}.png,{'xyz'[i % 3]},{a:.3f},{b:.3f},{900 * a + 3000:.1f},{b:.2f}")
    (folder / "inputs.csv").write_text("\n".join(lines))
    source = 'csv("inputs.csv", target = ["price", "area"], categories = ["plan"], encode = ids, '
    source += 'per_column = of("photo", as = image(4x4)))'
    network = "((photo -> flatten -> dense(3)) | (plan -> embedding(2)) | numbers) -> concat -> dense(2)"
    inputs = "input photo: 4x4x1\ninput plan: tokens(4)\ninput numbers: 2"
    data = f"data {{ source = {source}\nnormalize = standard }}\ntrain {{ epochs = 2 }}"
    (folder / "inputs.net").write_text(f"{inputs}\n{network}\n{data}")
    return netspec.train(folder / "inputs.net", runs=folder / "runs", verbose=0).run


@pytest.fixture(scope="module")
def text_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What comes next in a text, by words."""
    folder = tmp_path_factory.mktemp("text")
    (folder / "t.txt").write_text("the cat, the dog and the naïve_cat2: who?\n" * 30, "utf-8")
    (folder / "text.net").write_text(
        "embedding(4) -> gru(5) -> dense(classes, softmax)\n"
        'data { source = text("t.txt", by = word, length = 6) }\ntrain { epochs = 1 }'
    )
    return netspec.train(folder / "text.net", runs=folder / "runs", verbose=0).run


def exported(path: Path, model: Path, name: str, **options: Any) -> Any:
    """The program that is written with a file of this format."""
    if name == "huggingface":
        netspec.export(model, path / "hub", to="huggingface")
        return imported(path / "hub" / "predict.py")
    done = netspec.export(model, path / FILES[name], code=True, **options)
    assert done.verification is not None and path / "net_predict.py" in done.files
    return imported(path / "net_predict.py")


def imported(path: Path) -> Any:
    spec = util.spec_from_file_location(f"program_{path.parent.name}", path)
    assert spec is not None and spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compare(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """The same keys and names, and the same numbers up to rounding."""
    assert found
    assert [one["input"] for one in found] == [one["input"] for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert_same(one["outputs"], other["outputs"])


def assert_same(found: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list) and not (expected and isinstance(expected[0], str)):
        assert np.allclose(found, expected, rtol=1e-4, atol=1e-5), (found, expected)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)
    else:
        assert found == expected


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Images of several kinds: of another size, gray, of 16 bits, with a palette and transparency, turned by EXIF."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(3)
    colors = Image.fromarray(rng.integers(0, 256, (13, 17, 3)).astype(np.uint8))
    colors.save(folder / "colors.png")
    colors.convert("L").save(folder / "gray.png")
    colors.convert("P").save(folder / "palette.gif")
    colors.convert("RGBA").save(folder / "clear.png")
    Image.fromarray(rng.integers(0, 65536, (8, 9)).astype(np.uint16)).save(folder / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    colors.save(folder / "turned.jpg", exif=exif)
    return [str(path) for path in sorted(folder.iterdir())]


@pytest.mark.parametrize("name", [*FILES, "huggingface"])
def test_images(name: str, photos_run: Path, pictures: list[str], tmp_path: Path) -> None:
    compare(exported(tmp_path, photos_run, name).predict(pictures), netspec.predict(photos_run, pictures).examples)


@pytest.mark.parametrize("name", ["onnx", "stablehlo", "torch", "huggingface"])
def test_rows(name: str, rows_run: Path, tmp_path: Path) -> None:
    """Keras has nothing for missing numbers."""
    rows = [";Ulm;03.04.2015;pop", "1999,5;Paris;;jazz|folk"]
    (tmp_path / "other.csv").write_text("genres;listed;city;price\n rock ;01.12.2011;Köln;\n;;;-3,25\n", "utf-8")
    given = [*rows, str(tmp_path / "other.csv")]
    found = exported(tmp_path, rows_run, name).predict(given)
    compare(found, netspec.predict(rows_run, given).examples)
    assert len(found) == 4 and found[0]["outputs"]["output"]["threshold"] == 0.45


@pytest.mark.parametrize("name", [*FILES, "huggingface"])
def test_several_inputs_and_the_units_of_targets(name: str, inputs_run: Path, tmp_path: Path) -> None:
    table = str(inputs_run.parents[1] / "inputs.csv")
    found = exported(tmp_path, inputs_run, name).predict([table])
    compare(found, netspec.predict(inputs_run, table).examples)
    assert len(found) == 24 and list(found[0]["outputs"]["output"]["targets"]) == ["price", "area"]


@pytest.mark.parametrize("name", [*FILES, "huggingface"])
def test_texts(name: str, text_run: Path, tmp_path: Path) -> None:
    texts = ["the cat, the", "who? unknown words: the naïve_cat2", "the dog and the cat, the dog and the cat, the dog"]
    found = exported(tmp_path, text_run, name).predict(texts)
    compare(found, netspec.predict(text_run, texts).examples)
    known = {"the", "cat", "dog", ",", "and", "?", ":", "who", "naïve_cat2", "<unknown>"}
    assert {one["outputs"]["output"]["class"] for one in found} <= known


def test_missing_numbers_and_numbers_that_float32_does_not_hold(table_run: Path, tmp_path: Path) -> None:
    rows = ["1.5,red", ",blue", "123456.789,green"]
    for name in ("onnx", "stablehlo", "torch", "huggingface"):
        (tmp_path / name).mkdir()
        compare(exported(tmp_path / name, table_run, name).predict(rows), netspec.predict(table_run, rows).examples)


def test_images_of_a_network_that_was_trained_on_arrays(digits_run: Path, pictures: list[str], tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(192, dtype=np.uint8).reshape(3, 8, 8))
    given = [*pictures, str(tmp_path / "x.npy")]
    expected = netspec.predict(digits_run, given).examples
    for options in ({}, {"layout": "nchw"}, {"int8": False}):
        compare(exported(tmp_path, digits_run, "onnx", **options).predict(given), expected)


def test_without_netspec(photos_run: Path, rows_run: Path, pictures: list[str], tmp_path: Path) -> None:
    """As a command, in a process that cannot import netspec."""
    netspec.export(photos_run, tmp_path / "net.onnx", code=True)
    netspec.export(rows_run, tmp_path / "hub", to="huggingface")
    blocked = "import runpy, sys; sys.modules['netspec'] = None; sys.argv = sys.argv[1:]; "
    blocked += "runpy.run_path(sys.argv[0], run_name='__main__')"

    def program(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", blocked, *arguments], capture_output=True, text=True, cwd=tmp_path)

    done = program("net_predict.py", pictures[0])
    assert done.returncode == 0, done.stderr
    compare([json.loads(done.stdout)], netspec.predict(photos_run, pictures[0]).examples)
    done = program("hub/predict.py", "1999,5;Paris;;jazz|folk")
    assert done.returncode == 0, done.stderr
    compare([json.loads(done.stdout)], netspec.predict(rows_run, "1999,5;Paris;;jazz|folk").examples)
    for arguments, message in (
        (["net_predict.py", "none.png"], "No such file"),
        (["hub/predict.py", "many;Bern;03.04.2015;pop"], "'many' in 'price': not a number"),
        (["hub/predict.py", "1;Bern;2015-04-03;pop"], "'2015-04-03' in 'listed': time data"),
        (["hub/predict.py", "1;2"], "1;2 has 2 cells, not 4: price, city, listed, genres"),
        (["net_predict.py"], "python net_predict.py digit.png"),
    ):
        done = program(*arguments)
        assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_a_missing_cell_that_the_training_did_not_have(inputs_run: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"photo,plan,a,b\n{inputs_run.parents[1]}/0.png,x,,2\n")
    program = exported(tmp_path, inputs_run, "onnx")
    with pytest.raises(ValueError, match=r"t\.csv row 2: a value of 'a' is missing"):
        program.predict([str(tmp_path / "t.csv")])
    with pytest.raises(netspec.CompileError):
        netspec.predict(inputs_run, str(tmp_path / "t.csv"))


def test_a_network_that_was_not_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="`code` is for networks that were trained"):
        netspec.export(netspec.compile("input 4\ndense(3)"), tmp_path / "a.onnx", code=True)
    (tmp_path / "net.net").write_text("input 4\ndense(3)")
    assert run(["export", str(tmp_path / "net.net"), "-o", str(tmp_path / "a.onnx"), "--code"]) == 1
    assert "--code is for a run" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["net.net"]


def texts_run(folder: Path, options: str) -> Path:
    """A classifier of texts that are split in some way, beside a number."""
    rows = [f'"{"not " * (i % 3)}good, naïve café {i}",{i},{"no" if i % 2 else "yes"}' for i in range(40)]
    (folder / "r.csv").write_text("\n".join(["Review,n,liked", *rows]), "utf-8")
    source = f'csv("r.csv", target = "liked", per_column = of("Review", as = text({options})))'
    network = "((review -> embedding(3) -> mean_pool) | numbers) -> concat -> dense(classes, softmax)"
    (folder / "r.net").write_text(
        f"input review: 9 tokens(300, pad = 0)\ninput numbers: 1\n{network}\n"
        f"data {{ source = {source}\nnormalize = standard }}\ntrain {{ epochs = 1 }}"
    )
    return netspec.train(folder / "r.net", runs=folder / "runs", verbose=0).run


@pytest.mark.parametrize("options", ["min_count = 1", "by = char, keep = end", "by = bpe, vocabulary = 290"])
def test_columns_of_texts(options: str, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    run_folder = texts_run(tmp_path, f"{options}, length = 9")
    given = [
        '"not good, cafe\u0301!",3',
        '"\U0001f44d\U0001f3fd don\u2019t go \u6f22\u5b57, " ,7',
        str(tmp_path / "r.csv"),
    ]
    found = exported(tmp_path, run_folder, "onnx").predict(given)
    compare(found, netspec.predict(run_folder, given).examples)
    assert len(found) == 42


@pytest.mark.parametrize("name", ["torch", "huggingface"])
def test_texts_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("review,liked\n" + "".join(f"not good {i % 7} at all,{i % 2}\n" for i in range(40)))
    source = 'csv("r.csv", target = "liked", text = "review")'
    text = f"embedding(3) -> gru(4, return = last) -> dense(classes, softmax)\ndata {{ source = {source} }}"
    (tmp_path / "r.net").write_text(f"{text}\ntrain {{ epochs = 1 }}")
    run_folder = netspec.train(tmp_path / "r.net", runs=tmp_path / "runs", verbose=0).run
    (tmp_path / "new.txt").write_text("Good, not at all", "utf-8")
    given = ["not good, 3 at all", "unknown", str(tmp_path / "new.txt")]
    program = exported(tmp_path, run_folder, name)
    compare(program.predict(given), netspec.predict(run_folder, given).examples)
    with pytest.raises(ValueError, match="is empty"):
        program.predict([" "])
