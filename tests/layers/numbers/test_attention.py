"""Attention and positions against PyTorch and by hand: results, gradients, masks of padded steps, dropout."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec
from netspec import nn

torch = pytest.importorskip("torch")
from torch.nn import functional  # noqa: E402  # after the check that there is a PyTorch

pytestmark = pytest.mark.oracle

TOLERANCE = 1e-5
NAMES = ("query", "key", "value", "out")


def close(ours: Any, theirs: Any, what: str = "forward") -> None:
    """Equal within 1e-5 of the largest number."""
    wanted = theirs.detach().numpy() if hasattr(theirs, "detach") else np.asarray(theirs)
    found = np.asarray(ours)
    assert found.shape == wanted.shape, what
    assert np.abs(found - wanted).max() <= TOLERANCE * max(1.0, np.abs(wanted).max()), what


def data(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def quick_jit(function: Any) -> Any:
    """`jax.jit` without the costly part of compiling, for what runs once on a few numbers."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


class Ours:
    """A net with random weights: its result, and the gradients of a weighted sum of it, by the names of the weights.

    With `torch_weights` the same numbers for PyTorch, which gathers its gradients in them.
    """

    def __init__(self, text: str, *inputs: np.ndarray, weighting: np.ndarray | None = None) -> None:
        self.model = netspec.compile(text)
        variables = jax.eval_shape(lambda: self.model.init(1))  # its state, keys for dropout, is not read here
        flat = nnx.to_flat_state(variables["params"])
        self.params = {
            ".".join(map(str, path)): jnp.asarray(0.5 * data(*leaf.shape, seed=i))
            for i, (path, leaf) in enumerate(flat)
        }
        names = {".".join(map(str, path)): path for path, _ in flat}
        shape = jax.eval_shape(self.model.apply, variables, *inputs).shape
        self.weighting = data(*shape, seed=7) if weighting is None else weighting

        def forward(params: dict[str, Any], *inputs: Any) -> Any:
            state = nnx.from_flat_state([(names[n], nnx.Param(v)) for n, v in params.items()])
            return self.model.apply({**variables, "params": state}, *inputs)

        def loss(params: dict[str, Any], *inputs: Any) -> Any:
            y = forward(params, *inputs)
            return (y * self.weighting).sum(), y

        self.forward = quick_jit(forward)
        floats = [i + 1 for i, x in enumerate(inputs) if x.dtype == np.float32]
        run = quick_jit(jax.value_and_grad(loss, argnums=(0, *floats), has_aux=True))
        (_, self.y), (self.gradients, *self.input_gradients) = run(self.params, *inputs)
        self.theirs = {n: torch.tensor(np.asarray(v), requires_grad=True) for n, v in self.params.items()}

    def check(self, y: Any, *inputs: Any) -> None:
        """What PyTorch computed from `theirs` is ours, forward and backward."""
        (y * torch.tensor(self.weighting)).sum().backward()
        close(self.y, y)
        for place, (found, x) in enumerate(zip(self.input_gradients, inputs, strict=True)):
            close(found, x.grad, f"gradient of input {place}")
        for name, weight in self.theirs.items():
            close(self.gradients[name], weight.grad, name)

    def projections(self, prefix: str = "attention") -> dict[str, Any]:
        """The weights of an attention as PyTorch has them."""
        found = {}
        for name in NAMES:
            found[name] = self.theirs[f"{prefix}.{name}.kernel"].T
            found[f"{name} bias"] = self.theirs.get(f"{prefix}.{name}.bias")
        return found

    def in_torch(self, prefix: str, x: Any, memory: Any, heads: int, **more: Any) -> Any:
        """`functional.multi_head_attention_forward`, what `nn.MultiheadAttention` calls."""
        w = self.projections(prefix)
        biases = [w[f"{name} bias"] for name in NAMES[:3]]
        y, _ = functional.multi_head_attention_forward(
            *(t.transpose(0, 1) for t in (x, memory, memory)),
            embed_dim_to_check=x.shape[-1],
            num_heads=heads,
            in_proj_weight=None,
            in_proj_bias=None if biases[0] is None else torch.cat(biases),
            bias_k=None,
            bias_v=None,
            add_zero_attn=False,
            dropout_p=0.0,
            out_proj_weight=w["out"],
            out_proj_bias=w["out bias"],
            use_separate_proj_weight=True,
            q_proj_weight=w["query"],
            k_proj_weight=w["key"],
            v_proj_weight=w["value"],
            need_weights=False,
            **more,
        )
        return y.transpose(0, 1)


