"""Rows as a table, as JSON, and as a picture.

Everything is made from the plain records of `record_of`, so that a run of some workloads may be joined to those that
lie in the folder already.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.contestants.base import CONTESTANTS
from benchmarks.contestants.matmul_size import FLOPS
from benchmarks.measuring import JAX, Row
from benchmarks.workloads import WORKLOADS, Workload
from netspec.compiler.ir.cost import total_cost
from netspec.runs.arguments import read_spec
from netspec.spec.compilation import Compilation

Record = dict[str, Any]
MIB = 1024**2
PASSES = {"epochs": 3, "step": 3, "answer": 1}
"""Forward, and back to weights and to inputs: each takes the multiply-adds of the network once."""


def multiply_adds(workload: Workload) -> int:
    """Of one example, forward, as netspec counts them."""
    graph = Compilation(read_spec(workload.net.file)).graph
    assert graph is not None
    return int(total_cost(graph).macs)


def record_of(row: Row) -> Record:
    """A row as plain data."""
    workload = row.workload
    found: Record = {
        "workload": workload.name,
        "kind": workload.kind,
        "batch": workload.batch,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "real_data": row.is_real,
        "goals": {"jax": workload.goals.jax, "torch": workload.goals.torch},
        "contestants": {},
        "ratios": {},
    }
    for name, part in row.parts.items():
        entry: Record = {"failure": part.failure} if part.failure else {"median": part.median, "samples": part.samples}
        for key in ("parameters", "accuracy"):
            if (value := getattr(part, key)) is not None:
                entry[key] = value
        found["contestants"][name] = entry
    for other in (*JAX, row.best_torch):
        if other is not None and (ratio := row.ratio("netspec", other)) is not None:
            found["ratios"][other] = dict(zip(("median", "least", "most"), ratio, strict=True))
    found["best_torch"] = row.best_torch
    if row.peak:
        found["peak_gflops"] = FLOPS / median(row.peak) / 1e9
        passes, examples = PASSES[workload.kind], workload.examples if workload.kind == "epochs" else workload.batch
        flops = 2 * multiply_adds(workload) * examples * passes
        for entry in found["contestants"].values():
            if "median" in entry:
                entry["share_of_peak"] = flops / entry["median"] / 1e9 / found["peak_gflops"]
    return found


# ------------------------------------------------------------ text


def amount(record: Record, value: float) -> str:
    """A number with its unit: epochs and first steps in s, steps and answers in ms, memory in MiB."""
    if record["kind"] == "memory":
        return f"{value / MIB:.0f} MiB"
    return f"{value:.2f} s" if record["kind"] in ("epochs", "first") else f"{value * 1e3:.3g} ms"


def spread(samples: Sequence[float]) -> str:
    """Half of the distance between the quartiles, as a share of the median; one sample has none."""
    if len(samples) < 2:
        return ""
    low, _, high = quantiles(samples, n=4, method="inclusive")
    return f" ±{(high - low) / 2 / median(samples):.0%}"


def _cell(record: Record, name: str) -> str:
    entry = record["contestants"].get(name)
    if entry is None:
        return ""
    if "median" not in entry:
        return "fails"
    text = f"{amount(record, entry['median'])}{spread(entry['samples'])}"
    return text + (f" ({entry['accuracy']:.1%})" if "accuracy" in entry else "")


def _goal_cells(record: Record) -> list[str]:
    """The ratios to Flax NNX, Keras and the faster way of PyTorch, the goals, and whether they are met."""
    ratios, goals, best = record["ratios"], record["goals"], record["best_torch"]
    shown = [f"{ratios[n]['median']:.2f}" if n in ratios else "" for n in (*JAX, best or "")]
    judged = [
        ratios[name]["median"] <= goals[goal]
        for name, goal in [*((name, "jax") for name in JAX), (best, "torch")]
        if name in ratios and goals[goal] is not None
    ]
    wanted = f"{goals['jax']}" + ("" if goals["torch"] is None else f" / {goals['torch']}")
    return [*shown, wanted, "" if not judged else "yes" if all(judged) else "NO"]


def aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def table(records: Sequence[Record], machine: Mapping[str, Any]) -> str:
    """The machine, what each contestant took, and how netspec stands to the goals."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if version)
    head = (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']}\n{versions}\n{machine['compiler'] or 'no C++ compiler'}"
    )
    ran = [name for name in CONTESTANTS if any(name in record["contestants"] for record in records)]
    times = [["median ± half of the quartiles' distance", *ran]]
    times += [[record["workload"], *(_cell(record, name) for name in ran)] for record in records]
    titles = ["netspec takes, times what they do", "nnx", "keras", "torch (best)", "goal jax / torch", "met", "of peak"]
    stands = [titles]
    for record in records:
        share = record["contestants"].get("netspec", {}).get("share_of_peak")
        stands.append([record["workload"], *_goal_cells(record), "" if share is None else f"{share:.0%}"])
    peaks = [record["peak_gflops"] for record in records if "peak_gflops" in record]
    peak = f"peak: a 1024^3 product of float32, {median(peaks):.0f} GFLOP/s in the median" if peaks else ""
    kinds = {record["real_data"] for record in records if record["kind"] == "epochs"}
    data = {True: "epochs: MNIST, accuracy on its test examples in brackets", False: "epochs: random data"}
    notes = [peak, *(data[kind] for kind in sorted(kinds))]
    failures = [
        f"{record['workload']}, {name}: {entry['failure'].strip().splitlines()[-1]}"
        for record in records
        for name, entry in record["contestants"].items()
        if "failure" in entry
    ]
    parts = [head, aligned(times), aligned(stands), "\n".join(filter(None, notes)), "\n".join(failures)]
    return "\n\n".join(filter(None, parts)) + "\n"


