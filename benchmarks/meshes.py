"""Training on meshes of eight simulated devices, compared with one device: losses, and bytes of state per device.

Every network trains for 50 steps on one device and on every mesh, from the same weights on the same batches, with
dropout. The table has the largest relative difference of the loss in any step, and the bytes of weights, running means
and optimizer state that the first device holds, as a fraction of all.

    python -m benchmarks.meshes [--nets mlp cnn …] [--meshes "data(8)" …] [--steps N] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

DEVICES = 8
MESHES = (
    "data(8)", "fsdp(8)", "model(8)", "data(2) -> model(4)", "data(4) -> model(2)", "data(4) -> fsdp(2)",
    "fsdp(2) -> model(4)", "data(2) -> fsdp(2) -> model(2)", "model(2) -> data(4)",
)  # fmt: skip
NETS = {
    "mlp": """
input 64
dense(256, relu) -> dropout(0.1) -> dense(256, relu) -> dense(64, relu) -> dense(8, softmax)
""",
    "cnn with batchnorm": """
input 12x12x3
conv(32, 3x3) -> batchnorm -> silu -> conv(32, 3x3) -> batchnorm -> silu -> avgpool(2)
-> conv(64, 3x3, silu) -> gap -> dropout(0.1) -> dense(8, softmax)
""",
    "lstm": """
input 12 tokens(40)
embedding(32) -> lstm(64, dropout = 0.1) -> lstm(64, return = last) -> dense(8, softmax)
""",
    "transformer": """
input 16 tokens(40)
use std.transformer (encoder_layer)
embedding(64) -> posembed -> encoder_layer(8, 128, activation = gelu, causal = true) * 2 -> mean_pool
-> dense(8, softmax)
""",
}
"""Sizes that eight divides, so that every weight of a layer can be split. The CNN is smooth: of millions of inputs of a
ReLU some are so near to zero that rounding decides about their gradients, on one device in another order as well."""
TRAIN = ("epochs = 2", "batch = 64", "seed = 3")
RATES = {"mlp": 0.05, "cnn with batchnorm": 0.05, "lstm": 0.05, "transformer": 0.01}
"""Rates with which the loss does not vanish within 50 steps: where it does, its relative difference means nothing."""


def examples(shape: tuple[int, ...], vocabulary: int | None, count: int) -> tuple[Any, Any]:
    """Random examples whose classes can be learned."""
    import numpy as np

    random = np.random.default_rng(0)
    classes = random.integers(0, 8, count)
    if vocabulary is not None:
        x = random.integers(1, vocabulary, (count, *shape))
        x[:, ::3] = classes[:, None] + 1
        return x.astype(np.int32), classes
    x = random.normal(size=(count, *shape)).astype(np.float32)
    centers = random.normal(size=(8, *shape)).astype(np.float32)
    return x + 0.5 * centers[classes], classes


def losses_of(experiment: Any, mesh: str | None, steps: int) -> tuple[list[float], int]:
    """The loss of every step, and the bytes of state of the first device."""
    import jax

    from netspec.training.distributed.mesh import Mesh
    from netspec.training.distributed.placement import MeshPlacement
    from netspec.training.step.engine import Engine
    from netspec.training.step.epoch_steps import steps_of

    placement = None
    if mesh is not None:
        parsed = Mesh.parse(mesh)
        placement = MeshPlacement(parsed, experiment.split_weights(parsed))
    engine = Engine(experiment, placement=placement)
    state, data, losses, epoch = engine.start(), engine.feed(experiment.train), list[float](), 0
    while len(losses) < steps:
        for program, given, _ in steps_of(engine, data, epoch, is_single=True):
            state, loss = program(state, *given)
            losses.append(float(loss))
        epoch += 1
    held = jax.tree.leaves([state[name] for name in ("params", "other", "optimizer")])
    first = sum(x.addressable_shards[0].data.nbytes for x in held)
    return losses[:steps], first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="+", default=list(NETS), choices=list(NETS))
    parser.add_argument("--meshes", nargs="+", default=list(MESHES))
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--train", nargs="+", default=TRAIN, help="the settings of the section `train`")
    parser.add_argument("--out", type=Path, help="the folder for meshes.txt")
    given = parser.parse_args()
    os.environ.update(JAX_PLATFORMS="cpu", JAX_NUM_CPU_DEVICES=str(DEVICES))

    from netspec.language.source import Source
    from netspec.spec.experiment import prepare

    lines = [f"{'network':<20} {'mesh':<32} {'difference':>10} {'state per device':>18} {'of all':>7} {'time':>7}"]
    print(lines[0])
    for name in given.nets:
        optimizer = f"optimizer = sgd({RATES[name]}, momentum = 0.9)"
        source = Source(name, "\n".join([NETS[name], "train {", *given.train, optimizer, "}", ""]))
        shape = {"mlp": (64,), "cnn with batchnorm": (12, 12, 3), "lstm": (12,), "transformer": (16,)}[name]
        x, y = examples(shape, 40 if name in ("lstm", "transformer") else None, 64 * 25 + 30)
        experiment = prepare(source, (x, y))
        alone, whole = losses_of(experiment, None, given.steps)
        for mesh in given.meshes:
            began = time.perf_counter()
            losses, first = losses_of(experiment, mesh, given.steps)
            difference = max(abs(a - b) / a for a, b in zip(alone, losses, strict=True))
            seconds = time.perf_counter() - began
            lines.append(
                f"{name:<20} {mesh:<32} {difference:>10.1e} {first:>12,} bytes {first / whole:>7.3f} {seconds:>5.1f} s"
            )
            print(lines[-1], flush=True)
        print(f"  losses of one device: {alone[0]:.4f} to {alone[-1]:.4f}; {whole:,} bytes of state", flush=True)
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "meshes.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
