"""A model from Python: predictions for what people have, evaluation, variables for one's own loop, activations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

import netspec
from netspec.cli.main import run
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.predict.python_inputs import raw_inputs
from netspec.data.transforms.columns import Column
from netspec.data.transforms.dates import Dates
from netspec.data.transforms.encoders import RowEncoder
from netspec.language.shape import Shape

TABLE = """
dense(8, relu) -> dense(2, softmax)
data {
    source = csv("people.csv", target = "survived", categories = ["port"])
    normalize = standard
}
train { epochs = 3 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model_data")


@pytest.fixture(scope="module")
def people(folder: Path) -> pd.DataFrame:
    rng, count = np.random.default_rng(0), 60
    fare = rng.normal(30, 10, count).round(2)
    frame = {"age": rng.integers(18, 80, count), "fare": fare, "port": rng.choice(["S", "C", "Q"], count)}
    people = pd.DataFrame(frame | {"survived": np.where(fare > 30, "yes", "no")})
    people.to_csv(folder / "people.csv", index=False)
    return people


@pytest.fixture(scope="module")
def titanic(folder: Path, people: pd.DataFrame) -> netspec.Model:
    (folder / "titanic.net").write_text(TABLE)
    result = netspec.train(folder / "titanic.net", runs=folder, verbose=0)
    return netspec.load(result.run)


def test_a_loaded_model_is_called_as_the_spec(titanic: netspec.Model) -> None:
    assert titanic.name == "titanic" and titanic.module_class.__name__ == "Titanic"
    assert repr(titanic) == "<Model titanic: 5 -> 2>" and type(titanic) is netspec.Model


@pytest.mark.parametrize("made", [pd.DataFrame, pl.DataFrame])
def test_data_frames_keep_the_names_of_their_columns(made: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cells = {"size": rng.normal(size=40), "age": 100 + rng.normal(size=40)}
    x, y = made(cells), cells["size"] * 3
    turned = x[["age", "size"]]
    spec = "dense(1)\ndata { normalize = standard }"
    result = netspec.train(spec, (x, y, turned, y), runs=tmp_path, epochs=1, verbose=0)
    assert result.metrics["test_mae"] == pytest.approx(result.model.evaluate((x, y))["test_mae"], rel=1e-5)
    model = netspec.load(result.run)
    expected = model.predict(x.to_numpy()).values
    for same in (x, turned, {name: cells[name] for name in ("age", "size")}):
        np.testing.assert_allclose(model.predict(same).values, expected, rtol=1e-5)
    rows = [{"age": cells["age"][i], "size": cells["size"][i]} for i in range(3)]
    np.testing.assert_allclose(model.predict(rows).values, expected[:3], rtol=1e-5)
    renamed = made({"sice": cells["size"], "age": cells["age"]})
    for refused in (lambda: model.predict(renamed), lambda: netspec.train(spec, (x, y, renamed, y), runs=tmp_path)):
        with pytest.raises(netspec.CompileError, match=r"NS408.*has no column `size`"):
            refused()
    with pytest.raises(netspec.CompileError, match="NS488"):
        model.evaluate((turned, y))


FORMS = {
    "pandas": lambda people: people.drop(columns="survived"),
    "columns in another order": lambda people: people[["port", "survived", "fare", "age"]],
    "polars": lambda people: pl.from_pandas(people),
    "pyarrow": lambda people: pa.Table.from_pandas(people),
    "dicts": lambda people: people.to_dict("records"),
    "columns": lambda people: people.to_dict("list"),
    "arrays by column": lambda people: {name: people[name].to_numpy() for name in ("age", "fare", "port")},
    "rows": lambda people: people.drop(columns="survived").to_numpy().tolist(),
    "objects": lambda people: people.drop(columns="survived").to_numpy(),
    "texts": lambda people: [f"{a},{f},{p}" for a, f, p, _ in people.itertuples(index=False)],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_table(titanic: netspec.Model, folder: Path, people: pd.DataFrame, form: str) -> None:
    expected = titanic.predict(folder / "people.csv")
    found = titanic.predict(FORMS[form](people))
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    assert found.classes == expected.classes and len(found) == 60


def test_dates_of_data_frames_are_read_as_those_of_the_table() -> None:
    days, texts = [0, 1, 400], ["1970-01-01", "1970-01-02", "1971-02-05"]
    times = pd.to_datetime(texts)
    for form in ("%Y-%m-%d", "%d.%m.%Y %H:%M"):
        column = Column("day", type="date", dates=Dates(form, "days", 0.0, ()))
        preprocessing = Preprocessing(encoder=RowEncoder((column,)), raw_names={"input": "input"})
        for value in (
            pd.DataFrame({"day": times}),
            pl.DataFrame({"day": [time.date() for time in times]}),
            [{"day": time} for time in times],
            {"day": [time.to_pydatetime() for time in times]},
        ):
            raw = raw_inputs(value, {"input": Shape((1,))}, preprocessing)
            np.testing.assert_allclose(raw.arrays["input"][:, 0], days)


def test_one_row(titanic: netspec.Model, people: pd.DataFrame) -> None:
    expected = titanic.predict(people)
    row = people.drop(columns="survived").iloc[0]
    for value in (row, row.to_dict(), row.tolist()):
        (found,) = titanic.predict(value).to_dicts()
        probability = found["probabilities"]["no"]
        assert found["class"] == expected.classes[0] and probability == pytest.approx(expected.probabilities[0, 0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda people: people.drop(columns="age"), "NS408.*the data frame has no column `age`"),
        (lambda people: people.assign(age="old"), 'NS409.*the data frame row 1, column `age`: not a number: "old"'),
        (lambda people: {"age": 3}, "NS480.*the dict.*it lacks `fare`, `port`"),
        (lambda people: [{"age": 3}, {"fare": 2}], "NS480.*it lacks `port`"),
        (lambda people: [[1, "S"]], "NS480.*row 1.*it has 2 cells, and an example has 3"),
        (lambda people: {"age": [1, 2], "fare": [1], "port": ["S"]}, "NS480.*different lengths"),
        (lambda people: np.zeros((2, 3)), "NS480.*for the array: it has only numbers,.* other values in `port`"),
        (lambda people: np.zeros((2, 9)), "NS480.*for the array: it has 9 columns, and an example has 3"),
        (lambda people: Image.new("RGB", (4, 4)), "NS480.*image 1.*the network takes rows of a table, not images"),
    ],
)
def test_mistakes_are_diagnostics(titanic: netspec.Model, people: pd.DataFrame, make: Any, message: str) -> None:
    with pytest.raises(netspec.CompileError, match=message):
        titanic.predict(make(people))


@pytest.mark.filterwarnings("default")
def test_numbers_of_another_scale_are_warned_about(titanic: netspec.Model, people: pd.DataFrame) -> None:
    with pytest.warns(UserWarning, match=r"NS481.*`row 1` has values from") as caught:
        predictions = titanic.predict(people.assign(fare=people.fare * 1e6))
    assert caught[0].filename == __file__
    assert len(predictions.warnings) == 6 and "`row 6` and 54 more examples" in repr(predictions.warnings[-1])
    assert "NS481" in repr(predictions) and "NS481" in predictions._repr_html_()


def test_a_name_that_two_columns_have(titanic: netspec.Model, people: pd.DataFrame) -> None:
    twice = pd.concat([people, people[["fare"]]], axis=1)
    with pytest.raises(netspec.CompileError, match=r"NS480.*two of its columns are called `fare`"):
        titanic.predict(twice)


def test_predictions_are_plain_values(titanic: netspec.Model, people: pd.DataFrame) -> None:
    predictions = titanic.predict(people, batch=7)
    np.testing.assert_allclose(predictions.probabilities, titanic.predict(people).probabilities, rtol=1e-6)
    assert predictions.class_names == ["no", "yes"]
    assert predictions.classes == [["no", "yes"][i] for i in predictions.probabilities.argmax(axis=1)]
    with pytest.raises(AttributeError, match="no values"):
        _ = predictions.values
    assert repr(predictions).splitlines()[0].split() == ["input", "prediction"]
    assert repr(predictions).endswith("… 50 more of 60 predictions") and "<th" in predictions._repr_html_()
    for batch, error in ((0, ValueError), ("7", TypeError)):
        with pytest.raises(error, match="`batch` is a positive integer"):
            titanic.predict(people, batch=batch)  # type: ignore[arg-type]


def test_classes_that_are_integers_are_integers(tmp_path: Path) -> None:
    """As the labels that they are compared with: from arrays, and from a table with labels that do not begin at 0."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4))
    y = x[:, :3].argmax(axis=1)
    model = netspec.train(
        "input 4\ndense(3, softmax)", (x, y), runs=tmp_path, epochs=40, optimizer="adam(0.1)", verbose=0
    ).model
    predictions = model.predict(x)
    assert predictions.class_names == [0, 1, 2] and (np.array(predictions.classes) == y).mean() > 0.7
    pd.DataFrame(x).assign(kind=y + 7).to_csv(tmp_path / "t.csv", index=False)
    spec = f'dense(3, softmax)\ndata {{ source = csv("{tmp_path}/t.csv", target = "kind") }}'
    model = netspec.train(spec, runs=tmp_path, epochs=40, optimizer="adam(0.1)", verbose=0).model
    predictions = model.predict(x)
    assert predictions.class_names == [7, 8, 9] and (np.array(predictions.classes) == y + 7).mean() > 0.7
    one = predictions.to_dicts()[0]
    assert one["class"] == predictions.classes[0] and [*one["probabilities"]] == [7, 8, 9]


def test_the_threshold_of_an_answer_is_given() -> None:
    for threshold, wanted in ((0.5, {}), (0.25, {"threshold": 0.25})):
        model = netspec.compile(f"input 2\ndense(1, sigmoid)\ntrain {{ threshold = {threshold} }}")
        one = model.predict(np.ones((1, 2))).to_dicts()[0]
        assert {key: one[key] for key in one if key == "threshold"} == wanted
        assert (
            sum(one["probabilities"].values()) == pytest.approx(1) and one["probabilities"]["yes"] == one["probability"]
        )


def test_yes_no_and_numbers() -> None:
    model = netspec.compile(
        "input 2\nh = dense(3, relu)\noutput ok = h -> dense(1, sigmoid)\noutput size = h -> dense(2)"
    )
    predictions = model.predict(np.ones((3, 2)))
    np.testing.assert_allclose(predictions.probabilities["ok"].sum(axis=1), 1, rtol=1e-6)
    assert predictions.class_names == {"ok": ["no", "yes"]} and predictions.values["size"].shape == (3, 2)
    yes = predictions.probabilities["ok"][:, 1] > 0.5
    assert predictions.classes == {"ok": ["yes" if one else "no" for one in yes]}
    assert [*predictions.to_dicts()[0]] == ["input", "ok", "size"]


def test_numbers_have_the_names_of_their_columns(folder: Path, people: pd.DataFrame, tmp_path: Path) -> None:
    spec = 'dense(2)\ndata { source = csv("rows.csv", target = ["Age (years)", "Fare"]) }\ntrain { epochs = 1 }'
    rows = pd.DataFrame({"x": people["age"] / 50, "Age (years)": people["age"] + 0.5, "Fare": people["fare"]})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "rows.net").write_text(spec)
    predictions = netspec.train(tmp_path / "rows.net", runs=tmp_path, verbose=0).model.predict(rows[["x"]])
    one = predictions.to_dicts()[2]
    assert one["targets"] == dict(zip(["Age (years)", "Fare"], predictions.values[2].tolist(), strict=True))


def test_evaluate_is_that_of_the_run(titanic: netspec.Model, folder: Path) -> None:
    assert titanic.evaluate() == netspec.evaluate(folder / "titanic-1")
    with pytest.raises(ValueError, match="`split` is 'train', 'val' or 'test', not 'all'"):
        titanic.evaluate(split="all")  # type: ignore[arg-type]


# ---------------------------------------------------------------- images, texts, files


@pytest.fixture(scope="module")
def photos(folder: Path) -> netspec.Model:
    rng = np.random.default_rng(0)
    for number in range(20):
        name = folder / "photos" / ("dark" if number % 2 else "light") / f"{number:02}.png"
        name.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 90, (6, 5, 3), np.uint8) + np.uint8(0 if number % 2 else 160)
        Image.fromarray(pixels).save(name)
    spec = f'flatten -> dense(2, softmax)\ndata {{ source = images("{folder}/photos") }}\ntrain {{ epochs = 2 }}'
    return netspec.train(spec, runs=folder, verbose=0).model


def test_images_in_memory_are_read_as_files(photos: netspec.Model, folder: Path) -> None:
    files = sorted((folder / "photos").rglob("*.png"))
    expected = photos.predict(files).probabilities
    images = [Image.open(file) for file in files]
    np.testing.assert_array_equal(photos.predict(images).probabilities, expected)
    np.testing.assert_allclose(photos.predict(images[0]).probabilities, expected[:1], rtol=1e-6)
    arrays = [np.asarray(image) for image in images]
    for value in (arrays, np.stack(arrays)):
        np.testing.assert_allclose(photos.predict(value).probabilities, expected, rtol=1e-6)
    sizes = [*arrays[:2], np.asarray(images[2].resize((9, 7)))]
    assert photos.predict(sizes).probabilities.shape == (3, 2), "images of other sizes are resized as files are"


def test_folders_of_classes_and_archives(
    photos: netspec.Model, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted((folder / "photos").rglob("*.png"))
    expected = photos.predict(files).probabilities
    found = photos.predict(folder / "photos")
    np.testing.assert_array_equal(found.probabilities, expected)
    assert [one["input"] for one in found.examples] == [str(file) for file in files]
    pixels = np.stack([np.asarray(Image.open(file)) for file in files])
    np.savez(tmp_path / "some.npz", x=pixels, y=np.zeros(20))
    np.savez(tmp_path / "strange.npz", a=pixels, b=pixels)
    np.testing.assert_allclose(photos.predict(tmp_path / "some.npz").probabilities, expected, rtol=1e-6)
    assert run(["predict", str(folder / "network-1"), str(tmp_path / "strange.npz")]) == 1
    assert "several of its arrays have the shape" in capsys.readouterr().err
    np.savez(tmp_path / "single.npz", a=pixels, b=pixels[0, 0], c=np.array(["text"]))
    np.testing.assert_allclose(photos.predict(tmp_path / "single.npz").probabilities, expected, rtol=1e-6)
    np.savez(tmp_path / "none.npz", a=pixels[0], b=pixels[0])
    assert run(["predict", str(folder / "network-1"), str(tmp_path / "none.npz")]) == 1
    assert "it has the arrays a, b, none of them called as the input" in capsys.readouterr().err


def test_texts_and_files_of_text(folder: Path, tmp_path: Path) -> None:
    (folder / "talk.txt").write_text("the cat sat on the mat and the dog sat on the cat. " * 8)
    spec = f"""
embedding(8) -> gru(8) -> dense(classes, softmax)
data {{ source = text("{folder}/talk.txt", by = word, length = 4) }}
train {{ epochs = 1 }}
"""
    model = netspec.train(spec, runs=folder, verbose=0).model
    texts = ["the cat sat", "on the"]
    expected = model.predict(texts)
    for value in (np.array(texts), pd.DataFrame({"text": texts}), pl.DataFrame({"any": texts})):
        np.testing.assert_array_equal(model.predict(value).probabilities, expected.probabilities)
    (tmp_path / "note.log").write_text("the cat sat")
    np.testing.assert_array_equal(model.predict(tmp_path / "note.log").probabilities, expected.probabilities[:1])
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    for value, message in (
        (tmp_path / "none.txt", "no such file"),
        (tmp_path, "it is a folder, and the network takes text"),
        (tmp_path / "binary.txt", "it is not UTF-8 text"),
    ):
        with pytest.raises(netspec.CompileError, match=f"NS480.*{message}"):
            model.predict(value)


# ---------------------------------------------------------------- variables and activations

NORMED = """
input 3
dense(4) -> batchnorm(momentum = 0.9, epsilon = 0.001) -> relu -> dense(2)
"""


def test_variables_are_ready_for_a_loop_of_ones_own() -> None:
    """Three steps of gradient descent with `apply`, and the same by formulas, the state of batchnorm included."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(2, 3, (16, 3)).astype(np.float32), rng.normal(size=(16, 2)).astype(np.float32)
    model = netspec.compile(NORMED)
    before = np.asarray(model(x))
    variables = model.variables
    np.testing.assert_allclose(np.asarray(model.apply(variables, x)), before, rtol=1e-5, atol=1e-6)
    flat = {"/".join(map(str, path)): np.asarray(leaf) for path, leaf in _leaves(variables)}
    optimizer = optax.sgd(0.1)
    state = optimizer.init(variables["params"])
    for _ in range(3):

        def loss_of(params: Any, variables: Any = variables) -> Any:
            found, new = model.apply({**variables, "params": params}, x, train=True)
            return jnp.mean((found - y) ** 2), new

        (_, new), gradients = jax.value_and_grad(loss_of, has_aux=True)(variables["params"])
        updates, state = optimizer.update(gradients, state, variables["params"])
        variables = {"params": optax.apply_updates(variables["params"], updates), "state": new}
    expected = _by_formula(flat, x, y, steps=3)
    found = {"/".join(map(str, path)): np.asarray(leaf) for path, leaf in _leaves(variables)}
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=2e-4, atol=2e-5, err_msg=name)
    np.testing.assert_array_equal(np.asarray(model(x)), before)  # the model has not changed …
    model.variables = variables
    np.testing.assert_allclose(np.asarray(model(x)), np.asarray(model.apply(variables, x)), rtol=1e-5, atol=1e-6)


def _leaves(variables: Any) -> list[tuple[tuple[Any, ...], Any]]:
    from flax import nnx

    found = []
    for part in ("params", "state"):
        for path, leaf in nnx.to_flat_state(variables[part]):
            found.append((path, leaf[...] if hasattr(leaf, "get_value") else leaf))
    return found


def _by_formula(flat: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    """Gradient descent on mean squared error with the textbook formulas of batch normalization."""
    weights = {name: jnp.asarray(value) for name, value in flat.items() if "rng" not in name and "count" not in name}
    mean, var = weights.pop("batchnorm/mean"), weights.pop("batchnorm/var")

    def loss_of(w: dict[str, Any]) -> Any:
        h = x @ w["dense/kernel"] + w["dense/bias"]
        m, v = h.mean(axis=0), h.var(axis=0)
        h = (h - m) / jnp.sqrt(v + 0.001) * w["batchnorm/scale"] + w["batchnorm/bias"]
        found = jnp.maximum(h, 0) @ w["dense_2/kernel"] + w["dense_2/bias"]
        return jnp.mean((found - y) ** 2), (m, v)

    for _ in range(steps):
        (_, (m, v)), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights)
        weights = {name: w - 0.1 * gradients[name] for name, w in weights.items()}
        mean, var = 0.9 * mean + 0.1 * m, 0.9 * var + 0.1 * v
    return {**weights, "batchnorm/mean": mean, "batchnorm/var": var}


def test_activations_are_those_of_the_layers() -> None:
    spec = """
    input 6x6x1
    def block(n) = conv(n, 3x3, relu) -> maxpool(2)
    block(3) -> conv(2, 3x3) -> batchnorm -> relu -> dropout(0.5) -> flatten -> dense(4, tanh) -> dense(3, softmax)
    """
    model = netspec.compile(spec, seed=1)
    x = np.random.default_rng(0).normal(size=(5, 6, 6, 1)).astype(np.float32)
    found = model.activations(x)
    names = [row.name for row in model.layers]
    assert [name for name in found if name != "block"] == names
    assert all(found[row.name].shape == (5, *row.shape.sizes) for row in model.layers)
    module = model.module
    module.eval()
    h = jax.nn.relu(module.block.conv(jnp.asarray(x)))
    np.testing.assert_allclose(found["block/conv"], h, rtol=1e-5, atol=1e-6)
    pooled = np.asarray(h).reshape(5, 3, 2, 3, 2, 3).max(axis=(2, 4))
    np.testing.assert_allclose(found["block"], pooled, rtol=1e-5, atol=1e-6)
    h = jax.nn.relu(module.batchnorm(module.conv(jnp.asarray(pooled))))
    np.testing.assert_allclose(found["relu"], h, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found["dropout"], found["relu"])
    h = jnp.tanh(module.dense(h.reshape(5, -1)))
    np.testing.assert_allclose(found["dense"], h, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["dense_2"], np.asarray(model(x)), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(model.activations(x, "dense", batch=2), found["dense"])
    assert [*model.activations(x, ["dense", "block"])] == ["dense", "block"]
    with pytest.raises(ValueError, match=re.escape("`dense_3` is not a layer of network\ndid you mean `dense_2`?")):
        model.activations(x, "dense_3")
    with pytest.raises(TypeError, match="`layer` is the name of a layer, or a list of names, not an int"):
        model.activations(x, 3)  # type: ignore[arg-type]
