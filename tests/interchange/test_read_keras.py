"""`netspec import` of Keras files: every layer against Keras, files of Keras 3 and 2, damaged files."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.interchange.imports import Imported, import_model
from netspec.interchange.keras.reading.reader import read
from netspec.language.diagnostics import CompileError

os.environ.setdefault("KERAS_BACKEND", "jax")
keras: Any = pytest.importorskip("keras")
h5py: Any = pytest.importorskip("h5py")
layers = keras.layers

Build = Callable[[Any], Any]


def randomized(model: Any, seed: int = 0) -> Any:
    """The model with random weights: biases of 0 and statistics of 0 and 1 would hide mistakes."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if "seed" in variable.path or not variable.shape:
            continue
        noise = 0.3 * rng.normal(size=variable.shape)
        is_positive = any(word in variable.path for word in ("variance", "gamma"))
        variable.assign(np.abs(1 + noise) if is_positive else noise)
    return model


def imported(model: Any, folder: Path, ending: str = ".keras") -> Imported:
    """What is imported from the file of a model with random weights, after it was verified with Keras."""
    path = folder / f"net{ending}"
    randomized(model).save(path)
    found = import_model(path)
    assert found.verification is not None and found.verification.difference < 2e-5
    return found


def several(shape: tuple[int | None, ...], *chains: Build, **more: Any) -> Any:
    """A model with an output for each chain, all from one input."""
    source = keras.Input(shape, name="x", **more)
    return keras.Model(source, [chain(source) for chain in chains])


IMAGE: list[Build] = [
    lambda x: layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x),
    lambda x: layers.Conv2D(4, (3, 2), dilation_rate=2, use_bias=False, activation="gelu")(x),
    lambda x: layers.Conv2D(4, 3, groups=2)(layers.ZeroPadding2D(1)(x)),
    lambda x: layers.Conv2D(4, 3, strides=2)(layers.ZeroPadding2D(((0, 1), (0, 1)))(x)),
    lambda x: layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="relu6")(x),
    lambda x: layers.SeparableConv2D(5, 3, depth_multiplier=2, activation="swish")(x),
    lambda x: layers.Conv2DTranspose(5, 3, strides=2, padding="same")(x),
    lambda x: layers.Conv2DTranspose(5, 2, strides=3)(x),
    lambda x: layers.Conv2DTranspose(5, 3, strides=2, output_padding=1)(x),
    lambda x: layers.Conv2DTranspose(5, 4, strides=2, padding="same", output_padding=0)(x),
    lambda x: layers.Dense(3, activation="tanh")(x),
    lambda x: layers.MaxPooling2D(3, strides=2, padding="same")(layers.AveragePooling2D(2)(x)),
    lambda x: layers.AveragePooling2D((3, 2), strides=1, padding="same")(x),
    lambda x: layers.GlobalAveragePooling2D()(x),
    lambda x: layers.GlobalMaxPooling2D(keepdims=True)(x),
    lambda x: layers.AdaptiveAveragePooling2D((4, 2))(layers.AdaptiveMaxPooling2D(5)(x)),
    lambda x: layers.BatchNormalization(scale=False)(x),
    lambda x: layers.BatchNormalization(center=False, epsilon=1e-5)(x),
    lambda x: layers.LayerNormalization()(x),
    lambda x: layers.GroupNormalization(2)(layers.GroupNormalization(-1)(x)),
    lambda x: layers.RMSNormalization()(layers.UnitNormalization()(x)),
    lambda x: layers.UpSampling2D((2, 3))(x),
    lambda x: layers.UpSampling2D(2, interpolation="bilinear")(x),
    lambda x: layers.Resizing(5, 9)(layers.Resizing(13, 4, interpolation="nearest")(x)),
    lambda x: layers.Cropping2D(((0, 1), (2, 0)))(layers.ZeroPadding2D((1, 2))(x)),
    lambda x: layers.CenterCrop(4, 5)(x),
    lambda x: layers.Permute((3, 1, 2))(x),
    lambda x: layers.Flatten()(x),
    lambda x: layers.Reshape((-1, 4))(x),
    lambda x: layers.Rescaling(1 / 127.5, offset=-1)(x),
    lambda x: layers.Rescaling([0.5, 2.0, 3.0, 1.0], offset=[1.0, 2.0, 3.0, 4.0])(x),
    lambda x: layers.Normalization(mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0, 4.0, 0.5, 2.0])(x),
    lambda x: layers.Normalization(mean=2.0, variance=4.0, invert=True)(x),
    lambda x: layers.PReLU(shared_axes=[1, 2, 3])(x),
    lambda x: layers.PReLU(shared_axes=[1, 2])(x),
    lambda x: layers.Concatenate(axis=1)([x, layers.Conv2D(4, 1)(x)]),
    lambda x: layers.Concatenate()([layers.Concatenate(axis=-2)([x, x]), layers.Concatenate(axis=2)([x, x])]),
    lambda x: layers.Multiply()([x, layers.Conv2D(4, 1)(layers.GlobalAveragePooling2D(keepdims=True)(x))]),
    lambda x: layers.Multiply()([layers.Conv2D(1, 1)(x), x]),
    lambda x: layers.Add()([layers.Dense(4)(layers.GlobalMaxPooling2D()(x)), x, x]),
    lambda x: layers.Subtract()([x, layers.Minimum()([x, layers.Conv2D(4, 1)(x)])]),
    lambda x: layers.Average()([layers.Maximum()([x, layers.Conv2D(4, 1)(x)]), x]),
    lambda x: layers.Dropout(0.2)(layers.SpatialDropout2D(0.1)(layers.GaussianNoise(0.1)(x))),
    lambda x: layers.Dropout(0.2, noise_shape=(None, 1, 1, 1))(layers.Dropout(0.0)(x)),
    lambda x: layers.Softmax()(layers.Activation("relu")(x)),
]

