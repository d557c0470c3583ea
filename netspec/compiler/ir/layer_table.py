"""The table of a network's layers, as `netspec show` prints it: blocks open or closed, copies in a row as one line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from html import escape

from netspec.compiler.ir.cost import BYTES_PER_NUMBER, total_cost
from netspec.compiler.ir.graph import Graph
from netspec.compiler.ir.outline import Box, Plan, opened, outline_of
from netspec.compiler.ir.printer import count, memory, total_lines
from netspec.compiler.ir.receptive_field import receptive_fields
from netspec.language.record import Frozen
from netspec.language.shape import Size
from netspec.language.text import fit_columns, wrap_row

HEADINGS = ("layer", "output shape", "parameters", "share", "MACs", "memory", "field")
RIGHT = (False, False, True, False, True, True, True)
OPTIONAL = ("field", "memory", "share", "MACs")
"""Columns that are left out of a narrow table, in this order."""
MIN_LAYER = 24
BAR = 5
EIGHTHS = " ▏▎▍▌▋▊▉█"
NOTE = "MACs: multiply-adds per example; memory: of the output; field: the receptive field in the input"


class Line(Frozen):
    """One line. `text` is indented by blocks and branches; `layer` is not. A line that opens a block has no numbers.
    `count` is the number of copies in it, `times` that of the copies of the blocks around."""

    text: str
    layer: str
    key: str
    is_heading: bool
    count: int = 1
    times: int = 1
    shape: str = ""
    parameters: int = 0
    frozen: int = 0
    state: int = 0
    macs: Size = 0
    memory: Size = 0
    field: str = ""


class LayerTable:
    """The table of a network.

    Args:
        network: the graph.
        freeze: layers and blocks that are not trained.
        levels: how many levels of blocks are open; None: as many as fit on two screens.
    """

    def __init__(self, network: Graph, freeze: Sequence[str] = (), levels: int | None = None) -> None:
        plan = outline_of(network)
        self.fields = {"/".join(path): str(field) for path, field in receptive_fields(network).items()}
        self.totals = total_cost(network, freeze)
        self.freeze = tuple(f"{name}/" for name in freeze)
        self.lines = [*self._lines(plan, opened(plan, levels), 0, 1)]

    def _lines(self, plan: Plan, is_open: Callable[[Box], bool], depth: int, times: int) -> Iterator[Line]:
        branches = _branches(plan)
        for index, box in enumerate(plan.boxes):
            if box.is_port or box.kind == "output":
                continue
            mark = branches[index]
            indent = "  " * depth + mark
            is_opened = box.inside is not None and is_open(box)
            layer = label(box)
            if is_opened:
                yield Line(indent + layer, layer, box.key, is_heading=True, count=box.count, times=times)
                assert box.inside is not None
                yield from self._lines(box.inside, is_open, depth + 1 + len(mark) // 2, times * box.count)
            else:
                yield self._line(box, indent + layer, layer, times)

    def _line(self, box: Box, text: str, layer: str, times: int) -> Line:
        counts, copies = box.counts, box.count
        is_frozen = f"{box.key}/".startswith(self.freeze) if self.freeze else False
        trained, frozen = counts.trainable * copies, counts.frozen * copies
        return Line(
            text,
            layer,
            box.key,
            is_heading=False,
            count=copies,
            times=times,
            shape="" if box.shape is None else str(box.shape),
            parameters=trained + frozen,
            frozen=trained + frozen if is_frozen else frozen,
            state=counts.state * copies,
            macs=counts.macs * copies,
            memory=0 if box.shape is None else box.shape.count * BYTES_PER_NUMBER,
            field=self.fields.get(box.last or box.key, ""),
        )

    # ------------------------------------------------------------ formats

    def text(self, width: int | None = None, *, color: bool = False) -> str:
        """The table for a terminal; columns that have no room are left out, long names are wrapped."""
        cells = [self.cells(line) for line in self.lines]
        columns = _columns(cells, width)
        chosen = [[row[i] for i in columns] for row in (HEADINGS, *cells)]
        widths, right = fit_columns(chosen, width), [RIGHT[i] for i in columns]
        rows = [wrap_row(row, widths, right) for row in chosen]
        rule = "  ".join("-" * w for w in widths)
        body = [line for row in rows[1:] for line in row]
        if color:
            body = [_colored(line) for line in body]
        head = [f"\x1b[1m{line}\x1b[0m" for line in rows[0]] if color else rows[0]
        return "\n".join(
            [*(line.rstrip() for line in head), rule, *(line.rstrip() for line in body), "", *self._footer()]
        )

    def _footer(self) -> list[str]:
        totals = total_lines(self.totals)
        longest = max(len(name) for name, _ in totals)
        return [f"{name:<{longest}}  {value}" for name, value in totals]

    def cells(self, line: Line) -> tuple[str, ...]:
        """The texts of a line, below `HEADINGS`."""
        if line.is_heading:
            return (line.text, *[""] * (len(HEADINGS) - 1))
        parameters = count(line.parameters) if line.parameters else ""
        parameters += " frozen" if line.frozen else ""
        share = line.parameters / self.totals.parameters if self.totals.parameters else 0.0
        macs = short(line.macs) if line.macs != 0 else ""
        return (line.text, line.shape, parameters, bar(share), macs, _memory(line.memory), line.field)

    def _plain_rows(self) -> Iterator[tuple[str, ...]]:
        """Numbers in full, for other programs and papers."""
        for line in self.lines:
            if not line.is_heading:
                numbers = (line.parameters, line.macs, line.memory)
                yield (line.layer, line.shape, *(str(number) if number != 0 else "" for number in numbers), line.field)

    def csv(self) -> str:
        """One line for each layer, with headings; numbers in full, memory in bytes."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("name", "layer", "output_shape", "parameters", "macs", "memory_bytes", "receptive_field"))
        names = [line.key for line in self.lines if not line.is_heading]
        writer.writerows((name, *row) for name, row in zip(names, self._plain_rows(), strict=True))
        return out.getvalue().rstrip("\n")

    def markdown(self) -> str:
        """A table in Markdown."""
        heads = ("layer", "output shape", "parameters", "MACs", "memory", "field")
        rows = [[_code(line.text), *self.cells(line)[1:3], *self.cells(line)[4:]] for line in self.lines]
        rules = ["---" if not right else "---:" for i, right in enumerate(RIGHT) if i != 3]
        table = [heads, rules, *rows]
        return "\n".join(["| " + " | ".join(row) + " |" for row in table] + ["", *self._footer()])

    def latex(self) -> str:
        """A `tabular` of LaTeX, with the rules of the package booktabs."""
        heads = ("layer", "output shape", "parameters", "MACs", "memory", "field")
        lines = [r"\begin{tabular}{llrrrr}", r"\toprule", " & ".join(heads) + r" \\", r"\midrule"]
        for line in self.lines:
            depth = (len(line.text) - len(line.text.lstrip())) // 2
            cells = [_latex(cell) for cell in (line.text.strip(), *self.cells(line)[1:3], *self.cells(line)[4:])]
            cells[0] = rf"\hspace{{{depth}em}}\texttt{{{cells[0]}}}"
            lines.append(" & ".join(cells) + r" \\")
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])

    def html(self) -> str:
        """A table for notebooks."""
        heads = [h for h in HEADINGS if h != "share"]
        head = "".join(f"<th style='text-align:left'>{h}</th>" for h in heads)
        body = ""
        for line in self.lines:
            cells = self.cells(line)
            kept = [cells[1], cells[2], *cells[4:]]
            inner = "".join(f"<td style='text-align:left'>{escape(c)}</td>" for c in kept)
            depth = (len(line.text) - len(line.text.lstrip())) / 2
            style = f"text-align:left;padding-left:{0.5 + depth}em"
            body += f"<tr><td style='{style}'><code>{escape(line.text.strip())}</code></td>{inner}</tr>"
        totals = "<br>".join(f"{name}: {escape(value)}" for name, value in total_lines(self.totals))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{totals}</p>"


