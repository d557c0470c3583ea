"""Where the time of a training step goes: a trace of some steps, and the share of each layer in it.

Input: a training that is about to begin. Output: `Profile`, and a file in the JSON format of Chrome traces, which
https://ui.perfetto.dev opens. The steps run on a copy of the state, so that the training itself stays as it is.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from netspec.analysis.first_aid.errors import NoProfile, NotTogether
from netspec.analysis.first_aid.trace import Part, annotate, busy_parts, layers_of_operations, read_trace, trace_bytes
from netspec.compiler.backend.emit import emit_source
from netspec.compiler.backend.load import load_source, network_class
from netspec.compiler.ir.cost import rows
from netspec.data.prepare_batches import BatchSplit
from netspec.display.text import table_lines
from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of, replace_file
from netspec.training.loop.callback import TrainingCallback
from netspec.training.step.engine import Engine, State
from netspec.training.step.epoch_steps import steps_of

WARM, STEPS = 3, 10
"""Steps before the trace, of which the first one is compiled, and steps in it."""
FILE = "profile.json.gz"
MAX_ROWS = 30
"""Layers in the table; the others are one row."""


@dataclass(frozen=True)
class Profile:
    """Where the time of a training step goes.

    Args:
        file: the trace.
        device: where it was computed.
        steps: how many are in the trace.
        step_seconds: how long one takes, with what the host does.
        parts: the parts of the time in which operations ran: of each layer in the order of the network, then of the
            loss with the metrics, of the optimizer with the batch, and of operations that belong to nothing known.
    """

    file: Path
    device: str
    steps: int
    step_seconds: float
    parts: tuple[Part, ...]

    @property
    def unattributed(self) -> float:
        """The share of the time of operations whose layer is not known."""
        return next((part.share for part in self.parts if part.kind == "unknown"), 0.0)

    def record(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        parts = [{**vars(part), "share": part.share} for part in self.parts]
        return {"event": "profile", **vars(self), "file": str(self.file), "parts": parts}

    def __str__(self) -> str:
        each = 1000 / self.steps
        rows = [("part", "forward", "backward", "ms", "share")]
        for part in self._shown():
            forward, backward = (f"{x * each:.3f}" * (part.kind == "layer") for x in (part.forward, part.backward))
            rows.append((part.name, forward, backward, f"{part.seconds * each:.3f}", f"{100 * part.share:.1f}%"))
        total = sum(part.seconds for part in self.parts) * each
        return "\n".join(
            [
                f"profile of {self.steps} steps on {self.device}: {1000 * self.step_seconds:.2f} ms per step, of which"
                f" operations {total:.2f} ms; not attributed: {100 * self.unattributed:.1f}%",
                *table_lines(rows),
                f"the trace is in {self.file}: open it at https://ui.perfetto.dev",
            ]
        )

    def _shown(self) -> list[Part]:
        layers = [part for part in self.parts if part.kind == "layer"]
        if len(layers) <= MAX_ROWS:
            return list(self.parts)
        largest = sorted(layers, key=lambda part: -part.seconds)[:MAX_ROWS]
        rest = [part for part in layers if part not in largest]
        total = sum(part.whole for part in self.parts[:1])
        others = Part(
            f"{len(rest)} other layers", "layer", sum(p.forward for p in rest), sum(p.backward for p in rest), total
        )
        return [*(p for p in layers if p in largest), others, *(p for p in self.parts if p.kind != "layer")]


class Profiler(TrainingCallback):
    """Makes the profile of a training before its first step; of several trainings, of the first one.

    Args:
        file: where the trace goes, a new file; None: `profile.json.gz` in the run folder.
        tell: called with the profile as soon as it is there; `profile` has it afterwards.

    Example:
        profiler = netspec.Profiler()
        netspec.train("net.net", callbacks=[profiler])
        print(profiler.profile)

    Raises:
        CompileError: the file exists (NS658).
    """

    def __init__(self, file: str | Path | None = None, tell: Callable[[Profile], object] = lambda _: None) -> None:
        self.file = None if file is None else Path(file)
        self.tell = tell
        self.profile: Profile | None = None
        if self.file is not None and self.file.exists():
            raise fail(NoProfile(reason=f"{file} exists", advice="give another name, or remove it"))

    def on_begin(self, training: Any) -> None:
        if isinstance(training.engine.experiment.train, BatchSplit):
            raise fail(NotTogether(case="batches", option="netspec.Profiler", other="an iterable of batches"))
        if self.profile is None:
            file = self.file or training.run.path / FILE
            self.profile = profile_steps(training.engine, training.data, training.state, file)
            self.tell(self.profile)


def profile_steps(engine: Engine, data: Any, state: State, file: Path) -> Profile:
    """Take some steps under the profiler of JAX.

    Args:
        engine: that of a training, of a network from a spec.
        data: what it trains on.
        state: from which the steps begin; it is copied.
        file: where the trace is written.

    Raises:
        CompileError: the file cannot be written, or nothing was recorded (NS658).
    """
    scoped = _with_scopes(engine)
    state = {**scoped.copy(state), "step": jnp.int32(0)}
    takes = _full_steps(scoped, data)
    with closing(takes), tempfile.TemporaryDirectory(prefix="netspec-profile-") as folder:
        program, first = next(takes)
        compiled = _compiled(program, state, first)
        state, loss = compiled(state, *first)
        for _, given in islice(takes, WARM - 1):
            state, loss = compiled(state, *given)
        jax.block_until_ready(loss)
        options = jax.profiler.ProfileOptions()
        options.python_tracer_level = 0
        with jax.profiler.trace(folder, profiler_options=options):
            began = time.perf_counter()
            for _, given in islice(takes, STEPS):
                state, loss = compiled(state, *given)
            jax.block_until_ready(loss)
            seconds = time.perf_counter() - began
        trace = read_trace(Path(folder))
    layers = layers_of_operations(compiled.as_text())
    events = annotate(trace, layers)
    parts = busy_parts(events, [row.name for row in rows(_compilation(engine).optimized)])
    if not parts:
        raise fail(NoProfile(reason="the profiler of JAX recorded no operation", advice="update jax"))
    _write(file, trace_bytes(trace))
    return Profile(file, engine.placement.description, STEPS, seconds / STEPS, parts)


def _compilation(engine: Engine) -> Any:
    """The spec of the network."""
    return engine.experiment.compilation  # type: ignore[attr-defined]  # what is profiled is from a spec


def _with_scopes(engine: Engine) -> Engine:
    """An engine of the same training, whose programs name their operations by layers."""
    spec = _compilation(engine)
    source = emit_source(spec.optimized, scopes=True)
    network = network_class(load_source(source, f"{spec.name}_scopes"))
    experiment = replace(engine.experiment, make_module=lambda rngs: network(rngs=rngs))
    return Engine(experiment, placement=engine.placement)


def _compiled(program: Any, state: State, given: tuple[Any, ...]) -> Any:
    """The program, compiled for these arguments; not one from the cache on the disk, which may have other names for
    the same operations."""
    name = "jax_compilation_cache_include_metadata_in_key"
    before = getattr(jax.config, name)
    jax.config.update(name, True)
    try:
        return program.lower(state, *given).compile()
    finally:
        jax.config.update(name, before)


def _full_steps(engine: Engine, data: Any) -> Generator[tuple[Any, tuple[Any, ...]], None, None]:
    """Programs of a step and their arguments, for ever; a smaller last batch is left out, unless it is the only one."""
    full, first = max(1, data.examples // engine.recipe.batch), None
    for epoch in count():
        with closing(steps_of(engine, data, epoch, 0, full, is_single=True)) as taken:
            for program, given, _ in taken:
                first = program if first is None else first
                if program is first:  # an iterable may have batches of other sizes
                    yield program, given


def _write(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, [content])
    except OSError as error:
        raise fail(
            NoProfile(reason=f"{file} cannot be written: {reason_of(error)}", advice="name another file")
        ) from None
