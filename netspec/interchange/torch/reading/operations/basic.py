"""Linear maps, activations, arithmetic, and operators that do nothing at inference."""

from __future__ import annotations

from typing import Any

from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.interchange.reading.sketch import Step
from netspec.interchange.torch.reading.operations.table import PATTERN, reads
from netspec.interchange.torch.reading.program import Call, Ref
from netspec.interchange.torch.reading.translate import Translator
from netspec.language.lazy import np
from netspec.layers.activations import (
    Activation,
    Celu,
    Elu,
    Gelu,
    Hardsigmoid,
    Hardswish,
    LeakyRelu,
    Mish,
    Prelu,
    Relu,
    Relu6,
    Selu,
    Sigmoid,
    Silu,
    Softplus,
    Tanh,
)
from netspec.layers.dense import Embedding
from netspec.layers.sequence.steps import OfSteps
from netspec.layers.sequence.unembed import TiedOutput

# ---------------------------------------------------------------- linear maps


@reads("linear")
def linear(t: Translator, call: Call) -> Any:
    weight, bias = t.array(call["weight"]), t.array(call["bias"])
    table = t.tables.get(call["weight"].name)
    if table is not None and bias is None:
        return t.each_row(call["input"], lambda x: _tied(t, x, table))
    return t.each_row(call["input"], lambda x: t.builder.dense(x, weight=weight.T, bias=bias))


def _tied(t: Translator, x: Value, table: Step) -> Value:
    """Scores of all ids from the table of an embedding."""
    assert isinstance(table.layer, Embedding)
    x = t.builder.last(x, x.rank - 1)
    vocabulary = table.inputs[0].shape.vocabulary
    assert isinstance(vocabulary, int)
    step = t.builder.step(TiedOutput(embedding=table.layer, vocabulary=vocabulary), x.step)
    step.shared = table
    return Value(step, x.axes)


@reads("addmm")
def addmm(t: Translator, call: Call) -> Any:
    if call["beta"] != 1 or call["alpha"] != 1:
        raise CannotSay("its `alpha` or `beta` is not 1")
    weight, bias = t.array(call["mat2"]), t.array(call["self"])
    if bias.ndim > 1 and bias.shape[0] != 1:
        raise CannotSay("what is added is a matrix")
    return t.each_row(call["mat1"], lambda x: t.builder.dense(x, weight=weight, bias=bias.reshape(-1)))


@reads("matmul", "mm")
def matmul(t: Translator, call: Call) -> Any:
    x, other = list(call.arguments.values())[:2]
    if not t.is_fixed(other) or t.is_fixed(x):
        raise CannotSay("netspec has no product of two tensors, other than in `attention`")
    weight = t.array(other)
    if weight.ndim == 1:
        y = t.each_row(x, lambda v: t.builder.dense(v, weight=weight[:, None]))
        return t.builder.squeeze(y, [y.rank - 1])
    if weight.ndim != 2:
        raise CannotSay("it multiplies with several matrices")
    return t.each_row(x, lambda v: t.builder.dense(v, weight=weight))


@reads("embedding")
def embedding(t: Translator, call: Call) -> Value:
    y = t.builder.embedding(t.value(call["indices"]), table=t.array(call["weight"]))
    if not y.is_lost:
        t.tables.setdefault(call["weight"].name, y.step)
    return y


# ---------------------------------------------------------------- activations

PLAIN: dict[str, Activation] = {
    "relu": Relu(),
    "relu6": Relu6(),
    "selu": Selu(),
    "silu": Silu(),
    "mish": Mish(),
    "hardswish": Hardswish(),
    "hardsigmoid": Hardsigmoid(),
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
}


def activated(t: Translator, call: Call, word: Activation) -> Any:
    return t.each_row(call.first, lambda x: t.builder.activation(x, word))


@reads(*PLAIN)
def plain(t: Translator, call: Call) -> Any:
    return activated(t, call, PLAIN[call.target])


@reads("leaky_relu")
def leaky_relu(t: Translator, call: Call) -> Any:
    return activated(t, call, LeakyRelu(slope=float(call["negative_slope"])))


@reads("elu")
def elu(t: Translator, call: Call) -> Any:
    if call["scale"] != 1 or call["input_scale"] != 1:
        raise CannotSay("its scale is not 1")
    return activated(t, call, Elu(alpha=float(call["alpha"])))


@reads("celu")
def celu(t: Translator, call: Call) -> Any:
    return activated(t, call, Celu(alpha=float(call["alpha"])))


@reads("gelu")
def gelu(t: Translator, call: Call) -> Any:
    return activated(t, call, Gelu(approximate=call["approximate"] == "tanh"))


@reads("prelu")
def prelu(t: Translator, call: Call) -> Value:
    slopes = t.array(call["weight"])
    return t.builder.activation(t.value(call.first), Prelu(), slopes)


@reads("softplus")
def softplus(t: Translator, call: Call) -> Any:
    beta = float(call["beta"])
    if beta * float(call["threshold"]) < 20:
        raise CannotSay("it is linear from a small threshold on")

    def scaled(x: Value) -> Value:
        return t.builder.scale(t.builder.activation(t.builder.scale(x, beta), Softplus()), 1 / beta)

    return t.each_row(call.first, scaled)


