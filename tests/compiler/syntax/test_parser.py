"""Text to tree: every rule of the grammar, where statements end, and what is said about mistakes."""

import sys
from collections.abc import Callable
from types import FrameType

import lark
import pytest

from netspec.compiler.syntax import tree
from netspec.compiler.syntax.parser import grammar_path, parse_source
from netspec.language.diagnostics import KINDS, Diagnostic, Problems
from netspec.language.reference.entries import programs
from netspec.language.source import Source


def parse(text: str) -> tree.File:
    problems = Problems()
    file = parse_source(Source("x.net", text), problems)
    assert not list(problems)
    return file


def mistakes(text: str) -> list[Diagnostic]:
    problems = Problems()
    parse_source(Source("x.net", text), problems)
    return list(problems)


def place(diagnostic: Diagnostic) -> str:
    assert diagnostic.span is not None
    first = diagnostic.span.first
    return f"{diagnostic.code} {first.line}:{first.column}"


def show(node: tree.Node) -> str:
    """A tree on one line, with every operation in parentheses of its own."""
    inner = [show(child) for child in node.children()]
    match node:
        case tree.ExtentLiteral():
            return f"extent{node.sizes}"
        case tree.Name():
            return node.name
        case tree.Number() | tree.String() | tree.Boolean():
            return repr(node.value)
        case tree.InputName():
            return "input"
        case tree.Binary():
            return f"({inner[0]} {node.operator} {inner[1]})"
        case tree.Unary():
            return f"({node.operator} {inner[0]})"
        case tree.Define():
            parameters = "" if node.parameters is None else f"({', '.join(map(show, node.parameters))})"
            return f"def {node.name.name}{parameters} {{{'; '.join(map(show, node.body))}}}"
        case tree.Section():
            return f"section {inner[0]} {{{'; '.join(inner[1:])}}}"
        case tree.Call():
            return f"{inner[0]}({', '.join(inner[1:])})"
        case tree.IfElse():
            return f"({inner[0]} if {inner[1]} else {inner[2]})"
    opening, separator, closing = AROUND.get(type(node), (f"{type(node).__name__.lower()} ", " ", ""))
    return opening + separator.join(inner) + closing


AROUND: dict[type[tree.Node], tuple[str, str, str]] = {
    tree.DurationLiteral: ("duration(", " ", ")"),
    tree.Chain: ("(", " -> ", ")"),
    tree.Branches: ("(", " | ", ")"),
    tree.Group: ("group(", "", ")"),
    tree.TupleLiteral: ("tuple(", ", ", ")"),
    tree.ListLiteral: ("[", ", ", "]"),
    tree.Attribute: ("(", ".", ")"),
    tree.Argument: ("", " = ", ""),
    tree.Parameter: ("", " = ", ""),
    tree.Assign: ("", " = ", ""),
    tree.ExpressionStatement: ("", "", ""),
    tree.TokenShape: ("tokens(", ", ", ")"),
    tree.File: ("", "; ", ""),
}


def test_grammar_has_no_conflicts() -> None:
    grammar = grammar_path().read_text(encoding="utf-8")
    lark.Lark(grammar, start="statement", parser="lalr", lexer="basic", strict=True)


STATEMENTS = [
    ("netspec 1", "edition 1"),
    ('use "blocks.net"', "use 'blocks.net'"),
    ('use "blocks.net" (a, b,)', "use 'blocks.net' a b"),
    ("use std.resnet", "use std resnet"),
    ("use std.resnet (bottleneck)", "use std resnet bottleneck"),
    ("input 784", "inputdeclaration 784"),
    ("input 28x28x1", "inputdeclaration extent(28, 28, 1)"),
    ("input H", "inputdeclaration H"),
    ("input image: (H, W, 3)", "inputdeclaration image tuple(H, W, 3)"),
    ("input (n)", "inputdeclaration tuple(n)"),
    ("input text: 128 tokens(30522)", "inputdeclaration text tokens(128, 30522)"),
    ("input tokens(300)", "inputdeclaration tokens(300)"),
    ("param width = 32", "param width 32"),
    ("h = conv(8)", "h = conv(8)"),
    ("share e = embedding(64)", "share e embedding(64)"),
    ("output digit = h -> dense(10)", "output digit (h -> dense(10))"),
    ("def f = relu", "def f {relu}"),
    ("def f() = relu", "def f() {relu}"),
    ("def f(a, b = 2,) = dense(a) * b", "def f(a, b = 2) {(dense(a) * b)}"),
    ("def f(a) {\n  h = conv(a)\n  share s = relu\n\n  h -> s\n}", "def f(a) {h = conv(a); share s relu; (h -> s)}"),
    ("def f {\n}", "def f {}"),
    ("train { epochs = 12 }", "section train {epochs = 12}"),
    ("train {\n  epochs = 12\n  model {\n    a = 1\n  }\n}", "section train {epochs = 12; section model {a = 1}}"),
    ("expect { params < 1M }", "section expect {(params < 1000000)}"),
    ("data {}", "section data {}"),
    ("conv(16, 3x3, relu) -> dense(10)", "(conv(16, extent(3, 3), relu) -> dense(10))"),
    ("", ""),
    ("# only a comment", ""),
]