def label(box: Box) -> str:
    """What a layer is called and does: `conv_2(32, 3x3, relu)`, `stem = conv(64, 7x7)`; a block with its copies."""
    word, _, options = box.title.partition("(")
    if box.kind == "input":
        text = f"input {box.title}"
    elif box.layer is None:
        text = box.name or box.title
    elif box.is_named or not re.fullmatch(rf"{re.escape(word)}(_\d+)?", box.name):
        text = f"{box.name} = {box.title}"
    else:
        text = box.name + (f"({options}" if options else "")
    text += " (shared, above)" if box.is_shared_again else ""
    return text if box.count == 1 else f"{text} x {box.count}"


def short(size: Size) -> str:
    """A number in three digits: `113 k`, `1.58 G`."""
    if not isinstance(size, int):
        return str(size)
    value = float(size)
    for unit in ("", " k", " M", " G", " T"):
        if value < 999.5 or unit == " T":
            return f"{size}" if not unit else f"{value:.3g}{unit}"
        value /= 1000
    raise AssertionError


def bar(share: float) -> str:
    """A share from 0 to 1 as a bar."""
    eighths = round(share * BAR * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + EIGHTHS[rest]).rstrip() or ("▏" if share else "")


def _memory(size: Size) -> str:
    if not isinstance(size, int):
        return f"{size} B"
    return memory(size).replace("bytes", "B") if size else ""