def tensor(x: np.ndarray) -> Any:
    return torch.tensor(x, requires_grad=x.dtype == np.float32)


# ---------------------------------------------------------------- plain, causal, cross

SELF = ["attention(2)", "attention(4, bias = false)", "attention(2, causal = true)"]


@pytest.mark.parametrize("call", SELF)
def test_self_attention(call: str) -> None:
    x = data(3, 5, 8)
    ours = Ours(f"input 5x8\n{call}", x)
    causal = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1) if "causal" in call else None
    inputs = tensor(x)
    heads = int(call[len("attention(")])
    ours.check(ours.in_torch("attention", inputs, inputs, heads, attn_mask=causal), inputs)


def test_against_the_module_of_torch() -> None:
    """Copied weights, and as many of them."""
    x = data(3, 5, 8)
    ours = Ours("input 5x8\nattention(2)", x)
    module = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    assert sum(p.numel() for p in module.parameters()) == ours.model.cost.trainable == 4 * (8 * 8 + 8)
    w = {n: None if v is None else v.detach() for n, v in ours.projections().items()}
    module.load_state_dict(
        {
            "in_proj_weight": torch.cat([w[n] for n in NAMES[:3]]),
            "in_proj_bias": torch.cat([w[f"{n} bias"] for n in NAMES[:3]]),
            "out_proj.weight": w["out"],
            "out_proj.bias": w["out bias"],
        }
    )
    inputs = torch.tensor(x)
    close(ours.y, module(inputs, inputs, inputs)[0])


def test_bert_base_has_as_many_weights() -> None:
    assert netspec.compile("input 128x768\nattention(12)").cost.trainable == 4 * (768 * 768 + 768)


@pytest.mark.parametrize(("length", "features", "causal"), [(5, 8, False), (4, 6, False), (7, 6, True)])
def test_cross_attention(length: int, features: int, causal: bool) -> None:
    x, m = data(3, 5, 8), data(3, length, features, seed=1)
    call = f"attention(2, causal = {str(causal).lower()})"
    ours = Ours(f"input a: 5x8\ninput b: {length}x{features}\n(a | b) -> {call}", x, m)
    hidden = torch.triu(torch.ones(5, length, dtype=torch.bool), 1) if causal else None
    inputs, memory = tensor(x), tensor(m)
    ours.check(ours.in_torch("attention", inputs, memory, 2, attn_mask=hidden), inputs, memory)


def test_a_sequence_twice_is_self_attention() -> None:
    x = data(3, 5, 8)
    ours = Ours("input 5x8\n(scale(1) | scale(1)) -> attention(2)", x)
    inputs = tensor(x)
    ours.check(ours.in_torch("attention", inputs, inputs, 2), inputs)


# ---------------------------------------------------------------- grouped queries, sizes, rotary positions


def rotated(x: Any, base: float = 10000.0) -> Any:
    """Rotary positions by complex numbers; x is batch x heads x T x size, its first half real parts."""
    half = x.shape[-1] // 2
    angle = torch.outer(torch.arange(x.shape[-2]), base ** (-torch.arange(half) / half))
    z = torch.complex(x[..., :half], x[..., half:]) * torch.polar(torch.ones_like(angle), angle)
    return torch.cat([z.real, z.imag], dim=-1)


GROUPED = [
    ("attention(4, kv_heads = 2)", False, {}),
    ("attention(4, kv_heads = 1, causal = true)", False, {"causal": True}),
    ("attention(3, head_size = 6, out = 5, bias = false)", True, {}),
    ("attention(2, rope = true)", False, {"base": 10000.0}),
    ("attention(4, kv_heads = 2, head_size = 4, rope = 500, causal = true)", True, {"base": 500.0, "causal": True}),
]