@pytest.mark.parametrize(("text", "expected"), STATEMENTS)
def test_statement(text: str, expected: str) -> None:
    assert show(parse(text)) == expected


EXPRESSIONS = [
    ("a -> b -> c", "(a -> b -> c)"),
    ("a -> b if c else d", "(a -> (b if c else d))"),
    ("a if b else c if d else e", "(a if b else (c if d else e))"),
    ("a or b and not c == d", "(a or (b and (not (c == d))))"),
    ("a + b -> c + d", "((a + b) -> (c + d))"),
    ("a + b - c", "((a + b) - c)"),
    ("a + b * c", "(a + (b * c))"),
    ("a * b / c // d % e", "((((a * b) / c) // d) % e)"),
    ("-a * b", "((- a) * b)"),
    ("- - a", "(- (- a))"),
    ("a < b", "(a < b)"),
    ("a >= 10%", "(a >= 0.1)"),
    ("a != b", "(a != b)"),
    ("f()", "f()"),
    ("f(1, b = 2,)", "f(1, b = 2)"),
    ("f(a -> b)", "f((a -> b))"),
    ("f(input = input, tokens = 2)", "f(input = input, tokens = 2)"),
    ("f(a,\noutput = 1,\nparam = 2, share = input.size)", "f(a, output = 1, param = 2, share = (input.size))"),
    ("f(\nuse = 1)", "f(use = 1)"),
    ("input.channels // 16", "((input.channels) // 16)"),
    ("a.b.c", "((a.b).c)"),
    ("f(2).x", "(f(2).x)"),
    ("(a)", "group(a)"),
    ("(a -> b)", "group((a -> b))"),
    ("(a | b -> c | d)", "(a | (b -> c) | d)"),
    ("(a,)", "tuple(a)"),
    ("(a, 2 * n)", "tuple(a, (2 * n))"),
    ("[]", "[]"),
    ("[1, [2, -3],]", "[1, [2, (- 3)]]"),
    ('"train.csv"', "'train.csv'"),
    ('"#"', "'#'"),
    ("true", "True"),
    ("false", "False"),
    ("5 epochs", "duration(5 epochs)"),
    ("iffy", "iffy"),
    ("input_size", "input_size"),
    ("data", "data"),
]


@pytest.mark.parametrize(("text", "expected"), EXPRESSIONS)
def test_expression(text: str, expected: str) -> None:
    assert show(parse(f"x = {text}")) == f"x = {expected}"


NUMBERS = [
    ("12", 12), ("0.25", 0.25), ("1e-3", 0.001), ("2.5e+2", 250.0), ("10%", 0.1), ("0.5%", 0.005), ("600k", 600_000),
    ("1.5M", 1_500_000), ("2G", 2_000_000_000), ("007", 7), ("1e3k", 1_000_000), ("1.2345k", 1234.5),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), NUMBERS)
def test_number(text: str, value: float) -> None:
    (statement,) = parse(f"x = {text}").statements
    assert isinstance(statement, tree.Assign) and isinstance(statement.value, tree.Number)
    assert (statement.value.value, type(statement.value.value), statement.value.text) == (value, type(value), text)


def test_percent_sign_between_numbers_is_modulo() -> None:
    assert show(parse("x = 10%3")) == "x = (10 % 3)"
    assert show(parse("x = 10% % 3")) == "x = (0.1 % 3)"