def _code(text: str) -> str:
    """Code in a cell of a Markdown table: `|` would end the cell, and spaces at its start are not shown."""
    inner = text.lstrip()
    return "`" + "\u00a0" * (len(text) - len(inner)) + inner.replace("|", r"\|") + "`"


def _latex(text: str) -> str:
    special = {character: rf"\{character}" for character in "_%&#${}"}
    special |= {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "…": r"\dots{}"}
    return "".join(special.get(character, character) for character in text)


def _colored(line: str) -> str:
    """Bars in blue, and what is not a number in the usual color."""
    return re.sub(r"[▏▎▍▌▋▊▉█]+", lambda found: f"\x1b[34m{found.group()}\x1b[0m", line)


def _columns(cells: Sequence[Sequence[str]], width: int | None) -> list[int]:
    """The columns that are shown: those that say something, and have room."""
    kept = [i for i, name in enumerate(HEADINGS) if i < 3 or any(row[i] for row in cells)]
    for name in OPTIONAL:
        sizes = [max(len(row[i]) for row in (HEADINGS, *cells)) for i in kept]
        if width is None or min(sizes[0], MIN_LAYER) + sum(sizes[1:]) + 2 * (len(kept) - 1) <= width:
            break
        kept = [i for i in kept if HEADINGS[i] != name]
    return kept


def _branches(plan: Plan) -> list[str]:
    """A sign for each box of a branch, `+ ` where one begins and `| ` after; none on the way that everything takes."""
    sources: dict[int, list[int]] = {}
    for wire in plan.wires:
        sources.setdefault(wire.target, []).append(wire.source)
    size = len(plan.boxes)
    ways_in, ways_out = [0] * size, [0] * size
    for index in range(size):
        ways_in[index] = sum(ways_in[source] for source in sources.get(index, ())) or 1
    leads_on = set()
    for index in reversed(range(size)):
        ways_out[index] = ways_out[index] or 1
        for source in sources.get(index, ()):
            leads_on.add(source)
            ways_out[source] += ways_out[index]
    ends = [index for index in range(size) if index not in leads_on]
    total = sum(ways_in[index] for index in ends)
    marks: list[str] = []
    before = -1
    for index in range(size):
        if ways_in[index] * ways_out[index] == total or plan.boxes[index].kind == "input":
            marks.append("")
        else:
            follows = before in sources.get(index, ()) and marks[before] != ""
            marks.append("| " if follows else "+ ")
        if not plan.boxes[index].is_port:
            before = index
    return marks
