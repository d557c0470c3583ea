"""From the lexer's tokens to those that the grammar wants: line ends, statements, brackets.

Line ends inside ( ) and [ ], after operators and next to other line ends or braces separate nothing and are dropped.
Input: Lark's token stream. Output: one list of tokens per top-level statement, and what is wrong with brackets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Any

from netspec.language.record import Frozen
from netspec.language.source import Source, Span

Token = Any
"""A lark.Token: a str with `type`, `start_pos` and `end_pos`."""


def token_span(source: Source, token: Token) -> Span:
    return Span(source, token.start_pos, token.end_pos)


OPENING = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
CLOSING = {closing: opening for opening, closing in OPENING.items()}
SYMBOL = {"LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]", "LBRACE": "{", "RBRACE": "}"}
OPERATORS = ["ARROW", "VBAR", "EQUAL", "PLUS", "MINUS", "STAR", "SLASH", "FLOOR", "PERCENT", "COMPARE", "DOT", "COLON"]
CONTINUES = frozenset([*OPERATORS, "COMMA", "IF", "ELSE", "AND", "OR", "NOT"])
"""A line that ends in one of these continues in the next."""

STARTS_STATEMENT = frozenset(["DEF", "PARAM", "SHARE", "OUTPUT", "USE", "SECTION", "NETSPEC"])
"""Keywords that open a statement and nothing else: where one starts a line, an unclosed bracket must have ended."""

NEVER_IN_BRACES = STARTS_STATEMENT - {"SECTION", "SHARE"}
"""Where one of these is in the first column, an open brace must have ended too."""

MAX_MENDED = 100
"""How many mistakes of one kind are reported in a statement."""

MAX_DEPTH = 40
"""How deep brackets may be nested."""


class BracketProblem(Frozen):
    """`what` is `unclosed`, `unopened`, `crossed` (with the bracket that is open) or `deep`."""

    what: str
    token: Token
    other: Token = None


class Brackets:
    """Splits a stream into statements while it follows brackets; used once per text."""

    def __init__(self) -> None:
        self.stack: list[Token] = []
        self.problems: list[BracketProblem] = []

    def statements(self, stream: Iterator[Token]) -> Iterator[list[Token]]:
        """The tokens of one top-level statement after the other."""
        current: list[Token] = []
        is_new_line = False
        for token, following in pairwise(chain(stream, [None])):
            if token.type == "_NL":
                is_new_line = True
                if not self.stack and current and current[-1].type not in CONTINUES:
                    yield current
                    current = []
                elif current and current[-1].type not in CONTINUES | {"_NL", "LBRACE"} and self._is_in_braces():
                    current.append(token)
                continue
            if self.stack and is_new_line and self._must_have_ended(token, following):
                yield self._close_all(current)
                current = []
            is_new_line = False
            if token.type == "RBRACE" and current and current[-1].type == "_NL":
                current.pop()
            self._follow(token)
            current.append(token)
        if current:
            yield self._close_all(current)

    def _is_in_braces(self) -> bool:
        return bool(self.stack) and self.stack[-1].type == "LBRACE"

    def _must_have_ended(self, token: Token, following: Token) -> bool:
        """A top-level keyword at the start of a line while a bracket is open: its end was forgotten. No statement has
        `=` after its keyword, but an argument may be called like one."""
        if self._is_in_braces():
            return token.type in NEVER_IN_BRACES and token.column == 1
        return token.type in STARTS_STATEMENT and (following is None or following.type != "EQUAL")

    def _close_all(self, current: list[Token]) -> list[Token]:
        if self.stack:
            self.problems.append(BracketProblem("unclosed", self.stack[-1]))
            self.stack.clear()
        return current

    def _follow(self, token: Token) -> None:
        if token.type == "BAD_STRING":
            for character in str(token):  # a missing quote swallows the ends of brackets; that is one mistake, not two
                if self.stack and character == SYMBOL[OPENING[self.stack[-1].type]]:
                    self.stack.pop()
        elif token.type in OPENING:
            self.stack.append(token)
            if len(self.stack) == MAX_DEPTH + 1:
                self.problems.append(BracketProblem("deep", token))
        elif token.type in CLOSING:
            if not self.stack:
                self.problems.append(BracketProblem("unopened", token))
            elif self.stack[-1].type != CLOSING[token.type]:
                self._cross(token)
            else:
                self.stack.pop()

    def _cross(self, token: Token) -> None:
        """A bracket closes while one of another kind is open: guess which of the two is the mistake."""
        opening = self.stack[-1]
        if opening.type == "LBRACE":
            self.problems.append(BracketProblem("unopened", token))
        elif token.type == "RBRACE" and any(bracket.type == "LBRACE" for bracket in self.stack):
            self.problems.append(BracketProblem("unclosed", opening))
            while self.stack.pop().type != "LBRACE":
                pass
        else:
            self.problems.append(BracketProblem("crossed", token, self.stack.pop()))


def mend(tokens: list[Token], index: int) -> tuple[list[Token], list[int]] | None:
    """The tokens with what was meant in place of the mistake at `index` and of others of its kind, so that the rest of
    the statement is read too, and which of them are reported; None for mistakes of other kinds."""
    kind = tokens[index].type if index < len(tokens) else ""
    if kind == "LPAR" and is_called(tokens, index):
        chains = _call_chains(tokens, index)
        return (chains, [index]) if chains else None
    changes, places = _changed_marks(tokens) if kind in ("COMMA", "COLON") else ({}, [])
    mended = [t for t in (changes.get(i, token) for i, token in enumerate(tokens)) if t is not None]
    return (mended, places[:MAX_MENDED]) if index in changes and mended else None


def _changed_marks(tokens: list[Token]) -> tuple[dict[int, Token | None], list[int]]:
    """What is meant by commas and colons outside of parentheses, None where a comma has no meaning; and where they are,
    the first one of each chain."""
    changes: dict[int, Token | None] = {}
    places: list[int] = []
    stack: list[Token] = []
    start, chain = 0, -1  # of the line, and of the last one that is a chain
    for index, token in enumerate(tokens):
        around = (index - 1, index + 1, index + 2)
        before, after, second = (tokens[i].type if 0 <= i < len(tokens) else "" for i in around)
        if token.type in OPENING:
            stack.append(token)
        elif token.type in CLOSING and stack:
            stack.pop()
        is_in_braces = bool(stack) and stack[-1].type == "LBRACE"
        if token.type in ("LBRACE", "_NL"):
            start = index + 1
        elif token.type == "COLON" and is_in_braces and index == start + 1 and before in ("NAME", "STRING"):
            changes[index - 1] = tokens[index - 1].update(type="NAME", value=tokens[index - 1].strip('"'))
            changes[index] = token.update(type="EQUAL", value="=")
            places.append(index)
        elif token.type == "COMMA" and (not stack or is_in_braces):
            is_setting = after in ("NAME", "STRING") and second in ("EQUAL", "COLON")
            is_new_line = bool(after) and tokens[index + 1].line > token.line and tokens[0].type == "SECTION"
            if after in ("", "_NL", "RBRACE"):
                changes[index] = None
            elif is_in_braces and (is_setting or is_new_line):
                changes[index], start = token.update(type="_NL", value="\n"), index + 1
            elif before in ("NAME", "RPAR") and after == "NAME" and not is_setting and tokens[start] != "source":
                changes[index] = token.update(type="ARROW", value="->")
                if chain == start:
                    continue
                chain = start
            if index in changes:
                places.append(index)
    return changes, places


def is_called(tokens: list[Token], index: int) -> bool:
    """Whether a bracket follows another one directly, as in `Dense(10)(x)`."""
    return index > 0 and tokens[index - 1].type == "RPAR" and tokens[index - 1].end_pos == tokens[index].start_pos


def _call_chains(tokens: list[Token], place: int) -> list[Token]:
    """`(Dense(10) -> (x))` for each `Dense(10)(x)`, where what is added has no width; nothing if the bracket at `place`
    is not one of inputs."""
    before: dict[int, list[Token]] = {}
    stack: list[int] = []
    closing: set[int] = set()  # brackets of inputs
    dropped: set[int] = set()
    for index, token in enumerate(tokens):
        if token.type == "LPAR":
            stack.append(index)
        elif token.type == "RPAR" and stack:
            opening = stack.pop()
            name = tokens[opening - 1] if opening else token
            if opening in closing:
                dropped.update(_named_arguments(tokens, opening, index))
                before.setdefault(index + 1, []).append(_empty("RPAR", token.end_pos, token))
            elif name.type == "NAME" and index + 1 < len(tokens) and is_called([*tokens[index : index + 2]], 1):
                before.setdefault(opening - 1, []).append(_empty("LPAR", name.start_pos, name))
                before.setdefault(index + 1, []).append(_empty("ARROW", token.end_pos, token))
                closing.add(index + 1)
    if place not in closing:
        return []
    kept = [(i, tokens[i : i + 1]) for i in range(len(tokens) + 1) if i not in dropped]
    return [token for i, written in kept for token in (*before.get(i, ()), *written)]


def _named_arguments(tokens: list[Token], opening: int, end: int) -> Iterator[int]:
    """Where arguments such as `training = False` are after the inputs of a layer."""
    depth, is_named = 0, False
    for index in range(opening + 1, end):
        token = tokens[index]
        depth += (token.type in OPENING) - (token.type in CLOSING)
        if token.type == "COMMA" and not depth:
            is_named = [t.type for t in tokens[index + 1 : index + 3]] == ["NAME", "EQUAL"]
        if is_named:
            yield index


def _empty(kind: str, place: int, token: Token) -> Token:
    """A token that nobody wrote."""
    made = token.update(type=kind, value="")
    made.start_pos = made.end_pos = place
    return made


def lines_after(tokens: list[Token], index: int) -> Iterator[list[Token]]:
    """The lines of braced bodies after the line with a mistake at `index`, so that theirs are found as well."""
    level = sum((token.type == "LBRACE") - (token.type == "RBRACE") for token in tokens[:index])
    depth = level
    line: list[Token] | None = None  # the rest of the mistake's line is skipped
    for token in tokens[index:] if level else []:
        depth += (token.type == "LBRACE") - (token.type == "RBRACE")
        is_end = depth < level
        if is_end or (token.type == "_NL" and depth == level):
            if line:
                yield line
            level, line = depth, None if is_end else []
        elif line is not None:
            line.append(token)


def join_modules(tokens: list[Token]) -> list[Token]:
    """The tokens of a statement in which the name of a call and the modules before it, as in `nn.Linear(10)`, are one
    name: no name of netspec has a dot, and the message about it is better than one about its bracket."""
    joined: list[Token] = []
    for token in tokens:
        start = len(joined)
        if token.type == "LPAR" and joined and joined[0].type != "USE":
            while start >= 3 and [t.type for t in joined[start - 3 : start - 1]] == ["NAME", "DOT"]:
                start -= 2
            start -= 1
        if start < len(joined) - 1 and joined[-1].type == "NAME" and joined[start].type == "NAME":
            name = joined[start].update(value="".join(joined[start:]))
            name.end_pos = joined[-1].end_pos
            joined[start:] = [name]
        joined.append(token)
    return joined


SECTIONS = ("data", "train", "expect")
"""What has braces that are not a dict."""


def dict_advice(tokens: Sequence[Token], start: int) -> str | None:
    """What to write for `name = {0: 1, 1: 9}`, a dict of Python that begins at a token; None where it is not one.

    Numbers are a list in the order of the keys; words are a chain with one `of` for each output.
    """
    if start < 1 or tokens[start].type != "LBRACE":
        return None
    before = [t for t in tokens[max(0, start - 2) : start] if t.type != "EQUAL"]
    pairs, index = [], start + 1
    while [t.type for t in tokens[index + 1 : index + 2]] == ["COLON"] and index + 2 < len(tokens):
        pairs.append((tokens[index], tokens[index + 2]))
        index += 3
        index += index < len(tokens) and tokens[index].type in ("COMMA", "_NL")
    if (
        not before
        or before[-1].value in SECTIONS
        or not pairs
        or [t.type for t in tokens[index : index + 1]] != ["RBRACE"]
    ):
        return None
    name = before[-1].value
    if all(value.type == "NUMBER" for _, value in pairs):
        is_number = all(key.type == "NUMBER" for key, _ in pairs)
        ordered = sorted(pairs, key=lambda pair: float(pair[0].value)) if is_number else pairs
        text = f"[{', '.join(value.value for _, value in ordered)}]"
        return f"write `{name} = {text}`" + ", in the order of the classes" * (
            name.startswith("class") and not is_number
        )
    named = [f'of("{key.value.strip(chr(34))}", {value.value.strip(chr(34))})' for key, value in pairs]
    return f"write `{name} = {' -> '.join(named)}`"
