"""Optimizers of Keras and their schedules, in words of netspec."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from netspec.interchange.keras.reading.options import tidy
from netspec.language.values import to_source


class NoEqual(Exception):
    """A setting that netspec has nothing for; the text says why."""


EPSILON = 1e-7
"""The default of Keras, which is not written: those of netspec are as small."""
MOMENTS = {"beta_1": ("b1", 0.9), "beta_2": ("b2", 0.999)}
OPTIMIZERS: dict[str, tuple[str, dict[str, tuple[str, Any]]]] = {
    "SGD": ("sgd", {"momentum": ("momentum", 0.0), "nesterov": ("nesterov", False)}),
    "Adam": ("adam", MOMENTS),
    "AdamW": ("adamw", MOMENTS),
    "Adamax": ("adamax", MOMENTS),
    "Nadam": ("nadam", MOMENTS),
    "Lamb": ("lamb", MOMENTS),
    "Lion": ("lion", {"beta_1": ("b1", 0.9), "beta_2": ("b2", 0.99)}),
    "RMSprop": (
        "rmsprop",
        {"rho": ("decay", 0.9), "momentum": ("momentum", 0.0), "centered": ("centered", False)},
    ),
    "Adagrad": ("adagrad", {"initial_accumulator_value": ("initial_accumulator_value", 0.1)}),
    "Adadelta": ("adadelta", {"rho": ("rho", 0.9)}),
}
"""By the class in Keras: the word, and options by their names there, with their names and defaults in netspec."""
DECAYING = {"adamw", "lion", "lamb"}
"""Words with an option for decoupled weight decay."""


def _config(optimizer: Any) -> tuple[str, Mapping[str, Any]] | None:
    """The class of an optimizer and its options; None for that of a model that was not compiled."""
    if isinstance(optimizer, str):
        names = {name.lower(): name for name in OPTIMIZERS}
        return names.get(optimizer.lower(), optimizer), {}
    if not isinstance(optimizer, dict) or not isinstance(optimizer.get("config"), dict):
        return None
    return str(optimizer.get("class_name")).rpartition(">")[2], optimizer["config"]


def left_out(optimizer: Any) -> list[str]:
    """The options of an optimizer that netspec has nothing for, with their values."""
    known = _config(optimizer)
    names = ("clipnorm", "loss_scale_factor", "ema_overwrite_frequency")
    return [f"{name} = {known[1][name]}" for name in names if known[1].get(name)] if known is not None else []


def optimizer_of(optimizer: Any) -> str | None:
    """The chain of an optimizer; None where the file has none.

    Raises:
        NoEqual: netspec has none like it.
    """
    known = _config(optimizer)
    if known is None:
        return None
    kind, config = known
    if kind not in OPTIMIZERS:
        raise NoEqual(f"netspec has no optimizer like `{kind}`")
    word, options = OPTIMIZERS[kind]
    if config.get("amsgrad"):
        if word != "adam":
            raise NoEqual("netspec has `amsgrad` without weight decay")
        word = "amsgrad"
    decay = config.get("weight_decay") or 0.0
    if decay and word == "adam":
        word = "adamw"
    parts = [_rate(config)]
    if word in DECAYING:
        parts.append(f"decay = {to_source(tidy(decay))}")
        parts += ["on = all"] if decay else []
    for name, (ours, default) in options.items():
        value = config.get(name, default)
        if value is not None and value != default:
            parts.append(f"{ours} = {to_source(tidy(value) if isinstance(value, float) else value)}")
    epsilon = config.get("epsilon")
    if epsilon is not None and tidy(epsilon) != EPSILON:
        parts.append(f"epsilon = {to_source(tidy(epsilon))}")
    chain = [f"{word}({', '.join(parts)})"]
    if decay and word not in (*DECAYING, "adamw"):
        chain.append(f"weight_decay({to_source(tidy(decay))}, on = all)")
    for name, ours in (("global_clipnorm", "clip"), ("clipvalue", "clip_value")):
        if config.get(name):
            chain.insert(0, f"{ours}({to_source(tidy(config[name]))})")
    if config.get("gradient_accumulation_steps"):
        chain.insert(0, f"accumulate({config['gradient_accumulation_steps']})")
    if config.get("use_ema"):
        chain.append(f"ema({to_source(tidy(config.get('ema_momentum', 0.99)))})")
    return " -> ".join(chain)


def _rate(config: Mapping[str, Any]) -> str:
    """The learning rate, before the schedule."""
    rate = config.get("learning_rate", config.get("lr", 0.001))
    if isinstance(rate, dict):
        own = rate.get("config") or {}
        if own.get("warmup_target") is not None and own.get("warmup_steps"):
            own = {"initial_learning_rate": own["warmup_target"]}
        values = own.get("values")
        rate = own.get("initial_learning_rate", values[0] if isinstance(values, list) and values else None)
    if isinstance(rate, bool) or not isinstance(rate, int | float):
        raise NoEqual("its learning rate is not a number")
    return to_source(tidy(rate))


def schedule_of(optimizer: Any) -> str | None:
    """The schedule of the learning rate; None for a constant one.

    Raises:
        NoEqual: netspec has none like it.
    """
    known = _config(optimizer)
    rate = None if known is None else known[1].get("learning_rate")
    if not isinstance(rate, dict):
        return None
    kind, config = rate.get("class_name"), rate.get("config") or {}
    steps = config.get("decay_steps")
    match kind:
        case "CosineDecay" if not config.get("warmup_steps") or not config.get("initial_learning_rate"):
            end = tidy(config.get("alpha") or 0.0)
            cosine = f"cosine({f'end = {to_source(end)}, ' if end else ''}length = {steps} steps)"
            return f"warmup({config['warmup_steps']} steps) -> {cosine}" if config.get("warmup_steps") else cosine
        case "ExponentialDecay" if not config.get("staircase"):
            return f"exponential({to_source(tidy(config.get('decay_rate', 0.0)))}, every = {steps} steps)"
        case "PiecewiseConstantDecay":
            return _multistep(config.get("boundaries"), config.get("values"))
    raise NoEqual(f"netspec has no schedule like `{kind}` with these options")


def _multistep(times: Any, values: Any) -> str:
    if not isinstance(times, list) or not isinstance(values, list) or len(values) != len(times) + 1 or not times:
        raise NoEqual("its boundaries and values do not fit")
    factors = {f"{b / a:.6g}" for a, b in pairwise(values) if a}
    if len(factors) != 1:
        raise NoEqual("the learning rate is multiplied by different factors")
    shown = ", ".join(f"{int(time)} steps" for time in times)
    return f"multistep([{shown}], {factors.pop()})"