@reads("log_sigmoid")
def log_sigmoid(t: Translator, call: Call) -> Any:
    """-softplus(-x)"""

    def turned(x: Value) -> Value:
        return t.builder.scale(t.builder.activation(t.builder.scale(x, -1.0), Softplus()), -1.0)

    return t.each_row(call.first, turned)


@reads("hardtanh", "clamp", "clamp_min")
def clamp(t: Translator, call: Call) -> Any:
    low, high = (call["min_val"], call["max_val"]) if call.target == "hardtanh" else (call["min"], call["max"])
    if low == 0 and high == 6:
        return activated(t, call, Relu6())
    if low == 0 and high is None:
        return activated(t, call, Relu())
    raise CannotSay(f"netspec has no function that limits numbers to {low} and {high}, only `relu` and `relu6`")


@reads("softmax", "_softmax", "log_softmax", "_log_softmax")
def softmax(t: Translator, call: Call) -> Value:
    is_log = "log" in call.target
    return t.builder.softmax(t.value(call.first), int(call["dim"]), log=is_log)


# ---------------------------------------------------------------- arithmetic


def _number(value: Any) -> Any:
    """A number that is an argument, or None."""
    return float(value) if isinstance(value, int | float) else None


def _constant(t: Translator, argument: Any) -> Any:
    """A number or an array, or None for a tensor that an input has an influence on."""
    if isinstance(argument, Ref) and not t.is_fixed(argument):
        return None
    return t.array(argument) if isinstance(argument, Ref) else np.float32(_number(argument))


@reads("add", "sub", "rsub")
def add(t: Translator, call: Call) -> Any:
    a, b = call["self"], call["other"]
    if call.target == "rsub":
        a, b = b, a
    alpha = call["alpha"] if call["alpha"] is not None else 1
    sign = -1.0 if call.target != "add" else 1.0
    if call.target == "rsub":
        first, second = _constant(t, a), _constant(t, b)
        alpha_a, alpha_b = 1.0, sign * float(alpha)
    else:
        first, second = _constant(t, a), _constant(t, b)
        alpha_a, alpha_b = 1.0, sign * float(alpha)
    if second is not None:
        t.check_sizes(call, a)
        return t.each_row(a, lambda x: t.builder.scale(x, alpha_a, alpha_b * second), alone=np.ndim(second) > 1)
    if first is not None:
        t.check_sizes(call, b)
        return t.each_row(b, lambda x: t.builder.scale(x, alpha_b, alpha_a * first), alone=np.ndim(first) > 1)
    other = t.value(b) if alpha_b in (1.0, -1.0) else t.builder.scale(t.value(b), alpha_b)
    merged = t.builder.sub if alpha_b == -1.0 else t.builder.add
    return t.joined(merged, t.value(a), other)


@reads("mul")
def mul(t: Translator, call: Call) -> Any:
    a, b = call["self"], call["other"]
    first, second = _constant(t, a), _constant(t, b)
    if second is not None or first is not None:
        constant, other = (second, a) if second is not None else (first, b)
        t.check_sizes(call, other)
        return t.each_row(other, lambda x: t.builder.scale(x, constant), alone=np.ndim(constant) > 1)
    return t.joined(t.builder.mul, t.value(a), t.value(b))


@reads("div")
def div(t: Translator, call: Call) -> Any:
    if call["rounding_mode"] is not None:
        raise CannotSay("it rounds")
    constant = _constant(t, call["other"])
    if constant is None or t.is_fixed(call["self"]):
        raise CannotSay("netspec has no division of tensors")
    t.check_sizes(call, call["self"])
    factor = 1 / constant.astype(np.float64) if np.ndim(constant) else 1 / float(constant)
    return t.each_row(call["self"], lambda x: t.builder.scale(x, factor), alone=np.ndim(constant) > 1)


@reads("neg")
def neg(t: Translator, call: Call) -> Any:
    return t.each_row(call.first, lambda x: t.builder.scale(x, -1.0))


@reads("maximum")
def maximum(t: Translator, call: Call) -> Any:
    return t.joined(t.builder.maximum, t.value(call["self"]), t.value(call["other"]))


@reads(PATTERN)
def pattern(t: Translator, call: Call) -> Any:
    """A function that PyTorch computes with several operators."""
    found = t.patterns[call.name]
    x = t.value_of(found.source)
    if x.is_lost or found.axis is None:
        return x if x.is_lost else t.builder.after(x, found.layer)
    x = t.builder.last(x, found.axis)
    if isinstance(found.layer, OfSteps):
        return Value(t.builder.step(found.layer, t.builder.arrange(x, (1, 2)).step), (0, 1))
    return t.builder.after(x, found.layer)


# ---------------------------------------------------------------- nothing at inference


@reads("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
def dropout(t: Translator, call: Call) -> Any:
    per = "channel" if call.target.startswith("feature") else "number"
    rate = float(call["p"])
    if call.target in ("alpha_dropout", "feature_alpha_dropout") or rate >= 1:
        return t.each_row(call.first, lambda x: x)
    return t.each_row(call.first, lambda x: t.builder.dropout(x, rate, per))
