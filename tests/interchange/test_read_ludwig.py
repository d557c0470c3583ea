"""`netspec import` of configurations of Ludwig, whose defaults are those of Ludwig 0.11."""

from __future__ import annotations

import contextlib
import random
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.cli.main import run
from netspec.interchange.configs.ludwig import yaml_tree
from netspec.interchange.configs.ludwig.reader import read
from netspec.interchange.imports import Imported
from netspec.language.lazy import lazy

torch: Any = pytest.importorskip("torch")

TABLE = """
input_features:
  - {name: age, type: number, preprocessing: {missing_value_strategy: fill_with_mean}}
  - {name: sex, type: category}
  - {name: fare, type: number, preprocessing: {normalization: minmax}}
  - {name: crew, type: binary}
combiner: {type: concat, num_fc_layers: 2, output_size: 8, dropout: 0.1, actvation: tanh}
output_features:
  - {name: survived, type: binary, loss: {positive_class_weight: 3}, threshold: 0.4}
preprocessing:
  split: {type: random, probabilities: [0.6, 0.2, 0.2]}
trainer:
  epochs: 2
  batch_size: 16
  learning_rate: 1e-2
  optimizer: {type: adamw, weight_decay: 0.01, betas: [0.8, 0.999]}
  learning_rate_scheduler: {decay: cosine, warmup_fraction: 0.5}
  early_stop: 3
  validation_metric: roc_auc
  regularization_lambda: 0.001
hyperopt: {goal: minimize}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = ["age,sex,fare,crew,survived,tags"]
    for index in range(60):
        age = "" if index == 7 else f"{rng.normal(40, 10):.1f}"
        sex = "" if index == 9 else ("male", "female", "other")[index % 3]
        rows.append(
            f"{age},{sex},{rng.normal(20, 5):.2f},{('no', 'yes')[index % 2]},{index % 2},{('a b', 'b', 'c')[index % 3]}"
        )
    (tmp_path / "titanic.csv").write_text("\n".join(rows))
    return tmp_path


def imported(here: Path, text: str, **more: Any) -> Imported:
    (here / "config.yaml").write_text(text)
    return netspec.import_model(here / "config.yaml", **more)


def words(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


def settings(text: str) -> str:
    """The text without the commas and spaces that formatting adds."""
    return "".join(text.split()).replace(",)", ")")


def test_a_table_with_its_training(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "config.yaml").write_text(TABLE)
    assert run(["import", "config.yaml", "--data", "titanic.csv", "-o", "net.net"]) == 0
    text = settings((here / "net.net").read_text())
    expected = """
        source = csv("titanic.csv", target = "survived", columns = ["age", "sex", "fare", "crew"],
            categories = ["sex", "crew"], missing = mean, task = classes,
            per_column = of("fare", missing = 0, normalize = unit) -> of("survived", missing = drop))
        normalize = standard
        val = 0.25
        class_weights = [1, 3]
    """
    assert settings(expected) in text
    optimizer = "clip(0.5) -> weight_decay(0.002, on = all) -> adamw(0.01, b1 = 0.8, decay = 0.01)"
    for line in (
        f"optimizer = {optimizer}",
        "schedule = warmup(1 epochs) -> cosine",
        "stop = early(val_roc_auc, patience = 3)",
        "threshold = 0.4",
        "epochs = 2 batch = 16",
    ):
        assert settings(line) in text
    found = netspec.compile(here / "net.net")
    assert found.cost.trainable == (2 + 4 + 2) * 8 + 8 + 8 * 8 + 8 + 8 + 1  # a missing sex is a category
    assert run(["check", "net.net"]) == 0
    shown = words("".join(capsys.readouterr()))
    assert "`combiner.actvation` is not imported" in shown and "did you mean `activation`?" in shown
    assert "`hyperopt` is not imported" in shown


def test_regularization_and_clipping_are_those_of_ludwig(here: Path) -> None:
    """Its loss has lambda times the sum of all squares, biases too; the norm of all gradients is clipped to 0.5."""
    x = np.random.default_rng(0).normal(size=(16, 2)).astype(np.float32)
    y = np.arange(16) % 2
    text = """
