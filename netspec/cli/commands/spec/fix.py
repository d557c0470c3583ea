"""`netspec check --fix`: the certain fixes of diagnostics, applied to the text of one file."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from netspec.cli.files import write_bytes
from netspec.cli.output import print_json
from netspec.display.text import wants_color
from netspec.language.diagnostics import Diagnostic, Fix
from netspec.language.source import Source
from netspec.spec.compilation import Compilation

MAX_ROUNDS = 100
"""How often a file is fixed and checked again; what comes to light late is rare."""

Compile = Callable[[Source], Compilation]


def fix_file(file: str, source: Source, compiled: Compile, as_json: bool) -> Source:
    """Apply the certain fixes to a file, show them, and write it if anything changed; `-` is written to the output.

    Raises:
        click.ClickException: it cannot be written.
    """
    fixed, applied = fix_source(source, compiled)
    if file == "-":
        text = fixed.text
        if as_json:
            print_json({"file": file, "changed": bool(applied), "fixes": [f.as_json() for f in applied], "text": text})
        else:
            click.echo(text, nl=False)
    elif applied:
        _write(Path(file), source, fixed)
        if as_json:
            print_json({"file": file, "changed": True, "fixes": [f.as_json() for f in applied]})
    if applied and not as_json:
        to_stderr = file == "-"
        color = wants_color(sys.stderr if to_stderr else sys.stdout)
        click.echo(diff_text(file, source.text, fixed.text, color=color), nl=False, err=to_stderr, color=color)
        click.echo(f"{file}: {len(applied)} fix{'es' if len(applied) > 1 else ''} applied", err=to_stderr)
    elif not as_json:
        click.echo(f"{file}: nothing that can be fixed automatically", err=file == "-")
    return fixed


def fix_source(source: Source, compiled: Compile) -> tuple[Source, list[Fix]]:
    """The text with all certain fixes, and these in the order in which they were applied.

    Fixes are applied and the text checked again until nothing changes, since one mistake may hide another. A round
    after which less of the text can be parsed is undone.
    """
    applied: list[Fix] = []
    seen = {source.text}
    problems = list(compiled(source).diagnose())
    for _ in range(MAX_ROUNDS):
        fixes = certain_fixes(problems, source)
        changed = Source(source.name, apply_fixes(source.text, fixes), source.path)
        if changed.text in seen:
            break
        remaining = list(compiled(changed).diagnose())
        if _syntax_errors(remaining) > _syntax_errors(problems):
            break
        seen.add(changed.text)
        applied += fixes
        source, problems = changed, remaining
    return source, applied


def certain_fixes(problems: Iterable[Diagnostic], source: Source) -> list[Fix]:
    """The certain fixes in a source, in the order of the text; of those that overlap, the first."""
    fixes = [f for d in problems for f in d.fixes if f.is_sure and f.span.source.identity == source.identity]
    chosen: list[Fix] = []
    for fix in sorted(fixes, key=lambda f: (f.span.start, f.span.end)):
        last = chosen[-1].span if chosen else None
        if last is None or fix.span.start > last.end or (fix.span.start == last.end and fix.span.start < fix.span.end):
            chosen.append(fix)
    return chosen


def apply_fixes(text: str, fixes: Iterable[Fix]) -> str:
    """A text with the replacements of fixes that do not overlap, given in its order."""
    parts, end = [], 0
    for fix in fixes:
        parts += [text[end : fix.span.start], fix.replacement]
        end = fix.span.end
    return "".join(parts) + text[end:]


def diff_text(file: str, before: str, after: str, *, color: bool) -> str:
    """The change as a unified diff."""
    lines = difflib.unified_diff(
        before.rstrip("\n").split("\n"), after.rstrip("\n").split("\n"), file, file, lineterm=""
    )
    styles = {"---": "1", "+++": "1", "@": "36", "-": "31", "+": "32"}
    out = []
    for line in lines:
        style = next((styles[mark] for mark in styles if line.startswith(mark)), None)
        out.append(f"\x1b[{style}m{line}\x1b[0m\n" if color and style else f"{line}\n")
    return "".join(out)


def _syntax_errors(problems: Iterable[Diagnostic]) -> int:
    return sum(d.code < "NS2" for d in problems)


def _write(path: Path, source: Source, fixed: Source) -> None:
    """Write the changed lines as the file has its own: with its byte order mark and its line ends.

    A link stays a link, and a file that may not be written is left alone though its folder could be written to.
    """
    target = path.resolve()
    if not os.access(target, os.W_OK) or not target.stat().st_mode & 0o222:
        raise click.ClickException(f"cannot write {path}: the file is read-only")
    raw = target.read_bytes().decode("utf-8")
    mark = "\ufeff" if raw.startswith("\ufeff") else ""
    ends = re.findall(r"\r\n|\r|\n", raw)
    before, after = source.text.split("\n"), fixed.text.split("\n")
    usual = max(set(ends), key=ends.count) if ends else "\n"
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    new_ends: list[str] = []
    for _, start, end, _, length in ((o, a, b, c, d - c) for o, a, b, c, d in matcher.get_opcodes()):
        kept = ends[start:end][:length]
        new_ends += kept + [usual] * (length - len(kept))
    text = "".join(line + end for line, end in zip(after, [*new_ends[: len(after) - 1], ""], strict=True))
    write_bytes(target, (mark + text).encode())