@pytest.mark.parametrize(("text", "sizes"), [("3x3", (3, 3)), ("28x28x1", (28, 28, 1)), ("5x3x3", (5, 3, 3))])
def test_extent(text: str, sizes: tuple[int, ...]) -> None:
    (statement,) = parse(f"input {text}").statements
    assert isinstance(statement, tree.InputDeclaration) and isinstance(statement.shape, tree.ExtentLiteral)
    assert statement.shape.sizes == sizes


CONTINUED = [
    "a\n-> b", "a  # first\n\n  # second\n\t-> b", "a ->\n b", "a ->  # why\n\n b", "a\r\n-> b\r\n", "a # x -> y\n-> b",
]  # fmt: skip


@pytest.mark.parametrize("text", CONTINUED)
def test_chain_goes_on_over_lines(text: str) -> None:
    assert show(parse(text)) == "(a -> b)"


@pytest.mark.parametrize("text", ["(a\n| b)", "(a |\n b)", "(\na\n|\nb\n)", "(a | b # c\n)"])
def test_branches_go_on_over_lines(text: str) -> None:
    assert show(parse(text)) == "(a | b)"


@pytest.mark.parametrize("text", ["x\n= a + b", "x =\na +\nb", "x = a # c\n# d -> e\ny = b"])
def test_other_continuations(text: str) -> None:
    assert show(parse(text)) in ("x = (a + b)", "x = a; y = b")


def test_line_ends_in_brackets_mean_nothing() -> None:
    assert show(parse("f(\n1\n,\n2\n)\n[\n3\n]")) == "f(1, 2); [3]"


def test_other_lines_are_statements() -> None:
    assert show(parse("a\n-b\n(c)\n\n\n# x\nd")) == "a; (- b); group(c); d"


def test_comment_with_arrow_does_not_continue() -> None:
    assert show(parse("x = 1\n# a -> b\ny = 2")) == "x = 1; y = 2"


def test_spans() -> None:
    text = "h = a # c\n-> conv(1)\nuse std.resnet\ninput tokens(3)\ndef f(x) {\n x\n}"
    assert [s.span.text for s in parse(text).statements] == [
        "h = a # c\n-> conv(1)",
        "use std.resnet",
        "input tokens(3)",
        "def f(x) {\n x\n}",
    ]


def test_trees_compare_without_spans() -> None:
    assert parse("a->b") == parse("\n a\n -> b # x")
    assert parse("(a) -> b") != parse("a -> b")


