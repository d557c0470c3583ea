"""What the devices of a mesh send each other: read from a compiled program, and the bytes of each operation.

Input: the text of a program of XLA after partitioning. Output: its collective operations. The program is that of one
device, so that shapes are those of its part.

Reference: Thakur, Rabenseifner and Gropp 2005, Optimization of collective communication operations in MPICH; the
factors are also those of the bus bandwidth in the tests of NCCL (nccl-tests, PERFORMANCE.md).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal["all-reduce", "all-gather", "reduce-scatter", "collective-permute", "all-to-all"]
KINDS: tuple[Kind, ...] = get_args(Kind)

BITS = {"pred": 8, "bf16": 16, "f16": 16, "f32": 32, "f64": 64, "c64": 64, "c128": 128}
"""Of the types whose name does not end in their number of bits, as `s32` and `u8` do; those of 8-bit floats begin with
it, as in `f8e4m3fn`."""


@dataclass(frozen=True)
class Collective:
    """An operation of a group of devices, `count` times in a step.

    `size` is the bytes of the whole array that it gives or, for a reduce-scatter, takes; those of the part of a device
    for `all-to-all`; and for `collective-permute` what a device sends on average, since some may send nothing.
    """

    kind: Kind
    size: int
    devices: int
    count: int = 1

    @property
    def sent(self) -> float:
        """Bytes that each device sends, and receives, for all of them."""
        return self.count * ring_bytes(self.kind, self.size, self.devices)


def ring_bytes(kind: Kind, size: int, devices: int) -> float:
    """Bytes that each device of a ring sends for one operation, which is the least that any algorithm needs.

    Args:
        kind: the operation; an all-reduce is a reduce-scatter and an all-gather.
        size: the bytes of the array, as in `Collective.size`.
        devices: how many take part.
    """
    if devices <= 1:
        return 0.0
    if kind == "collective-permute":
        return float(size)
    return (2 if kind == "all-reduce" else 1) * size * (devices - 1) / devices


def sent_by_kind(collectives: Iterable[Collective]) -> dict[Kind, float]:
    """Bytes that each device sends in a step, by kind; kinds that send nothing are left out."""
    found: Counter[Kind] = Counter()
    for one in collectives:
        found[one.kind] += one.sent  # type: ignore[assignment]  # a Counter adds floats, too
    return {kind: found[kind] for kind in KINDS if found[kind]}


# ---------------------------------------------------------------- the text of a program

_COMPUTATION = re.compile(r"^(?:ENTRY )?%?([\w.\-]+) .*\{\s*$")
_OPERATION = re.compile(rf"= (?P<result>.+?) (?P<kind>{'|'.join(KINDS)})(?P<starts>-start)?\((?P<operands>.*)")
_ARRAY = re.compile(r"\b([a-z]+\d*[a-z0-9]*)\[([\d,]*)\]")
_CALLED = re.compile(r"\b(?:calls|to_apply|body|condition|\w+_computations?)=(?:\{([^}]*)\}|(%?[\w.\-]+))")
_TRIPS = re.compile(r'"known_trip_count":\s*\{\s*"n":\s*"?(\d+)')


def collectives_of(program: str) -> list[Collective]:
    """The collective operations of a program, with how often a step runs each.

    A loop runs its body as often as the compiler knows; where it does not know, once.

    Args:
        program: as `jax.stages.Compiled.as_text` gives it.
    """
    partitions = re.search(r"num_partitions=(\d+)", program)
    bodies = _Bodies(dict(_computations(program)), int(partitions[1]) if partitions else 1)
    entry = re.search(r"^ENTRY %?([\w.\-]+) ", program, re.MULTILINE)
    if entry is None:
        raise ValueError("the text is not a program of XLA: it has no line that begins with `ENTRY`")
    found: Counter[Collective] = Counter()
    _count(entry[1], 1, bodies, found)
    return [Collective(one.kind, one.size, one.devices, count) for one, count in found.items()]


@dataclass(frozen=True)
class _Bodies:
    """The lines of each computation, and for how many devices the program is."""

    lines: Mapping[str, list[str]]
    partitions: int


def _computations(program: str) -> Iterator[tuple[str, list[str]]]:
    name, lines = "", list[str]()
    for line in program.splitlines():
        begins = _COMPUTATION.match(line)
        if begins and " = " not in line.partition("(")[0]:
            name, lines = begins[1], []
        elif line.startswith("}") and name:
            yield name, lines
            name = ""
        else:
            lines.append(line)


def _count(name: str, times: int, bodies: _Bodies, found: Counter[Collective]) -> None:
    for line in bodies.lines.get(name, ()):
        operation = _OPERATION.search(line)
        if operation is not None:
            found[_collective(line, operation, bodies.partitions)] += times
            continue
        trips = _TRIPS.search(line)
        inner = times * int(trips[1]) if trips and " while(" in line else times
        for several, single in _CALLED.findall(line):
            for one in (several or single).split(","):
                _count(one.strip().lstrip("%"), inner, bodies, found)


def _collective(line: str, operation: re.Match[str], partitions: int) -> Collective:
    kind: Kind = operation["kind"]  # type: ignore[assignment]  # one of KINDS, by the pattern
    devices = _group_size(line)
    size = _bytes(operation["result"])
    if operation["starts"] and kind in ("all-gather", "collective-permute"):  # of its operand and its result
        arrays = _arrays(operation["result"])
        size = max(arrays) if kind == "all-gather" else arrays[0]
    if kind == "reduce-scatter":
        size *= devices
    if kind == "collective-permute":
        size = size * len(re.findall(r"\{\d+,\d+\}", line)) // partitions
    return Collective(kind, size, devices)


def _group_size(line: str) -> int:
    """How many devices take part: the size of the first group, in each of the ways in which XLA writes them."""
    if "source_target_pairs=" in line:
        return 2
    axes = re.search(r"replica_groups=mesh\[(.*?)\].*?\{('[^}]*)\}", line)
    if axes is not None:
        sizes = dict(re.findall(r"'(\w+)'=(\d+)", axes[1]))
        parts = re.findall(r"'(\w+)'(?::\(\d+\)(\d+))?", axes[2])
        return prod(int(part or sizes[name]) for name, part in parts)
    numbered = re.search(r"replica_groups=\[\d+,(\d+)\]<=", line)
    if numbered is not None:
        return int(numbered[1])
    listed = re.search(r"replica_groups=\{\{([\d,]*)\}", line)
    if listed is not None:
        return len(listed[1].split(","))
    everyone = re.search(r"replica_groups=\{\}", line)
    raise ValueError(f"the devices of a collective operation cannot be read: {'all' if everyone else line.strip()}")


def _bytes(shapes: str) -> int:
    return sum(_arrays(shapes))


def _arrays(shapes: str) -> list[int]:
    """The bytes of each array in a shape, which may be a tuple."""
    return [_bits(kind) * prod(int(n) for n in sizes.split(",") if n) // 8 for kind, sizes in _ARRAY.findall(shapes)]


def _bits(kind: str) -> int:
    known = BITS.get(kind)
    if known is not None:
        return known
    number = re.match(r"[a-z]+(\d+)", kind)
    if number is None:
        raise ValueError(f"`{kind}` is not a type of XLA that is known here")
    return int(number[1])
