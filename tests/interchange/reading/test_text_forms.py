"""What texts of imported networks look like: names of the file, shared layers, sections, simplifications."""

from __future__ import annotations

import numpy as np
import pytest

from netspec.interchange.formats import Foreign
from netspec.interchange.imports import imported_from
from netspec.interchange.reading.alignment import align
from netspec.interchange.reading.sketch import Sketch, Step
from netspec.interchange.reading.text.simplify import simplify
from netspec.interchange.reading.text.spec import best_text
from netspec.language.shape import Shape
from netspec.language.source import Source
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.activations import Relu, Tanh
from netspec.layers.dense import Dense, Embedding
from netspec.layers.merge import Add, Concat
from netspec.layers.norm import BatchNorm
from netspec.layers.reshape import Flatten, Identity
from netspec.layers.sequence.unembed import TiedOutput
from netspec.layers.spatial.conv import Conv
from netspec.layers.spatial.pool import MaxPool
from netspec.layers.spatial.resize import Upsample
from netspec.spec.compilation import Compilation

RANDOM = np.random.default_rng(0)


def relu(sketch: Sketch, x: Step, **more: object) -> Step:
    return sketch.add(ActivationLayer(activation=Relu()), x, **more)


def text_of(sketch: Sketch) -> str:
    simplify(sketch)
    text, form = best_text(sketch)
    assert form == "blocks"
    return text


def test_activations_are_options_and_what_does_nothing_is_left_out() -> None:
    sketch = Sketch("small", about="From a test.")
    x = sketch.input("input_1", Shape((8, 8, 3)))
    y = relu(sketch, sketch.add(Conv(filters=4, kernel=(3, 3), pad=1), sketch.add(Identity(), x)))
    sketch.add(Dense(units=9), y)
    y = sketch.add(Dense(units=2), sketch.add(Flatten(), sketch.add(MaxPool(window=(2, 2), stride=(2, 2)), y)))
    sketch.output(y)
    sketch.settings = {"train": {"epochs": "3"}}
    assert text_of(sketch) == (
        "# From a test.\n\ninput 8x8x3\n\nconv(4, 3x3, relu) -> maxpool(2) -> dense(2)\n\ntrain {\n    epochs = 3\n}\n"
    )


def test_an_activation_that_is_not_alone_in_reading_stays_a_layer() -> None:
    sketch = Sketch("read twice")
    x = sketch.add(Dense(units=3), sketch.input("x", Shape((3,))))
    sketch.output(sketch.add(Add(), relu(sketch, x), x))
    assert "dense(3) -> relu + identity" in text_of(sketch)


def test_inputs_and_outputs_keep_the_names_that_say_something() -> None:
    sketch = Sketch("named")
    left, right = sketch.input("serving/LeftEye:0", Shape((4,))), sketch.input("input_2", Shape((4,)))
    both = sketch.add(Concat(), left, right)
    sketch.output(sketch.add(Dense(units=2), both), "Age/BiasAdd")
    sketch.output(sketch.add(Dense(units=3), both), "output_1")
    text = text_of(sketch)
    assert text.startswith("input serving_left_eye: 4\ninput x1: 4\n")
    assert "output age_bias_add = " in text and "output y1 = " in text


def test_an_output_that_is_read_is_computed_once() -> None:
    sketch = Sketch("read")
    first = sketch.add(Dense(units=2), sketch.input("x", Shape((3,))))
    sketch.output(first, "logits")
    sketch.output(relu(sketch, first), "positive")
    text = text_of(sketch)
    assert text.endswith("h = input -> dense(2)\noutput logits = h\noutput positive = h -> relu\n")


def test_the_other_program_gets_and_gives_its_own_names() -> None:
    sketch = Sketch("renamed")
    x, y = sketch.input("input:0", Shape((3,))), sketch.input("B", Shape((3,)))
    weights = {"kernel": RANDOM.normal(size=(3, 2)).astype(np.float32), "bias": np.zeros(2, np.float32)}
    sketch.output(sketch.add(Dense(units=2), x, weights=weights), "out:0")
    sketch.output(sketch.add(Add(), x, y), "conv")

    def run(batch):
        assert set(batch) == {"input:0", "B"}
        return {"out:0": batch["input:0"] @ weights["kernel"], "conv": batch["input:0"] + batch["B"]}

    imported = imported_from(Foreign(sketch, tool="a test", runner=lambda: run), "test")
    assert imported.verification is not None and imported.verification.difference < 1e-5
    assert list(imported.model.inputs) == ["x1", "b"]


def test_a_block_has_the_name_of_its_class() -> None:
    sketch = Sketch("classes")
    x = sketch.input("x", Shape((16, 16, 8)))
    for index, filters in enumerate((8, 16, 32)):
        scope = ("MyNet", "stages", str(index), "ConvStem")
        y = sketch.add(Conv(filters=filters, bias=False, kernel=3, stride=2, pad=1), x, scope=scope)
        x = relu(sketch, sketch.add(BatchNorm(epsilon=0.001), y, scope=scope), scope=scope)
    sketch.output(sketch.add(Dense(units=2), x, scope=("MyNet",)))
    text = text_of(sketch)
    assert "def conv_stem(filters)" in text and "conv_stem(8) -> conv_stem(16)" in text