VECTOR: list[Build] = [
    *(lambda x, name=name: layers.Dense(3, activation=name)(x) for name in ("relu", "elu", "selu", "softplus", "mish")),
    *(lambda x, name=name: layers.Dense(3, activation=name)(x) for name in ("softsign", "hard_sigmoid", "leaky_relu")),
    *(lambda x, name=name: layers.Activation(name)(x) for name in ("celu", "hard_silu", "log_softmax", "sigmoid")),
    lambda x: layers.LeakyReLU(negative_slope=0.15)(x),
    lambda x: layers.ReLU(max_value=6)(x),
    lambda x: layers.ReLU(negative_slope=0.3)(x),
    lambda x: layers.ELU(alpha=0.5)(x),
    lambda x: layers.Dense(3, activation=layers.LeakyReLU(0.4))(x),
    lambda x: layers.RepeatVector(3)(x),
    lambda x: layers.BatchNormalization()(layers.Reshape((2, 3))(x)),
    lambda x: layers.Dot(axes=1, normalize=True)([x, layers.Dense(6)(x)]),
    lambda x: layers.Dot(axes=-1)([x, layers.Dense(6)(x)]),
    lambda x: layers.Identity()(layers.Flatten()(x)),
    lambda x: keras.ops.relu(x) * 2 + 1,
    lambda x: 3 - keras.ops.gelu(x / 2),
    lambda x: -keras.ops.maximum(x, keras.ops.softmax(x)),
    lambda x: keras.ops.leaky_relu(keras.ops.concatenate([x, x], axis=-1)),
    lambda x: keras.ops.normalize(keras.ops.reshape(x, (-1, 2, 3)), axis=-1),
]

SEQUENCE: list[Build] = [
    lambda x: layers.Conv1D(4, 3, padding="causal", dilation_rate=2)(x),
    lambda x: layers.Conv1D(4, 3, strides=2, padding="same")(layers.ZeroPadding1D((1, 0))(x)),
    lambda x: layers.SeparableConv1D(5, 3)(layers.DepthwiseConv1D(3)(x)),
    lambda x: layers.Conv1DTranspose(3, 3, strides=2)(layers.Cropping1D(1)(x)),
    lambda x: layers.MaxPooling1D(2)(layers.UpSampling1D(3)(x)),
    lambda x: layers.GlobalAveragePooling1D()(layers.AveragePooling1D(3, padding="same")(x)),
    lambda x: layers.Dense(3)(x),
    lambda x: layers.LSTM(3)(x),
    lambda x: layers.LSTM(3, return_sequences=True, activation="relu", recurrent_activation="hard_sigmoid")(x),
    lambda x: layers.LSTM(3, go_backwards=True, use_bias=False)(x),
    lambda x: layers.LSTM(3, return_sequences=True, return_state=True)(x)[1],
    lambda x: layers.GRU(3, return_sequences=True)(x),
    lambda x: layers.GRU(3, reset_after=False)(x),
    lambda x: layers.SimpleRNN(3, activation="linear")(x),
    lambda x: layers.RNN(layers.GRUCell(3), return_sequences=True)(x),
    lambda x: layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x),
    lambda x: layers.Bidirectional(layers.GRU(3), merge_mode="sum")(x),
    lambda x: layers.Bidirectional(layers.SimpleRNN(3, return_sequences=True), merge_mode="ave")(x),
    lambda x: layers.TimeDistributed(layers.Dense(3, activation="relu"))(x),
    lambda x: layers.TimeDistributed(layers.BatchNormalization())(x),
    lambda x: layers.TimeDistributed(layers.Reshape((2, 2)))(x),
    lambda x: layers.MultiHeadAttention(2, 2)(x, x),
    lambda x: layers.MultiHeadAttention(2, 3, output_shape=5, use_bias=False)(x, x, use_causal_mask=True),
    lambda x: layers.MultiHeadAttention(2, 3)(query=x, value=layers.Conv1D(6, 3)(x)),
    lambda x: layers.GroupQueryAttention(3, 4, 2)(x, x),
    lambda x: layers.SpatialDropout1D(0.3)(layers.Permute((2, 1))(layers.Permute((2, 1))(x))),
    lambda x: keras.ops.mean(keras.ops.transpose(x, (0, 2, 1)), axis=1),
]

