"""Settings of trainers of other libraries, such as Hugging Face and Lightning, that are one setting here together."""

from __future__ import annotations

import re
from collections.abc import Sequence

from netspec.compiler.names.hints.foreign import rewrite
from netspec.compiler.syntax import tree
from netspec.language.corrections import squeeze
from netspec.language.word import Word

WARMUPS = {
    **dict.fromkeys(["warmupsteps", "numwarmupsteps", "warmupiters", "warmupiterations"], "steps"),
    **dict.fromkeys(["warmupepochs", "numwarmupepochs"], "epochs"),
    **dict.fromkeys(["warmupratio", "warmupfraction", "warmupproportion"], "ratio"),
}
"""What people call the time of a warmup, squeezed, and its unit."""


def advise_warmup(section: type[Word], entry: tree.Assign, entries: Sequence[tree.Statement]) -> str | None:
    """For the time of a warmup, or a schedule with another name beside one: the schedule with both; None for others."""
    option = next((o for o in section.options() if o.kind.category == "schedule"), None)
    given = {squeeze(e.name.name): e for e in entries if isinstance(e, tree.Assign)}
    warmup = next((given[key] for key in WARMUPS if key in given), None)
    if option is None or warmup is None:
        return None
    names = [squeeze(name) for name in (option.name, *option.aliases)]
    schedule = next((given[name] for name in names if name in given), None)
    if entry is not warmup and entry is not schedule:
        return None
    rest = rewrite(schedule.value, option.kind) if schedule is not None else "cosine"
    line = f"{option.name} = warmup({_time(warmup, section, given)}) -> {rest}"
    if entry is schedule:
        return f"remove it: it is part of the line `{line}`"
    if schedule is not None and schedule.name.name == option.name:
        return f"write `{line}` (line {schedule.name.span.first.line}), and remove this line"
    return f"write `{line}`"


def advise_loss_weights(
    section: type[Word], entry: tree.Assign, entries: Sequence[tree.Statement], file: tree.File
) -> str | None:
    """For a list of weights, one for each output: the losses of the outputs with their weights; None for others."""
    option = next((o for o in section.options() if o.name == "loss"), None)
    outputs = [s.name.name for s in file.statements if isinstance(s, tree.Output)]
    if option is None or squeeze(entry.name.name) != "lossweights" or not isinstance(entry.value, tree.ListLiteral):
        return None
    given = next((e for e in entries if isinstance(e, tree.Assign) and e.name.name == option.name), None)
    value = given.value if given is not None else None
    items = value.items if isinstance(value, tree.ListLiteral | tree.Chain) else () if value is None else (value,)
    losses = [f"{rewrite(item, option.kind)}, " for item in items] or [""] * len(outputs)
    weights = [item.span.text for item in entry.value.items]
    if len(weights) != len(outputs) or len(losses) not in (1, len(outputs)) or any(o.startswith("of(") for o in losses):
        return None
    losses = losses * (len(outputs) // len(losses))
    named = zip(outputs, losses, weights, strict=True)
    line = " -> ".join(f'of("{output}", {loss}weight = {weight})' for output, loss, weight in named)
    if given is None:
        return f"write `{option.name} = {line}`"
    return f"write `{option.name} = {line}` (line {given.name.span.first.line}), and remove this line"


def _time(warmup: tree.Assign, section: type[Word], given: dict[str, tree.Assign]) -> str:
    """How long a warmup is: a fraction is one of the epochs that are given, or of their default."""
    unit, value = WARMUPS[squeeze(warmup.name.name)], warmup.value.span.text
    if unit != "ratio" or not re.fullmatch(r"[0-9.]+%?", value):
        return f"{value} {'epochs' if unit == 'ratio' else unit}"
    option = next(o for o in section.options() if o.name == "epochs")
    names = [squeeze(name) for name in (option.name, *option.aliases)]
    text = next((given[name].value.span.text for name in names if name in given), str(option.default))
    fraction = float(value.rstrip("%")) / (100 if value.endswith("%") else 1)
    return f"{fraction * (int(text) if text.isdigit() else 1):.3g} epochs"