@pytest.mark.parametrize(("call", "is_cross", "options"), GROUPED)
def test_heads_and_sizes(call: str, is_cross: bool, options: dict[str, Any]) -> None:
    x, m = data(3, 5, 8), data(3, 6, 7, seed=1)
    text = f"input a: 5x8\ninput b: 6x7\n(a | b) -> {call}" if is_cross else f"input 5x8\n{call}"
    given = (x, m) if is_cross else (x,)
    ours = Ours(text, *given)
    inputs = [tensor(g) for g in given]
    w = ours.projections()
    layer = next(node.operation for node in ours.model.graph.nodes if node.word == "attention")
    size = layer.head_size or 8 // layer.heads

    def heads(name: str, t: Any) -> Any:
        return functional.linear(t, w[name], w[f"{name} bias"]).unflatten(-1, (-1, size)).transpose(1, 2)

    q, k, v = heads("query", inputs[0]), heads("key", inputs[-1]), heads("value", inputs[-1])
    if "base" in options:
        q, k = rotated(q, options["base"]), rotated(k, options["base"])
    y = functional.scaled_dot_product_attention(q, k, v, is_causal=options.get("causal", False), enable_gqa=True)
    ours.check(functional.linear(y.transpose(1, 2).flatten(2), w["out"], w["out bias"]), *inputs)


# ---------------------------------------------------------------- padded steps

TEXTS = np.array([[3, 4, 5, 6, 7, 8], [9, 2, 0, 0, 0, 0], [1, 0, 2, 0, 10, 0]], np.int32)
"""Full, padded behind, and with holes."""

OTHER = np.array([[2, 0, 0, 0], [1, 2, 3, 4], [5, 0, 6, 0]], np.int32)

MASKED = {
    "attention": "embedding(8) -> attention(2)",
    "attention, causal": "embedding(8) -> attention(2, causal = true)",
    "block.attention": "def block(h) = attention(h)\nembedding(8) -> block(2)",
    "block.attention, whole": "def block(h) {\n  m = attention(h)\n  embedding(8) -> m\n}\nblock(2)",
    "same.attention": "share same = attention(2)\nembedding(8) -> same",
}
"""By the name of the attention in the weights."""


@pytest.mark.parametrize("name", MASKED)
def test_padded_steps_are_left_out(name: str) -> None:
    ours = Ours(f"input text: 6 tokens(11, pad = 0)\n{MASKED[name]}", TEXTS)
    ids = torch.tensor(TEXTS)
    table = ours.theirs[next(n for n in ours.params if n.endswith("embedding"))]
    x = functional.embedding(ids, table)
    causal = torch.triu(torch.ones(6, 6, dtype=torch.bool), 1) if "causal" in name else None
    prefix = name.partition(",")[0]
    ours.check(ours.in_torch(prefix, x, x, 2, key_padding_mask=ids == 0, attn_mask=causal))


def real_steps_only(text: str, *inputs: np.ndarray) -> tuple[Ours, np.ndarray]:
    """The net with a loss over real steps only, and its result with other vectors for the id that fills up."""
    weighting = data(*inputs[0].shape, 8, seed=7) * (inputs[0] > 0)[..., None]
    ours = Ours(text, *inputs, weighting=weighting)
    other = {n: v.at[0].add(100.0) if n.endswith("embedding") else v for n, v in ours.params.items()}
    return ours, np.asarray(ours.forward(other, *inputs))


def test_what_stands_in_padded_steps_is_no_matter() -> None:
    text = "input text: 6 tokens(11, pad = 0)\nembedding(8) -> attention(2) -> relu -> attention(4, rope = true)"
    ours, changed = real_steps_only(text, TEXTS)
    close(changed[TEXTS > 0], np.asarray(ours.y)[TEXTS > 0])
    assert not np.asarray(ours.gradients["embedding.embedding"])[0].any()


