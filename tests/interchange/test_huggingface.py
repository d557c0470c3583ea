"""`netspec export --to huggingface`: a folder that netspec reads like a run, with a valid model card."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors import safe_open
from safetensors.numpy import load_file

import netspec
from netspec.cli.main import run
from netspec.interchange.huggingface import draft
from netspec.interchange.huggingface.front_matter import _lines
from netspec.interchange.huggingface.tokenizer import tokenizer_of
from netspec.storage.run_folder import read_run

huggingface_hub: Any = pytest.importorskip("huggingface_hub")

FILES = {
    *("README.md", "config.json", "model.net", "model.py", "model.safetensors", "predict.py"),
    "preprocessor_config.json",
}


@pytest.fixture(scope="module")
def hub(digits_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a classifier of images."""
    folder = tmp_path_factory.mktemp("hub") / "digits"
    netspec.export(digits_run, folder, to="huggingface")
    return folder


@pytest.fixture
def copy(hub: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(hub, tmp_path / "copy"))


def codes(error: pytest.ExceptionInfo[netspec.CompileError]) -> list[str]:
    return [d.code for d in error.value.diagnostics]


def json_of(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def front(card: str) -> Any:
    return yaml.safe_load(card.split("---\n")[1])


# ---------------------------------------------------------------- what reads it


def test_it_is_read_like_a_run(digits_run: Path, hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert {path.name for path in hub.iterdir()} == FILES
    x = np.random.default_rng(0).random((5, 8, 8, 1)).astype(np.float32)
    expected = netspec.predict(digits_run, x)
    assert np.allclose(netspec.load(hub).predict(x).probabilities, expected.probabilities, atol=1e-6)
    assert netspec.predict(hub, x).classes == expected.classes
    assert netspec.evaluate(hub)["test_accuracy"] == netspec.evaluate(digits_run)["test_accuracy"]
    row = ",".join("0.5" for _ in range(64))
    assert run(["predict", str(digits_run), row, "--json"]) == run(["predict", str(hub), row, "--json"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["outputs"]["output"]["class"] == second["outputs"]["output"]["class"]
    assert run(["show", str(hub)]) == 0 and "conv(4, 3x3)" in capsys.readouterr().out


def test_it_is_served(hub: Path) -> None:
    from netspec.serving.models.batching import Batching
    from netspec.serving.models.registry import load_served

    served = load_served(hub, Batching())
    assert (served.name, served.version) == (json_of(hub / "config.json")["netspec"]["spec"]["name"], "1")


def test_it_is_exported_again(hub: Path, tmp_path: Path) -> None:
    """With the results of the run that it is from."""
    netspec.export(hub, tmp_path / "again", to="huggingface")
    for name in ("model.net", "model.safetensors", "preprocessor_config.json", "predict.py"):
        assert (tmp_path / "again" / name).read_bytes() == (hub / name).read_bytes()
    cards = [front((folder / "README.md").read_text("utf-8")) for folder in (hub, tmp_path / "again")]
    assert cards[0] == cards[1]


def test_every_kind_of_run(table_run: Path, tmp_path: Path) -> None:
    """Missing numbers, categories, and targets in their units; no path of this machine is in it."""
    netspec.export(table_run, tmp_path / "table", to="huggingface")
    rows = ["1.5,red", ",blue"]
    found = netspec.predict(tmp_path / "table", rows).examples
    assert found == netspec.predict(table_run, rows).examples
    text = "".join(path.read_text("utf-8") for path in (tmp_path / "table").iterdir() if path.suffix != ".safetensors")
    assert str(table_run.parents[1]) not in text
    card = (tmp_path / "table" / "README.md").read_text("utf-8")
    assert front(card)["pipeline_tag"] == "tabular-regression"
    assert "| color | category | blue, red |" in card and "missing numbers are filled in" in card
    (tmp_path / "table" / "t.csv").write_bytes((table_run.parents[1] / "t.csv").read_bytes())  # beside the spec
    expected = netspec.evaluate(table_run)["test_rmse"]
    assert netspec.evaluate(tmp_path / "table")["test_rmse"] == pytest.approx(expected, rel=1e-6)


def test_a_threshold_travels_along(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    text = "input 2\ndense(1, sigmoid)\ntrain { epochs = 1\nthreshold = best(f1) }\ndata { val = 20% }"
    result = netspec.train(text, (x, (x[:, 0] > 0.8).astype(np.int32)), runs=tmp_path / "runs", verbose=0)
    netspec.export(result.run, tmp_path / "hub", to="huggingface")
    thresholds = read_run(result.run).done["thresholds"]  # type: ignore[index]
    assert netspec.load(tmp_path / "hub").preprocessing.thresholds == thresholds != {}  # type: ignore[union-attr]
    netspec.export(result.model, tmp_path / "model", to="huggingface")  # a model without its run
    assert netspec.load(tmp_path / "model").preprocessing.thresholds == thresholds  # type: ignore[union-attr]


def test_a_network_that_was_not_trained(tmp_path: Path) -> None:
    model = netspec.compile(
        "input x: 4\ninput y: 3 tokens(7)\n(x | (y -> embedding(2) -> flatten)) -> concat -> dense(2)"
    )
    netspec.export(model, tmp_path / "hub", to="huggingface")
    inputs = np.ones((2, 4), np.float32), np.ones((2, 3), np.int32)
    assert np.allclose(netspec.load(tmp_path / "hub")(*inputs), model(*inputs), atol=1e-6)
    card = (tmp_path / "hub" / "README.md").read_text("utf-8")
    assert front(card) == {"library_name": "netspec", "tags": ["netspec", "flax", "jax"]}
    assert "weights that no run of netspec has trained" in card and "## Results" not in card
    assert not (tmp_path / "hub" / "predict.py").exists()


# ---------------------------------------------------------------- what others read


def test_the_card_is_valid(digits_run: Path, hub: Path) -> None:
    card = huggingface_hub.ModelCard.load(hub / "README.md")
    metrics = read_run(digits_run).done["metrics"]  # type: ignore[index]
    data = card.data
    assert (data.library_name, data.pipeline_tag, data.license) == ("netspec", "image-classification", None)
    assert (data.metrics, data.datasets) == (["accuracy"], None)
    (result,) = data.eval_results
    assert isinstance(result, huggingface_hub.EvalResult)
    assert result.metric_value == metrics["test_accuracy"] and result.metric_name == "test accuracy"
    assert (result.task_type, result.dataset_type, result.dataset_name) == ("image-classification", "digits", "digits")
    again = huggingface_hub.ModelCard(str(card))  # as the package writes it
    assert again.data.to_dict() == data.to_dict()
    text = card.text
    accuracy, z = metrics["test_accuracy"], 1.959963984540054
    middle = (accuracy + z * z / 718) / (1 + z * z / 359)
    half = z / (1 + z * z / 359) * math.sqrt(accuracy * (1 - accuracy) / 359 + z * z / 4 / 359**2)
    assert f"{100 * accuracy:.2f}% ({100 * (middle - half):.2f}% to {100 * (middle + half):.2f}%)" in text
    assert "| training | 1,438 |" in text and "Source: `digits`." in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        *("## Use", "## Network", "## Inputs and outputs", "## Data", "## Results", "## Training", "## Limits")
    ]
    assert (hub / "model.net").read_text("utf-8").strip() in text


def test_the_code_of_the_card(hub: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(hub.parent)
    first, second = re.findall(r"```python\n(.*?)```", (hub / "README.md").read_text("utf-8"), re.DOTALL)
    exec(first, {})
    assert "conv(4, 3x3)" in capsys.readouterr().out
    monkeypatch.chdir(hub)
    exec(second, {})
    assert "'conv/kernel': (3, 3, 1, 4)" in capsys.readouterr().out


def test_weights_and_configuration(digits_run: Path, hub: Path) -> None:
    weights, own = load_file(hub / "model.safetensors"), load_file(digits_run / "weights.safetensors")
    assert weights.keys() == own.keys() and all(np.array_equal(weights[name], own[name]) for name in own)
    with safe_open(hub / "model.safetensors", "np") as file:
        assert file.metadata()["format"] == "flax"
    config = json_of(hub / "config.json")
    assert config["model_type"] == "netspec" and config["problem_type"] == "single_label_classification"
    assert config["id2label"] == {str(i): str(i) for i in range(10)} and config["label2id"]["7"] == 7
    assert config["inputs"] == {"x": {"shape": [8, 8, 1], "dtype": "float32"}}
    images = json_of(hub / "preprocessor_config.json")
    assert images["size"] == {"height": 8, "width": 8} and images["rescale_factor"] == 1 / 255
    scale = json_of(digits_run / "coding.json")["normalisation"]["x"]
    assert (images["image_mean"], images["image_std"]) == (scale["mean"], scale["std"])


@pytest.mark.parametrize("by", ["char", "word"])
def test_a_tokenizer(by: str, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("the cat and the dog.\n" * 30, "utf-8")
    source = f'text("t.txt", by = {by}, length = 6)'
    net = f"embedding(4) -> gru(5) -> dense(classes, softmax)\ndata {{ source = {source} }}\ntrain {{ epochs = 1 }}"
    (tmp_path / "text.net").write_text(net)
    made = netspec.train(tmp_path / "text.net", runs=tmp_path / "runs", verbose=0).run
    netspec.export(made, tmp_path / "hub", to="huggingface")
    encoder = netspec.load(made).preprocessing.encoder  # type: ignore[union-attr]
    found = json_of(tmp_path / "hub" / "tokenizer.json")
    assert found == tokenizer_of(encoder)  # type: ignore[arg-type]
    assert list(found["model"]["vocab"].values()) == list(range(len(encoder.vocabulary)))  # type: ignore[union-attr]
    assert found["truncation"]["max_length"] == found["padding"]["strategy"]["Fixed"] == 6
    card = (tmp_path / "hub" / "README.md").read_text("utf-8")
    assert front(card)["pipeline_tag"] == "text-generation" and "The last 6 count." in card
    assert netspec.predict(tmp_path / "hub", "the cat").classes == netspec.predict(made, "the cat").classes


HARD = [
    "no",
    "1e-5",
    "a: b # c",
    "- x",
    'say "hi"',
    "tab\tand\nline",
    "\x85\u2028\x7f",
    "Grüße 🙂",
    "",
    "~",
    "2026-11-29",
]


def test_texts_and_numbers_in_yaml() -> None:
    value = {"texts": HARD, "numbers": [1e-05, 1e22, 0.1, -3, 1.5e-300], "nested": [{"a": {"b": HARD[:3]}, "no": 1}]}
    assert yaml.safe_load("\n".join(_lines(value, 0))) == value
    assert yaml.safe_load("\n".join(_lines(dict.fromkeys(HARD, 1), 0))) == dict.fromkeys(HARD, 1)


def test_names_that_look_like_markup(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a|b,<i>,y\n" + "1,<b>x</b>,a|`c`\n2,`q`,</p>\n" * 20)
    data = 'data { source = csv("t.csv", target = "y", categories = ["<i>"]) }'
    (tmp_path / "m.net").write_text(f"dense(2, softmax)\n{data}\ntrain {{ epochs = 1 }}")
    made = netspec.train(tmp_path / "m.net", runs=tmp_path / "runs", verbose=0).run
    netspec.export(made, tmp_path / "hub", to="huggingface")
    card = (tmp_path / "hub" / "README.md").read_text("utf-8")
    outside = re.sub(r"(`+)[^`].*?\1", "", card.split("---\n", 2)[2], flags=re.DOTALL)
    assert "<" not in outside and "| a\\|b | number |  |" in card
    assert len(netspec.predict(tmp_path / "hub", "1,`q`").classes) == 1


# ---------------------------------------------------------------- writing


def test_a_folder_that_has_files(
    hub: Path, digits_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "there"
    target.mkdir()
    netspec.export(hub, target, to="huggingface")  # an empty one
    assert {path.name for path in target.iterdir()} == FILES
    (target / "notes.md").write_text("mine")
    (target / "README.md").write_text("changed")
    with pytest.raises(FileExistsError, match="has files already"):
        netspec.export(hub, target, to="huggingface")
    assert run(["export", str(hub), "--to", "huggingface", "-o", str(target)]) == 1
    assert "--force" in capsys.readouterr().err and (target / "README.md").read_text() == "changed"
    assert run(["export", str(hub), "--to", "huggingface", "-o", str(target), "--force"]) == 0
    assert (target / "README.md").read_text("utf-8").startswith("---\n")
    assert (target / "notes.md").read_text() == "mine" and {p.name for p in target.iterdir()} == {*FILES, "notes.md"}
    with pytest.raises(FileExistsError, match="is a file"):
        netspec.export(hub, target / "notes.md", to="huggingface")
    with pytest.raises(netspec.CompileError, match="NS477"):
        netspec.export(hub, tmp_path / "none" / "hub", to="huggingface")
    with pytest.raises(ValueError, match="`force`"):
        netspec.export(hub, tmp_path / "other", to="huggingface", force=1)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_folder_that_computes_something_else_is_not_written(
    digits_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = draft.weights_file

    def wrong(weights: Any, metadata: Any) -> bytes:
        params = {**weights.params, "dense": {k: 1.01 * np.asarray(v) for k, v in weights.params["dense"].items()}}
        return write(weights._replace(params=params), metadata)

    monkeypatch.setattr(draft, "weights_file", wrong)
    with pytest.raises(netspec.CompileError, match="NS545"):
        netspec.export(digits_run, tmp_path / "hub", to="huggingface")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- damage


def test_changed_files(copy: Path) -> None:
    for name in ("model.net", "preprocessor_config.json"):
        before = (copy / name).read_bytes()
        (copy / name).write_bytes(before.replace(b"8", b"9", 1))
        with pytest.raises(netspec.CompileError, match="it was changed") as error:
            netspec.load(copy)
        assert codes(error) == ["NS475"]
        (copy / name).unlink()
        with pytest.raises(netspec.CompileError) as error:
            netspec.load(copy)
        assert codes(error) == ["NS475"]
        (copy / name).write_bytes(before)
    weights = (copy / "model.safetensors").read_bytes()
    for content in (weights[:-5], weights[:-1] + bytes([weights[-1] ^ 1]), b""):
        (copy / "model.safetensors").write_bytes(content)
        with pytest.raises(netspec.CompileError) as error:
            netspec.load(copy)
        assert codes(error) == ["NS475"]


def test_a_configuration_that_is_not_ours(copy: Path) -> None:
    config = json_of(copy / "config.json")
    for change, code in (
        ({"model_type": "bert"}, "NS473"),
        ({"model_type": 3}, "NS473"),
        ({"netspec": None}, "NS475"),
        ({"netspec": {**config["netspec"], "spec": []}}, "NS475"),
        ({"netspec": {**config["netspec"], "spec": {}}}, "NS475"),
        ({"netspec": {**config["netspec"], "done": {"event": "done"}}}, "NS475"),
        ({"netspec": {**config["netspec"], "checksums": {"model.net": 3}}}, "NS475"),
    ):
        (copy / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(netspec.CompileError) as error:
            netspec.load(copy)
        assert codes(error) == [code], change
    for text in ("", "[]", '{"model_type": "netspec"}', "{" * 100_000, "\ud800".encode("utf-8", "surrogatepass")):
        (copy / "config.json").write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(netspec.CompileError):
            netspec.load(copy)


def test_texts_that_were_cut(copy: Path) -> None:
    """Without its checksums, whatever is missing is an error with a code."""
    config = json_of(copy / "config.json")
    config["netspec"]["checksums"] = {}
    (copy / "config.json").write_text(json.dumps(config))
    text = (copy / "preprocessor_config.json").read_text("utf-8")
    for end in range(0, len(text) - 2, max(1, len(text) // 12)):
        (copy / "preprocessor_config.json").write_text(text[:end])
        with pytest.raises(netspec.CompileError) as error:
            netspec.load(copy)
        assert codes(error) == ["NS475"]


def test_the_cache_of_the_hub(hub: Path, tmp_path: Path) -> None:
    """There the files of a snapshot are links to a folder beside the snapshots; other links are not followed."""
    blobs, snapshot = tmp_path / "models--me--digits" / "blobs", tmp_path / "models--me--digits" / "snapshots" / "0f3a"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for number, path in enumerate(hub.iterdir()):
        (blobs / str(number)).write_bytes(path.read_bytes())
        (snapshot / path.name).symlink_to(Path("../../blobs") / str(number))
    x = np.zeros((1, 8, 8, 1), np.float32)
    assert netspec.predict(snapshot, x).classes == netspec.predict(hub, x).classes
    (snapshot / "model.net").unlink()
    (snapshot / "model.net").symlink_to(hub / "model.net")
    with pytest.raises(netspec.CompileError, match="a link out of"):
        netspec.load(snapshot)


def test_a_training_starts_from_its_weights(hub: Path, tmp_path: Path) -> None:
    text = (hub / "model.net").read_text("utf-8").replace("epochs = 1", f'epochs = 1\ninit = "{hub}"')
    made = netspec.train(text, optimizer="sgd(1e-9)", runs=tmp_path, verbose=0).run
    before, after = load_file(hub / "model.safetensors"), load_file(made / "weights.safetensors")
    assert np.allclose(before["dense/kernel"], after["dense/kernel"], atol=1e-6)


def test_what_only_a_run_has(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--resume", str(hub), "-D", "train.epochs=3"]) == 1
    assert "an exported model" in capsys.readouterr().err
    assert {path.name for path in hub.iterdir()} == FILES
