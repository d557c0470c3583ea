"""Traces of the profiler of JAX: which layer each operation belongs to, and how long each layer takes.

Input: the folder that `jax.profiler.trace` has written, and the text of the compiled program, whose metadata name the
scope of every operation. Output: events in the JSON format of Chrome traces with their layers, and times by layer.

Reference: Trace Event Format, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec.analysis.first_aid.errors import NoProfile
from netspec.language.diagnostics import fail

Event = dict[str, Any]
"""An event of a trace: `ph` its kind ("X": it has a begin `ts` and a duration `dur`, in microseconds), `pid` and `tid`
where it ran, `args`."""

LOSS, OPTIMIZER, UNKNOWN = "loss and metrics", "optimizer and batch", "not attributed"
KINDS = {LOSS: "loss", OPTIMIZER: "optimizer", UNKNOWN: "unknown"}
MICRO = 1e-6
NEIGHBORS = 3
"""How far an operation with a scope may be from one without, which then counts to it."""

_MARK = re.compile(r"layer:([^/()\"]+)")
_COMPUTATION = re.compile(r"^(?:ENTRY )?%?([\w.\-]+) .*\{$")
_OPERATION = re.compile(r"^\s+(?:ROOT )?%?([\w.\-]+) = ")
_SCOPE = re.compile(r'op_name="([^"]*)"')
_OPERAND = re.compile(r"%([\w.\-]+)")
_CALLED = re.compile(r"(?:calls|to_apply|body)=%?([\w.\-]+)")


@dataclass(frozen=True)
class Part:
    """How long the operations of a part of a step took, in all steps of a trace.

    Args:
        name: of the layer, as `netspec show` lists it, or what else was computed.
        kind: `layer`, `loss`, `optimizer` or `unknown`.
        forward: seconds of its operations without `backward`.
        backward: seconds of those of its gradient.
        whole: seconds of all operations.
    """

    name: str
    kind: str
    forward: float
    backward: float
    whole: float

    @property
    def seconds(self) -> float:
        return self.forward + self.backward

    @property
    def share(self) -> float:
        """The fraction of the time of all operations."""
        return self.seconds / self.whole if self.whole else 0.0


def read_trace(folder: Path) -> dict[str, Any]:
    """The trace in a folder of the profiler.

    Raises:
        CompileError: there is none (NS658).
    """
    files = sorted(folder.rglob("*.trace.json.gz"))
    if not files:
        raise fail(NoProfile(reason="the profiler of JAX wrote no trace", advice="update jax"))
    trace: dict[str, Any] = json.loads(gzip.decompress(files[0].read_bytes()))
    return trace


def trace_bytes(trace: Mapping[str, Any]) -> bytes:
    """The file of a trace: compressed JSON."""
    return gzip.compress(json.dumps(trace).encode(), mtime=0)


# ---------------------------------------------------------------- whose operation it is


def layers_of_operations(program: str) -> dict[str, str]:
    """The scope of each operation of a compiled program, by its name. A fusion without one of its own has the most
    frequent scope in it; a copy that the compiler has added, that of an operation which takes it, or which it takes.

    Args:
        program: the text of the program (HLO) with its metadata.
    """
    scopes: dict[str, str] = {}
    called: dict[str, str] = {}
    takes: dict[str, list[str]] = {}
    inside: dict[str, list[str]] = defaultdict(list)
    computation = ""
    for line in program.splitlines():
        if (begins := _COMPUTATION.match(line)) is not None:
            computation = begins[1]
        elif (operation := _OPERATION.match(line)) is not None:
            name = operation[1]
            if (scope := _SCOPE.search(line)) is not None:
                scopes[name] = scope[1]
                inside[computation].append(scope[1])
            takes[name] = _OPERAND.findall(line.partition(" = ")[2].partition(", metadata=")[0])
            if (call := _CALLED.search(line)) is not None:
                called[name] = call[1]
    for name, computation in called.items():
        if not _MARK.search(scopes.get(name, "")) and inside[computation]:
            counts = Counter(inside[computation])
            marked = Counter({scope: n for scope, n in counts.items() if _MARK.search(scope)})
            scopes[name] = max(marked or counts, key=counts.__getitem__)
    users: dict[str, list[str]] = defaultdict(list)
    for name, operands in takes.items():
        for operand in operands:
            users[operand].append(name)
    for _ in range(NEIGHBORS):
        for name in [name for name in takes if name not in scopes]:
            near = [scopes[other] for other in (*users[name], *takes[name]) if other in scopes]
            if near:
                scopes[name] = near[0]
    return scopes


def layer_of(scope: str, known: Sequence[str]) -> str:
    """The name of the part that a scope such as `jit(step)/jvp(layer:block)/layer:conv/dot_general` belongs to."""
    marks: list[str] = _MARK.findall(scope)
    for begin in range(len(marks)):
        for end in range(len(marks), begin, -1):
            if (name := "/".join(marks[begin:end])) in known:
                return name
    if marks:
        return marks[0]
    return UNKNOWN if not scope else LOSS if "jvp" in scope else OPTIMIZER


def annotate(trace: Mapping[str, Any], scopes: Mapping[str, str]) -> list[Event]:
    """The events of operations of the device, each with the arguments `scope` and `layer`; they are those of the trace,
    so that a viewer shows them, too."""
    events: list[Event] = trace["traceEvents"]
    names = {e["pid"]: e["args"]["name"] for e in events if e.get("ph") == "M" and e.get("name") == "process_name"}
    devices = {pid for pid, name in names.items() if name.startswith("/device:")}
    found = []
    for event in events:
        operation = event.get("args", {}).get("hlo_op")
        if event.get("ph") != "X" or operation is None or (devices and event["pid"] not in devices):
            continue
        scope = scopes.get(operation, "")
        event["args"] |= {"scope": scope.replace("layer:", ""), "layer": "/".join(_MARK.findall(scope))}
        event["_scope"] = scope
        found.append(event)
    return found


# ---------------------------------------------------------------- how long it takes


def own_seconds(events: Iterable[Event]) -> list[tuple[Event, float]]:
    """The time of each event without that of the events inside it, on the same thread."""
    by_thread: dict[Any, list[Event]] = defaultdict(list)
    for event in events:
        by_thread[event["pid"], event["tid"]].append(event)
    found = []
    for group in by_thread.values():
        open_events: list[list[Any]] = []  # each with the time of those inside it
        for event in sorted(group, key=lambda e: (e["ts"], -e["dur"])):
            while open_events and event["ts"] >= open_events[-1][0]["ts"] + open_events[-1][0]["dur"] - 1e-9:
                closed, inner = open_events.pop()
                found.append((closed, max(0.0, closed["dur"] - inner) * MICRO))
            if open_events:
                open_events[-1][1] += event["dur"]
            open_events.append([event, 0.0])
        found += [(closed, max(0.0, closed["dur"] - inner) * MICRO) for closed, inner in open_events]
    return found


def busy_parts(events: Iterable[Event], known: Sequence[str]) -> tuple[Part, ...]:
    """The times of operations by layer, in the order of `known`, then of what belongs to none."""
    times: dict[str, list[float]] = {}
    for event, seconds in own_seconds(events):
        scope = event.pop("_scope")
        part = times.setdefault(layer_of(scope, known), [0.0, 0.0])
        part["transpose(" in scope] += seconds
    whole = sum(map(sum, times.values()))
    place = {name: number for number, name in enumerate([*known, LOSS, OPTIMIZER, UNKNOWN])}
    names = sorted(times, key=lambda name: place.get(name, len(known) - 0.5))
    return tuple(Part(name, KINDS.get(name, "layer"), times[name][0], times[name][1], whole) for name in names)