input_features: [{name: a, type: number, preprocessing: {normalization: null}}, {name: b, type: number}]
output_features: [{name: y, type: binary}]
trainer: {epochs: 3, batch_size: 16, learning_rate: 0.5, regularization_lambda: 0.1, optimizer: {type: sgd}}
preprocessing: {split: {probabilities: [1.0, 0, 0]}}
"""
    found = imported(here, text)
    weights = {name: np.array(w) for name, w in np.load(_saved(here, found)).items()}
    layer = torch.nn.Linear(2, 1)
    kernel, bias = weights["kernel"], weights["bias"]
    layer.weight.data, layer.bias.data = torch.tensor(kernel.T.copy()), torch.tensor(bias)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    for _ in range(3):
        optimizer.zero_grad()
        logits = layer(torch.tensor(x))[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor(y, dtype=torch.float32))
        (loss + 0.1 * sum(p.square().sum() for p in layer.parameters())).backward()
        torch.nn.utils.clip_grad_norm_(layer.parameters(), 0.5)
        optimizer.step()
    text = found.text.replace("normalize", "# normalize")
    result = netspec.train(netspec.compile(text), (x, y), runs=here / "runs", verbose=0)
    trained = [np.asarray(array) for array in _arrays(result.model)]
    assert np.allclose(trained[1], layer.weight.detach().numpy().T, atol=1e-5)
    assert np.allclose(trained[0], layer.bias.detach().numpy(), atol=1e-5)


def _arrays(model: Any) -> list[Any]:
    import jax
    from flax import nnx

    return jax.tree.leaves(nnx.state(model.module, nnx.Param))


def _saved(here: Path, found: Imported) -> Path:
    bias, kernel = _arrays(netspec.compile(found.text.replace("normalize", "# normalize")))
    np.savez(here / "w.npz", kernel=np.asarray(kernel), bias=np.asarray(bias))
    return here / "w.npz"


def test_several_targets_of_a_table(here: Path) -> None:
    text = """
input_features:
  - {name: age, type: number, encoder: dense}
  - {name: crew, type: category, encoder: {type: dense, embedding_size: 4}}
output_features:
  - {name: fare, type: number, preprocessing: {normalization: zscore}}
  - {name: sex, type: category, loss: {weight: 2.0}}
  - {name: tags, type: set}
trainer: {learning_rate_scheduler: {reduce_on_plateau: 2, reduce_on_plateau_patience: 4}, learning_rate: auto}
"""
    found = imported(here, text, data=here / "titanic.csv")
    assert found.model.cost.trainable == 2 * 256 + 258 * 1 + 1 + 258 * 3 + 3 + 258 * 3 + 3
    spec = settings(found.text)
    column = (
        'of("age", to = "age") -> of("fare", as = number, missing = drop) -> of("sex", as = category, missing = drop)'
    )
    for line in (
        'target = ["fare", "sex", "tags"]',
        f'per_column = {column} -> of("tags", as = set(" "))',
        'loss = of("sex", cross_entropy, weight = 2)',
        "schedule = reduce_on_plateau(0.1, 4)",
    ):
        assert settings(line) in spec
    assert "normalize_targets" not in spec
    places = {w.span.text for w in found.warnings if w.span}
    assert places == {"auto", "{type: dense, embedding_size: 4}"}


def test_images_of_a_table_in_the_keys_of_an_older_version(here: Path) -> None:
    from PIL import Image

    rows = ["image_path,label"]
    for index in range(12):
        Image.fromarray(np.full((12, 10), index, np.uint8)).save(here / f"{index}.png")
        rows.append(f"{index}.png,{'ab'[index % 2]}")
    (here / "images.csv").write_text("\n".join(rows))
    text = """
output_features: [{name: label, type: category}]
input_features:
  - name: image_path
    type: image
    encoder: stacked_cnn
    conv_layers: [{num_filters: 4, filter_size: 3, pool_size: 2, pool_stride: 2, dropout: 0.4}]
    fc_layers: [{output_size: 6}]