def test_two_inputs_with_padding_of_their_own() -> None:
    text = """
input a: 6 tokens(11, pad = 0)
input b: 4 tokens(11, pad = 0)
(a -> embedding(8) | b -> embedding(6)) -> attention(2)
"""
    ours = Ours(text, TEXTS, OTHER)
    a, b = torch.tensor(TEXTS), torch.tensor(OTHER)
    x = functional.embedding(a, ours.theirs["embedding.embedding"])
    m = functional.embedding(b, ours.theirs["embedding_2.embedding"])
    ours.check(ours.in_torch("attention", x, m, 2, key_padding_mask=b == 0))


def test_one_shared_encoder_for_two_texts() -> None:
    text = """
input a: 6 tokens(11, pad = 0)
input b: 6 tokens(11, pad = 0)
share encode = embedding(8) -> attention(2)
(a -> encode | b -> encode) -> add
"""
    ours = Ours(text, TEXTS, TEXTS[::-1].copy())
    y = 0
    for ids in (torch.tensor(TEXTS), torch.tensor(TEXTS[::-1].copy())):
        x = functional.embedding(ids, ours.theirs["encode.embedding.embedding"])
        y = y + ours.in_torch("encode.attention", x, x, 2, key_padding_mask=ids == 0)
    ours.check(y)


def test_what_comes_out_has_the_padding_of_the_queries() -> None:
    """Its steps are those of the first input; the padding of the memory ends here, though both are equally long."""
    net = "(x | m -> embedding(8)) -> attention(2) -> attention(4)"
    source = netspec.compile(f"input x: 6x8\ninput m: 6 tokens(11, pad = 0)\n{net}").source
    assert source.count("mask=") == 1
    net = "(x -> embedding(8) | m) -> attention(2) -> attention(4)"
    source = netspec.compile(f"input x: 6 tokens(11, pad = 0)\ninput m: 6x8\n{net}").source
    assert source.count("mask=") == 1
    assert source.index("mask=") > source.index("self.attention(")


def test_nothing_to_see() -> None:
    """A text of padding only gives the bias of the last projection, and no NaN, forward and backward."""
    empty = np.zeros((2, 6), np.int32)
    for options in ("", ", causal = true"):
        ours = Ours(f"input text: 6 tokens(11, pad = 0)\nembedding(8) -> attention(2{options})", empty)
        close(ours.y, np.broadcast_to(ours.params["attention.out.bias"], (2, 6, 8)))
        assert all(np.isfinite(g).all() for g in ours.gradients.values())
        assert not np.asarray(ours.gradients["embedding.embedding"]).any()


def test_a_step_that_sees_only_padding_gives_zeros() -> None:
    """Causal, with padding in front: the first steps see nothing, and above all nothing of what comes later."""
    q, k, v = (jnp.asarray(data(1, 4, 2, 3, seed=i)) for i in range(3))
    mask = jnp.array([[False, False, True, True]])
    y = nn.attend(q, k, v, mask=mask, causal=True)
    assert not np.asarray(y[:, :2]).any()
    close(y[:, 2], v[:, 2])


# ---------------------------------------------------------------- dropout


@pytest.mark.parametrize(
    ("kv_heads", "causal", "is_masked"), [(4, False, False), (2, True, False), (1, False, True), (2, True, True)]
)
def test_weights_written_out_are_those_of_jax(kv_heads: int, causal: bool, is_masked: bool) -> None:
    """The path with dropout, which keeps all here, against `jax.nn.dot_product_attention`, with gradients."""
    tensors = [jnp.asarray(data(3, 6, n, 4, seed=n)) for n in (4, kv_heads, kv_heads)]
    options: dict[str, Any] = {"causal": causal, "mask": jnp.asarray(TEXTS > 0) if is_masked else None}

    def loss(tensors: Any, dropout: Any) -> Any:
        y = nn.attend(*tensors, dropout=dropout, **options)
        return (y * data(*y.shape, seed=7)).sum(), y

    keeps_all = nn.Dropout(0.0, rngs=nn.Rngs(0))
    found, wanted = (
        quick_jit(jax.grad(lambda tensors, d=dropout: loss(tensors, d), has_aux=True))(tensors)
        for dropout in (keeps_all, None)
    )
    close(found[1], wanted[1])
    for a, b in zip(found[0], wanted[0], strict=True):
        close(a, b, "gradient")


