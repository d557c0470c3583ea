"""What ten times as much costs: `check`, `show` and `compile` of 1,000 and 10,000 layers, epochs of more and more data,
the memory of data that are streamed.

Commands are whole processes, the start-up included. A row that grows linearly has a last column of at most 10; memory
that stays has one of 1.

    python -m benchmarks.growth [--rounds N] [--small]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

TIMES = 10
WIDTH = 64
"""Numbers of an example of the data sets."""

SPEC = "input 64\ndense(64, relu) -> dense(classes, softmax)\n"
TRAIN = "train {{ epochs = {epochs}\n batch = 128\n optimizer = sgd(0.01)\n}}\n"

TRAIN_PROGRAM = """
import resource, sys, time
import netspec
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run = netspec.train(sys.argv[1], runs=sys.argv[2])
print("epoch", min(row["seconds"] for row in run.history[1:]))
print("MiB", (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def chain(layers: int) -> str:
    return "input 8\n" + "\n-> ".join(["dense(8)", "relu"] * (layers // 2))


def seconds_of(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "netspec", *command], check=True, capture_output=True)
    return time.perf_counter() - began


def layers_row(folder: Path, verb: str, layers: int, rounds: int) -> tuple[float, float]:
    """Seconds for the given number of layers, and for ten times as many."""
    small, large = folder / "small.net", folder / "large.net"
    small.write_text(chain(layers))
    large.write_text(chain(TIMES * layers))
    pairs = [(seconds_of([verb, str(small)]), seconds_of([verb, str(large)])) for _ in range(rounds)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def data_row(folder: Path, examples: int, what: str, *, stream: bool) -> tuple[float, float]:
    """Seconds of an epoch or MiB for the given number of examples, and for ten times as many."""
    found = []
    for count in (examples, TIMES * examples):
        rng = np.random.default_rng(0)
        name = folder / f"data{count}"
        name.mkdir(exist_ok=True)
        np.save(name / "x.npy", rng.normal(size=(count, WIDTH)).astype("float32"))
        np.save(name / "y.npy", rng.integers(0, 10, count))
        streamed = " stream = true\n" if stream else ""
        source = f'data {{ source = npy("x.npy", "y.npy")\n{streamed}}}\n'
        spec = name / "net.net"
        spec.write_text(SPEC + source + TRAIN.format(epochs=4))
        done = subprocess.run(
            [sys.executable, "-c", TRAIN_PROGRAM, str(spec), str(name / "runs")],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        found.append(next(float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith(what)))
    return found[0], found[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="a tenth of everything")
    options = parser.parse_args()
    layers, examples = (100, 20_000) if options.small else (1_000, 200_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows: dict[str, Callable[[], tuple[float, float]]] = {
            **{
                f"netspec {verb}, {layers:,} layers (s)": lambda v=verb: layers_row(folder, v, layers, options.rounds)
                for verb in ("check", "show", "compile")
            },
            f"epoch, {examples:,} examples (s)": lambda: data_row(folder, examples, "epoch", stream=False),
            f"epoch, {examples:,} streamed (s)": lambda: data_row(folder, examples, "epoch", stream=True),
            f"memory, {examples:,} streamed (MiB)": lambda: data_row(folder, examples, "MiB", stream=True),
        }
        print(f"{'':<36} {'once':>9} {'ten times':>10} {'ratio':>7}")
        for label, measure in rows.items():
            once, more = measure()
            print(f"{label:<36} {once:9.3f} {more:10.3f} {more / once:7.2f}", flush=True)


if __name__ == "__main__":
    main()
