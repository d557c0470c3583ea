"""Whole Keras models that are imported: of Keras 3 and 2, nested, shared, masked, compiled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.interchange.imports import import_model
from netspec.interchange.keras.reading.reader import read
from netspec.language.diagnostics import CompileError
from tests.interchange.reading.keras_models import h5py, imported, keras, keras_2, layers, randomized, saved


def nested() -> Any:
    """A frozen model and one with two outputs, both used as layers."""
    base = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()], name="base"
    )
    base.trainable = False
    inside = keras.Input((8, 8, 3))
    two = keras.Model(inside, [layers.Conv2D(2, 3)(inside), layers.MaxPooling2D()(inside)], name="two")
    image = keras.Input((8, 8, 3), name="photo")
    left, right = two(image)
    return keras.Model(image, [layers.Flatten()(base(image)), layers.GlobalMaxPooling2D(name="most")(left), right])


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_nested_models(ending: str, tmp_path: Path) -> None:
    found = imported(nested(), tmp_path, ending)
    assert list(found.model.inputs) == ["photo"]
    assert "frozen = true" in found.text
    scopes = {step.name: step.scope for step in read(tmp_path / f"net{ending}", None).sketch.steps}
    assert [scopes[name] for name in scopes if name.startswith("conv2d")] == [("base",), ("two",)]


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_sequential_model_without_an_input(ending: str, tmp_path: Path) -> None:
    penalty = keras.regularizers.L1L2(1e-5, 1e-4)
    model = keras.Sequential(
        [
            layers.Conv2D(4, 3, kernel_regularizer=penalty, kernel_initializer="he_normal"),
            layers.RandomFlip(),
            layers.Flatten(),
            layers.Dense(3, kernel_constraint="non_neg", bias_initializer=keras.initializers.Constant(0.5)),
        ]
    )
    model.build((None, 8, 8, 3))
    found = imported(model, tmp_path, ending)
    for part in ("init = he_normal", "l1 = 1e-05, l2 = 0.0001", "bias_init = constant(0.5)"):
        assert part in found.text
    codes = [(warning.code, warning.message.partition(" is not")[0]) for warning in found.warnings]
    assert ("NS572", "`RandomFlip`") in codes and ("NS572", "`kernel_constraint`") in codes


def test_channels_first(tmp_path: Path) -> None:
    first = {"data_format": "channels_first"}
    x = keras.Input((3, 9, 8))
    y = layers.BatchNormalization(axis=1)(layers.Conv2D(4, 3, padding="same", **first)(x))
    gate = layers.Reshape((4, 1, 1))(layers.GlobalAveragePooling2D(**first)(y))
    y = layers.Multiply()([y, layers.Conv2D(4, 1, **first)(gate)])
    y = layers.Concatenate(axis=1)([y, layers.DepthwiseConv2D(3, padding="same", **first)(y)])
    y = layers.MaxPooling2D(**first)(layers.ZeroPadding2D(**first)(y))
    ends = [layers.Dense(3)(layers.Flatten()(y)), layers.Flatten(**first)(y), y, layers.Permute((2, 3, 1))(y)]
    ends += [layers.Softmax(axis=1)(y), layers.Dense(2)(y)]
    assert list(map(str, imported(keras.Model(x, ends), tmp_path).model.inputs.values())) == ["9x8x3"]


def test_masks_of_padded_steps(tmp_path: Path) -> None:
    ids = keras.Input((12,), dtype="int32", name="ids")
    x = layers.Embedding(20, 4, mask_zero=True)(ids)
    attended = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 2)(x, x)]))
    states = layers.LSTM(5)(layers.Bidirectional(layers.GRU(3, return_sequences=True))(x))
    found = imported(keras.Model(ids, [layers.GlobalAveragePooling1D()(attended), states]), tmp_path)
    assert "12 tokens(20, pad = 0)" in found.text and "mean_pool" in found.text
    lost = keras.Model(ids, layers.LSTM(5)(layers.Conv1D(4, 3, padding="same")(x)))
    lost.save(tmp_path / "lost.keras")
    with pytest.raises(CompileError, match="has dropped the mask of padded steps"):
        import_model(tmp_path / "lost.keras")


def test_sizes_that_are_open(tmp_path: Path) -> None:
    image, steps = keras.Input((None, None, 3), name="image"), keras.Input((None, 4), name="steps")
    pooled = layers.GlobalAveragePooling2D()(layers.MaxPooling2D()(layers.Conv2D(4, 3, padding="same")(image)))
    found = imported(keras.Model([image, steps], layers.Concatenate()([pooled, layers.LSTM(3)(steps)])), tmp_path)
    assert list(map(str, found.model.inputs.values())) == ["HxWx3", "T_2x4"]
    other = keras.Input((None, 4), name="other")
    added = layers.Dense(2)(layers.Add()([steps, other]))
    found = imported(keras.Model([steps, other], added), tmp_path)
    assert list(map(str, found.model.inputs.values())) == ["Tx4", "Tx4"]  # which must be the same to be added


def test_shared_layers(tmp_path: Path) -> None:
    shared = keras.Sequential([keras.Input((5,)), layers.Dense(4), layers.BatchNormalization()], name="tower")
    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    randomized(keras.Model([a, b], layers.Subtract()([shared(a), shared(b)]))).save(tmp_path / "net.keras")
    steps = [step for step in read(tmp_path / "net.keras", None).sketch.steps if step.weights]
    assert [step.shared for step in steps] == [None, None, steps[0], steps[1]]


def test_json_with_and_without_weights(tmp_path: Path) -> None:
    model = randomized(keras.Sequential([keras.Input((6,)), layers.Dense(4, activation="relu"), layers.Dense(2)]))
    (tmp_path / "net.json").write_text(model.to_json())
    alone = import_model(tmp_path / "net.json")
    assert not alone.has_weights and alone.verification is None
    model.save_weights(tmp_path / "net.weights.h5")
    found = import_model(tmp_path / "net.json", weights=tmp_path / "net.weights.h5")
    assert found.verification is not None and found.verification.difference < 1e-6


def test_a_file_of_keras_2(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    config = keras_2(
        {
            "class_name": "Conv2D",
            "name": "conv2d_1",
            "config": {"filters": 4, "kernel_size": [3, 3], "padding": "same", "activation": "linear"},
        },
        {"class_name": "BatchNormalization", "name": "bn", "config": {"axis": 3, "momentum": 0.9, "epsilon": 0.01}},
        {"class_name": "LeakyReLU", "name": "leaky_re_lu_1", "config": {"alpha": 0.1}},
        {"class_name": "GlobalAveragePooling2D", "name": "gap", "config": {"data_format": "channels_last"}},
        {"class_name": "Dense", "name": "dense_1", "config": {"units": 3, "activation": "softmax"}},
    )
    weights = {
        "conv2d_1": {"kernel:0": rng.normal(size=(3, 3, 2, 4)), "bias:0": rng.normal(size=4)},
        "bn": {name: 1 + rng.random(4) for name in ("gamma:0", "beta:0", "moving_mean:0", "moving_variance:0")},
        "dense_1": {"kernel:0": rng.normal(size=(4, 3)), "bias:0": rng.normal(size=3)},
    }
    path = tmp_path / "old.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
        file.attrs["keras_version"] = b"2.2.4"
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [layer["name"].encode() for layer in config["config"]["layers"]]
        for layer in config["config"]["layers"]:
            own = group.create_group(layer["name"])
            arrays = weights.get(layer["name"], {})
            own.attrs["weight_names"] = [f"{layer['name']}/{name}".encode() for name in arrays]
            for name, array in arrays.items():
                own[f"{layer['name']}/{name}"] = array.astype(np.float32)
    found = import_model(path)
    assert found.verification is not None and found.verification.difference < 1e-6
    assert "leaky_relu(0.1)" in found.text


def test_what_the_language_cannot_say_is_reported_at_once(tmp_path: Path) -> None:
    x, steps = keras.Input((8, 8, 3), name="x"), keras.Input((8, 3), name="steps")
    ends = [
        layers.Activation("exponential")(x),
        layers.RandomCrop(4, 4)(x),
        layers.PReLU()(x),
        layers.LSTM(4, return_sequences=True, go_backwards=True)(steps),
        layers.LSTM(3, return_state=True)(steps)[2],
        layers.Bidirectional(layers.LSTM(3), merge_mode=None)(steps)[0],
        layers.Conv2D(3, 3)(layers.LayerNormalization(axis=[1, 2])(x)),
    ]
    saved(randomized(keras.Model([x, steps], ends)), tmp_path)
    with pytest.raises(CompileError) as error:
        import_model(tmp_path / "net.keras")
    codes = [(problem.code, getattr(problem, "what", "").partition(" (")[2]) for problem in error.value.diagnostics]
    assert codes == [
        *[("NS571", kind) for kind in ("Activation)", "RandomCrop)", "PReLU)", "LSTM)", "Bidirectional)")],
        *[("NS571", kind) for kind in ("LayerNormalization)", "")],
    ]


def test_settings_of_a_compiled_model(tmp_path: Path) -> None:
    x = keras.Input((3,), name="x")
    a, b = layers.Dense(1, name="a")(x), layers.Dense(3, activation="softmax", name="b")(x)
    model = keras.Model(x, [a, b])
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 1000)
    model.compile(
        keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True, weight_decay=1e-4, global_clipnorm=1.0),
        loss={"a": keras.losses.Huber(), "b": keras.losses.SparseCategoricalCrossentropy()},
        loss_weights={"a": 1.0, "b": 0.2},
        metrics={"b": ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=2)]},
    )
    for ending in (".keras", ".h5"):
        settings = read(saved(model, tmp_path, ending), None).sketch.settings["train"]
        assert settings == {
            "optimizer": "clip(1) -> sgd(0.1, momentum = 0.9, nesterov = true) -> weight_decay(0.0001, on = all)",
            "schedule": "cosine(length = 1000 steps)",
            "loss": 'of("a", huber) -> of("b", cross_entropy, weight = 0.2)',
            "metrics": 'of("b", accuracy -> top(2))',
        }
    model = keras.Model(x, b)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    assert imported(model, tmp_path).text.endswith("train {\n    optimizer = adam(0.001)\n}\n")
    model.compile("ftrl", keras.losses.CategoricalCrossentropy(from_logits=True), metrics=["hinge"])
    found = imported(model, tmp_path)
    assert "train" not in found.text
    assert [w.message.partition(" is")[0] for w in found.warnings] == ["`optimizer`", "`loss`", "`metrics`"]


def test_an_optimizer_is_kept_without_what_netspec_lacks(tmp_path: Path) -> None:
    x = keras.Input((3,))
    model = keras.Model(x, layers.Dense(3, activation="softmax")(x))
    schedule = keras.optimizers.schedules.CosineDecay(0.0, 1000, warmup_target=0.1, warmup_steps=50)
    model.compile(
        keras.optimizers.SGD(schedule, momentum=0.9, clipnorm=1.0, use_ema=True, ema_momentum=0.95),
        "sparse_categorical_crossentropy",
    )
    found = read(saved(model, tmp_path, ".keras"), None).sketch
    assert found.settings["train"]["optimizer"] == "sgd(0.1, momentum = 0.9) -> ema(0.95)"
    assert found.settings["train"]["schedule"] == "warmup(50 steps) -> cosine(length = 1000 steps)"
    assert [w.message.partition(" is")[0] for w in found.problems.warnings] == ["`clipnorm = 1.0`"]