def test_embeddings_that_are_used_twice_are_shared() -> None:
    sketch = Sketch("tied")
    first = sketch.add(Embedding(features=4), sketch.input("ids", Shape((6,), 10)))
    tied = TiedOutput(embedding=Embedding(features=4), vocabulary=10)
    sketch.output(sketch.add(tied, sketch.add(Dense(units=4), first), shared=first))
    text = text_of(sketch)
    assert "share table = embedding(4)" in text and "-> unembed(table)" in text


def test_the_layers_around_shared_weights_are_shared_where_all_are_alike() -> None:
    sketch = Sketch("towers")
    ends, owner = [], None
    for name in ("left", "right"):
        y = sketch.add(Dense(units=4), sketch.input(name, Shape((3,))), shared=owner)
        owner = owner or y
        ends.append(sketch.add(BatchNorm(), relu(sketch, y)))
    sketch.output(sketch.add(Concat(), *ends))
    text = text_of(sketch)
    assert "share shared = dense(4, relu)" in text
    assert "(left -> shared -> batchnorm | right -> shared -> batchnorm) -> concat" in text


def test_growing_concatenations_become_a_chain() -> None:
    sketch = Sketch("dense")
    maps = [sketch.input("x", Shape((8, 8, 4)))]
    for _ in range(4):
        y = sketch.add(Concat(), *maps) if len(maps) > 1 else maps[0]
        maps.append(relu(sketch, sketch.add(Conv(filters=4, kernel=3), y)))
    sketch.output(sketch.add(Concat(), *maps))
    assert "((identity | conv(4, 3x3, relu)) -> concat) * 4" in text_of(sketch)


def test_tensors_that_are_read_far_away_have_names() -> None:
    sketch = Sketch("unet")
    x = sketch.input("x", Shape((64, 64, 1)))
    skips = []
    for level in range(5):
        x = relu(sketch, sketch.add(Conv(filters=4 * 2**level), x))
        skips.append(x)
        x = sketch.add(MaxPool(window=2), x)
    for level in reversed(range(5)):
        x = sketch.add(Concat(), skips[level], sketch.add(Upsample(), x))
        x = relu(sketch, sketch.add(Conv(filters=4 * 2**level), x))
    sketch.output(x)
    text = text_of(sketch)
    assert "skip1 = input -> conv(4, 3x3, relu)\nskip2 = skip1 -> maxpool(2) -> conv(8, 3x3, relu)\n" in text
    assert "def up(skip, filters) = upsample -> (skip | identity) -> concat -> conv(filters, 3x3, relu)" in text
    assert "skip5 -> maxpool(2)\n-> up(skip5, 64) -> up(skip4, 32)" in text


@pytest.mark.parametrize(
    "changed",
    [
        "input 8x8x3\n\nconv(4, tanh) -> batchnorm",
        "input 8x8x3\n\nconv(4, relu, bias = false) -> batchnorm",
        "input 8x8x3\n\nconv(4, relu, dilation = 2) -> batchnorm",
        "input 8x8x3\n\nconv(4, relu) -> batchnorm(epsilon = 1e-3)",
        "input 8x8x3\n\nconv(4, 5x5, relu) -> batchnorm",
    ],
)
def test_every_option_is_compared(changed: str) -> None:
    sketch = Sketch("options")
    x = sketch.input("x", Shape((8, 8, 3)))
    sketch.output(sketch.add(BatchNorm(), relu(sketch, sketch.add(Conv(filters=4), x))))
    simplify(sketch)
    align(Compilation(Source("same.net", "input 8x8x3\n\nconv(4, 3x3, relu, pad = 1) -> batchnorm")).network, sketch)
    with pytest.raises(ValueError, match="where the file has"):
        align(Compilation(Source("changed.net", changed)).network, sketch)


def test_weights_that_are_shared_or_not_are_compared() -> None:
    sketch = Sketch("shared")
    x = sketch.input("x", Shape((3,)))
    first = sketch.add(Dense(units=3), x)
    sketch.output(sketch.add(Dense(units=3), sketch.add(ActivationLayer(activation=Tanh()), first), shared=first))
    shared = "input 3\n\nshare a = dense(3)\n\na -> tanh -> a"
    align(Compilation(Source("shared.net", shared)).network, sketch)
    with pytest.raises(ValueError, match="weights of another layer"):
        align(Compilation(Source("apart.net", "input 3\n\ndense(3) -> tanh -> dense(3)")).network, sketch)
    sketch.outputs[0][1].shared = None
    with pytest.raises(ValueError, match="weights of another layer"):
        align(Compilation(Source("shared.net", shared)).network, sketch)


def test_inputs_of_equal_shapes_are_not_swapped() -> None:
    sketch = Sketch("swapped")
    x, y = sketch.input("a", Shape((3,))), sketch.input("b", Shape((3,)))
    sketch.output(sketch.add(Concat(), y, x))
    with pytest.raises(ValueError, match="stands for"):
        align(Compilation(Source("s.net", "input a: 3\ninput b: 3\n\n(a | b) -> concat")).network, sketch)
