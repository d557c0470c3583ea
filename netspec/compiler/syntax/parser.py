"""Text to syntax tree; the only file that knows Lark.

Comes in: a `Source`. Goes out: a `tree.File` with every statement that could be read; what could not be read is in
`problems`, one diagnostic per statement, and the names it would have defined are in `File.broken`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, cast

import lark

from netspec import _version as __about__
from netspec.compiler.syntax import errors, tree
from netspec.compiler.syntax.explain_token import explain_token
from netspec.compiler.syntax.tokens import MAX_DEPTH, OPENING, SYMBOL, BracketProblem, Brackets, Token, lines_behind
from netspec.compiler.syntax.tree_builder import Builder
from netspec.language.cache_dir import cache_folder
from netspec.language.diagnostics import Diagnostic, Note, Problems
from netspec.language.source import Source, Span

MAX_TREE_DEPTH = 100
"""How deep expressions may be nested, operators counted."""

_LOCK = Lock()
"""The builder is part of the cached Lark object and holds the source at hand, so one text is parsed at a time."""


class _KeepBadTokens:
    """Makes Lark keep the terminals for text that fits nowhere, though no rule uses them."""

    always_accept = ("BAD_NUMBER", "BAD_STRING", "BAD_CHARACTER")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def grammar_path() -> Path:
    """The grammar: beside this file in an installed package, in grammar/ in a source tree."""
    installed = Path(__file__).with_name("netspec.lark")
    return installed if installed.exists() else Path(__file__).parents[3] / "grammar" / "netspec.lark"


def _cache_file() -> str | bool:
    """Where the tables are kept (loading them is forty times faster than making them), or False if nowhere."""
    folder = cache_folder()
    if folder is None:
        return False
    return str(folder / f"grammar-{__about__.__version__}-{sys.version_info.major}.{sys.version_info.minor}.tables")


@cache
def _lark() -> tuple[lark.Lark, Builder]:
    builder = Builder()
    parser = lark.Lark(
        grammar_path().read_text(encoding="utf-8"),
        start="statement",
        parser="lalr",
        lexer="basic",
        keep_all_tokens=True,
        maybe_placeholders=False,
        postlex=_KeepBadTokens(),  # Lark asks for these two members only
        transformer=builder,
        cache=_cache_file(),
    )
    return parser, builder


def parse_source(source: Source, problems: Problems) -> tree.File:
    """Parse a whole text. Never raises for what stands in the text; time is linear in its length."""
    with _LOCK:
        parser, builder = _lark()
        builder.source = source
        brackets = Brackets()
        statements: list[tree.Statement] = []
        broken: set[str] = set()
        mentioned: set[str] = set()
        for tokens in brackets.statements(_tokens(parser, source.text)):
            statement = None
            if not _report_brackets(brackets, source, problems):
                statement = _parse_statement(parser, tokens, source, problems)
            if statement is None:
                broken.update(_defined_names(tokens))
                mentioned.update(str(t).lstrip("0123456789") for t in tokens if t.type in ("NAME", "BAD_NUMBER"))
            else:
                statements.append(statement)
    span = Span(source, 0, len(source.text))
    return tree.File(
        source=source,
        statements=tuple(statements),
        broken=frozenset(broken),
        mentioned=frozenset(mentioned),
        span=span,
    )


def _tokens(parser: lark.Lark, text: str) -> Iterator[Token]:
    """All tokens of a text. (`Lark.lex` builds its lexer anew at every call, which takes longer than most parses.)"""
    interactive: Any = parser.parse_interactive(text)
    return cast(Iterator[Token], interactive.lexer_thread.lex(interactive.parser_state))


def _parse_statement(
    parser: lark.Lark, tokens: list[Token], source: Source, problems: Problems
) -> tree.Statement | None:
    interactive: Any = parser.parse_interactive("")
    fed = 0
    try:
        for token in tokens:
            interactive.feed_token(token)
            fed += 1
        statement = interactive.feed_eof(tokens[-1])
    except lark.UnexpectedToken:
        problems.add(explain_token(source, tokens, fed, frozenset(interactive.accepts())))
        for line in lines_behind(tokens, fed):
            _parse_statement(parser, line, source, problems)
        return None
    assert isinstance(statement, tree.Statement), statement
    too_deep = _too_deep(statement)
    if too_deep is not None:
        problems.add(errors.NestedTooDeep(span=too_deep, limit=MAX_TREE_DEPTH))
        return None
    return _reject_numbers(statement, problems)


def _reject_numbers(statement: tree.Statement, problems: Problems) -> tree.Statement | None:
    """Numbers of absurd length are legal for the lexer; they would make everything behind it slow."""
    stack: list[tree.Node] = [statement]
    while stack:
        node = stack.pop()
        is_long = isinstance(node, tree.Number | tree.ExtentLiteral) and len(node.span.text) > 40
        if is_long or (isinstance(node, tree.Number) and math.isinf(node.value)):
            text = node.span.text[:12] + "…" if is_long else node.span.text
            problems.add(errors.MalformedNumber(span=node.span, case="long" if is_long else "large", text=text))
            return None
        stack.extend(node.children())
    return statement


def _too_deep(statement: tree.Statement) -> Span | None:
    stack: list[tuple[tree.Node, int]] = [(statement, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_TREE_DEPTH:
            return node.span
        stack.extend((child, depth + 1) for child in node.children())
    return None


def _report_brackets(brackets: Brackets, source: Source, problems: Problems) -> bool:
    """Report what is wrong with brackets since the last statement; whether anything was."""
    found = bool(brackets.problems)
    seen: set[int] = set()
    for problem in brackets.problems:
        line = source.position(problem.token.start_pos).line
        if line not in seen:  # a second one on the same line most often follows from the first
            problems.add(_bracket_diagnostic(problem, source))
        seen.add(line)
    brackets.problems.clear()
    return found


def _bracket_diagnostic(problem: BracketProblem, source: Source) -> Diagnostic:
    token = problem.token
    span = Span(source, token.start_pos, token.end_pos)
    bracket = SYMBOL[token.type]
    match problem.what:
        case "unclosed":
            return errors.UnclosedBracket(span=span, bracket=bracket, closing=SYMBOL[OPENING[token.type]])
        case "deep":
            return errors.NestedTooDeep(span=span, limit=MAX_DEPTH)
        case "crossed":
            other = problem.other
            opened = Span(source, other.start_pos, other.end_pos)
            closing = SYMBOL[OPENING[other.type]]
            return errors.UnopenedBracket(
                span=span,
                notes=(Note(opened, "opened here"),),
                case="crossed",
                bracket=bracket,
                closing=closing,
                opened=SYMBOL[other.type],
            )
    return errors.UnopenedBracket(span=span, bracket=bracket)


def _defined_names(tokens: Iterable[Token]) -> Iterator[str]:
    """Names that a statement seems to define: what stands before `=`, and behind def, share, param, output, input."""
    previous = None
    for token in tokens:
        if previous is not None:
            if token.type == "EQUAL" and previous.type == "NAME":
                yield str(previous)
            if previous.type in ("DEF", "SHARE", "PARAM", "OUTPUT", "INPUT") and token.type in ("NAME", "SECTION"):
                yield str(token)
        previous = token
