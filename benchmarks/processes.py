"""Two processes that train together, each with one core, against two trainings that know nothing of each other.

    NETSPEC_DATA=data python benchmarks/processes.py             # mnist_cnn, at least 3 rounds
    NETSPEC_DATA=data python benchmarks/processes.py --quick     # a short check on fewer examples

In every round the two independent trainings run side by side, each pinned to one core, and then the one training in two
processes, which `netspec train --processes 2` pins to the same cores; so both have the same machine. Throughput is
examples a second of the steps of an epoch (`train_seconds`), the first epoch left out, since it compiles. Numbers are
compared with a run in one process. The exit status is 1 if the throughput is below 0.85 of the two independent ones
added up, or a metric differs by more than 1e-5.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MIN_RATIO, MAX_DIFFERENCE = 0.85, 1e-5
EXAMPLES = 60_000


def started(folder: Path, name: str, epochs: int, limit: int | None, *options: str, cores: str) -> Any:
    """A training under way, pinned to cores as `taskset` takes them."""
    settings = ["-D", f"train.epochs={epochs}", *(["-D", f"data.limit={limit}"] if limit else [])]
    command = [sys.executable, "-m", "netspec", "train", "mnist_cnn.net", "--no-report", *settings]
    command += ["--run-folder", str(folder / name), *options]
    output = (folder / f"{name}.txt").open("w")
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        ["taskset", "-c", cores, *command], cwd=folder, env=variables, stdout=output, stderr=subprocess.STDOUT
    )


def history(folder: Path, name: str) -> list[dict[str, Any]]:
    lines = (folder / name / "metrics.jsonl").read_text().splitlines()
    return [record for record in map(json.loads, lines) if record["event"] == "epoch"]


def throughput(folder: Path, name: str, examples: int) -> float:
    """Examples a second, the median of the epochs after the first."""
    return examples / statistics.median(record["train_seconds"] for record in history(folder, name)[1:])


def difference(folder: Path, name: str, other: str) -> float:
    """The largest relative difference between the losses and metrics of two runs."""
    pairs = zip(history(folder, name), history(folder, other), strict=True)
    numbers = [
        (a, b)
        for ours, theirs in pairs
        for a, b in zip(
            [ours["loss"], *ours["metrics"].values()], [theirs["loss"], *theirs["metrics"].values()], strict=True
        )
    ]
    return max(abs(a - b) / max(abs(b), 1e-12) for a, b in numbers)


def wait(folder: Path, *children: Any) -> None:
    """Wait for trainings; SystemExit, with what they have printed, if one fails."""
    statuses = [child.wait() for child in children]
    if any(statuses):
        printed = "\n".join(path.read_text() for path in sorted(folder.glob("*.txt")))
        raise SystemExit(f"a training failed:\n{printed}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--cores", default="0,1", help="two cores")
    options = parser.parse_args()
    rounds, limit = (1, 6_400) if options.quick else (options.rounds, None)
    first, second = options.cores.split(",")
    examples, ratios, worst = limit or EXAMPLES, [], 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec = (ROOT / "specs/mnist_cnn.net").read_text()
        (folder / "mnist_cnn.net").write_text(spec.partition("expect {")[0])  # short trainings do not meet them
        wait(folder, started(folder, "alone", options.epochs, limit, cores=options.cores))
        for number in range(rounds):
            names = [f"{number}-{core}" for core in (first, second)]
            wait(
                folder,
                *(
                    started(folder, n, options.epochs, limit, cores=c)
                    for n, c in zip(names, (first, second), strict=True)
                ),
            )
            together = f"{number}-together"
            wait(folder, started(folder, together, options.epochs, limit, "--processes", "2", cores=options.cores))
            separate = [throughput(folder, n, examples) for n in names]
            joint = throughput(folder, together, examples)
            ratios.append(joint / sum(separate))
            worst = max(worst, difference(folder, together, "alone"))
            print(
                f"round {number + 1}: {separate[0]:,.0f} + {separate[1]:,.0f} examples/s alone, {joint:,.0f} together: "
                f"ratio {ratios[-1]:.2f}; largest relative difference of a metric from one process {worst:.1e}",
                flush=True,
            )
    ratio = statistics.median(ratios)
    print(f"median ratio {ratio:.2f} (at least {MIN_RATIO}), difference {worst:.1e} (at most {MAX_DIFFERENCE})")
    return 0 if ratio >= MIN_RATIO and worst <= MAX_DIFFERENCE else 1


if __name__ == "__main__":
    sys.exit(main())