MISTAKES = [
    ("train {\n    epochs: 12\n}", "NS101 2:11", "write `=` instead of `:`"),
    ("conv(kernel: 3)", "NS101 1:12", "write `=` instead of `:`"),
    ("conv(16 3x3)", "NS101 1:9", "put a comma between `16` and `3x3`"),
    ("conv 16", "NS101 1:6", "put arguments in parentheses: conv(16)"),
    ("def f(x):\n    return x", "NS101 1:9", "write `=` and the layers after it"),
    ("def f(x) {\n    return x\n}", "NS101 2:5", "remove `return`"),
    ("def f(x)\n{\n    x\n}", "NS101 1:8", "put statements in braces"),
    ("// a comment", "NS101 1:1", "a comment begins with `#`"),
    ("conv(3) // the first layer", "NS101 1:9", "a comment begins with `#`"),
    ("/* a comment */", "NS101 1:1", "a comment begins with `#`"),
    ("import numpy", "NS101 1:1", 'use "blocks.net"'),
    ("f = lambda x: x", "NS101 1:5", "def name(a, b = 2)"),
    ("let x = 3", "NS101 1:1", "`name = value`"),
    ("for i in range(3): conv(8)", "NS101 1:1", "`layer * 3` repeats"),
    ("source = csv('a.csv')", "NS106 1:14", "double quotes"),
    ('x = "abc', "NS104 1:5", "end it with"),
    ('data {\n    source = csv("train.csv)\n}', "NS104 2:18", "end it with"),
    ('f("a.csv, g = "b")', "NS104 1:3", "end it with"),
    ("conv(3) relu", "NS101 1:9", "join layers with `->`"),
    ("x = 2x n", "NS105 1:5", "to multiply, write `2 * n`"),
    ("x = 2n", "NS105 1:5", "`2 * n` to multiply"),
    ("conv(16, 3X3)", "NS105 1:10", "lower-case x: 3x3"),
    ("conv(16, 3 x 3)", "NS101 1:14", "no spaces: 3x3"),
    ("conv(16, 3xn)", "NS105 1:10", "(3, n)"),
    ("x = .5", "NS105 1:5", "0.5"),
    ("x = 1.", "NS105 1:5", "1.0"),
    ("x = 1_000", "NS105 1:5", "`1000`"),
    ("x = 10K", "NS105 1:5", "10k"),
    ("x = 10 %", "NS101 1:8", "10%"),
    ("x = " + "1" * 41, "NS105 1:5", "40 characters"),
    ("-> a", "NS101 1:1", "a chain begins with a layer"),
    ("a -> -> b", "NS101 1:6", "remove one of the two"),
    ("a => b", "NS101 1:4", "joined by `->`"),
    ("a |> b", "NS101 1:3", "joined by `->`"),
    ("a → b", "NS106 1:3", "write `->`"),
    ("a | b", "NS101 1:3", "put parallel branches in parentheses"),
    ("f(a || b)", "NS101 1:5", "write `or`"),
    ("f(a && b)", "NS106 1:5", "write `and`"),
    ("x ** 2", "NS101 1:4", "no power operator"),
    ("x += 3", "NS101 1:4", "values cannot be changed"),
    ("a = b = 3", "NS101 1:7", "on its own line"),
    ("train { a = 3, b = 4 }", "NS101 1:14", "on its own line"),
    ("train = { a = 3 }", "NS101 1:9", "train { … }"),
    ("train:\n    epochs = 3", "NS101 1:6", "train { … }"),
    ("adam({lr: 3})", "NS101 1:6", "`key = value`"),
    ("input = 28x28x1", "NS101 1:7", "input 28x28x1"),
    ("input: 28x28x1", "NS101 1:6", "write `input 28x28x1`"),
    ("input image 28x28x1", "NS101 1:13", "`input image: 28x28x1`"),
    ("output h -> dense(3)", "NS101 1:10", "`output name = …`"),
    ("use blocks", "NS101 1:5", 'use "blocks.net"'),
    ("tokens = 3", "NS101 1:1", "choose another name"),
    ("f(def = 3)", "NS101 1:3", "choose another name"),
    ("def f(a) {\n    def g = a\n    a\n}", "NS101 2:5", "outside all braces"),
    ("a if b", "NS101 1:6", "needs an `else`"),
    ("if x: conv(3)", "NS101 1:1", "within a line"),
    ("a < b < c", "NS101 1:7", "a < b and b < c"),
    ("x[0]", "NS101 1:2", "cannot be indexed"),
    ("f(a,,b)", "NS101 1:5", "remove this comma"),
    ("dense(10 = 3)", "NS101 1:10", "write `==` to compare"),
    ("x = a +", "NS101 1:7", "expected a value"),
    ("x = a.", "NS101 1:6", "expected a name"),
    ("conv(16, 3x3\n\ndef f = relu", "NS102 1:5", "add a `)`"),
    ("train {\n    a = 3\n\ndef f = relu", "NS102 1:7", "add a `}`"),
    ("train {\n    a = f(3\n    b = 4\n}", "NS102 2:10", "add a `)`"),
    ("conv(16]", "NS103 1:8", "write `)` here"),
    ("conv(16))", "NS103 1:9", "remove it"),
    ("train {\n    a = 3)\n}", "NS103 2:10", "remove it"),
    ("[a)]", "NS103 1:3", "write `]` here"),
    ("}", "NS103 1:1", "remove it"),
    ("x = a;", "NS106 1:6", "end the line"),
    ("x = \x00", "NS106 1:5", "remove it"),
]


@pytest.mark.parametrize(("text", "expected", "hint"), MISTAKES)
def test_first_mistake(text: str, expected: str, hint: str) -> None:
    first = mistakes(text)[0]
    assert place(first) == expected
    assert hint in first.hint_text


ONE_MESSAGE = [
    "[a)]",
    "conv(16]",
    "train {\n  a = 3)\n}",
    "train {\n  a = f(3\n}",
    'train { a = f("x) }',
    "(" * 50,
    "f(a]\nb",
]


