"""Passes change the graph and not the answers; what they make of each graph is in tests/cases/passes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import HealthCheck, given, settings, strategies as st

import netspec
from netspec.compiler.backend.fold_weights import FoldedForm
from netspec.compiler.ir.graph import Graph, Padding
from netspec.compiler.ir.printer import graph_text
from netspec.compiler.ir.repeats import find_repeats
from netspec.compiler.passes import INFERENCE_PASSES, PASSES
from netspec.language.source import Source
from netspec.spec.compilation import Compilation
from netspec.spec.model import Model

NETS = {
    "conv": """
        input 9x9x3
        conv(8, 3x3, bias = false) -> batchnorm -> relu -> conv(6, 3x3, stride = 2, pad = valid)
        -> batchnorm(epsilon = 0.01, scale = false) -> relu -> flatten -> dense(3, softmax)
    """,
    "groups": """
        input 7x7x4
        conv(8, 3x3, groups = 4) -> batchnorm -> relu -> conv(8, 3, groups = 2, dilation = 2)
        -> batchnorm(offset = false)
    """,
    "depthwise": "input 7x7x3\nseparable(6, 3x3) -> batchnorm -> relu -> depthwise(3x3, multiplier = 2) -> batchnorm",
    "upconv": "input 4x4x3\nupconv(5) -> batchnorm -> relu -> upconv(2, 3x3, bias = false) -> batchnorm",
    "sequence": "input 9x4\nconv(5, 3) -> batchnorm -> relu -> dense(6) -> batchnorm -> gap -> dense(2)",
    "padded": "input 9 tokens(5, pad = 0)\nembedding(4) -> conv(5, 3) -> batchnorm -> gap -> dense(3) -> batchnorm",
    "dense": "input 6\ndense(5) -> batchnorm -> relu -> dense(4, linear, frozen = true) -> batchnorm -> batchnorm",
    "behind dropout": "input 6\ndense(5) -> dropout(0.5) -> batchnorm -> scale(2) -> dropout(0.1) -> scale(3, 1)",
    "resnet": """
        use std.resnet
        input 8x8x4
        basic_block(4) -> basic_block(8, stride = 2) -> basic_block(8) -> gap -> dense(3, softmax)
    """,
    "shared": """
        input a: 6
        input b: 6
        def unit = dense(6) -> batchnorm -> relu
        share tower = unit -> unit
        def pair = tower -> dense(6) -> batchnorm
        (a -> pair | b -> pair) -> concat -> dense(2, sigmoid)
    """,
    "several outputs": """
        input 6
        body = input -> dense(4) -> batchnorm
        output kind = body -> dense(3, softmax)
        output size = body -> dropout(0.5)
    """,
}


def with_random_numbers(text: str) -> Model:
    """A model with weights and statistics as after training: nothing is 0 or 1 that usually begins so."""
    model = netspec.compile(text)
    module = nnx.eval_shape(lambda: model.module_class(rngs=nnx.Rngs(0)))
    numbers = np.random.default_rng(0)
    for path, variable in nnx.to_flat_state(nnx.state(module)):
        if jnp.issubdtype(variable.dtype, jax.dtypes.prng_key):
            variable.set_value(jax.random.key(0))
            continue
        is_variance = path[-1] == "var"
        drawn = numbers.uniform(0.2, 2, variable.shape) if is_variance else numbers.normal(0, 0.5, variable.shape)
        variable.set_value(jnp.asarray(drawn, variable.dtype))
    model.module = module
    return model


def inputs_of(model: Model) -> list[Any]:
    numbers = np.random.default_rng(1)
    found = []
    for shape in model.inputs.values():
        size = (3, *shape.sizes)
        found.append(numbers.integers(0, 4, size) if shape.is_tokens else numbers.normal(size=size).astype("float32"))
    return list(map(jnp.asarray, found))


def unmerged(model: Model, inputs: list[Any]) -> Any:
    """What the network as trained answers, dropout off and running statistics used."""
    _, params, state = nnx.split(model.module, nnx.Param, ...)
    return jax.jit(model.apply)({"params": params, "state": state}, *inputs)


def assert_equal(found: Any, expected: Any) -> None:
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * float(np.abs(other).max()))


@pytest.mark.parametrize("name", NETS)
def test_the_inference_form_gives_the_same_answers(name: str) -> None:
    model = with_random_numbers(NETS[name])
    inputs = inputs_of(model)
    parts = [part for _, part in nnx.iter_graph(model.inference_module())]
    assert not any(isinstance(part, nnx.BatchNorm | nnx.Dropout) for part in parts)
    assert_equal(model(*inputs), unmerged(model, inputs))


def test_folded_weights_are_those_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    model = with_random_numbers("input 8x8x4\nconv(6, 3x3, groups = 2) -> batchnorm")
    conv, norm = model.module.conv, model.module.batchnorm

    def numbers(variable: Any) -> Any:
        return torch.tensor(np.asarray(variable[...]))

    kernel, bias = torch.nn.utils.fusion.fuse_conv_bn_weights(
        numbers(conv.kernel).permute(3, 2, 0, 1),
        numbers(conv.bias),
        numbers(norm.mean),
        numbers(norm.var),
        1e-5,
        numbers(norm.scale),
        numbers(norm.bias),
    )
    merged = model.inference_module().conv
    np.testing.assert_allclose(merged.kernel[...], kernel.permute(2, 3, 1, 0).detach(), rtol=1e-5)
    np.testing.assert_allclose(merged.bias[...], bias.detach(), rtol=1e-5)


# ---------------------------------------------------------------- which weights answer


def test_changes_to_the_module_are_changes_to_the_answers() -> None:
    model = with_random_numbers(NETS["dense"])
    inputs = inputs_of(model)
    before = model(*inputs)
    model.module.dense.kernel[...] = 2 * model.module.dense.kernel[...]
    assert not np.allclose(model(*inputs), before)
    assert_equal(model(*inputs), unmerged(model, inputs))
    model.module.batchnorm.mean[...] = model.module.batchnorm.mean[...] + 1
    assert_equal(model(*inputs), unmerged(model, inputs))


def test_weights_are_folded_once() -> None:
    made = []

    def make() -> Any:
        made.append(nnx.Linear(2, 2, rngs=nnx.Rngs(0)))
        return made[-1]

    form, weights = FoldedForm(make), [jnp.ones(2), jnp.zeros(2)]
    assert form.of(weights) is not None and form.of(list(weights)) is not None
    assert len(made) == 1
    form.of([jnp.ones(2), weights[1]])
    assert len(made) == 2


def test_the_module_itself_answers_for_arrays_that_may_change() -> None:
    form = FoldedForm(lambda: pytest.fail("there is nothing to fold"))
    assert form.of([np.ones(2)]) is None
    jax.eval_shape(lambda x: [form.of([x])] and x, jnp.ones(2))  # a tracer
    model = with_random_numbers(NETS["dense"])
    (inputs,) = inputs_of(model)
    kernel = np.asarray(model.module.dense.kernel[...]).copy()
    model.module.dense.kernel.set_value(kernel)
    before = model(inputs)
    kernel += 1
    assert not np.allclose(model(inputs), before)


def test_a_network_without_batchnorm_answers_itself() -> None:
    assert netspec.compile("input 4\ndense(3, relu) -> dropout(0.5) -> dense(2)")._folded is None


# ---------------------------------------------------------------- properties

STEPS = [
    "conv(4, 3x3)",
    "conv(4, 3x3, bias = false)",
    "conv(4, 1x1, relu)",
    "conv(4, 3x3, groups = 2)",
    "depthwise(3x3)",
    "batchnorm",
    "relu",
    "identity",
    "dropout(0.5)",
    "scale(2, 0.5)",
    "scale(0.5, -0.25)",
    "scale(1)",
    "unit",
    "other",
    "tied",
    "bare",
]
chains = st.recursive(
    st.sampled_from(STEPS),
    lambda inner: (
        st.lists(inner, min_size=2, max_size=4).map(" -> ".join)
        | st.tuples(inner, inner).map(lambda pair: f"({pair[0]} + {pair[1]})")
        | st.tuples(inner, st.integers(2, 3)).map(lambda pair: f"({pair[0]}) * {pair[1]}")
        | inner.map(lambda item: f"residual({item})")
    ),
    max_leaves=6,
)


@st.composite
def networks(draw: st.DrawFn) -> str:
    """Small nets whose tensors all have one shape, so that everything goes with everything."""
    lines = [
        "input 5x5x4",
        f"def unit = {draw(st.sampled_from(STEPS[:-4]))} -> {draw(st.sampled_from(STEPS[:-4]))}",
        f"def other = {draw(st.sampled_from(STEPS[:-3]))} -> batchnorm",
        "share tied = conv(4, 3x3) -> batchnorm -> relu",
        "share bare = conv(4, 3x3)",
        f"h = input -> {draw(chains)}",
        f"h -> {draw(chains)} -> {draw(chains)}",
    ]
    if draw(st.booleans()):
        lines[-1] = f"output first = {lines[-1]}"
        lines.append(f"output second = h -> {draw(chains)}")
    return "\n".join(lines) + "\n"


slowly = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])


def shapes_of(graph: Graph) -> list[str]:
    nodes = [graph.nodes[i] for i in graph.inputs]
    return [str(n.shape) for n in nodes] + [f"{o.name} {graph.shape_of(o.edge)}" for o in graph.outputs]


@slowly
@given(networks())
def test_passes_keep_shapes_and_answers(text: str) -> None:
    model = with_random_numbers(text)
    graph = model.graph
    for run in (*PASSES, *INFERENCE_PASSES):
        before = graph_text(graph)
        changed = run(graph)
        assert graph_text(graph) == before, "the graph that is given stays as it is"
        assert shapes_of(changed) == shapes_of(graph)
        assert graph_text(run(changed)) == graph_text(changed), "there is nothing left to do"
        graph = changed
    inputs = inputs_of(model)
    merged = model.inference_module()
    model.module.eval()
    assert_equal(merged(*inputs), model.module(*inputs))


@slowly
@given(networks())
def test_repeats_are_what_they_say(text: str) -> None:
    graph = netspec.compile(text).compilation.inference
    for repeat in find_repeats(graph):
        block, copies = repeat.block, repeat.copies
        assert len(copies) > 1 and len({len(copy) for copy in copies}) == 1
        inside = {index: number for number, copy in enumerate(copies) for index in copy}
        assert len(inside) == len(copies) * len(copies[0])
        flows = [repeat.entry.node, *(copy[-1] for copy in copies)]
        assert {str(block.nodes[index].shape) for index in flows} == {str(repeat.shape)}
        for index, node in enumerate(block.nodes):
            for edge in node.reads:
                here, there = inside.get(index), inside.get(edge.node)
                if there is not None and here != there:  # a result that leaves its copy is what flows on
                    assert edge.node == copies[there][-1]
                    assert here == there + 1 or (here is None and there == len(copies) - 1)
        for output in block.outputs:
            assert inside.get(output.edge.node) is None or output.edge.node == copies[-1][-1]
        for own in zip(*copies, strict=True):
            operations = {id(op) if isinstance(op, Graph) else op for op in (block.nodes[i].operation for i in own)}
            names = {op.to_source() for op in operations if not isinstance(op, int)}
            assert len(names) <= 1


@pytest.mark.parametrize(
    "network", ["embedding(8) -> dense(3, softmax)", "def b() = embedding(8) -> dense(3, softmax)\nb"]
)
def test_an_output_keeps_its_padding_when_its_head_is_peeled_off(network: str) -> None:
    compilation = Compilation(Source("net.net", f"input 10 tokens(50, pad = 0)\n{network}\n"))
    assert compilation.optimized is not None
    (output,) = compilation.optimized.outputs
    assert output.head is not None and output.padding == Padding("x", 0)
