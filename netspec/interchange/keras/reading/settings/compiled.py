"""The settings that a model was compiled with: the optimizer, its schedule, the losses and the metrics.

A setting is taken if a spec with the outputs of the model compiles with it; otherwise it is left out with a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netspec.interchange.errors import NotImported
from netspec.interchange.keras.reading.options import tidy
from netspec.interchange.keras.reading.settings.optimizers import NoEqual, left_out, optimizer_of, schedule_of
from netspec.interchange.reading.sketch import Sketch, Step
from netspec.language.diagnostics import CompileError
from netspec.language.source import Source
from netspec.language.values import to_source
from netspec.layers.activation_layer import ActivationLayer
from netspec.spec.compilation import Compilation

USUAL = {
    "softmax": ("cross_entropy", ("accuracy",)),
    "sigmoid": ("binary_cross_entropy", ("accuracy",)),
    "": ("mse", ("mse", "rmse", "mae", "r2")),
}
"""The loss and the metrics that netspec takes by itself, by the activation at the end."""
LOSSES = {
    "categorical_crossentropy": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "mean_squared_error": "mse",
    "mse": "mse",
    "mae": "mae",
    "mean_absolute_error": "mae",
    "huber": "huber",
    "huber_loss": "huber",
    "poisson": "poisson",
    "hinge": "hinge",
    "squared_hinge": "squared_hinge",
    "kl_divergence": "kl",
    "kld": "kl",
    "log_cosh": "log_cosh",
    "mean_absolute_percentage_error": "mape",
    "cosine_similarity": "cosine",
    "ctc": "ctc",
}
METRICS = {
    "accuracy": "accuracy",
    "acc": "accuracy",
    "categorical_accuracy": "accuracy",
    "binary_accuracy": "accuracy",
    "sparse_categorical_accuracy": "accuracy",
    "mse": "mse",
    "mean_squared_error": "mse",
    "mae": "mae",
    "mean_absolute_error": "mae",
    "root_mean_squared_error": "rmse",
    "rmse": "rmse",
    "auc": "roc_auc",
    "precision": "precision",
    "recall": "recall",
    "r2_score": "r2",
    "mean_absolute_percentage_error": "mape",
    "cosine_similarity": "cosine",
    "f1_score": "f1",
}


def training_settings(sketch: Sketch, compiled: Mapping[str, Any], titles: list[str]) -> None:
    """Add the settings to the sketch.

    Args:
        sketch: the network with its outputs.
        compiled: what the file has of `model.compile`.
        titles: the names of the outputs in Keras.
    """
    optimizer = compiled.get("optimizer", compiled.get("optimizer_config"))
    found: dict[str, str] = {}
    makers: dict[str, Callable[[], str | None]] = {
        "optimizer": lambda: optimizer_of(optimizer),
        "schedule": lambda: schedule_of(optimizer),
        "loss": lambda: _losses(sketch, compiled, titles),
        "metrics": lambda: _metrics(sketch, compiled, titles),
    }
    for option in left_out(optimizer):
        sketch.report(NotImported(what=option, reason="netspec has no such option of an optimizer"))
    for name, make in makers.items():
        try:
            text = make()
            if text is not None:
                _check(sketch, name, text)
                found[name] = text
        except NoEqual as reason:
            sketch.report(NotImported(what=name, reason=str(reason), advice="set it in `train`"))
    if found:
        sketch.settings["train"] = found


def _check(sketch: Sketch, name: str, text: str) -> None:
    """Whether a small network with the same outputs compiles with the setting.

    Raises:
        NoEqual: it does not.
    """
    lines = ["input x: 4"]
    for index, (output, step) in enumerate(sketch.outputs):
        rank, head = max(step.shape.rank, 1), _head(step)
        before = {1: "", 2: "reshape(2x2) -> "}.get(rank, f"reshape({'x'.join(['2'] * 2 + ['1'] * (rank - 2))}) -> ")
        units = step.shape.channels if isinstance(step.shape.channels, int) else 2
        units = min(units, 8) if units > 1 else 1
        last = f"dense({units})" if rank < 3 else f"conv({units}, 1)"
        chain = f"x -> {before}{last}{f' -> {head}' if head else ''}"
        lines.append(f"output {output or f'output_{index}'} = {chain}")
    source = "\n".join([*lines, f"train {{ {name} = {text} }}", ""])
    try:
        compilation = Compilation(Source("train.net", source))
        compilation.check()
    except CompileError as error:
        raise NoEqual(error.diagnostics[0].message) from error


def _head(step: Step) -> str:
    """The activation at the end of an output, if it has a loss of its own."""
    layer = step.layer
    word = layer.activation if isinstance(layer, ActivationLayer) else getattr(layer, "activation_word", None)
    return word.word if word is not None and word.word in USUAL else ""


# ---------------------------------------------------------------- losses and metrics


def _entry(value: Any) -> tuple[str, dict[str, Any]]:
    """The name of a loss or a metric in small letters, and its options."""
    if isinstance(value, dict):
        name, config = str(value.get("class_name")), value.get("config")
        if name == "function":
            return str(config).lower(), {}
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
        name = name.replace("m_s_e", "mse").replace("a_u_c", "auc").replace("k_l_d", "kl_d").replace("r2_s", "r2_s")
        return name.replace("c_t_c", "ctc"), config if isinstance(config, dict) else {}
    return str(value).lower(), {}


def _loss(value: Any, head: str) -> str | None:
    """A loss in words of netspec; None for the one that it takes by itself."""
    name, config = _entry(value)
    word = LOSSES.get(name)
    if word is None:
        raise NoEqual(f"netspec has no loss like `{name}`")
    if config.get("from_logits"):
        raise NoEqual(
            "the model ends with logits, and netspec computes this loss after a softmax or sigmoid at the end"
        )
    options = []
    if config.get("label_smoothing"):
        options.append(f"smoothing = {to_source(tidy(config['label_smoothing']))}")
    if word == "huber" and config.get("delta", 1.0) != 1.0:
        options.append(to_source(tidy(config["delta"])))
    if not options and word == USUAL[head][0]:
        return None
    return f"{word}({', '.join(options)})" if options else word


def _for_each(given: Any, titles: list[str]) -> list[Any]:
    """What is given for each output: by its name, in a list, or once for all."""
    if isinstance(given, dict) and "class_name" not in given:
        return [given.get(title) for title in titles]
    if isinstance(given, list) and len(titles) > 1 and len(given) == len(titles):
        return given
    return [given] * len(titles)


def _losses(sketch: Sketch, compiled: Mapping[str, Any], titles: list[str]) -> str | None:
    given = compiled.get("loss")
    if isinstance(given, list) and len(given) == 1 == len(titles):
        given = given[0]
    if given is None:
        return None
    heads = [_head(step) for _, step in sketch.outputs]
    losses = [
        None if value is None else _loss(value, head)
        for value, head in zip(_for_each(given, titles), heads, strict=True)
    ]
    weights = _for_each(compiled.get("loss_weights") or 1.0, titles)
    if len(titles) == 1:
        return losses[0]
    parts = []
    for (name, _), loss, head, weight in zip(sketch.outputs, losses, heads, weights, strict=True):
        if loss is not None or weight not in (None, 1, 1.0):
            more = f", weight = {to_source(tidy(weight))}" if weight not in (None, 1, 1.0) else ""
            parts.append(f'of("{name}", {loss or USUAL[head][0]}{more})')
    return " -> ".join(parts) or None


def _metric(value: Any) -> str:
    name, config = _entry(value)
    if name in ("top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy"):
        return f"top({config.get('k', 5)})"
    if name not in METRICS:
        raise NoEqual(f"netspec has no metric like `{name}`")
    return METRICS[name]


def _metrics(sketch: Sketch, compiled: Mapping[str, Any], titles: list[str]) -> str | None:
    given = compiled.get("metrics")
    if not given:
        return None
    parts = []
    for (name, step), values in zip(sketch.outputs, _for_each(given, titles), strict=True):
        values = values if isinstance(values, list) else [values]
        flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
        words = list(dict.fromkeys(_metric(value) for value in flat if value is not None))
        if words and not set(words) <= set(USUAL[_head(step)][1]):
            chain = " -> ".join(words)
            parts.append(chain if len(titles) == 1 else f'of("{name}", {chain})')
    return " -> ".join(parts) or None