"""
    found = imported(here, text, data="images.csv")
    assert found.model.cost.trainable == (9 * 4 + 4) + (5 * 4 * 4 * 6 + 6) + 14
    source = 'csv("images.csv", target = "label", columns = ["image_path"], task = classes,'
    more = 'per_column = of("image_path", as = image) -> of("label", missing = drop))'
    assert settings(source + more) in settings(found.text)
    assert "dropout(0.4)" in found.text


TEXTS = """
input_features:
  - name: review
    type: text
    encoder: parallel_cnn
    num_filters: 6
    preprocessing: {max_sequence_length: 20, most_common: 96}
  - {name: extra, type: vector, preprocessing: {vector_size: 12}}
  - name: series
    type: timeseries
    preprocessing: {timeseries_length_limit: 10}
    encoder: {type: rnn, cell_type: lstm, bidirectional: true, num_layers: 2, state_size: 4, reduce_output: last}
  - {name: price, type: numerical, encoder: {type: dense, num_layers: 2, output_size: 8, norm: batch}}
output_features:
  - {name: label, type: category, num_classes: 4, num_fc_layers: 1, fc_size: 32}
  - name: score
    type: number
    loss: {type: huber, delta: 2, weight: 0.5}
    decoder: {fc_layers: [{output_size: 16, activation: tanh}]}
training: {epochs: 5, learning_rate: 0.01, decay: true, decay_steps: 100, gradient_clipping: null, early_stop: -1}
"""


def test_features_of_several_types_have_the_sizes_of_ludwig(here: Path) -> None:
    found = imported(here, TEXTS)
    review = 100 * 256 + sum(k * 256 * 6 + 6 for k in (2, 3, 4, 5)) + (24 * 512 + 512) + (512 * 256 + 256)
    extra = 12 * 256 + 256
    series = 2 * 4 * (1 * 4 + 4 * 4 + 4) + 2 * 4 * (8 * 4 + 4 * 4 + 4)
    price = 2 + (8 + 8 + 16) + (64 + 8 + 16)
    width = 256 + 256 + 8 + 8
    label, score = (width * 32 + 32) + (32 * 4 + 4), (width * 16 + 16) + 17
    assert found.model.cost.trainable == review + extra + series + price + label + score
    text = settings(found.text)
    assert settings('loss = of("score", huber(2), weight = 0.5)') in text
    assert settings("schedule = exponential(0.96, 100 steps)") in text
    assert settings("optimizer = adam(0.01)") in text and "stop=" not in text and "source=" not in text
    assert any("the data" in w.message for w in found.warnings)


def block(x: Any, heads: int, wide: int) -> Any:
    """The transformer block of Ludwig."""
    size = x.shape[-1]
    y = torch.nn.MultiheadAttention(size, heads, batch_first=True)
    counts = [sum(p.numel() for p in y.parameters())]
    for layer in (torch.nn.LayerNorm(size), torch.nn.Linear(size, wide), torch.nn.Linear(wide, size)):
        counts.append(sum(p.numel() for p in layer.parameters()))
    return sum(counts) + 2 * size


def test_transformers_recurrent_layers_and_images(here: Path) -> None:
    text = """
input_features:
  - name: text
    type: text
    preprocessing: {max_sequence_length: 30, most_common: 96}
    encoder: {type: transformer, num_layers: 2, num_heads: 4, hidden_size: 32, transformer_output_size: 20,
      embedding_size: 16, reduce_output: mean, num_fc_layers: 1, output_size: 8}
output_features: [{name: y, type: number}]
"""
    found = imported(here, text)
    expected = 100 * 16 + 30 * 16 + (16 * 32 + 32) + 2 * block(torch.zeros(1, 30, 32), 4, 20) + (32 * 8 + 8) + 9
    assert found.model.cost.trainable == expected
    text = """
input_features:
  - {name: s, type: sequence, preprocessing: {sequence_length: 90, most_common: 6},
     encoder: {type: cnnrnn, cell_type: gru, embedding_size: 8, num_filters: 12, state_size: 5}}
output_features: [{name: y, type: vector, vector_size: 3, softmax: true}]
"""
    found = imported(here, text)
    expected = 80 + (5 * 8 * 12 + 12) + (5 * 12 * 12 + 12) + (3 * (12 * 5 + 5 * 5 + 2 * 5)) + 18
    assert found.model.cost.trainable == expected
    text = """
input_features:
  - name: photo
    type: image
    preprocessing: {height: 28, width: 28, num_channels: 1}
    encoder: {type: stacked_cnn, fc_layers: [{output_size: 32, dropout: 0.4}]}
