"""The film of decision regions ends at the regions of the run; the parts of a sum add up; errors are those of NumPy."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import netspec
from netspec.analysis.inside.function import contributions
from netspec.cli.main import run

SPEC = """input 2

dense(4, tanh) -> dense(2, softmax)

data {
    source = moons(examples = 60)
}

train {
    epochs    = 3
    optimizer = adam(0.1)
}
"""


@pytest.fixture(scope="module")
def moons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moons")
    (folder / "moons.net").write_text(SPEC)
    return netspec.train(folder / "moons.net", runs=folder, verbose=0).run


def images(svg: str) -> list[bytes]:
    return [base64.b64decode(part) for part in re.findall(r'href="data:image/png;base64,([^"]+)"', svg)]


def test_a_film_ends_at_the_regions_of_the_run(moons: Path, tmp_path: Path) -> None:
    film = netspec.look(moons).film()
    frames, captions = images(film.svg), re.findall(r">(epoch \d+[^<]*)</text>", film.svg)
    assert [caption.split(",")[0] for caption in captions] == ["epoch 0", "epoch 1", "epoch 2", "epoch 3"]
    assert frames[-1] == images(netspec.look(moons).regions().svg)[0]
    first = netspec.train(moons.parent / "moons.net", runs=tmp_path, epochs=1, verbose=0)
    assert frames[1] == images(netspec.look(first.run).regions().svg)[0]
    assert frames[0] == images(netspec.look(netspec.compile(SPEC)).regions().svg)[0]
    assert captions[1] == f"epoch 1, loss {first.history['loss'][0]:.4f}"
    assert images(film.content("html").decode()) == frames
    assert film.content("png").startswith(b"\x89PNG")


def test_regions_do_not_need_the_data(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("a,b,kind\n0,1,x\n1,0,y\n0,0,x\n1,1,y\n0.5,1,x\n1,0.5,y\n")
    spec = 'input 2\ndense(2, softmax)\ndata { source = csv("points.csv", target = "kind") }'
    (tmp_path / "net.net").write_text(spec)
    result = netspec.train(tmp_path / "net.net", runs=tmp_path, epochs=1, verbose=0)
    markers = re.findall(r'class="stripe outline" d="([^"]*)"', netspec.look(result.run).regions().svg)
    assert sum(path.count("M") for path in markers) == 5
    (tmp_path / "points.csv").unlink()
    svg = netspec.look(result.run).regions().svg
    assert 'class="stripe outline"' not in svg and ">a</text>" in svg and ">x</text>" in svg


@pytest.mark.parametrize("points", [[[0, 5], [2, 5]], [[1e6, 1e6 + 0.1]] * 2, [[0, 0]], [[3, -1e-30], [3, 1e-30]]])
def test_points_on_a_line_have_a_plane(points: list[list[float]], recwarn: pytest.WarningsRecorder) -> None:
    svg = netspec.look(netspec.compile(SPEC)).regions(points, [0, 1][: len(points)]).svg
    assert "nan" not in svg and "inf" not in svg and len(images(svg)) == 1 and not recwarn.list
    ticks = re.findall(r">(-?[\d.,]+(?:e[+-]?\d+)?)</text>", svg)
    assert len(set(ticks)) >= 3


@pytest.mark.parametrize(
    ("points", "classes", "message"),
    [
        (np.zeros((0, 2)), None, "there are no points"),
        ([], None, r"of shape \(examples, 2\), not \(0,\)"),
        ([1, 2], None, r"of shape \(examples, 2\), not \(2,\)"),
        (np.zeros((4, 3)), None, r"of shape \(examples, 2\), not \(4, 3\)"),
        ([[0, np.nan]], None, "a point is not finite"),
        ([["a", "b"]], None, "points are numbers"),
        ([[0, 1], [1]], None, "points are numbers"),
        ([[0, 1], [1, 1]], [0], "class ids are as many as points, 2"),
    ],
)
def test_points_that_are_not_points(points: object, classes: list[int] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        netspec.look(netspec.compile(SPEC)).regions(points, classes)


def test_a_film_of_other_weights_is_refused(moons: Path) -> None:
    model = netspec.load(moons)
    model.module.dense.bias[...] += 0.5
    with pytest.raises(ValueError, match="does not get the weights that it has"):
        netspec.look(model).film()
    with pytest.raises(ValueError, match="its spec does not name"):
        netspec.look(netspec.compile("input 2\ndense(2, softmax)")).film()


def test_the_parts_of_a_sum_add_up(tmp_path: Path) -> None:
    x = np.linspace(2, 6, 40, dtype=np.float32)[:, None]
    y = 100 + 30 * np.sin(x)
    spec = "input 1\ndense(3, sigmoid) -> dense(1)"
    result = netspec.train(spec, (x, y), runs=tmp_path, epochs=2, verbose=0, **{"data.normalize": "standard"})
    model, module = result.model, result.model.module
    parts = contributions(model, x)
    assert [*parts] == ["unit 1", "unit 2", "unit 3", "bias"]
    np.testing.assert_allclose(sum(parts.values()), np.asarray(model(x))[:, 0], rtol=1e-5)
    scale, ready = model.preprocessing.outputs["output"], model.normalization["x"].apply(x)
    unit = 1 / (1 + np.exp(-(ready @ module.dense.kernel[...][:, 1] + module.dense.bias[...][1])))
    np.testing.assert_allclose(parts["unit 2"], unit * module.dense_2.kernel[...][1, 0] * scale.std[0], rtol=1e-4)
    svg = netspec.look(model).curve((x, y)).svg
    named = re.findall(r"<title>([^<]*)</title>", svg)[1:]
    assert named == ["training data", "unit 1", "unit 2", "unit 3", "bias", "sum"]
    assert "<title>training data" not in netspec.look(result.run).curve().svg


def test_curves_without_parts() -> None:
    assert contributions(netspec.compile("input 1\ndense(3, tanh) -> dense(1, sigmoid)"), np.ones((2, 1))) == {}
    assert contributions(netspec.compile("input 1\ndense(40, tanh) -> dense(1)"), np.ones((2, 1))) == {}
    assert "<title>output 2</title>" in netspec.look(netspec.compile("input 1\ndense(2)")).curve().svg
    with pytest.raises(ValueError, match="one input of one number"):
        netspec.look(netspec.compile("input 2\ndense(1)")).curve()


def test_reconstructions_have_the_error_of_each() -> None:
    model = netspec.compile("input 4x4x1\nflatten -> dense(3) -> dense(16) -> reshape(4x4x1) -> sigmoid", seed=1)
    x = np.random.default_rng(0).random((3, 4, 4, 1)).astype(np.float32)
    svg = netspec.look(model).reconstructions(x).svg
    errors = np.sqrt(((np.asarray(model(x)) - x) ** 2).mean(axis=(1, 2, 3)))
    assert re.findall(r">(0\.\d{4})</text>", svg) == [f"{error:.4f}" for error in errors]
    assert len(images(svg)) == 9 + 1  # and the scale of the differences
    with pytest.raises(ValueError, match="the shape of its input"):
        netspec.look(netspec.compile("input 2\ndense(3)")).reconstructions()


def test_reconstructions_need_an_autoencoder(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    for y, is_one in ((x, True), (x[:, ::-1] * 2, False)):
        trained = netspec.train("input 2\ndense(2)", (x, y), epochs=1, runs=tmp_path, verbose=0)
        if is_one:
            assert "reconstructions" in netspec.look(trained.run).reconstructions(data=(x, y)).svg
        else:
            with pytest.raises(ValueError, match="targets of this network are not its inputs"):
                netspec.look(trained.run).reconstructions(data=(x, y))


def test_weights_of_columns_are_a_matrix(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i % 3},{i % 5},{-i},{'xy'[i % 2]}\n" for i in range(40))
    (tmp_path / "four.csv").write_text(f"a,bee,c,d,kind\n{rows}")
    (tmp_path / "four.net").write_text(
        'dense(3) -> dense(2, softmax)\ndata { source = csv("four.csv", target = "kind") }'
    )
    run = netspec.train(tmp_path / "four.net", runs=tmp_path, epochs=1, verbose=0).run
    svg, kernel = netspec.look(run).weights().svg, np.asarray(netspec.load(run).module.dense.kernel[...])
    image, _ = images(svg)  # the second one is the scale
    pixels = np.asarray(Image.open(BytesIO(image))).astype(int)
    assert pixels.shape[:2] == (3, 4) and ">bee</text>" in svg
    assert ((pixels[..., 0] > pixels[..., 2]) == (kernel.T > 0)).all()  # positive weights are orange
    assert f">{np.abs(kernel).max():.3g}</text>" in svg


def test_arguments_that_are_wrong(moons: Path) -> None:
    look, images_in = netspec.look(moons), netspec.look(netspec.compile("input 4x4x1\nflatten -> dense(2, softmax)"))
    with pytest.raises(ValueError, match="`split` is 'train', 'val' or 'test', not 'foo'"):
        look.embedding(split="foo")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="name at least one layer"):
        look.activations(layers=[])
    with pytest.raises(ValueError, match="`example` is an index from 0 on, not -1"):
        look.saliency(example=-1)
    with pytest.raises(ValueError, match="`seed` is from 0 to"):
        images_in.maximize(seed=-1)


def test_the_command(
    moons: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for what, name in ((["regions", "--film"], "a.html"), (["embedding"], "b.pdf")):
        assert run(["look", str(moons), *what, "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "b.pdf").read_bytes().startswith(b"%PDF")
    for arguments, words in (
        (["regions", "-o", "a.gif"], "-o takes a name that ends in .svg"),
        (["weights", "--film"], "--film is for regions"),
        (["curve"], "one input of one number"),
        (["reconstructions"], "the shape of its input"),
        (["attention", "--input", "1,2"], "no attention layers"),
        (["embedding", "--split", "val"], "nothing out"),
        (["regions", "--method", "pca"], "--method is for embedding"),
    ):
        capsys.readouterr()
        assert run(["look", str(moons), *arguments]) == 1
        assert words in capsys.readouterr().err