VOLUME: list[Build] = [
    lambda x: layers.Conv3D(4, 3, strides=2, padding="same")(x),
    lambda x: layers.Conv3DTranspose(2, 2, strides=2)(x),
    lambda x: layers.MaxPooling3D(2)(layers.UpSampling3D(2)(x)),
    lambda x: layers.GlobalAveragePooling3D()(layers.ZeroPadding3D(((1, 0), (0, 0), (2, 1)))(x)),
    lambda x: layers.Cropping3D(1)(layers.AveragePooling3D(1)(x)),
    lambda x: layers.Concatenate(axis=1)([x, x]),
]


@pytest.mark.parametrize(
    ("shape", "chains"),
    [((9, 8, 4), IMAGE), ((6,), VECTOR), ((7, 4), SEQUENCE), ((4, 5, 6, 2), VOLUME)],
    ids=["images", "vectors", "sequences", "volumes"],
)
def test_layers(shape: tuple[int, ...], chains: list[Build], tmp_path: Path) -> None:
    imported(several(shape, *chains), tmp_path)


# ---------------------------------------------------------------- whole models


def nested() -> Any:
    """A frozen model and one with two outputs, both used as layers."""
    base = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()], name="base"
    )
    base.trainable = False
    inside = keras.Input((8, 8, 3))
    two = keras.Model(inside, [layers.Conv2D(2, 3)(inside), layers.MaxPooling2D()(inside)], name="two")
    image = keras.Input((8, 8, 3), name="image")
    left, right = two(image)
    return keras.Model(image, [layers.Flatten()(base(image)), layers.GlobalMaxPooling2D(name="most")(left), right])


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_nested_models(ending: str, tmp_path: Path) -> None:
    found = imported(nested(), tmp_path, ending)
    assert list(found.model.inputs) == ["image"]
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


def keras_2(*layers_: dict[str, Any]) -> dict[str, Any]:
    """A functional model as Keras 2 wrote it, with its layers in a chain."""
    first = {
        "class_name": "InputLayer",
        "name": "input_1",
        "config": {"batch_input_shape": [None, 6, 6, 2], "dtype": "float32", "sparse": False, "name": "input_1"},
        "inbound_nodes": [],
    }
    chain = [first]
    for made in layers_:
        config = {**made["config"], "name": made["name"]}
        chain.append({**made, "config": config, "inbound_nodes": [[[chain[-1]["name"], 0, 0, {}]]]})
    ends = {"input_layers": [["input_1", 0, 0]], "output_layers": [[chain[-1]["name"], 0, 0]]}
    config = {"name": "model_1", "layers": chain, **ends}
    return {"class_name": "Model", "config": config, "keras_version": "2.2.4", "backend": "tensorflow"}


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


def saved(model: Any, folder: Path, ending: str = ".keras") -> Path:
    model.save(folder / f"net{ending}")
    return folder / f"net{ending}"


# ---------------------------------------------------------------- damaged files

