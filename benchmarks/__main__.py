"""netspec beside Flax NNX, functional Flax, Keras 3 on JAX, Equinox, PyTorch and torch.compile.

Prints a table, and writes it with all measurements as JSON and as a picture to benchmarks/results/NAME. What is
measured, and how to read it, is in benchmarks/README.md.

    python -m benchmarks                              everything
    python -m benchmarks --only bilstm-step           some workloads; the others of the folder stay
    python -m benchmarks --quick                      whether everything runs, in less than a minute
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks import machine, reporting
from benchmarks.contestants.base import CONTESTANTS
from benchmarks.measuring import Measuring, Plan, Row
from benchmarks.workloads import QUICK, WORKLOADS

RESULTS = Path(__file__).parent / "results"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    plan = Plan()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument(
        "--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS), metavar="NAME",
        help=", ".join(CONTESTANTS),
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=float, default=plan.seconds,
        help=f"begin no new round of a workload after this time, once it has the least ({plan.seconds:g})",
    )  # fmt: skip
    parser.add_argument("--repeats", type=int, default=plan.repeats, help=f"the most rounds ({plan.repeats})")
    parser.add_argument("--out", type=Path, help="the folder for the results (by default named after the machine)")
    parser.add_argument("--quick", action="store_true", help="few examples, one round: fails only when something fails")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    with ExitStack() as stack:
        plan = Plan(options.seconds, options.repeats)
        folder = options.out or RESULTS / machine.slug()
        if options.quick:
            plan = Plan(repeats=1, least=1, short=True)
            folder = options.out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        rows = measure_all(options.only or (QUICK if options.quick else WORKLOADS), options.contestants, plan, folder)
    problems = [problem for row in rows for problem in row.problems()]
    for problem in problems:
        say(problem)
    return 1 if problems else 0


def measure_all(workloads: tuple[str, ...], contestants: list[str], plan: Plan, folder: Path) -> list[Row]:
    """Measure, print, and write after every workload what there is."""
    about, rows, began = machine.describe(), list[Row](), time.perf_counter()
    with Measuring(contestants, plan, say) as measuring:
        for name in workloads:
            say(f"{time.perf_counter() - began:5.0f}s  {name}")
            rows.append(measuring.measure(WORKLOADS[name]))
            records = reporting.join(folder, [reporting.record_of(row) for row in rows])
            reporting.write(folder, records, about)
    print(reporting.table(records, about))
    say(f"{time.perf_counter() - began:5.0f}s  written to {folder}")
    return rows


if __name__ == "__main__":
    sys.exit(main())
