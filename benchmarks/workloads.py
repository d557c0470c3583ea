"""What is measured: nets, batches, optimizers, and the goals. Imports no library, so that every process may read it.

A workload is the same for every contestant: the net (as each library writes it), the data, the batch, the optimizer,
float32. `kind` says what is timed:

- `epochs`: whole epochs over 60,000 images, with what each library does to feed them;
- `step`: one training step on a batch that lies ready;
- `answer`: one answer to a batch, softmax included;
- `first`: from the start of a process to the end of its first training step;
- `memory`: how much memory a process takes for training, above that of its imports.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

HERE = Path(__file__).parent
SPECS = HERE.parent / "specs"
CLASSES = 10
EXAMPLES, TEST_EXAMPLES = 60_000, 10_000

Kind = Literal["epochs", "step", "answer", "first", "memory"]


@dataclass(frozen=True)
class Net:
    """A net that every contestant has under this name; `file` is the spec."""

    name: str
    shape: tuple[int, ...]
    file: Path


@dataclass(frozen=True)
class Optimizer:
    """`adam`, or `sgd` with momentum 0.9; a constant rate."""

    name: Literal["adam", "sgd"]
    rate: float

    @property
    def word(self) -> str:
        """As a spec has it."""
        return f"adam({self.rate})" if self.name == "adam" else f"sgd({self.rate}, momentum = 0.9)"


@dataclass(frozen=True)
class Goals:
    """The largest ratio that is wanted: to Flax NNX and to Keras, and to the faster way of PyTorch."""

    jax: float
    torch: float | None = None


@dataclass(frozen=True)
class Workload:
    name: str
    kind: Kind
    net: Net
    batch: int
    optimizer: Optimizer
    goals: Goals
    examples: int = EXAMPLES
    cache: Literal["cold", "warm"] | None = None
    """Of a first step: whether the folder of compiled programs is empty."""
    note: str = ""


ADAM, SGD = Optimizer("adam", 1e-3), Optimizer("sgd", 1e-2)

NETS = {
    name: Net(name, shape, file)
    for name, shape, file in [
        ("sdsc_cnn", (28, 28, 1), SPECS / "sdsc_cnn.net"),
        ("mnist_cnn", (28, 28, 1), SPECS / "mnist_cnn.net"),
        ("digit_recognizer", (28, 28, 1), SPECS / "digit_recognizer.net"),
        *(
            (name, shape, HERE / "nets" / f"{name}.net")
            for name, shape in [
                ("lenet5_mnist", (28, 28, 1)),
                ("mlp_784", (784,)),
                ("resnet20", (32, 32, 3)),
                ("resnet18_cifar", (32, 32, 3)),
                ("resnet50_64", (64, 64, 3)),
                ("mobilenet_small", (32, 32, 3)),
                ("inception_small", (28, 28, 3)),
                ("transformer_encoder", (128, 256)),
                ("bilstm", (128, 128)),
            ]
        ),
    ]
}


def _epochs(net: str, goals: Goals) -> Workload:
    return Workload(f"{net}-epochs", "epochs", NETS[net], 128, ADAM, goals)


def _step(net: str, batch: int, optimizer: Optimizer, goals: Goals) -> Workload:
    return Workload(f"{net}-step", "step", NETS[net], batch, optimizer, goals, examples=batch)


def _answer(net: str, batch: int) -> Workload:
    return Workload(f"{net}-answer-{batch}", "answer", NETS[net], batch, ADAM, Goals(0.6, 1.0), examples=batch)


def _first(cache: Literal["cold", "warm"], goal: float) -> Workload:
    net = NETS["resnet50_64"]
    return Workload(f"first-step-{cache}", "first", net, 8, SGD, Goals(goal), examples=8, cache=cache)


WORKLOADS = {
    workload.name: workload
    for workload in [
        *(_epochs(n, Goals(0.25, 0.6)) for n in ("sdsc_cnn", "mnist_cnn", "digit_recognizer", "lenet5_mnist")),
        _epochs("mlp_784", Goals(0.5, 0.5)),
        _step("resnet20", 128, SGD, Goals(0.5, 1.0)),
        _step("resnet18_cifar", 32, SGD, Goals(0.5, 1.0)),
        _step("mobilenet_small", 32, SGD, Goals(0.1, 1.5)),
        _step("inception_small", 16, ADAM, Goals(0.4, 1.0)),
        _step("transformer_encoder", 16, ADAM, Goals(0.9, 0.8)),
        _step("bilstm", 32, ADAM, Goals(0.7, 1.0)),
        *(_answer(net, batch) for net in ("mnist_cnn", "resnet18_cifar") for batch in (1, 256)),
        _first("cold", 0.8),
        _first("warm", 0.3),
        Workload("resnet18_cifar-memory", "memory", NETS["resnet18_cifar"], 32, SGD, Goals(1.0, 1.1), examples=32),
    ]
}
"""By name, in the order of the table."""

QUICK = ("mlp_784-epochs", "mnist_cnn-answer-1")
"""Those of the short form: they compile fast."""


def shortened(workload: Workload) -> Workload:
    """The same with few examples: whether it runs, not how fast."""
    return replace(workload, examples=min(workload.examples, 2 * workload.batch))
