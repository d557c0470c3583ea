"""Text to syntax tree; the only file that knows Lark.

Input: a `Source`. Output: a `tree.File` with every statement that could be read; what could not be read is in
`problems`, one diagnostic per statement, and the names it would have defined are in `File.broken`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any

import lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

from netspec import _version as __about__
from netspec.compiler.syntax import errors, tree
from netspec.compiler.syntax.explain_token import explain_token
from netspec.compiler.syntax.grammar_cache import load_tables, save_tables
from netspec.compiler.syntax.tokens import (
    MAX_DEPTH,
    OPENING,
    SYMBOL,
    BracketProblem,
    Brackets,
    Token,
    join_modules,
    lines_after,
    mend,
    token_span,
)
from netspec.compiler.syntax.tree_builder import Builder
from netspec.language.diagnostics import Diagnostic, Note, Problems
from netspec.language.source import Source, Span

MAX_TREE_DEPTH = 100
"""How deep expressions may be nested, operators counted."""

EDITION = 1
"""The edition of the language that this parser reads."""

LEXED = {"NUMBER": "number", "EXTENT": "number", "STRING": "string", "ARROW": "arrow"}
"""What terminals are, for showing code; keywords have terminals of their own."""

_LOCK = Lock()
"""The builder is part of the cached Lark object and holds the current source, so one text is parsed at a time."""


class _KeepBadTokens:
    """Makes Lark keep the terminals for text that fits nowhere, though no rule uses them."""

    always_accept = ("BAD_NUMBER", "BAD_STRING", "BAD_CHARACTER")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def grammar_path() -> Path:
    """The grammar: beside this file in an installed package, in grammar/ in a source tree."""
    installed = Path(__file__).with_name("netspec.lark")
    return installed if installed.exists() else Path(__file__).parents[3] / "grammar" / "netspec.lark"


@cache
def _lark() -> tuple[lark.Lark, Builder]:
    """The parser and its builder; loading the cached tables is forty times faster than making them."""
    builder = Builder()
    given: dict[str, Any] = {"transformer": builder, "postlex": _KeepBadTokens()}  # Lark asks for its two members only
    grammar = grammar_path().read_text(encoding="utf-8")
    made_from = f"netspec {__about__.__version__}, Lark {lark.__version__}\n{grammar}"
    if (tables := load_tables(made_from)) is not None:
        with suppress(AssertionError, AttributeError, KeyError, TypeError, ValueError):  # not as they were saved
            return lark.Lark._load_from_dict(*tables, **given), builder  # type: ignore[no-untyped-call]
    parser = lark.Lark(
        grammar,
        start="statement",
        parser="lalr",
        lexer="basic",
        keep_all_tokens=True,
        maybe_placeholders=False,
        **given,
    )
    data, memo = parser.memo_serialize([TerminalDef, Rule])
    options = {name: value for name, value in data["options"].items() if name not in given}
    save_tables(made_from, ({**data, "options": options}, memo))
    return parser, builder


def parse_source(source: Source, problems: Problems) -> tree.File:
    """Parse a whole text. Mistakes in it are reported, never raised; time is linear in its length."""
    with _LOCK:
        parser, builder = _lark()
        builder.source = source
        brackets, statements = Brackets(), []
        broken: set[str] = set()
        mentioned: set[str] = set()
        # `Lark.lex` would build its lexer anew at every call, which takes longer than most parses.
        interactive: Any = parser.parse_interactive(source.text)
        for tokens in brackets.statements(interactive.lexer_thread.lex(interactive.parser_state)):
            statement = None
            if not _report_brackets(brackets, source, problems):
                statement = _parse_statement(parser, join_modules(tokens), source, problems)
            if statement is None:
                broken.update(_defined_names(tokens))
                mentioned.update(str(t).lstrip("0123456789") for t in tokens if t.type in ("NAME", "BAD_NUMBER"))
            else:
                statements.append(statement)
    names = {"broken": frozenset(broken), "mentioned": frozenset(mentioned)}
    return tree.File(span=Span(source, 0, len(source.text)), source=source, statements=tuple(statements), **names)


def lexed(text: str) -> Iterator[tuple[str, str]]:
    """The pieces of a text in their order, with what each is: `keyword`, `number`, `string`, `comment`, `arrow`, or
    nothing for the rest. Joined they are the text again, whether it has mistakes or not."""
    with _LOCK:
        interactive: Any = _lark()[0].parse_interactive(text)
        tokens = [t for t in interactive.lexer_thread.lex(interactive.parser_state) if t.type != "_NL"]
    end = 0
    for token in tokens:
        yield from _between(text[end : token.start_pos])
        end = token.end_pos
        is_keyword = token.type in ("SECTION", token.upper())  # terminals of words are called after them
        yield "keyword" if is_keyword else LEXED.get(token.type, ""), text[token.start_pos : end]
    yield from _between(text[end:])


def _between(gap: str) -> Iterator[tuple[str, str]]:
    """White space and comments."""
    for part in re.split(r"(#[^\n]*)", gap):
        if part:
            yield "comment" if part.startswith("#") else "", part


def check_edition(file: tree.File, problems: Problems) -> None:
    """`netspec 1` is the first statement, and the edition is known."""
    for index, statement in enumerate(file.statements):
        if not isinstance(statement, tree.Edition):
            continue
        if statement.number.value != EDITION:
            edition, span = statement.number.text, statement.number.span
            problems.add(errors.UnknownEdition(span=span, edition=edition, known=EDITION))
        elif index > 0:
            problems.add(errors.UnknownEdition(span=statement.span, case="late"))


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
        accepted = frozenset(interactive.accepts())
        mended, places = mend(tokens, fed) or (None, [fed])
        for place in places:
            problems.add(explain_token(source, tokens, place, accepted))
        if mended is not None and tokens[fed].type == "LPAR":  # one message for the call
            return _parse_statement(parser, mended, source, Problems())
        if mended is not None:
            return _parse_statement(parser, mended, source, problems)
        for line in lines_after(tokens, fed):
            _parse_statement(parser, line, source, problems)
        return None
    assert isinstance(statement, tree.Statement), statement
    if (excess := _find_excess(statement)) is not None:
        problems.add(excess)
        return None
    return statement


def _find_excess(statement: tree.Statement) -> Diagnostic | None:
    """What is legal for the lexer and would make everything after it slow: deep nesting, numbers of absurd length."""
    stack: list[tuple[tree.Node, int]] = [(statement, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_TREE_DEPTH:
            return errors.NestedTooDeep(span=node.span, limit=MAX_TREE_DEPTH)
        is_long = isinstance(node, tree.Number | tree.ExtentLiteral) and len(node.span.text) > 40
        if is_long or (isinstance(node, tree.Number) and math.isinf(node.value)):
            text = node.span.text[:12] + "…" if is_long else node.span.text
            return errors.MalformedNumber(span=node.span, case="long" if is_long else "large", text=text)
        stack.extend((child, depth + 1) for child in node.children())
    return None


def _report_brackets(brackets: Brackets, source: Source, problems: Problems) -> bool:
    """Report what is wrong with brackets since the last statement; whether anything was."""
    by_line: dict[int, BracketProblem] = {}
    for problem in brackets.problems:  # a second one on the same line most often follows from the first
        by_line.setdefault(source.position(problem.token.start_pos).line, problem)
    for problem in by_line.values():
        problems.add(_bracket_diagnostic(problem, source))
    brackets.problems.clear()
    return bool(by_line)


def _bracket_diagnostic(problem: BracketProblem, source: Source) -> Diagnostic:
    span, bracket = token_span(source, problem.token), SYMBOL[problem.token.type]
    match problem.what:
        case "unclosed":
            return errors.UnclosedBracket(span=span, bracket=bracket, closing=SYMBOL[OPENING[problem.token.type]])
        case "deep":
            return errors.NestedTooDeep(span=span, limit=MAX_DEPTH)
        case "crossed":
            notes = (Note(token_span(source, problem.other), "opened here"),)
            opened, closing = SYMBOL[problem.other.type], SYMBOL[OPENING[problem.other.type]]
            return errors.UnopenedBracket(
                span=span, notes=notes, case="crossed", bracket=bracket, closing=closing, opened=opened
            )
    return errors.UnopenedBracket(span=span, bracket=bracket)


def _defined_names(tokens: Iterable[Token]) -> Iterator[str]:
    """Names that a statement seems to define: before `=`, and after def, share, param, output, input."""
    for previous, token in pairwise(tokens):
        if token.type == "EQUAL" and previous.type == "NAME":
            yield str(previous)
        if previous.type in ("DEF", "SHARE", "PARAM", "OUTPUT", "INPUT") and token.type in ("NAME", "SECTION"):
            yield str(token)