output_features: [{name: label, type: category, decoder: {num_classes: 10}}]
"""
    found = imported(here, text)
    assert found.model.cost.trainable == (9 * 32 + 32) + (9 * 32 * 64 + 64) + (25 * 64 * 32 + 32) + 330
    assert "epochs    = 100" in found.text and "patience = 5" in found.text


def test_all_that_cannot_be_said_is_reported_in_one_run(here: Path) -> None:
    text = """
input_features:
  - {name: s, type: sequence, encoder: {type: bert, foo: 1}}
  - {name: a, type: audio}
  - {name: c, type: category}
  - {name: n, type: number, preprocessing: {normalization: log1p}}
output_features:
  - {name: tags, type: set}
  - {name: words, type: text, decoder: {type: generator}}
combiner: {type: tabnet, size: 3}
model_type: gbm
trainer: {optimizer: ftrl, epochs: many}
"""
    with pytest.raises(netspec.CompileError) as error:
        imported(here, text)
    found = {(d.code, d.span.text) for d in error.value.diagnostics if d.is_error and d.span}
    lines = text.splitlines()
    features = {lines[i].strip().removeprefix("- ") for i in (3, 4, 7, 8)}
    places = {"bert", "log1p", "tabnet", "gbm"} | features
    assert found == {("NS571", place) for place in places} | {("NS570", "many")}


BAD = ["", "a: [", "[1, 2]", "text", "a: 1", "input_features: 3\noutput_features: [1]", "? [a]\n: 1", "\t", "&a [*a]"]
BAD += ["input_features: [1]\noutput_features: [{name: y, type: number}]", "a: !!python/object:os.system {}"]
BAD += ["input_features: [{type: number}]\noutput_features: [{name: y}]", "[" * 3000, "a: !!int x"]
LAUGHS = "\n".join(f"{key}: &{key} [*{last}, *{last}, *{last}, *{last}]" for last, key in pairwise("abcdefghijk"))
BAD += [f"a: &a [x, x]\n{LAUGHS}"]


@pytest.mark.parametrize("text", BAD)
def test_files_that_are_no_configuration(text: str, here: Path) -> None:
    with pytest.raises(netspec.CompileError) as error:
        imported(here, text)
    assert "NS570" in [d.code for d in error.value.diagnostics]


def test_tables_that_do_not_fit_and_arguments_of_other_formats(here: Path) -> None:
    (here / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(netspec.CompileError, match=r"NS570.*other\.csv"):
        imported(here, TABLE, data="other.csv")
    with pytest.raises(netspec.CompileError, match=r"NS570.*none\.csv"):
        imported(here, TABLE, data="none.csv")
    with pytest.raises(netspec.CompileError, match="NS575"):
        imported(here, TABLE, weights="titanic.csv")
    with pytest.raises(ValueError, match="`input` is not for Ludwig"):
        imported(here, TABLE, input="3")
    assert run(["import", "config.yaml", "--input", "3"]) == 1


def test_without_its_package(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.setattr(yaml_tree, "yaml", lazy("yaml"))
    with pytest.raises(netspec.CompileError, match=r"(?s)NS574.*netspec-compiler\[ludwig\]"):
        imported(here, TABLE)


VALUES = [
    "[]",
    "{}",
    "null",
    "-1",
    "1e400",
    "yes",
    "abc",
    "[1, 2]",
    "{a: 1}",
    "0",
    "999999999999999999999",
    '"\\0"',
    "~",
]


def test_no_value_crashes_the_reader(here: Path, long: bool) -> None:
    import yaml

    rng = random.Random(0)
    for _ in range(1500 if long else 60):
        tree = yaml.safe_load(rng.choice([TABLE, TEXTS]))
        for _ in range(rng.randint(1, 3)):
            node = tree
            while True:
                keys = list(node) if isinstance(node, dict) else list(range(len(node)))
                key = rng.choice(keys) if keys else None
                if key is None:
                    break
                if not isinstance(node[key], dict | list) or not node[key] or rng.random() < 0.2:
                    node[key] = yaml.safe_load(rng.choice(VALUES))
                    break
                node = node[key]
        (here / "fuzz.yaml").write_text(yaml.safe_dump(tree))
        with contextlib.suppress(netspec.CompileError):
            read(here / "fuzz.yaml", None)
