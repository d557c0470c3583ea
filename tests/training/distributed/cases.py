"""Trainings on eight simulated devices, for a child process: prints what they give as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

import netspec
from netspec.data.dataset.dataset import Arrays
from netspec.data.dataset.lazy_rows import Rows
from netspec.language.source import Source
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import SpecExperiment, load_init, prepare
from netspec.storage.array_file import array_file
from netspec.training.distributed.mesh import Mesh
from netspec.training.distributed.placement import MeshPlacement
from netspec.training.step.engine import Engine
from netspec.training.step.epoch_steps import steps_of

EXAMPLES, BATCH, STEPS = 44, 16, 2  # the third step of an epoch is a smaller one
NETS = {
    "mlp": "input 16\ndense(64, tanh) -> dropout(0.2) -> dense(32, tanh) -> dense(8, softmax)",
    "cnn": "input 6x6x2\nconv(16, silu) -> batchnorm -> conv(8) -> batchnorm -> silu -> gap -> dense(8, softmax)",
    "lstm": "input 5 tokens(16)\nembedding(8) -> lstm(8, dropout = 0.1, return = last) -> dense(8, softmax)",
    "transformer": "input 6 tokens(16)\nuse std.transformer (encoder_layer)\n"
    "embedding(16) -> posembed -> encoder_layer(4, 32, activation = gelu, causal = true) -> mean_pool"
    " -> dense(8, softmax)",
}
MESHES = {
    "mlp": ("fsdp(8)", "model(8)"),
    "cnn": ("data(2) -> model(2)",),
    "transformer": ("data(2) -> model(4)",),
}
MORE = {"mlp": ("data(8)", *MESHES["mlp"]), "lstm": ("data(2) -> fsdp(2) -> model(2)",)}
"""With `--long`."""
FULL = (
    "optimizer = skip_nonfinite -> clip(1.0) -> sgd(0.1, momentum = 0.9) -> ema(0.9)",
    "watch = gradients",
)


def experiment_of(net: str, *settings: str) -> SpecExperiment:
    """A network on random examples; the last batch of an epoch has 4 of them, the others 16."""
    random = np.random.default_rng(0)
    y = random.integers(0, 8, EXAMPLES)
    shape = {"mlp": (16,), "cnn": (6, 6, 2), "lstm": (5,), "transformer": (6,)}[net]
    is_text = net in ("lstm", "transformer")
    x = (
        random.integers(1, 16, (EXAMPLES, *shape)).astype(np.int32)
        if is_text
        else random.normal(size=(EXAMPLES, *shape))
    )
    optimizer = (
        () if any(line.startswith("optimizer") for line in settings) else ("optimizer = sgd(0.1, momentum = 0.9)",)
    )
    lines = [NETS[net], "train {", f"batch = {BATCH}", *optimizer, *settings, "}", "data {", "val = 8", "}"]
    return prepare(Source(net, "\n".join(lines) + "\n"), (x, y, x[:20], y[:20]))


def placement_on(mesh: str | None, experiment: SpecExperiment, **options: Any) -> MeshPlacement | None:
    if mesh is None:
        return None
    parsed = Mesh.parse(mesh)
    return MeshPlacement(parsed, experiment.split_weights(parsed), **options)


def losses(experiment: SpecExperiment, mesh: str | None, steps: int = STEPS) -> list[float]:
    """The loss of each step."""
    return trained(experiment, mesh, steps)[0]


def trained(experiment: SpecExperiment, mesh: str | None, steps: int, **options: Any) -> tuple[list[float], Any]:
    engine = Engine(experiment, placement=placement_on(mesh, experiment, **options))
    state, data, found = engine.start(), engine.feed(experiment.train), list[float]()
    for program, given, _ in steps_of(engine, data, 0, last=steps, is_single=True):
        state, loss = program(state, *given)
        found.append(float(loss))
    return found, state


def bytes_of(state: Any) -> dict[str, list[int]]:
    """The bytes of the weights and of the optimizer: all, and those of each device."""
    found = {}
    for name in ("params", "optimizer"):
        leaves = [x for x in jax.tree.leaves(state[name]) if x.ndim]
        parts = [
            sum(x.addressable_shards[i].data.nbytes for x in leaves) for i in range(len(leaves[0].addressable_shards))
        ]
        found[name] = [sum(x.nbytes for x in leaves), *parts]
    return found


class Listed(Rows):
    """Rows that are read on demand, from an array."""

    def __init__(self, array: Any) -> None:
        super().__init__(array.shape, array.dtype)
        self.array = array

    def read(self, index: Any) -> Any:
        return self.array[index]


# ---------------------------------------------------------------- the cases


def steps() -> Any:
    """The losses of single steps on every mesh, and on one device; and the bytes that the devices then hold."""
    found: dict[str, dict[str, Any]] = {}
    for net, meshes in (MESHES | (MORE if "--long" in sys.argv else {})).items():
        experiment = experiment_of(net)
        for mesh in (None, *meshes):
            values, state = trained(experiment, mesh, STEPS)
            found.setdefault(net, {})[str(mesh)] = {"losses": values, "bytes": bytes_of(state) if mesh else {}}
    return found


def streamed() -> Any:
    experiment = experiment_of("mlp")
    train = experiment.train
    rows = Arrays({name: Listed(x) for name, x in train.inputs.items()}, dict(train.targets))
    return [losses(replace(experiment, train=rows), mesh, 3) for mesh in (None, "data(8)")]


def augmented() -> Any:
    """The losses with varied examples and a block that is computed again, on one device and on a mesh."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 6, 6, 2)).astype(np.float32), random.integers(0, 8, 40)
    net = "input 6x6x2\ndef unit = conv(8, silu) -> batchnorm\nunit -> gap -> dropout(0.1) -> dense(8, softmax)"
    data = "data {\nval = 8\ntest = 0\naugment = crop(pad = 1) -> flip(horizontal) -> mixup(0.2)\n}"
    source = Source("varied", f"{net}\n{data}\ntrain {{\nbatch = 16\nremat = true\n}}\n")
    return [losses(prepare(source, (x, y)), mesh) for mesh in (None, "data(2) -> fsdp(2)")]


