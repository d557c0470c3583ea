"""Properties of parser and formatter that hold for every text."""

import re

from hypothesis import given, settings, strategies as st

from netspec.compiler.syntax.formatter import format_source
from netspec.compiler.syntax.parser import parse_source
from netspec.language.diagnostics import Problems, render
from netspec.language.source import Source
from tests.compiler.syntax.samples import EVERYTHING, PROGRAM

PIECE = re.compile(r'"[^"\n]*"|#[^\n]*\n|[A-Za-z_0-9.]+%?|->|//|[<>=!]=|\n| +|.')
PIECES = sorted(set(PIECE.findall(PROGRAM + EVERYTHING)))
STATEMENTS = [text + "\n" for text in re.split(r"\n(?=[a-z])", PROGRAM + EVERYTHING)]
NOISE = [
    "\n",
    "\n\n",
    "  ",
    "\t",
    "\r\n",
    " # note\n",
    "\n# note -> x\n",
    "\n\n    # a\n\n# b\n",
    "\n-> a",
    "x" * 60,
    "(",
    ")",
    "{",
    "}",
]


def comments(text: str) -> list[str]:
    """The comments of a text, in some order."""
    found = re.findall(r'"[^"\n]*"|(#[^\n]*)', text)
    return sorted(comment.rstrip() for comment in found if comment)


def check(text: str) -> None:
    """Parsing gives a tree or diagnostics; formatting what has no errors keeps all but the layout, and is final."""
    source = Source("x.net", text)
    problems = Problems()
    file = parse_source(source, problems)
    for problem in problems:
        assert problem.span is not None and 0 <= problem.span.start < problem.span.end <= len(text)
        assert problem.hint_text and render(problem)
    if problems.errors:
        return
    result = format_source(source)
    after = Problems()
    assert parse_source(Source("x.net", result), after) == file, result
    assert not list(after)
    assert comments(result) == comments(text)
    assert format_source(Source("x.net", result)) == result
    assert result == "" or (result.endswith("\n") and not result.endswith("\n\n"))
    assert not any(line.endswith(" ") for line in result.split("\n"))


@settings(deadline=None)
@given(st.text())
def test_any_text(text: str) -> None:
    check(text)


@settings(deadline=None)
@given(st.text(alphabet='ax1 .,:=+-*/%<>!|()[]{}"#\n\r\t', max_size=60))
def test_any_signs(text: str) -> None:
    check(text)


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30), st.sampled_from(["", " "]))
def test_any_pieces(pieces: list[str], separator: str) -> None:
    check(separator.join(pieces))


@st.composite
def changed_programs(draw: st.DrawFn) -> str:
    """A few good statements with pieces removed, swapped in and put between others."""
    statements = draw(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=3))
    pieces = PIECE.findall("".join(statements))
    for _ in range(draw(st.integers(1, 5))):
        index = draw(st.integers(0, len(pieces)))
        width = draw(st.sampled_from([0, 0, 0, 1]))
        pieces[index : index + width] = [draw(st.sampled_from(NOISE) | st.sampled_from(PIECES))]
    return "".join(pieces)


@settings(deadline=None, max_examples=150)
@given(changed_programs())
def test_changed_programs(text: str) -> None:
    check(text)


LEAVES = ["a", "relu", "input", "f" * 30, "some_longer_name", "1", "10%", "2.5e3", "3x3", "true", "5 epochs"]
LEAVES += ['"a # b.csv"', "input.channels", "[]", "f()"]
leaves = st.sampled_from(LEAVES)
spaces = st.sampled_from(["", "", "", " ", "\n", " # why\n", "\n# own\n", "\n\n# own\n\n"])
"""What may stand between tokens inside parentheses."""
OPERATORS = [" + ", " - ", " * ", " // ", " % ", " or ", " if a else "]


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    """An expression that may stand outside of parentheses; inside them there are line ends and comments."""
    form = draw(st.integers(0, 9)) if depth else 0
    if form <= 3:
        return draw(leaves)
    if form == 4:
        left, right = draw(expressions(depth - 1)), draw(leaves)
        return left + draw(st.sampled_from(OPERATORS)) + right
    if form == 5:
        return draw(st.sampled_from(["-", "- # why\n"])) + draw(expressions(0))
    opening, separator, closing, least = draw(st.sampled_from(FORMS))
    items = []
    for _ in range(draw(st.integers(least, 3))):
        steps = [draw(expressions(depth - 1)) for _ in range(draw(st.sampled_from([1, 1, 2, 3])))]
        key = draw(st.sampled_from(["", "key=", "another_key = "])) if opening == "layer(" else ""
        arrows = [draw(spaces) + "->" + draw(spaces) for _ in steps[1:]]
        chain = steps[0] + "".join(arrow + step for arrow, step in zip(arrows, steps[1:], strict=True))
        items.append(draw(spaces) + key + chain + draw(spaces))
    return opening + separator.join(items) + closing


FORMS = [("(", "|", ")", 1), ("(", ",", ",)", 1), ("[", ",", "]", 0), ("layer(", ",", ")", 0), ("layer(", ",", ")", 1)]
"""How brackets open, what separates their items, how they close, and the least number of items."""
line_ends = st.sampled_from(["\n", "\n\n", "\n\n\n", " # end\n", "\n# own\n", "\n\n# own\n\n"])
arrows = st.sampled_from([" -> ", "\n-> ", " # why\n-> ", "\n# own\n\n-> ", " ->\n", " -> # why\n"])


@st.composite
def chains(draw: st.DrawFn) -> str:
    """A chain as it stands outside of brackets."""
    text = draw(expressions())
    for _ in range(draw(st.integers(0, 3))):
        text += draw(arrows) + draw(expressions())
    return text


heads = st.sampled_from(
    [
        "",
        "",
        "h = ",
        "longer_name=",
        "share s = ",
        "output o = # why\n",
        "def f(a, b = 2) = ",
        "def f # why\n= ",
        "def f\n=",
    ]
)


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Statements, some of them in braces."""
    text = draw(line_ends)
    for _ in range(draw(st.integers(1, 4))):
        statement = draw(heads) + draw(chains())
        if draw(st.integers(0, 2)) == 0:
            inner = ["x = " + draw(chains()) + draw(line_ends) for _ in range(draw(st.integers(0, 3)))]
            statement = draw(st.sampled_from(["train {", "def f(a) {"])) + draw(line_ends) + "".join(inner) + "}"
        text += statement + draw(line_ends)
    return text


@settings(deadline=None, max_examples=150)
@given(programs())
def test_generated_programs(text: str) -> None:
    check(text)
