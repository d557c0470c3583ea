"""The network in a report: its drawing, the table of its layers, and its spec."""

from __future__ import annotations

from html import escape

from netspec.analysis.pages.read_run import ReadRun
from netspec.compiler.ir.layer_table import HEADINGS, LayerTable
from netspec.compiler.ir.printer import total_lines
from netspec.display.drawing.styles.flow import network_svg
from netspec.display.page.code import spec_html
from netspec.display.page.elements import Cell, paragraph, table_html
from netspec.display.page.section import Section

NOTE = "MACs: multiply-adds per example. Memory: of the output of a layer; the total is without the input."
FIELD = " Receptive field: the part of an image that a position of the output depends on."
SCROLLED = '<p class="muted screen" data-scrolls hidden>The drawing is larger than its frame: scroll in it.</p>'
"""Shown where it is true (page.js)."""
MAX_DRAWING = 60_000
"""Characters of a drawing; in one with more, all blocks are closed."""


def network_section(run: ReadRun) -> Section:
    """The network of a run, and the text that it was compiled from."""
    network = run.compilation.network
    drawing = network_svg(network)
    if len(drawing) > MAX_DRAWING:
        drawing = network_svg(network, 0)
    table = LayerTable(network, run.compilation.train.freeze)
    totals = ", ".join(f"{name} {value}" for name, value in total_lines(table.totals))
    layers = layers_html(table)
    note = NOTE + (FIELD if ">receptive field<" in layers else "")
    body = (
        f'<div class="drawing" role="group" aria-label="Drawing of the network">{drawing}</div>{SCROLLED}'
        f"<h3>Layers</h3>{layers}{paragraph(f'In total: {totals}.')}{paragraph(note, 'muted')}"
        f"<h3>Spec</h3>{_overrides_html(run)}{spec_html(run.record.text('spec.net'), 'spec')}"
    )
    return Section("network", "Network", body)


def _overrides_html(run: ReadRun) -> str:
    """The settings of the run that the text of the spec has otherwise."""
    given = [f"-D {name}={value}" for name, value in run.spec.overrides.items()]
    given += [f"--input {run.spec.input}"] if run.spec.input is not None else []
    if not given:
        return ""
    shown = ", ".join(f"<code>{escape(text)}</code>" for text in given)
    return f'<p class="notice">This run was trained with other settings than this text has: {shown}</p>'


def layers_html(table: LayerTable) -> str:
    """The table of `netspec show`; layers are indented by their blocks."""
    shown = [index for index, heading in enumerate(HEADINGS) if heading != "share"]
    rows: list[list[str | Cell]] = []
    for line in table.lines:
        cells = table.cells(line)
        rows.append([cells[0]] if line.is_heading else [cells[index] for index in shown])
    heads = ["receptive field" if HEADINGS[i] == "field" else HEADINGS[i] for i in shown]
    empty = [i for i, _ in enumerate(heads) if not any(row[i] for row in rows if len(row) > 1)]
    rows = [[cell for i, cell in enumerate(row) if i not in empty] for row in rows]
    heads = [head for i, head in enumerate(heads) if i not in empty]
    return table_html("Output shape, parameters and cost of each layer", heads, rows, left=2, is_code=True)
