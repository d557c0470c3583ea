"""Kills one of two processes at a random moment, again and again; each run is resumed and must end as one that was
never disturbed.

    python benchmarks/process_kills.py --times 20

Prints a line for each kill: which process, when, how fast the other one has ended, and whether the final weights equal
those of the undisturbed run bit for bit. The exit status is 1 unless all do.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from safetensors.numpy import load_file

SPEC = """\
input 8x8x1
dense(24, relu) -> dropout(0.1) -> dense(10, softmax)
data {
    source = digits
}
train {
    epochs    = 12
    batch     = 32
    optimizer = adam(1e-3)
}
"""
TRAIN = [sys.executable, "-m", "netspec", "train", "--no-report", "--save-every", "0", "--processes", "2"]
LIMIT = 300


def children(launcher: int) -> dict[int, int]:
    """The processes that train, by their number."""
    found = {}
    for line in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split():
        variables = Path(f"/proc/{line}/environ").read_bytes().decode(errors="replace")
        if (number := re.search(r"JAX_PROCESS_ID=(\d+)", variables)) is not None:
            found[int(number[1])] = int(line)
    return found


def train(folder: Path, *arguments: str, kill: tuple[int, float] | None = None) -> tuple[int, str, float]:
    """Train; `kill` is which process is killed, and after how many seconds. The status, the output, and how long the
    processes took to end after the kill."""
    output = folder / "output.txt"
    with output.open("w") as file:
        child = subprocess.Popen([*TRAIN, *arguments], stdout=file, stderr=subprocess.STDOUT, cwd=folder)
        killed = time.monotonic()
        if kill is not None:
            time.sleep(kill[1])
            target = children(child.pid).get(kill[0])
            killed = time.monotonic()
            if target is not None:
                os.kill(target, signal.SIGKILL)
        status = child.wait(LIMIT)
    return status, output.read_text(), time.monotonic() - killed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    moments = random.Random(options.seed)
    good = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "net.net").write_text(SPEC)
        for name in ("first", "whole"):  # the second one finds compiled programs, as those that are killed do
            began = time.monotonic()
            status, output, _ = train(folder, "net.net", "--run-folder", f"runs/{name}")
            seconds = time.monotonic() - began
            assert status == 0, output
        whole = load_file(folder / "runs/whole/weights.safetensors")
        number = 0
        while number < options.times:
            process, moment = moments.randrange(2), moments.uniform(0.1, 0.95) * seconds
            run = f"runs/killed-{number}-{moment:.3f}"
            status, output, ended = train(folder, "net.net", "--run-folder", run, kill=(process, moment))
            if status == 0:  # it had ended before
                continue
            number += 1
            is_told = "NS583" in output or "was ended by SIGKILL" in output
            again, output, _ = train(folder, "net.net", "--run-folder", run)
            assert again == 0, output
            weights = load_file(folder / run / "weights.safetensors")
            is_same = all((weights[key] == whole[key]).all() for key in whole) and weights.keys() == whole.keys()
            good += is_same and is_told
            print(
                f"{number:3d}: process {process} killed after {moment:4.1f} s; status {status}, all ended after "
                f"{ended:.1f} s, {'with' if is_told else 'WITHOUT'} a message; resumed: "
                f"{'the same weights' if is_same else 'OTHER WEIGHTS'}",
                flush=True,
            )
    print(f"{good} of {options.times}")
    return 0 if good == options.times else 1


if __name__ == "__main__":
    sys.exit(main())
