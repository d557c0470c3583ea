"""Which lowering trains a spec fastest on this machine: measured on whole training steps, and remembered.

Input: an experiment. Output: `Tuning`, with the time of a step for each candidate, and a file in the cache that
`netspec train` looks for. The candidates are everything (`fast`), nothing (`reference`), everything but one family for
each that the network has a use for, and everything but all of those that are better left out.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.analysis.lowering_plan import plan_of
from netspec.language.files.atomic_files import replace_file
from netspec.language.files.cache_dir import cache_folder
from netspec.language.files.regular_file import Limit, read_regular
from netspec.language.lowering_families import FAST, REFERENCE, LoweringKind
from netspec.spec.canonical import meaning_of
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import SpecExperiment, with_overrides
from netspec.training.feed.device import processor
from netspec.training.feed.device_data import Data
from netspec.training.feed.prefetch import Stream
from netspec.training.step.engine import Engine

Lowering = tuple[str, ...]
WORTH = 0.98
"""A family is left out when a step without it takes less than this part of the time: less is noise."""
WARM_STEPS = 2
TUNED = "tuned"
"""What is remembered is in this folder of the cache."""
LIMIT = Limit("NETSPEC_MAX_TUNED_MB", 1, "MB", 10**6)


@dataclass(frozen=True)
class Tuning:
    """Seconds of a training step by lowering; `best` is the fastest."""

    seconds: Mapping[Lowering, float]

    @property
    def best(self) -> Lowering:
        return min(self.seconds, key=lambda lowering: self.seconds[lowering])

    @property
    def milliseconds(self) -> dict[str, float]:
        """The same, by the lowering as a spec says it."""
        return {LoweringKind().to_source(lowering): seconds * 1000 for lowering, seconds in self.seconds.items()}


def tune(prepared: SpecExperiment, seconds: float = 20.0) -> Tuning:
    """Measure the candidates in turn, again and again, for about `seconds`, compilation not included."""
    choices = plan_of(with_lowering(prepared.compilation, FAST)).layers
    families = [family for family in FAST if any(choice.family == family for choice in choices)]
    found = _measure(prepared, dict.fromkeys([FAST, REFERENCE, *(_without([f]) for f in families)]), seconds)
    slower = [f for f in families if found[_without([f])] < WORTH * found[FAST]]
    if len(slower) > 1:
        again = _measure(prepared, [FAST, _without(slower)], seconds / 2)
        found[_without(slower)] = again[_without(slower)] * found[FAST] / again[FAST]  # the machine may have changed
    return Tuning(found)


def _without(families: Iterable[str]) -> Lowering:
    left_out = set(families)
    return tuple(family for family in FAST if family not in left_out)


def _measure(prepared: SpecExperiment, lowerings: Iterable[Lowering], seconds: float) -> dict[Lowering, float]:
    """The median time of a step for each; they take turns, so that a busy machine disturbs all alike."""
    engines = {
        lowering: Engine(replace(prepared, recipe=prepared.recipe.replace(lowering=lowering))) for lowering in lowerings
    }
    data = next(iter(engines.values())).feed(prepared.splits.train)
    assert isinstance(data, Data | Stream)
    candidates = {lowering: _Candidate(engine, data) for lowering, engine in engines.items()}
    times: dict[Lowering, list[float]] = {lowering: [] for lowering in candidates}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(times.values()))) < 3:
        for lowering, candidate in candidates.items():
            times[lowering].append(candidate.step())
    return {lowering: statistics.median(measured) for lowering, measured in times.items()}


class _Candidate:
    """The training step with one lowering, compiled and warm."""

    def __init__(self, engine: Engine, data: Data | Stream) -> None:
        size = engine.batch_size(0, data.examples)
        order = engine.order(0, data.examples)
        self.state = engine.start()
        self.given: tuple[Any, ...]
        if isinstance(data, Stream):
            self.program, self.given = engine.batch_program(size), (data.read(np.asarray(order)[:size]),)
        else:
            self.program, self.given = engine.step_program(size), (data.arrays, order)
        for _ in range(WARM_STEPS):
            self.step()

    def step(self) -> float:
        """Seconds of the first step of an epoch."""
        state = {**self.state, "step": jnp.int32(0)}
        began = time.perf_counter()
        self.state, loss = self.program(state, *self.given)
        loss.block_until_ready()
        return time.perf_counter() - began


# ---------------------------------------------------------------- remembering


def with_lowering(spec: Compilation, lowering: Lowering) -> Compilation:
    """The same spec with `train { lowering = … }`."""
    return with_overrides(spec, {"train.lowering": LoweringKind().to_source(lowering)}, None)


def remember(spec: Compilation, found: Tuning) -> Path | None:
    """Keep the best for `recall`; None where there is no place for it.

    Raises:
        OSError: the file cannot be written.
    """
    path = _place(spec)
    if path is None:
        return None
    path.parent.mkdir(exist_ok=True)
    content = {"lowering": list(found.best), "milliseconds": found.milliseconds}
    replace_file(path, [json.dumps(content, indent=2).encode()])
    return path


def recall(spec: Compilation) -> Lowering | None:
    """What was measured to be best for this network, batch and device; None where nothing was."""
    folder = cache_folder()
    if folder is None or not (folder / TUNED).is_dir():
        return None  # nothing was ever measured: a training that begins need not work out what it means for that
    path = _place(spec)
    if path is None:
        return None
    try:
        kept = list(json.loads(read_regular(path, LIMIT))["lowering"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None  # not there, or not written by `remember`: it is only a measurement, and can be made again
    return tuple(family for family in FAST if family in kept)


def _place(spec: Compilation) -> Path | None:
    """The file for a network, its batch, its precision, and the device."""
    folder, train = cache_folder(), spec.train
    device = f"{jax.devices()[0].device_kind} {processor()} {jax.__version__}"
    what = f"{device} {train.batch} {train.precision} {train.remat} {meaning_of(spec).network_hash}"
    name = sha256(what.encode()).hexdigest()[:16]
    return folder / TUNED / f"{name}.json" if folder is not None else None
