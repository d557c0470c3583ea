"""Every layer of Keras that is imported, against Keras."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interchange.reading.keras_models import Build, imported, keras, layers, several

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