# ------------------------------------------------------------ files


def join(folder: Path, records: Sequence[Record]) -> list[Record]:
    """These records and those of other workloads that the folder has, in the order of the table."""
    file = folder / "results.json"
    earlier = json.loads(file.read_text(encoding="utf-8"))["workloads"] if file.exists() else []
    by_name = {record["workload"]: record for record in [*earlier, *records]}
    return [by_name[name] for name in WORKLOADS if name in by_name]


def write(folder: Path, records: Sequence[Record], machine: Mapping[str, Any]) -> None:
    """`results.json`, `table.txt` and `ratios.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine, "workloads": list(records)}
    (folder / "results.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (folder / "table.txt").write_text(table(records, machine), encoding="utf-8")
    draw(folder / "ratios.png", records, machine)


def draw(path: Path, records: Sequence[Record], machine: Mapping[str, Any]) -> None:
    """What each contestant takes over what netspec takes: bars to the right of 1 are those that netspec beats."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = [record for record in records if "median" in record["contestants"].get("netspec", {})]
    others = [name for name in CONTESTANTS if name != "netspec" and any(name in r["contestants"] for r in shown)]
    if not (shown and others):
        return
    figure, axes = pyplot.subplots(figsize=(9, 1.5 + 0.13 * len(shown) * (len(others) + 1.5)), layout="constrained")
    height = 0.85 / len(others)
    for at, name in enumerate(others):
        entries = [
            (row, record["contestants"][name]["median"] / record["contestants"]["netspec"]["median"])
            for row, record in enumerate(shown)
            if "median" in record["contestants"].get(name, {})
        ]
        places = [row + (at - (len(others) - 1) / 2) * height for row, _ in entries]
        bars = [ratio - 1 for _, ratio in entries]
        axes.barh(places, bars, height * 0.9, left=1, label=CONTESTANTS[name].title)
        for place, (_, ratio) in zip(places, entries, strict=True):
            axes.text(ratio, place, f" {ratio:.2f} ", va="center", ha="left" if ratio >= 1 else "right", fontsize=6)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.margins(x=0.12, y=0.01)
    axes.set_yticks(range(len(shown)), [record["workload"] for record in shown])
    axes.invert_yaxis()
    axes.set_xlabel("time (or memory) of the others over that of netspec; to the right of 1 netspec takes less")
    axes.set_title(f"{machine['processor']}, {machine['cores']} cores", fontsize=10)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
