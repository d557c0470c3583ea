"""The lines of a spec: inputs, blocks, shared layers and statements; long chains have a line for each stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from netspec.interchange.reading.sketch import Sketch, Step
from netspec.interchange.reading.text.blocks import ordered_blocks
from netspec.interchange.reading.text.chains.structure import Program, Statement
from netspec.interchange.reading.text.library import LibraryBlock
from netspec.interchange.reading.text.names import Names, name_blocks, spoken
from netspec.interchange.reading.text.printing import (
    chain_text,
    is_sum,
    item_text,
    resolved,
    shortcut_text,
)
from netspec.interchange.reading.text.repeats import tail_cost
from netspec.interchange.reading.text.terms import (
    Block,
    Call,
    Chain,
    Formula,
    Label,
    Merge,
    Reference,
    Repeat,
    Shortcut,
    Term,
    Text,
    Use,
    count_of,
    value_text,
    walk,
)

LINE = 84
"""Longer chains get line ends between their stages."""
SHORT = 40
"""Stages of fewer letters share a line."""
DROPOUT = 3
"""What `tail_cost` is for dropout, which belongs to the stage before it."""
BLOCK_LINE = 105


def spec_lines(sketch: Sketch, program: Program, text: Text, imported: Mapping[int, LibraryBlock]) -> list[str]:
    """The statements of a spec, not yet formatted.

    Args:
        sketch: the network.
        program: its statements.
        text: their chains, and the blocks.
        imported: blocks of the library, by the identity of the blocks that they replace.
    """
    blocks = _own_blocks(text, imported)
    names = Names()
    _name_ends(sketch, program, text, names)
    for block in text.blocks:
        if id(block) in imported:
            block.name = imported[id(block)].name
            names.taken.add(block.name)
    name_blocks(blocks, text.chains, names)
    _name_tensors(sketch, program, names)
    for label, chain in program.shares:
        is_table = any(label is table for table in program.tables.values())
        label.text = names.take("table" if is_table else "tower" if count_of(chain) > 3 else "shared")
    for statement, chain in zip(program.statements, text.chains, strict=False):
        statement.chain = chain
    lines = [*_use_lines(imported.values()), *(_input_line(step, program) for step in sketch.inputs)]
    is_wide = True
    for block in blocks:
        line = definition_of(block)
        lines += [""] * (is_wide or "\n" in line or len(line) > BLOCK_LINE) + [line]
        is_wide = "\n" in line or len(line) > BLOCK_LINE
    shares = text.chains[len(program.statements) :]
    lines += [""] * bool(shares)
    lines += [f"share {label.text} = {_broken(c)}" for (label, _), c in zip(program.shares, shares, strict=True)]
    return [*lines, "", *_statements(sketch, program)]


def _own_blocks(text: Text, imported: Mapping[int, LibraryBlock]) -> list[Block]:
    """The blocks that are declared: all that are used but those of the library, inner ones first."""
    needed: set[int] = set()
    stack = list(text.chains)
    while stack:
        for term in walk(stack.pop()):
            if isinstance(term, Call) and term.block is not None and id(term.block) not in needed:
                needed.add(id(term.block))
                stack += [] if id(term.block) in imported else [term.block.body]
    return [block for block in ordered_blocks(text) if id(block) in needed and id(block) not in imported]


def _use_lines(imported: Iterable[LibraryBlock]) -> list[str]:
    """The imports from the library, a line for each file."""
    files: dict[str, set[str]] = {}
    for block in imported:
        files.setdefault(block.file, set()).add(block.name)
    lines = [f"use std.{file} ({', '.join(sorted(names))})" for file, names in sorted(files.items())]
    return [*lines, *([""] if lines else [])]


def _input_line(step: Step, program: Program) -> str:
    label = program.labels[id(step)].text
    return f"input {'' if label == 'input' else f'{label}: '}{step.declared_shape}"


def _name_ends(sketch: Sketch, program: Program, text: Text, names: Names) -> None:
    """Names for inputs and outputs; the only input has none where the file has none for it."""
    used = {v for c in text.all_chains() for t in c if isinstance(t, Reference) for v in t.values}
    for step in sketch.inputs:
        label = program.labels.setdefault(id(step), Label())
        wish = spoken(step.name)
        if len(sketch.inputs) == 1 and not wish and label not in used:
            label.text = "input"
        else:
            label.text = names.take(wish or ("x" if len(sketch.inputs) == 1 else "x1"), "x")
    if len(sketch.outputs) > 1:
        _name_outputs(sketch, program, used, names)


def _name_outputs(sketch: Sketch, program: Program, used: set[object], names: Names) -> None:
    """Outputs have the names of the file. A tensor that is read has another one: whoever reads a name of an output
    computes it again."""
    order = [id(step) for _, step in sketch.outputs]
    read = {id(s.source) for s in program.statements} | {key for key in order if order.count(key) > 1}
    read |= {key for key, label in program.labels.items() if label in used}
    is_same_order = [id(s.step) for s in program.statements if id(s.step) in order] == order
    program.is_in_order = is_same_order and read.isdisjoint(order)
    for name, step in sketch.outputs:
        label = program.labels.setdefault(id(step), Label())
        program.output_names.append(names.take(spoken(name) or "y1", "y"))
        if not label.text and id(step) not in read:
            label.text = program.output_names[-1]


def _name_tensors(sketch: Sketch, program: Program, names: Names) -> None:
    """Names for the tensors that are read by several statements."""
    ends = {id(step) for _, step in sketch.outputs}
    skips = 0
    for statement in program.statements:
        step = statement.step
        label = program.labels.setdefault(id(step), Label())
        if label.text or (id(step) in ends and len(sketch.outputs) == 1):
            continue
        readers = [s for s in program.statements if s.source is step]
        if id(step) in program.skips:
            skips += 1
            label.text = names.take(f"skip{skips}", "skip")
        elif _is_memory(label, program):
            label.text = names.take("memory")
        elif len([s for s in readers if id(s.step) in ends]) > 1:
            label.text = names.take("trunk", "features", "h")
        else:
            label.text = names.take("h")


def _is_memory(label: Label, program: Program) -> bool:
    """Whether attention takes it as its second input."""
    return any(
        isinstance(term, Merge)
        and isinstance(term.joint, Use)
        and term.joint.word == "attention"
        and any(isinstance(t, Reference) and t.values == (label,) for t in term.branches[-1])
        for statement in program.statements
        for term in walk(statement.chain)
    )


# ---------------------------------------------------------------- statements


def _statements(sketch: Sketch, program: Program) -> list[str]:
    """Named tensors in the order of the computation; outputs in the order of the file."""
    lines: list[str] = []
    chains: dict[int, str] = {}
    is_single = len(sketch.outputs) == 1
    for statement in program.statements:
        label = program.labels[id(statement.step)].text
        flow = _flow(statement, program, is_bare=is_single)
        if is_single and statement.step is sketch.outputs[0][1]:
            chains[id(statement.step)] = flow
        elif label in program.output_names:
            chains[id(statement.step)] = flow
            if program.is_in_order:
                lines.append(f"output {label} = {flow}")
        else:
            lines.append(f"{label} = {_flow(statement, program, is_bare=False)}")
    if is_single:
        end = sketch.outputs[0][1]
        label = program.labels[id(end)].text
        copy = "identity" if label in ("", "input") else f"{label} -> identity"
        return [*lines, *[""] * bool(lines), chains.get(id(end), copy)]
    return lines if program.is_in_order else [*lines, *_outputs(sketch, program, chains)]


def _outputs(sketch: Sketch, program: Program, chains: dict[int, str]) -> list[str]:
    """The statements of the outputs, in the order of the file."""
    lines = []
    for name, (_, step) in zip(program.output_names, sketch.outputs, strict=True):
        label = program.labels[id(step)].text
        lines.append(f"output {name} = {chains[id(step)] if label == name else label}")
    return lines


def _flow(statement: Statement, program: Program, *, is_bare: bool) -> str:
    """The chain of a statement, from its source."""
    chain, source = statement.chain, statement.source
    start = program.labels[id(source)].text if source is not None else ""
    if is_bare and start == "input":
        start = ""
    return _broken(chain, start)


def _broken(chain: Chain, start: str = "") -> str:
    """A chain, with line ends between its stages where it is long."""
    parts = [item_text(term) for term in chain]
    flat = " -> ".join(([start] if start else []) + parts)
    if len(flat) <= LINE or len(chain) < 2:
        return flat or "identity"
    stages: list[list[str]] = [[start] if start else []]
    for index, (term, part) in enumerate(zip(chain, parts, strict=True)):
        head = index
        while head and tail_cost(chain[head - 1]) == DROPOUT:
            head -= 1
        is_stage = head > 0 and (_ends_stage(chain[head - 1]) or (_begins_stage(term) and not _is_pool(term)))
        if is_stage and tail_cost(term) < DROPOUT:
            stages.append([])
        stages[-1].append(part)
    return "\n-> ".join(_lines([" -> ".join(stage) for stage in stages]))


def _lines(stages: list[str]) -> list[str]:
    """Stages as lines; short ones share a line."""
    lines: list[str] = []
    is_short = False
    for stage in stages:
        joined = f"{lines[-1]} -> {stage}" if lines else stage
        if lines and is_short and len(stage) <= SHORT and len(joined) <= LINE:
            lines[-1] = joined
        else:
            lines.append(stage)
            is_short = len(stage) <= SHORT
    return lines


def _is_pool(term: Term) -> bool:
    return isinstance(term, Use) and term.word in ("maxpool", "avgpool")


def _ends_stage(term: Term) -> bool:
    """Whether a term is a pooling, after which the next stage begins."""
    if isinstance(term, Repeat):
        return _ends_stage(term.chains[0][-1])
    if isinstance(term, Call) and term.block is not None:
        return _ends_stage(term.block.body[-1])
    return _is_pool(term) and _strides(term)


def _begins_stage(term: Term) -> bool:
    """Whether a term has a stride, or reduces everything to a vector."""
    if isinstance(term, Use) and term.word in ("gap", "gmp", "flatten", "upconv", "upsample"):
        return True
    return _strides(term)


def _strides(term: Term) -> bool:
    if isinstance(term, Call) and term.block is not None:
        for (name, _), value in zip(term.block.parameters, term.values, strict=True):
            if name == "stride":
                return bool(value != 1)
        return any(_strides(inner) for inner in term.block.body)
    if isinstance(term, Merge | Repeat):
        return any(_strides(inner) for chain in term.chains for inner in chain[:1])
    if not isinstance(term, Use):
        return False
    value = term.numbers.get("stride", 1)
    return isinstance(value, Formula) or value != 1


def definition_of(block: Block) -> str:
    """A `def`."""
    parameters = ", ".join(name if v is None else f"{name} = {value_text(v)}" for name, v in block.parameters)
    head = f"def {block.name}({parameters})" if parameters else f"def {block.name}"
    flat = chain_text(block.body)
    merges = [term for term in block.body if isinstance(term, Merge)]
    is_conditional = any(isinstance(t, Shortcut) and t.is_mixed for t in walk(block.body))
    if len(merges) == 1 and is_sum(merges[0]) and (is_conditional or len(flat) > LINE):
        return f"{head} {{\n{_residual(block.body, merges[0], [name for name, _ in block.parameters])}\n}}"
    if len(flat) <= LINE or len(merges) < 2:
        return f"{head} = {flat}"
    parts = [item_text(term) for term in block.body]
    text = parts[0]
    for term, part in zip(block.body[1:], parts[1:], strict=True):
        text += ("\n-> " if isinstance(term, Merge) else " -> ") + part
    return f"{head} = (\n{text}\n)"


def _residual(chain: Chain, merge: Merge, taken: list[str]) -> str:
    """The body of a block with a residual connection, whose branches have names."""
    lines: list[str] = []
    names: list[str] = []
    longest = max(merge.branches, key=lambda branch: len(chain_text(resolved(branch))))
    for branch in merge.branches:
        branch_text = chain_text(resolved(branch))
        if len(resolved(branch)) == 1 and isinstance(branch[0], Shortcut) and branch[0].is_mixed:
            branch_text = shortcut_text(branch[0])
        elif len(resolved(branch)) < 2:
            names.append(branch_text)
            continue
        wish = "body" if branch is longest else "shortcut"
        while wish in (*taken, *names):
            wish += "2"
        names.append(wish)
        lines.append(f"{wish} = {branch_text}")
    parts = [" + ".join(names) if term is merge else item_text(term) for term in chain]
    return "\n".join([*lines, "", " -> ".join(parts)])
