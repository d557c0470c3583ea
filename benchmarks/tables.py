"""What it costs to read a table: `csv(…)` up to its arrays, beside polars and pandas with one array of float32.

CPU seconds without imports and start-up, the least of all repeats; contestants take turns, each round in a process of
its own. Wide tables, which show whether time grows with the
columns, are read once, and not by pandas, which takes minutes.

    python -m benchmarks.tables [--rounds N] [--repeats N] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.machine import describe, slug
from benchmarks.reporting import aligned

RESULTS = Path(__file__).parent / "results"
GOAL = 1.5
"""How much of the time of polars netspec may take."""

CASES = {"numbers": (200_000, 21), "pixels": (10_000, 785), "half as wide": (10, 50_001), "wide": (10, 100_001)}

SETUP = {
    "netspec": "from netspec.data.sources.tables.words import Csv",
    "polars": "import polars",
    "pandas": "import pandas",
}
READ = {
    "netspec": "data = Csv(file=path.name, target=('label',)).load(path.parent).train.inputs['input']"
    ".astype('float32', copy=False)",  # float64 until they are normalized where float32 is not exact
    "polars": "data = polars.read_csv(path).drop('label').to_numpy().astype('float32')",
    "pandas": "data = pandas.read_csv(path).drop(columns='label').to_numpy('float32')",
}
PROGRAM = """
import sys, time
from pathlib import Path
{setup}
def read(path):
    {read}
    assert data.dtype == "float32" and len(data) == int(sys.argv[3])
read(Path(sys.argv[2]))  # what is imported late
path = Path(sys.argv[1])
sys.argv[3] = sys.argv[4]
for repeat in range(int(sys.argv[5])):
    copy = path.with_name(f"{{path.stem}}{{repeat}}.csv")
    copy.hardlink_to(path)  # a name that no cache knows
    began = time.process_time()
    read(copy)
    print(time.process_time() - began)
    copy.unlink()
"""


def write_table(path: Path, rows: int, columns: int) -> Path:
    """A class, and numbers with six digits; whole numbers from 0 to 255, most of them 0, for pixels."""
    rng = np.random.default_rng(0)
    pixels = (rng.random((rows, columns - 1)) < 0.2) * rng.integers(0, 256, (rows, columns - 1))
    values = pixels if columns == 785 else rng.normal(size=(rows, columns - 1))
    labels = rng.integers(0, 10, rows)
    form = "%d" if columns == 785 else "%.6f"
    header = ",".join(["label", *(f"feature{i}" for i in range(columns - 1))])
    table = np.column_stack([labels, values])
    np.savetxt(path, table, ["%d", *[form] * (columns - 1)], ",", header=header, comments="")
    return path


def seconds(name: str, table: Path, rows: int, warm_up: Path, repeats: int) -> float:
    program = PROGRAM.format(setup=SETUP[name], read=READ[name])
    command = [sys.executable, "-c", program, str(table), str(warm_up), "3", str(rows), str(repeats)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return min(map(float, done.stdout.split()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, help="the folder for the results (by default named after the machine)")
    options = parser.parse_args()
    names = [name for name in SETUP if find_spec(name) is not None]
    lines = [["CPU s", "rows x columns", *names, "netspec / polars"]]
    with tempfile.TemporaryDirectory() as folder:
        warm_up = write_table(Path(folder) / "warm.csv", 3, 3)
        for case, (rows, columns) in CASES.items():
            table = write_table(Path(folder) / "table.csv", rows, columns)
            rounds_here, repeats = (options.rounds, options.repeats) if columns < 10_000 else (1, 1)
            taking_part = [name for name in names if name != "pandas" or columns < 10_000]
            rounds = [
                {name: seconds(name, table, rows, warm_up, repeats) for name in taking_part} for _ in range(rounds_here)
            ]
            best = {name: min(found[name] for found in rounds) for name in taking_part}
            cells = [f"{best[name]:.2f}" if name in best else "" for name in names]
            lines.append([case, f"{rows:,} x {columns:,}", *cells, f"{best['netspec'] / best['polars']:.2f}"])
            print(" ".join(lines[-1]), flush=True)
    machine = describe()
    head = f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}; goal: at most {GOAL}"
    text = f"{head}\n\n{aligned(lines)}\n"
    target = options.out or RESULTS / slug()
    target.mkdir(parents=True, exist_ok=True)
    (target / "tables.txt").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
