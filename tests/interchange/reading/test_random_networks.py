"""Texts of random networks: whatever is connected with what, the text compiles to the network."""

from __future__ import annotations

from random import Random

import pytest

from netspec.interchange.reading.sketch import Sketch, Step
from netspec.interchange.reading.text.simplify import simplify
from netspec.interchange.reading.text.spec import best_text
from netspec.language.shape import Shape
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.activations import Relu, Tanh
from netspec.layers.base import Layer
from netspec.layers.dense import Dense
from netspec.layers.merge import Add, Concat, Mul
from netspec.layers.norm import BatchNorm, LayerNorm
from netspec.layers.reshape import Identity
from netspec.layers.spatial.conv import Conv, Depthwise
from netspec.layers.spatial.pool import GlobalAvgPool, MaxPool


def random_sketch(random: Random, size: int) -> Sketch:
    """A network of vectors with random connections, some of them far; a few layers have the weights of others."""
    sketch = Sketch("random")
    steps = [sketch.input(f"in{i}", Shape((8,))) for i in range(random.choice((1, 1, 1, 2, 3)))]
    spread = random.choice((1, 2, 3, 8))
    for _ in range(size):
        before = random.choice(steps[-spread:] if random.random() < 0.9 else steps)
        kind = random.random()
        if kind < 0.35:
            owner = next((s for s in steps if isinstance(s.layer, Dense) and random.random() < 0.05), None)
            if owner is not None and owner.inputs[0].shape == before.shape:
                assert owner.layer is not None
                steps.append(sketch.add(owner.layer, before, shared=owner.shared or owner))
            else:
                steps.append(sketch.add(Dense(units=random.choice((8, 8, 8, 16))), before))
        elif kind < 0.6:
            layers: list[Layer] = [ActivationLayer(activation=Relu()), ActivationLayer(activation=Tanh()), Identity()]
            steps.append(sketch.add(random.choice([*layers, LayerNorm()]), before))
        else:
            others = [s for s in steps if s.shape == before.shape]
            count = random.choice((2, 2, 2, 3))
            given = [before, *(random.choice(others[-2 * spread :]) for _ in range(count - 1))]
            random.shuffle(given)
            merge = Concat() if random.random() < 0.3 else Add() if random.random() < 0.8 else Mul()
            steps.append(sketch.add(merge, *given))
            if steps[-1].shape.channels != 8:
                steps.append(sketch.add(Dense(units=8), steps[-1]))
    ends = _ends(random, sketch)
    for index, step in enumerate(ends):
        sketch.output(step, "" if len(ends) == 1 else f"out{index}")
    return sketch


def _ends(random: Random, sketch: Sketch) -> list[Step]:
    """One or several outputs."""
    steps = [step for step in sketch.steps if not step.is_input]
    count = random.choice((1, 1, 2, 3))
    return [steps[-1], *random.sample(steps[:-1], min(count - 1, len(steps) - 1))]


Motif = list[tuple[str, int, int, bool]]


def random_motif(random: Random) -> Motif:
    """Layers with their kernels, factors of channels, and whether there is a bias."""
    kinds = ("conv", "conv", "conv", "norm", "relu", "pool", "depthwise")
    return [
        (random.choice(kinds), random.choice((1, 3, 5)), random.choice((1, 1, 2, 4)), random.random() < 0.5)
        for _ in range(random.randint(1, 6))
    ]


def add_motif(sketch: Sketch, x: Step, motif: Motif, filters: int, stride: int) -> Step:
    """The layers of a motif, the first convolution with a stride."""
    for kind, kernel, factor, has_bias in motif:
        window = {"kernel": (kernel, kernel), "stride": stride, "pad": (kernel // 2,) * 2, "bias": has_bias}
        if kind == "conv":
            x = sketch.add(Conv(filters=filters * factor, **window), x)
        elif kind == "depthwise":
            x = sketch.add(Depthwise(**window), x)
        elif kind == "norm":
            x = sketch.add(BatchNorm(momentum=0.9 if has_bias else 0.99), x)
        elif kind == "relu":
            x = sketch.add(ActivationLayer(activation=Relu()), x)
        else:
            x = sketch.add(MaxPool(window=3, stride=1, pad="same" if has_bias else 1), x)
        stride = 1 if kind in ("conv", "depthwise") else stride
    return x


def random_images(random: Random) -> Sketch:
    """A network of stages, most of them of a few motifs, with shortcuts, projections and branches."""
    sketch = Sketch("images")
    x = sketch.input("x", Shape((64, 64, random.choice((1, 3, 8)))))
    motifs = [random_motif(random) for _ in range(random.randint(1, 3))]
    form = random.choice(("plain", "residual", "inception", "dense"))
    for _ in range(random.randint(3, 10)):
        motif, filters, stride = random.choice(motifs), random.choice((4, 8, 8, 16)), random.choice((1, 1, 1, 2))
        y = add_motif(sketch, x, motif, filters, stride)
        if form == "residual" and y is not x:
            if y.shape != x.shape:
                x = sketch.add(Conv(filters=int(y.shape.channels), kernel=1, stride=stride, pad=0, bias=False), x)
            y = sketch.add(Add(), *random.sample((x, y), 2)) if y.shape == x.shape else y
        elif form == "inception":
            z = add_motif(sketch, x, random.choice(motifs), filters, stride)
            y = sketch.add(Concat(), y, z) if y.shape.space == z.shape.space and y is not z else y
        elif form == "dense" and y.shape.space == x.shape.space:
            y = sketch.add(Concat(), x, y)
        x = y
    sketch.output(sketch.add(Dense(units=3), sketch.add(GlobalAvgPool(), x)))
    return sketch


@pytest.mark.parametrize("seed", range(8))
def test_random_images(seed: int, request: pytest.FixtureRequest) -> None:
    random = Random(seed)
    for index in range(400 if request.config.getoption("--long") else 12):
        sketch = random_images(random)
        simplify(sketch)
        text, form = best_text(sketch)
        assert form == "blocks", f"{seed}, {index}: {form}\n{text}"


@pytest.mark.parametrize("seed", range(8))
def test_random_networks(seed: int, request: pytest.FixtureRequest) -> None:
    random = Random(seed)
    for index in range(400 if request.config.getoption("--long") else 12):
        sketch = random_sketch(random, random.choice((3, 8, 20, 40)))
        simplify(sketch)
        text, form = best_text(sketch)
        assert form == "blocks", f"{seed}, {index}: {form}\n{text}"
