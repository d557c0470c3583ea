"""How many lines a network takes: a spec, Keras and Flax NNX side by side.

Counted are lines of code that describe the network: no blank lines, comments, docstrings or imports, and of a spec
neither `data`, `train` nor `expect`. What a spec uses of the library, `use std.…`, is counted in a column of its own;
the last line of the table has ratios without and with it. The Python files are written as the examples of their
libraries are, formatted to 120 columns, and make networks with the same number of weights.

    python -m benchmarks.lines
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path

import netspec
from netspec.compiler.syntax import tree
from netspec.compiler.syntax.parser import parse_source
from netspec.language.diagnostics import Problems
from netspec.language.source import Source, Span

HERE = Path(__file__).parent
SPECS = HERE.parents[1] / "specs"
LIBRARY = Path(netspec.__file__).parent / "std"
NETS = ("keras_mnist_convnet", "lenet5", "vgg16", "resnet18", "googlenet", "unet")

PARTS = ("spec", "library", "keras", "flax")

QUIET = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


@dataclass(frozen=True)
class Lines:
    """The lines of one network; `library` of the blocks that the spec uses."""

    spec: int
    library: int
    keras: int
    flax: int


def count_python(text: str) -> int:
    """Lines of code, without imports and docstrings."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in QUIET:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_docstring or isinstance(node, ast.Import | ast.ImportFrom):
            lines.difference_update(range(node.lineno, node.end_lineno + 1))
    return len(lines)


def count_statement(span: Span) -> int:
    """Lines of a statement of a spec, without blank ones and comments."""
    return sum(1 for line in span.text.splitlines() if line.partition("#")[0].strip())


def statements(path: Path) -> tuple[tree.Statement, ...]:
    problems = Problems()
    found = parse_source(Source.read(path), problems)
    problems.raise_errors()
    return found.statements


def count_spec(path: Path) -> tuple[int, int]:
    """Lines of the network, and of the library definitions that it is made of."""
    own = library = 0
    for statement in statements(path):
        if isinstance(statement, tree.Use):
            file = LIBRARY / f"{statement.module[-1].name}.net"
            library += count_definitions(file, {name.name for name in statement.names})
        elif not isinstance(statement, tree.Section | tree.Edition):
            own += count_statement(statement.span)
    return own, library


def count_definitions(path: Path, names: set[str]) -> int:
    """Lines of these definitions of a library file, and of those that they use in turn."""
    defined = {s.name.name: s.span for s in statements(path) if isinstance(s, tree.Define)}
    needed: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in defined and name not in needed:
            needed.add(name)
            waiting += re.findall(r"\w+", defined[name].text)
    return sum(count_statement(defined[name]) for name in needed)


def count(name: str) -> Lines:
    """The lines of one network in each of the languages."""
    keras, flax = ((HERE / folder / f"{name}.py").read_text(encoding="utf-8") for folder in ("keras", "flax"))
    return Lines(*count_spec(SPECS / f"{name}.net"), count_python(keras), count_python(flax))


def main() -> None:
    found = {name: count(name) for name in NETS}
    print(f"{'network':22}{'spec':>6}{'library':>9}{'Keras':>7}{'Flax':>6}{'Keras/spec':>12}{'Flax/spec':>11}")
    for name, n in found.items():
        ratios = f"{n.keras / n.spec:>12.1f}{n.flax / n.spec:>11.1f}"
        print(f"{name:22}{n.spec:>6}{n.library:>9}{n.keras:>7}{n.flax:>6}{ratios}")
    spec, library, keras, flax = (sum(getattr(n, part) for n in found.values()) for part in PARTS)
    print(f"{'together':22}{spec:>6}{library:>9}{keras:>7}{flax:>6}{keras / spec:>12.1f}{flax / spec:>11.1f}")
    whole = spec + library
    print(f"{'with the library':22}{whole:>6}{'':>9}{keras:>7}{flax:>6}{keras / whole:>12.1f}{flax / whole:>11.1f}")


if __name__ == "__main__":
    main()