JUNK: list[Any] = [None, True, -1, 0, 1e400, 10**30, "", "x", [], [[]], {}, [None], {"class_name": 3}, [1, "a"], "relu"]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in nested JSON: what holds it, and its key."""
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    inside = [place for _, item in items if isinstance(item, dict | list) for place in places(item)]
    return [(value, key) for key, _ in items] + inside


def attempt(path: Path, weights: Path | None = None) -> None:
    """Read a file: nothing but CompileError may come out."""
    try:
        read(path, weights)
    except CompileError as error:
        assert {problem.code for problem in error.diagnostics} == {"NS570"}


@pytest.fixture(scope="module")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("files")
    x = keras.Input((6, 6, 2), name="x")
    y = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", activation=layers.LeakyReLU(0.1))(x))
    y = layers.MaxPooling2D(2)(layers.ZeroPadding2D(((1, 0), (0, 1)))(layers.Add()([y, layers.Dense(4)(y)])))
    y = layers.LSTM(3, return_sequences=True)(layers.Reshape((-1, 4))(y))
    y = layers.MultiHeadAttention(2, 2)(y, layers.Bidirectional(layers.GRU(2, return_sequences=True))(y))
    model = keras.Model(
        x, layers.Dense(2, activation="softmax")(layers.Flatten()(layers.TimeDistributed(layers.Dense(2))(y)))
    )
    model.compile(keras.optimizers.AdamW(1e-3), "categorical_crossentropy", metrics=["accuracy"])
    model.save(folder / "a.keras")
    model.save(folder / "a.h5")
    with zipfile.ZipFile(folder / "a.keras") as file:
        config = file.read("config.json")
    return {**{name: (folder / name).read_bytes() for name in ("a.keras", "a.h5")}, "a.json": config}


def test_damaged_files(small_files: dict[str, bytes], tmp_path: Path, long: bool) -> None:
    rng = np.random.default_rng(0)
    for name, content in small_files.items():
        path = tmp_path / name
        for _ in range(1000 if long else 15):
            data = bytearray(content[: rng.integers(len(content))] if rng.random() < 0.5 else content)
            for place in rng.integers(0, max(len(data), 1), 5):
                if len(data):
                    data[place] = rng.integers(256)
            path.write_bytes(bytes(data))
            attempt(path)


def test_configurations_with_junk(small_files: dict[str, bytes], tmp_path: Path, long: bool) -> None:
    rng = np.random.default_rng(0)
    count = len(places(json.loads(small_files["a.json"])))
    path = tmp_path / "a.json"
    for _ in range(5000 if long else 150):
        config = json.loads(small_files["a.json"])
        for holder, key in [places(config)[i] for i in rng.integers(0, count, rng.integers(1, 3))]:
            if rng.random() < 0.3 and isinstance(holder, dict):
                holder.pop(key, None)
            else:
                holder[key] = JUNK[rng.integers(len(JUNK))]
        path.write_text(json.dumps(config))
        attempt(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not JSON"),
        (b"[1]", "is not an object"),
        (b"{}", "not the configuration of a model"),
        (b'{"class_name": "Mine", "config": {"name": "m"}}', "`Mine` is a class of Python"),
        (b'{"class_name": "Sequential", "config": {"name": "s", "layers": []}}', "has no layers"),
        (b"PK\x03\x04", "the archive is damaged"),
        (b"\x89HDF\r\n\x1a\n", "its HDF5 part is damaged"),
        (b"[" * 100_000, "is not JSON"),
    ],
)
def test_what_is_not_a_model(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(CompileError, match=reason) as error:
        read(tmp_path / "a.json", None)
    assert [problem.code for problem in error.value.diagnostics] == ["NS570"]


def test_cycles_and_endless_archives(tmp_path: Path) -> None:
    config = keras_2({"class_name": "Activation", "name": "a", "config": {"activation": "relu"}})
    config["config"]["layers"][1]["inbound_nodes"] = [[["a", 0, 0, {}]]]
    (tmp_path / "a.json").write_text(json.dumps(config))
    with pytest.raises(CompileError, match="form a cycle at `a`"):
        read(tmp_path / "a.json", None)
    with zipfile.ZipFile(tmp_path / "a.keras", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", " " * 10**8)
    with pytest.raises(CompileError, match="times as large as the file"):
        read(tmp_path / "a.keras", None)


def test_links_to_other_files_are_not_followed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["secret"] = np.ones((6, 2), np.float32)
    model = keras.Sequential([keras.Input((6,)), layers.Dense(2, use_bias=False, name="d")])
    model.save_weights(tmp_path / "w.weights.h5")
    (tmp_path / "net.json").write_text(model.to_json())
    for link in (h5py.ExternalLink("other.h5", "secret"), h5py.SoftLink("/elsewhere")):
        with h5py.File(tmp_path / "w.weights.h5", "r+") as file:
            del file["layers/dense/vars/0"]
            file["layers/dense/vars/0"] = link
        assert not read(tmp_path / "net.json", tmp_path / "w.weights.h5").sketch.has_weights
