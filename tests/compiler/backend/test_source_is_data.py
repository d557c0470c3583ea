"""Text of a spec never becomes code: emitted source has a few kinds of nodes, and every leaf is one of ours."""

from __future__ import annotations

import ast
import keyword

import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

import netspec
from netspec import nn
from netspec.compiler.backend.emit import emit_source
from netspec.compiler.backend.pycode import to_python
from netspec.compiler.ir.graph import Graph
from netspec.language.source import Source
from netspec.language.vocabulary import choice_names
from netspec.spec.compilation import Compilation
from tests.compiler.backend.live import abstract, outputs
from tests.compiler.backend.nets import NETS
from tests.compiler.backend.test_names import NASTY

ALLOWED = (
    *(ast.Module, ast.Import, ast.ImportFrom, ast.alias, ast.ClassDef, ast.FunctionDef, ast.arguments, ast.arg),
    *(ast.Expr, ast.Assign, ast.Return, ast.Pass, ast.Call, ast.keyword, ast.Name, ast.Attribute, ast.Constant),
    *(ast.Tuple, ast.List, ast.Dict, ast.Subscript, ast.BinOp, ast.Add, ast.Mult, ast.FloorDiv, ast.UnaryOp, ast.USub),
    *(ast.Load, ast.Store),
)

MODULES = {"nn", "jnp"}
CALLED = {"sum", "float", "partial"}
BUILTINS = CALLED | {"int", "bool", "tuple"}


def check_source(source: str, outputs: set[str]) -> None:
    tree = ast.parse(source)
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    docstrings = {id(tree.body[0].value)} if isinstance(tree.body[0], ast.Expr) else set()
    for statement in tree.body:
        assert isinstance(statement, ast.Import | ast.ImportFrom | ast.ClassDef | ast.Expr)
    for node in ast.walk(tree):
        assert isinstance(node, ALLOWED), ast.dump(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            assert node.value in {"SAME", "VALID", "inf", "-inf", "bfloat16", "float16", *choice_names(), *outputs}
        if isinstance(node, ast.Attribute):
            check_attribute(node)
        if isinstance(node, ast.FunctionDef):
            check_function(node, classes)


def check_attribute(node: ast.Attribute) -> None:
    """`nn.…`, `jnp.…` and `self.…` only, nothing private; of a layer only the products with a shared table."""
    assert not node.attr.startswith("_")
    if isinstance(node.value, ast.Attribute):
        text = ast.unparse(node.value)
        assert text == "nn.initializers" or (text.startswith("self.") and node.attr == "attend")
        return
    assert isinstance(node.value, ast.Name)
    assert node.value.id in {"nn", "jnp", "self"}
    if node.value.id == "nn":
        assert node.attr == "initializers" or callable(getattr(nn, node.attr, None))


def check_function(node: ast.FunctionDef, classes: set[str]) -> None:
    """Names in a body are parameters, variables, modules or classes, and no parameter or variable hides another one."""
    assert node.name in {"__init__", "__call__", "logits"}
    parameters = [a.arg for a in (*node.args.args, *node.args.kwonlyargs)]
    assert len(parameters) == len(set(parameters))
    names = [n for statement in node.body for n in ast.walk(statement) if isinstance(n, ast.Name)]
    written = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    local = written | set(parameters)
    assert not local & (MODULES | CALLED | (classes if node.name == "__init__" else set()))
    assert {n.id for n in names} <= local | MODULES | BUILTINS | classes
    assert not any(keyword.iskeyword(name) for name in local)


def names_of_outputs(graph: Graph) -> set[str]:
    return {output.name for output in graph.outputs if output.name is not None}


def test_the_nets() -> None:
    for text in NETS.values():
        spec = Compilation(Source("<spec>", text))
        check_source(spec.python, names_of_outputs(spec.optimized))


NAMES = st.one_of(st.sampled_from(NASTY), st.from_regex(r"[A-Za-z_][A-Za-z_0-9]{0,6}", fullmatch=True))
NUMBERS = st.one_of(st.integers(1, 9).map(str), st.sampled_from(["1e3", "20%", "2.5", "(1 + 1)", "1k"]))
TEXTS = st.text(st.characters(exclude_characters='"\n\r', exclude_categories=["Cs"]), max_size=12)


@st.composite
def programs(draw: st.DrawFn) -> str:
    image, tensor, block, argument, other, shared, first, second = draw(
        st.lists(NAMES, min_size=8, max_size=8, unique=True)
    )
    layer_name = draw(st.one_of(NAMES, TEXTS))
    return f"""input {image}: 4
# {draw(TEXTS)} \"\"\" + __import__("os")
def {block}({argument}, {other} = {draw(NUMBERS)})
    = dense({argument}) -> dense(4, name = "{layer_name}") -> scale({other})
share {shared} = dense(4, tanh)
{tensor} = {image} -> {block}({draw(NUMBERS)}) -> {block}(3, {other} = 5) -> {shared}
output {first} = {tensor} -> {shared} -> dense(3, softmax)
output {second} = {tensor} + {image}
"""


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(programs())
def test_any_names(text: str) -> None:
    spec = Compilation(Source("<spec>", text))
    assume(not spec.diagnose().errors)
    check_source(spec.python, names_of_outputs(spec.optimized))
    compile(emit_source(spec.optimized, standalone=True), "model.py", "exec")
    found = outputs(spec, abstract(spec))
    assert set(found) == names_of_outputs(spec.optimized)


def test_numbers_that_are_none() -> None:
    """A spec cannot write an infinite number; a word declared in Python may hold one, and it is printed as one."""
    with pytest.raises(netspec.CompileError, match="not a number: `1e999`"):
        netspec.compile("input 2\nscale(1e999)")
    assert to_python([float("inf"), float("-inf")]) == '[float("inf"), float("-inf")]'