def first() -> Any:
    """Whether the weights before the first step are those of one device bit for bit, random ones and given ones, and
    the bytes that the devices hold."""
    found: dict[str, Any] = {}
    wide = "input 16\ndense(64, init = orthogonal) -> dense(64, init = he_uniform) -> dense(8, softmax)"
    train = 'train {\nbatch = 16\ninit = "given.safetensors"\n}\n'
    random = np.random.default_rng(0)
    given = {"dense/kernel": random.normal(size=(16, 64)).astype(np.float32)}
    Path("given.safetensors").write_bytes(b"".join(array_file(given, {})))
    spec = Compilation(Source("wide", f"{wide}\n{train}data {{\nval = 8\ntest = 0\n}}\n"))
    started = load_init(prepare(spec, (random.normal(size=(EXAMPLES, 16)), random.integers(0, 8, EXAMPLES))))
    for mesh, experiment in {"data(2) -> model(4)": experiment_of("transformer"), "fsdp(8)": started}.items():
        alone = Engine(experiment).start()
        state = Engine(experiment, placement=placement_on(mesh, experiment)).start()
        same = jax.tree.map(lambda a, b: bool(np.array_equal(a, b)), alone["params"], state["params"])
        found[mesh] = [all(jax.tree.leaves(same)), bytes_of(state)["params"]]
    return {**found, "is given": np.array_equal(state["params"]["dense"]["kernel"], given["dense/kernel"])}


def ended() -> Any:
    """What a run ends with: when it stops, its threshold and metrics, its predictions, and where its weights are."""
    random = np.random.default_rng(0)
    x = random.normal(size=(120, 8)).astype(np.float32)
    y = (x[:, 0] + 0.5 * random.normal(size=120) > 0.3).astype(int)
    text = "input 8\ndense(128, tanh) -> dense(1, sigmoid)\ndata {\nval = 40\n}\ntrain {\nepochs = 30\nbatch = 16\n"
    text += "threshold = best(f1)\nstop = early(val_loss, patience = 2)\noptimizer = adam(0.02)\n}\n"
    found = []
    meshes: list[dict[str, Any]] = [{}, {"mesh": "data(2) -> fsdp(2)"}]
    for mesh in meshes:
        result = netspec.train(text, (x, y, x[:50], y[:50]), runs="ended", verbose=0, **mesh)
        numbers = [value for value in result.metrics.values() if isinstance(value, float)]
        kind = type(result.weights.params["dense"]["kernel"]).__name__
        predicted = np.asarray(result.model(x[:4])).ravel().tolist()
        found.append([kind, len(result.history), result.thresholds["output"], *numbers, *predicted])
    return found


def local() -> Any:
    """One step of a batchnorm with the statistics of each device: the running ones, the examples, and the inputs."""
    net = "input 3\ndef unit = batchnorm -> dense(8)\nunit -> softmax"
    random = np.random.default_rng(0)
    x, y = random.normal(size=(8, 3)).astype(np.float32), np.arange(8)
    rest = "data {{\nval = 0\ntest = 0\nnormalize = none\n}}\ntrain {{\nbatch = 8\nremat = {}\n}}\n"
    found = {}
    for name, word, remat in (("sync", "sync", "false"), ("local", "local", "false"), ("remat", "local", "true")):
        experiment = prepare(Source("local", f"{net}\n{rest.format(remat)}"), (x, y))
        _, state = trained(experiment, "data(4)", 1, batchnorm=word)
        found[name] = {key: value.tolist() for key, value in state["other"]["unit"]["batchnorm"].items()}
    order = Engine(experiment).order_of_rows(0, 8)
    return {**found, "x": x[order].tolist()}


def resumed() -> Any:
    """A run with all that the loop does (metrics, averages, gradient norms), on one mesh and then on another: its
    epochs, those of one device, and the mesh that is saved."""
    random = np.random.default_rng(0)
    data = random.normal(size=(EXAMPLES, 16)).astype(np.float32), random.integers(0, 8, EXAMPLES)
    train = "\n".join(["train {", "batch = 16", *FULL, "}"])
    text = f"{NETS['mlp']}\n{train}\ndata {{\nval = 8\ntest = 0\n}}\n"
    more = {"runs": "runs", "verbose": 0}
    alone = netspec.train(text, data, epochs=2, **more)
    begun = netspec.train(text, data, epochs=1, mesh="data(2) -> fsdp(4)", **more)
    ended = netspec.resume(begun.run, data, epochs=2, mesh="fsdp(2)", verbose=0)
    epochs = [
        [
            [row["loss"], row["metrics"]["val_loss"], row["gradients"]["total"]["gradient_norm"]]
            for row in result.history
        ]
        for result in (alone, ended)
    ]
    return {"epochs": epochs, "saved": json.loads((Path(begun.run) / "spec.json").read_text())["overrides"]}


CASES: tuple[Callable[[], Any], ...] = (steps, first, streamed, augmented, local, ended, resumed)

if __name__ == "__main__":
    json.dump({case.__name__: case() for case in CASES}, sys.stdout)
