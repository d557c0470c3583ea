"""Recurrent layers, attention, positions, and reductions over the steps of a sequence."""

from __future__ import annotations

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.errors import Unsupported
from netspec.interchange.torch.table import Site, Tensor, options, unless, writes
from netspec.language.lazy import np
from netspec.layers.activations import Relu, Sigmoid, Tanh
from netspec.layers.base import known
from netspec.layers.sequence.attention import ROPE_BASE, Attention
from netspec.layers.sequence.bidirectional import Bidirectional
from netspec.layers.sequence.positions import BASE, ClassToken, Rope, Sinusoidal
from netspec.layers.sequence.recurrent import Gated, Gru, Lstm, Recurrent, SimpleRnn
from netspec.layers.sequence.steps import First, Last, MeanPool
from netspec.layers.sequence.tokens import FilledSteps, PaddingMask

MODULES: dict[type[Recurrent], tuple[str, tuple[int, ...]]] = {
    SimpleRnn: ("nn.RNN", (0,)),
    Lstm: ("nn.LSTM", (0, 1, 2, 3)),
    Gru: ("nn.GRU", (1, 0, 2)),
}
"""The module of a layer, and the order of its gates: a GRU of PyTorch has the reset gate first."""


@writes(*MODULES)
def recurrent(site: Site, layer: Recurrent, x: Tensor) -> str:
    return _direction(site, layer, x, "", "", reverse=layer.reverse)


@writes(Bidirectional)
def bidirectional(site: Site, layer: Bidirectional, x: Tensor) -> str:
    inner = layer.layer
    a = _direction(site, inner, x, "forward.", "_forward", reverse=inner.reverse)
    b = _direction(site, inner, x, "backward.", "_backward", reverse=not inner.reverse)
    if layer.merge == "concat":
        return f"torch.cat([{a}, {b}], dim=-1)"
    if layer.merge == "average":
        return f"({a} + {b}) / 2"
    return f"{a} {'*' if layer.merge == 'mul' else '+'} {b}"


def _direction(site: Site, layer: Recurrent, x: Tensor, prefix: str, suffix: str, *, reverse: bool) -> str:
    """One pass over the steps, whose weights have names after the prefix.

    Raises:
        Unsupported: PyTorch has no such activation, or only the other kind of GRU.
    """
    _check(layer)
    module, order = MODULES[type(layer)]
    more = options(
        batch_first=True,
        bias=None if layer.bias else False,
        nonlinearity="relu" if isinstance(layer.activation, Relu) else None,
    )
    inputs = known(layer, x[1].channels, x[1])
    arrays = {
        "weight_ih_l0": _gates(site.numbers(f"{prefix}kernel").T, layer.units, order),
        "weight_hh_l0": _gates(site.numbers(f"{prefix}recurrent_kernel").T, layer.units, order),
    }
    if layer.bias:
        bias = site.numbers(f"{prefix}bias")
        pair = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
        arrays |= {f"bias_{k}_l0": _gates(b, layer.units, order) for k, b in zip(("ih", "hh"), pair, strict=True)}
    name = site.add(f"{module}({inputs}, {layer.units}{more})", arrays, suffix)
    given = options(reverse=reverse or None, last=True if layer.return_ == "last" else None)
    return f"{site.helper('run_steps')}({name}, {x[0]}{_mask(site)}{given})"


def _mask(site: Site) -> str:
    return f", mask={site.mask}" if site.mask is not None else ""


def _check(layer: Recurrent) -> None:
    allowed = (Tanh(), Relu()) if isinstance(layer, SimpleRnn) else (Tanh(),)
    if layer.activation not in allowed:
        raise Unsupported(f"`{layer.activation.word}` inside `{layer.word}`")
    if isinstance(layer, Gated) and layer.recurrent_activation != Sigmoid():
        raise Unsupported(f"gates with `{layer.recurrent_activation.word}`")
    if isinstance(layer, Gru) and not layer.reset_after:
        raise Unsupported("`gru` with `reset_after = false`")


def _gates(rows: Array, units: int, order: tuple[int, ...]) -> Array:
    """Rows of gates in another order."""
    return np.concatenate([rows[gate * units : (gate + 1) * units] for gate in order])


# ---------------------------------------------------------------- attention and positions


@writes(Attention)
def attention(site: Site, layer: Attention, x: Tensor, memory: Tensor | None = None) -> str:
    arrays = {}
    for name in ("query", "key", "value", "out"):
        arrays[f"{name}.weight"] = site.numbers(f"{name}.kernel").T
        if layer.bias:
            arrays[f"{name}.bias"] = site.numbers(f"{name}.bias")
    features = known(layer, x[1].channels, x[1])
    source = features if memory is None else known(layer, memory[1].channels, memory[1])
    more = options(
        kv_features=unless(source, features),
        kv_heads=unless(layer.kv_heads or layer.heads, layer.heads),
        head_size=unless(layer.head_size or features // layer.heads, features // layer.heads),
        out_features=unless(layer.out or features, features),
        causal=layer.causal or None,
        rope=None if layer.rope is False else ROPE_BASE if layer.rope is True else layer.rope,
        bias=None if layer.bias else False,
    )
    if layer.rope is not False:
        site.helper("rope")
    module = site.add(f"{site.helper('Attention')}({features}, {layer.heads}{more})", arrays)
    others = "" if memory is None else f", {memory[0]}"
    return f"{module}({x[0]}{others}{_mask(site)})"


@writes(Sinusoidal)
def sinusoidal(site: Site, layer: Sinusoidal, x: Tensor) -> str:
    return f"{site.helper('sinusoidal')}({x[0]}{options(base=unless(layer.base, BASE))})"


@writes(Rope)
def rope(site: Site, layer: Rope, x: Tensor) -> str:
    return f"{site.helper('rope')}({x[0]}{options(base=unless(layer.base, BASE))})"


@writes(ClassToken)
def class_token(site: Site, layer: ClassToken, x: Tensor) -> str:
    token = site.parameter(site.numbers("embedding"))
    return f"torch.cat([{token}.expand(len({x[0]}), 1, -1), {x[0]}], dim=1)"


# ---------------------------------------------------------------- steps


@writes(PaddingMask)
def padding_mask(site: Site, layer: PaddingMask, x: Tensor) -> str:
    return f"{x[0]} != {layer.id}" if layer.id is not None else f"~{x[0]}[..., 0].isnan()"


@writes(FilledSteps)
def filled_steps(site: Site, layer: FilledSteps, x: Tensor) -> str:
    return f"{x[0]}.masked_fill({x[0]}.isnan(), 0)"


@writes(First, Last)
def one_step(site: Site, layer: First | Last, x: Tensor) -> str:
    if site.mask is not None:
        return f"{site.helper(layer.function.removeprefix('nn.'))}({x[0]}, {site.mask})"
    return f"{x[0]}[:, {0 if isinstance(layer, First) else -1}]"


@writes(MeanPool)
def mean_pool(site: Site, layer: MeanPool, x: Tensor) -> str:
    return f"{x[0]}.mean(1)" if site.mask is None else f"{site.helper('mean_of_steps')}({x[0]}, {site.mask})"