def test_dropout_drops_weights_of_the_mean() -> None:
    """Values that are unit vectors show the weights: each is gone, or 1 / (1 - rate) times what it was."""
    q, k = jnp.asarray(data(50, 5, 2, 4)), jnp.asarray(data(50, 5, 2, 4, seed=1))
    v = jnp.broadcast_to(jnp.eye(5, 5)[None, :, None], (50, 5, 2, 5))
    q, k = (jnp.pad(t, [(0, 0)] * 3 + [(0, 1)]) for t in (q, k))
    dropout = nn.Dropout(0.3, rngs=nn.Rngs(0))
    found, plain = nn.attend(q, k, v, dropout=dropout), nn.attend(q, k, v)
    factor = np.asarray(found / plain)
    is_dropped = factor == 0
    assert abs(is_dropped.mean() - 0.3) < 4 * math.sqrt(0.3 * 0.7 / factor.size)
    assert np.allclose(factor[~is_dropped], 1 / 0.7, rtol=1e-4)


def test_dropout_is_right_on_average_and_off_outside_training() -> None:
    text = "input text: 6 tokens(11, pad = 0)\nembedding(8) -> attention(2, dropout = 0.4{more})"
    many = np.repeat(TEXTS[1:2], 4000, axis=0)
    model, plain = netspec.compile(text.format(more="")), netspec.compile(text.replace(", dropout = 0.4{more}", ""))
    variables = model.init(3)
    train = quick_jit(lambda state: model.apply({**variables, "state": state}, many, train=True))
    y, state = train(variables["state"])
    assert not np.allclose(y, train(state)[0])
    still = model.apply(variables, many)
    assert np.array_equal(still, model.apply({**variables, "state": state}, many))
    close(still, plain.apply({**plain.init(3), "params": variables["params"]}, many))
    error = np.asarray(y).std(axis=0) / math.sqrt(len(many))
    assert (np.abs(np.asarray(y).mean(axis=0) - still[0]) < 5 * error + 1e-6).all()


# ---------------------------------------------------------------- precision


@pytest.mark.parametrize(("dtype", "rate"), [("bf16", 0), ("f16", 0.5)])
def test_fewer_bits(dtype: str, rate: float) -> None:
    """The result is of that type and near that of f32; weights and their gradients stay f32."""
    net = "input text: 6 tokens(11, pad = 0)\nembedding(8) -> attention(4, kv_heads = 2, rope = true{more})"
    model = netspec.compile(net.format(more=f", dtype = {dtype}, dropout = {rate}"))
    variables = quick_jit(model.init)(jax.random.key(0))
    y = quick_jit(model.apply)(variables, TEXTS)
    assert y.dtype == {"bf16": jnp.bfloat16, "f16": jnp.float16}[dtype]
    wanted = netspec.compile(net.format(more="")).apply({"params": variables["params"], "state": {}}, TEXTS)
    assert np.abs(np.asarray(y, np.float32) - wanted).max() < 0.02 * np.abs(wanted).max()

    def loss(params: Any) -> Any:
        return model.apply({**variables, "params": params}, TEXTS, train=True)[0].astype(jnp.float32).sum()

    gradients = jax.tree.leaves(quick_jit(jax.grad(loss))(variables["params"]))
    assert all(g.dtype == jnp.float32 and np.isfinite(g).all() for g in gradients)


# ---------------------------------------------------------------- lengths that are not known, sizes that are


def test_any_length() -> None:
    net = "sinusoidal -> rope -> attention(2, rope = true, causal = true)"
    free = Ours(f"input (T, 8)\n{net}", data(2, 5, 8))
    for length in (1, 7):
        x = data(2, length, 8)
        close(free.forward(free.params, x), Ours(f"input {length}x8\n{net}", x).y)


def test_multiply_adds_are_those_of_the_projections() -> None:
    cost = netspec.compile("input a: 5x8\ninput b: 7x6\n(a | b) -> attention(4, kv_heads = 2)").cost
    assert cost.macs == 5 * 8 * 8 + 2 * (7 * 6 * 4) + 5 * 8 * 8
