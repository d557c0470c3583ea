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
from netspec.layers.norm import LayerNorm
from netspec.layers.reshape import Identity


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


@pytest.mark.parametrize("seed", range(8))
def test_random_networks(seed: int, request: pytest.FixtureRequest) -> None:
    random = Random(seed)
    for index in range(400 if request.config.getoption("--long") else 12):
        sketch = random_sketch(random, random.choice((3, 8, 20, 40)))
        simplify(sketch)
        text, form = best_text(sketch)
        assert form == "blocks", f"{seed}, {index}: {form}\n{text}"
