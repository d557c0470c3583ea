"""The canonical style, by examples: the text that comes out is also checked to be a fixed point with the same tree."""

import sys
from types import FrameType

import pytest

from netspec.compiler.syntax import tree
from netspec.compiler.syntax.document import WIDTH
from netspec.compiler.syntax.formatter import format_source
from netspec.compiler.syntax.parser import parse_source
from netspec.language.diagnostics import CompileError, Problems
from netspec.language.source import Source
from tests.compiler.syntax.samples import PROGRAM


def parse(text: str) -> tree.File:
    problems = Problems()
    file = parse_source(Source("x.net", text), problems)
    assert not list(problems)
    return file


def formatted(text: str) -> str:
    result = format_source(Source("x.net", text))
    assert format_source(Source("x.net", result)) == result
    assert parse(result) == parse(text)
    return result


LONG = "name_of_some_length"


def test_program_of_the_language_guide_is_canonical() -> None:
    assert formatted(PROGRAM) == PROGRAM
    assert formatted(PROGRAM.replace(" = ", "=").replace("    ", "\t\t").replace("  #", "\t\t#")) == PROGRAM


def test_line_ends_of_other_systems_become_plain() -> None:
    assert formatted(PROGRAM.replace("\n", "\r\n")) == PROGRAM


ONE_LINE = [
    ("a->b", "a -> b"),
    ("2*n+1//3", "2 * n + 1 // 3"),
    ("- a - -b", "-a - -b"),
    ("not   a and b", "not a and b"),
    ("x<=10", "x <= 10"),
    ("10%3", "10 % 3"),
    ("( (a) )", "((a))"),
    ("(a|b->c)", "(a | b -> c)"),
    ("(a ,)", "(a,)"),
    ("input ( n )", "input (n)"),
    ("input image:(H,W,3)", "input image: (H, W, 3)"),
    ("input 128  tokens( 300 )", "input 128 tokens(300)"),
    ("input tokens(300)", "input tokens(300)"),
    ("f( a,b=2, )", "f(a, b = 2)"),
    ("f ( )", "f()"),
    ("f(input=input,\n  output = 2)", "f(input = input, output = 2)"),
    ("[1,[2,3],]", "[1, [2, 3]]"),
    ("input . channels", "input.channels"),
    ("3 .x", "3 .x"),
    ("a  if b   else c", "a if b else c"),
    ("5   epochs", "5 epochs"),
    ('use "a b.net"(x,y)', 'use "a b.net" (x, y)'),
    ("use std . resnet", "use std.resnet"),
    ("def f=relu", "def f = relu"),
    ("def f( )=relu", "def f() = relu"),
    ("def f(a,b=2){h=a*b}", "def f(a, b = 2) { h = a * b }"),
    ("share e=embedding(64)", "share e = embedding(64)"),
    ("output y=h->dense(1)", "output y = h -> dense(1)"),
    ("train{epochs=3}", "train { epochs = 3 }"),
    ("train { \n }", "train {}"),
    ("1.50e-03 + 007 + 600k", "1.50e-03 + 007 + 600k"),
    ("conv(16, 03x3)", "conv(16, 03x3)"),
    ("f(\n1,\n2\n)", "f(1, 2)"),
    ("h\n=\n3", "h = 3"),
    ("# x   ", "# x"),
    ("a#x", "a  # x".replace("# x", "#x")),
]


@pytest.mark.parametrize(("text", "expected"), ONE_LINE)
def test_one_line(text: str, expected: str) -> None:
    assert formatted(text) == expected + "\n"


@pytest.mark.parametrize("text", ["", "\n", "  \n\t\n", "\r\n"])
def test_empty_file_stays_empty(text: str) -> None:
    assert formatted(text) == ""


