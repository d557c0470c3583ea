"""How to train the same again, in a report: the command, versions, checksums, and what differs from the defaults."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping

from netspec.analysis.pages.read_run import ReadRun
from netspec.display.page.elements import Cell, copied_html, folded_html, paragraph, table_html
from netspec.display.page.section import Section
from netspec.language.word import Option, Word
from netspec.storage.checksums import read_checksums

PACKAGES = ("netspec", "jax", "jaxlib", "flax", "optax", "numpy", "python")


def reproduce_section(run: ReadRun) -> Section:
    """What another person needs to get the same numbers."""
    body = (
        copied_html("command", command_of(run), "command")
        + paragraph("With these versions on the same kind of device it gives the same weights, bit for bit.")
        + _facts_html(run)
        + _settings_html(run)
        + _checksums_html(run)
    )
    return Section("reproduce", "Reproduce", body)


def command_of(run: ReadRun) -> str:
    """What trains the same: a command, or the call in Python for data that are given there. A spec that was given as a
    text is that of the page."""
    spec = run.spec
    file = f"{spec.name}.net"
    if run.compilation.data.source is None:
        return call_of(file, spec.overrides)
    parts = ["netspec", "train", file]
    parts += [part for name, value in spec.overrides.items() for part in ("-D", f"{name}={value}")]
    parts += ["--input", spec.input] if spec.input is not None else []
    return shlex.join(parts)


def call_of(file: str, overrides: Mapping[str, str]) -> str:
    """`netspec.train("net.net", data, epochs=3, params={"width": 8})`"""
    settings = {name[6:]: text for name, text in overrides.items() if name.startswith("train.")}
    params = ", ".join(f'"{name}": {_literal(text)}' for name, text in overrides.items() if "." not in name)
    parts = [f'"{file}"', "data", *(f"{name}={_literal(text)}" for name, text in settings.items())]
    parts += [f"params={{{params}}}"] if params else []
    return f"netspec.train({', '.join(parts)})"


def _literal(text: str) -> str:
    """A number as it is, another value as a text of Python."""
    return text if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text) else json.dumps(text, ensure_ascii=False)


def _facts_html(run: ReadRun) -> str:
    versions = run.record.versions
    device = f"{versions.get('devices', 1)} × {versions.get('device', '')} ({versions.get('platform', '')})"
    facts = {
        "started": versions.get("made") or "",
        "device": device,
        "seed": f"{run.train.get('seed', '')}, of the data {run.record.settings.get('data', {}).get('seed', '')}",
        "hash of the spec's meaning": run.meaning.hash,
        **{name: versions[name] for name in PACKAGES if versions.get(name)},
    }
    rows: list[list[str | Cell]] = [[name, Cell(str(value), is_code=True)] for name, value in facts.items()]
    return table_html("Device, seeds and versions", ["", "value"], rows, left=2)


def _settings_html(run: ReadRun) -> str:
    """The settings that are not at their defaults."""
    rows: list[list[str | Cell]] = []
    for name, section in (("data", run.compilation.data), ("train", run.compilation.train)):
        rows.append([name])
        for option, text, default in differing_from_defaults(section):
            rows.append([option, Cell(text, is_code=True), default])
    heads = ["setting", "value", "default"]
    return table_html("Settings that differ from the defaults", heads, rows, left=3, is_code=True)


def differing_from_defaults(section: Word) -> Iterator[tuple[str, str, str]]:
    """The name, the value and the default of each option that has another value, as in a spec."""
    for option in section.options():
        value = getattr(section, option.field)
        if value != option.default:
            yield option.name, _text(option, value), "" if option.is_required else _text(option, option.default)


def _text(option: Option, value: object) -> str:
    return "" if value is None else str(option.kind.to_source(value))


def _checksums_html(run: ReadRun) -> str:
    """The CRC-32 of the files, as the run folder has them."""
    listed = read_checksums(run.path) or {}
    rows: list[list[str | Cell]] = [[name, Cell(values[0], is_code=True)] for name, values in listed.items() if values]
    if not rows:
        return ""
    table = table_html("CRC-32 of the files of the run", ["file", "checksum"], rows, left=2, is_code=True)
    return folded_html("Checksums", table)