@pytest.mark.parametrize("text", ONE_MESSAGE)
def test_one_mistake_gives_one_message(text: str) -> None:
    assert len(mistakes(text)) == 1


def test_all_mistakes_are_reported_and_the_rest_is_parsed() -> None:
    section = "train {\n    epochs: 3\n    batch = 2\n    lr = = 3\n}"
    text = f"input 8\ndef f(x) = conv 3\na = f(2)\nb = 3 4 5\n{section}\na -> dense(2)"
    problems = Problems()
    file = parse_source(Source("x.net", text), problems)
    assert [place(d) for d in problems] == ["NS101 2:17", "NS101 4:7", "NS101 6:11", "NS101 8:10"]
    assert show(file) == "inputdeclaration 8; a = f(2); (a -> dense(2))"
    assert {"f", "b"} <= file.broken


def test_mistakes_in_nested_bodies_are_all_found() -> None:
    text = "train {\n  a: 1\n  model {\n    b: 2\n    c = 3\n    d: 4\n  }\n  e: 5\n}\nx y"
    assert [place(d) for d in mistakes(text)] == ["NS101 2:4", "NS101 4:6", "NS101 6:6", "NS101 8:4", "NS101 10:3"]


def test_forgotten_bracket_does_not_hide_what_follows() -> None:
    problems = Problems()
    file = parse_source(Source("x.net", "x = conv(3\ndef f = relu\ntrain { epochs = 3 }"), problems)
    assert [place(d) for d in problems] == ["NS102 1:9"]
    assert show(file) == "def f {relu}; section train {epochs = 3}"


def _pages() -> list[tuple[str, str, bool]]:
    pages = []
    for code, kind in sorted(KINDS.items()):
        if code <= "NS107":
            pages += [(code, text, name == "wrong") for name, text in programs(kind).items()]
    assert len(pages) == 14
    return pages


@pytest.mark.parametrize(("code", "text", "is_wrong"), _pages())
def test_pages_show_their_mistake(code: str, text: str, is_wrong: bool) -> None:
    assert [d.code for d in mistakes(text)] == ([code] if is_wrong else [])


DEEP = [
    "(" * 1000 + "a" + ")" * 1000,
    "[" * 1000 + "1" + "]" * 1000,
    "f(" * 1000 + "a" + ")" * 1000,
    "(" * 1000,
    "[" * 1000,
    "train {\n" * 1000,
    "train {\n" * 1000 + "}\n" * 1000,
    "x = " + "-" * 1000 + "a",
    "x = " + "- " * 1000 + "a",
    "x = " + "not " * 1000 + "a",
    "x = " + "a + " * 1000 + "a",
    "x = " + "a if b else " * 1000 + "c",
    "x = " + "(a | " * 1000 + "b" + ")" * 1000,
    "x = a" + ".b" * 1000,
]


@pytest.mark.parametrize("text", DEEP, ids=lambda text: text[:12])
def test_deep_nesting_is_a_diagnostic(text: str) -> None:
    assert mistakes(text)[0].code == "NS107"


def test_reasonable_nesting_is_allowed() -> None:
    parse("(" * 30 + "a" + ")" * 30)
    parse("x = " + " + ".join(["a"] * 90))


def calls(function: Callable[[], object]) -> int:
    """How many Python functions are called meanwhile: a measure of work that no other process disturbs."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def test_long_chains_take_linear_work() -> None:
    parse("a")  # loads the grammar
    texts = ["\n-> ".join(["conv(8, 3x3, relu)"] * length) for length in (1_000, 10_000)]
    (statement,) = parse(texts[1]).statements
    assert isinstance(statement, tree.ExpressionStatement) and isinstance(statement.value, tree.Chain)
    assert len(statement.value.items) == 10_000
    short, long = (calls(lambda text=text: parse(text)) for text in texts)  # type: ignore[misc]
    assert long <= 10.5 * short


@pytest.mark.parametrize("unit", ["\n", "# comment -> x\n", " ", "x\n\n", "(\n)\n"])
def test_long_texts_take_linear_work(unit: str) -> None:
    """Regular expressions that scan a run of lines once per line would take minutes here."""
    problems = Problems()
    parse_source(Source("x.net", unit * 20_000), problems)
    assert len(list(problems)) in (0, 20_000)