LAYOUTS = {
    "blank lines": ("\n\n\na\n\n\n\nb\nc\n\n", "a\n\nb\nc\n"),
    "blank lines in braces": ("train {\n\na = 1\n\n\nb = 2\n\n}", "train {\n    a = 1\n\n    b = 2\n}\n"),
    "runs of settings": (
        "train {\na=1\nlong=2\n\nx=3\nm { y = 1 }\nlonger = 4\n# why\nz=5\np<3\n}",
        "train {\n    a    = 1\n    long = 2\n\n    x = 3\n    m { y = 1 }\n    longer = 4\n    # why\n    z      = 5\n"
        "    p < 3\n}\n",
    ),
    "setting over lines": (
        "train {\na = 1\nlonger = b\n-> c\nxx = 2\n}",
        "train {\n    a = 1\n    longer = b\n        -> c\n    xx = 2\n}\n",
    ),
    "definition keeps statements": ("def f(a) {\nh=a\nh->relu\n}", "def f(a) {\n    h = a\n    h -> relu\n}\n"),
    "chain keeps lines": ("a -> b\n-> c -> d ->\n e", "a -> b\n-> c -> d\n-> e\n"),
    "named chain": ("h = a\n-> b -> c\n\n-> d", "h = a\n    -> b -> c\n    -> d\n"),
    "output chain": ("output h = a\n-> b", "output h = a\n    -> b\n"),
    "definition before =": ("def f(a)\n= a -> b", "def f(a)\n    = a -> b\n"),
    "definition behind =": ("def f(a) =\na -> b", "def f(a)\n    = a -> b\n"),
    "definition chain": ("def f(a) = a\n-> b", "def f(a) = a\n    -> b\n"),
    "definition chain before =": ("def f(a)\n= a\n-> b", "def f(a)\n    = a\n    -> b\n"),
    "group": ("a + (b\n-> c) -> d", "a + (\n    b\n    -> c\n) -> d\n"),
    "branches": ("(a | b\n| c -> d) -> e", "(\n    a\n    | b\n    | c -> d\n) -> e\n"),
    "branch chain": ("(a\n| c\n-> d)", "(\n    a\n    | c\n        -> d\n)\n"),
    "argument chain": ("f(a\n-> b, c = d\n-> e)", "f(\n    a\n        -> b,\n    c = d\n        -> e,\n)\n"),
    "single argument": ("f(a\n-> b)", "f(\n    a\n    -> b\n)\n"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(name: str) -> None:
    text, expected = LAYOUTS[name]
    assert formatted(text) == expected


TOO_LONG = {
    "chain": (
        " -> ".join([f"{LONG}(1)"] * 7),
        f"{LONG}(1) -> {LONG}(1) -> {LONG}(1) -> {LONG}(1)\n-> {LONG}(1) -> {LONG}(1) -> {LONG}(1)\n",
    ),
    "named chain": (
        "h = " + " -> ".join([LONG] * 5),
        f"h = {LONG} -> {LONG} -> {LONG} -> {LONG}\n    -> {LONG}\n",
    ),
    "definition": (
        f"def f(a) = {' -> '.join([LONG] * 4)} -> xx",
        f"def f(a)\n    = {LONG} -> {LONG} -> {LONG} -> {LONG} -> xx\n",
    ),
    "definition and chain": (
        f"def f(a) = {' -> '.join([LONG] * 5)}",
        f"def f(a)\n    = {LONG} -> {LONG} -> {LONG} -> {LONG}\n    -> {LONG}\n",
    ),
    "arguments on one line": (
        f"x = function({', '.join([f'{LONG} = 1'] * 3)}, last = 12345)",
        f"x = function(\n    {', '.join([f'{LONG} = 1'] * 3)}, last = 12345\n)\n",
    ),
    "arguments on many lines": (
        f"x = f({', '.join([f'{LONG} = 1'] * 5)})",
        "x = f(\n" + f"    {LONG} = 1,\n" * 5 + ")\n",
    ),
    "branches": (
        f"({' | '.join([LONG] * 5)}) -> concat",
        f"(\n    {LONG}\n" + f"    | {LONG}\n" * 4 + ") -> concat\n",
    ),
    "numbers": (
        "x = [" + ", ".join(["-1000000"] * 12) + "]",
        "x = [\n    " + ", ".join(["-1000000"] * 9) + ",\n    " + ", ".join(["-1000000"] * 3) + "\n]\n",
    ),
    "parameters": (
        f"def f({', '.join([f'{LONG} = 1'] * 5)}) = a",
        "def f(\n" + f"    {LONG} = 1,\n" * 5 + ")\n    = a\n",
    ),
    "one-line section": (
        f"train {{ abc = f({', '.join([LONG] * 4)}) }}",
        f"train {{\n    abc = f({', '.join([LONG] * 4)})\n}}\n",
    ),
}


@pytest.mark.parametrize("name", TOO_LONG)
def test_long_lines_are_broken(name: str) -> None:
    text, expected = TOO_LONG[name]
    assert len(text) > WIDTH
    result = formatted(text)
    assert result == expected
    assert max(map(len, result.splitlines())) <= WIDTH


COMMENTS = {
    "only comments": ("\n# a\n\n\n# b\n", "# a\n\n# b\n"),
    "trailing, aligned": ("a # x\nbcd # y\n\ne # z", "a    # x\nbcd  # y\n\ne  # z\n"),
    "before a statement": ("# x\na\n\n# y\n\nb", "# x\na\n\n# y\n\nb\n"),
    "at the end": ("a\n# x", "a\n# x\n"),
    "braces": (
        "train { # x\n# y\na = 1 # z\n# end\n}",
        "train {  # x\n    # y\n    a = 1  # z\n    # end\n}\n",
    ),
    "empty braces": ("train { # x\n}", "train {  # x\n}\n"),
    "empty braces, own line": ("train {\n# x\n}", "train {\n    # x\n}\n"),
    "chain": ("a # x\n# y\n-> b # z", "a  # x\n# y\n-> b  # z\n"),
    "behind an arrow": ("a -> # x\nb", "a  # x\n-> b\n"),
    "named chain": ("h = a # x\n# y\n-> b", "h = a  # x\n    # y\n    -> b\n"),
    "first step": ("h = a + # x\nb -> c", "h = a + b  # x\n    -> c\n"),
    "first step, own line": ("h = a +\n# x\nb -> c", "# x\nh = a + b -> c\n"),
    "arguments": (
        "f( # x\n1, # y\n# z\n2 # end\n# last\n)",
        "f(  # x\n    1,  # y\n    # z\n    2,  # end\n    # last\n)\n",
    ),
    "before a comma": ("f(1 # x\n, 2)", "f(\n    1,  # x\n    2,\n)\n"),
    "no arguments": ("f( # x\n)", "f(  # x\n)\n"),
    "no arguments, own line": ("f(\n# x\n)", "f(\n    # x\n)\n"),
    "name and parenthesis apart": ("(f # x\n( # y\n1))", "(\n    f(  # x\n        # y\n        1\n    )\n)\n"),
    "list": ("[1, # x\n2]", "[\n    1,  # x\n    2,\n]\n"),
    "branches": ("(a # x\n# y\n| b)", "(\n    a  # x\n    # y\n    | b\n)\n"),
    "parameters": ("def f(a, # x\nb) = a", "def f(\n    a,  # x\n    b,\n) = a\n"),
    "definition": ("def f(a) # x\n# y\n= a # z", "def f(a)  # x\n    # y\n    = a  # z\n"),
    "definition, two": ("def f # x\n= # y\na", "def f  # x\n    # y\n    = a\n"),
    "several in one item": ("a + # x\nb + # y\nc # z", "# x\n# y\na + b + c  # z\n"),
    "names": ("use std.a (x, # x\ny)", "use std.a (\n    x,  # x\n    y,\n)\n"),
    "shape": ("input (H, # x\n3)", "input (\n    H,  # x\n    3,\n)\n"),
    "sign in a text": ('a = "#" # x', 'a = "#"  # x\n'),
    "blank line stays before": ("a\n\nb + # x\n# y\nc", "a\n\n# y\nb + c  # x\n"),
}


@pytest.mark.parametrize("name", COMMENTS)
def test_comments_stay(name: str) -> None:
    text, expected = COMMENTS[name]
    assert formatted(text) == expected


def test_syntax_errors_are_raised() -> None:
    with pytest.raises(CompileError) as caught:
        format_source(Source("x.net", "a b\nc d"))
    assert [d.code for d in caught.value.diagnostics] == ["NS101", "NS101"]


def test_long_texts_take_linear_work() -> None:
    counts = []
    for length in (200, 2_000):
        text = "\n-> ".join([f"conv(8, {LONG} = (a | b)) # why"] * length) + "\n" + "x = 1 # why\n" * length
        count = 0

        def note(frame: FrameType, event: str, argument: object) -> None:
            nonlocal count
            count += event == "call"

        sys.setprofile(note)
        try:
            format_source(Source("x.net", text))
        finally:
            sys.setprofile(None)
        counts.append(count)
    assert counts[1] <= 10.5 * counts[0]
