"""The section `trainer` of a configuration as settings of netspec's `train`.

Reference: Ludwig 0.11, the schema of its trainer, which has the defaults.
"""

from __future__ import annotations

from netspec.interchange.configs.ludwig.section import Section, as_number
from netspec.language.values import to_source

OPTIMIZERS: dict[str, tuple[str, dict[str, str]]] = {
    "sgd": ("sgd", {"momentum": "momentum", "nesterov": "nesterov"}),
    "adam": ("adam", {"eps": "epsilon"}),
    "adamw": ("adamw", {"eps": "epsilon"}),
    "adamax": ("adamax", {"eps": "epsilon"}),
    "nadam": ("nadam", {"eps": "epsilon"}),
    "radam": ("radam", {"eps": "epsilon"}),
    "lamb": ("lamb", {"eps": "epsilon"}),
    "lion": ("lion", {}),
    "adadelta": ("adadelta", {"rho": "rho", "eps": "epsilon"}),
    "adagrad": ("adagrad", {"initial_accumulator_value": "initial_accumulator_value", "eps": "epsilon"}),
    "rmsprop": ("rmsprop", {"momentum": "momentum", "alpha": "decay", "eps": "epsilon", "centered": "centered"}),
}
"""The words of netspec, and their names for the options of Ludwig."""
ALWAYS: dict[str, dict[str, str]] = {
    "rmsprop": {"decay": "0.99"},
    "adagrad": {"initial_accumulator_value": "0", "epsilon": "1e-10"},
}
"""Defaults of PyTorch that netspec does not have."""
OWN_DECAY = ("adamw", "lamb", "lion")
SPEED = (
    *("evaluate_training_set", "eval_batch_size", "max_batch_size", "compile", "bucketing_field", "eval_steps"),
    *("checkpoints_per_epoch", "steps_per_checkpoint", "learning_rate_scaling", "effective_batch_size", "profiler"),
    *("enable_profiling", "skip_all_evaluation", "steps_per_epoch", "eval_split", "type", "gpu_memory_limit"),
)
"""What is about speed or files, or has no equal; left out without a word only where it is a default."""


def train_settings(section: Section, *, has_validation: bool, metrics: dict[str, str]) -> dict[str, str]:
    """The settings.

    Args:
        section: the trainer.
        has_validation: whether a validation split is held out.
        metrics: the metrics of netspec by those of Ludwig, for what is monitored.
    """
    epochs = section.integer("epochs", default=100)
    batch = _automatic(section, "batch_size", 128)
    settings = {"epochs": str(epochs), "batch": to_source(int(batch))}
    rate = _automatic(section, "learning_rate", 0.001)
    settings["optimizer"] = _optimizer(section, rate)
    schedule = _schedule(section, epochs)
    settings |= {"schedule": schedule} if schedule else {}
    monitored = _monitored(section, metrics)
    patience = section.integer("early_stop", default=5, low=-1)
    if patience > 0 and has_validation:
        settings["stop"] = f"early({monitored}, patience = {patience})"
    if section.flag("use_mixed_precision", default=False):
        settings["precision"] = "mixed"
    if section.flag("enable_gradient_checkpointing", default=False):
        settings["remat"] = "true"
    seed = section.value("random_seed")
    if seed is not None:
        settings["seed"] = str(section.integer("random_seed", default=0, low=0, high=2**32 - 1))
    section.ignore("it has no influence on what is trained, or no equal in netspec", SPEED)
    section.ignore("netspec counts epochs: set `epochs`", ("train_steps",))
    plateau = ("increase_batch_size_on_plateau", "increase_batch_size_on_plateau_patience")
    more = ("increase_batch_size_on_plateau_rate", "increase_batch_size_eval_metric", "increase_batch_size_eval_split")
    section.ignore("the batch size of netspec does not change", (*plateau, *more))
    section.ignore("set `freeze` in `train`, by the names of layers", ("layers_to_freeze_regex",))
    return settings


def _automatic(section: Section, key: str, default: float) -> float:
    """A number; `auto` becomes the default, with a warning."""
    found = section.value(key)
    if found is not None and found.data == "auto":
        reason, advice = (
            f"Ludwig chooses it; it is {to_source(float(default))} here",
            "`netspec lr` helps to find a rate",
        )
        section.reading.left_out(f"{section.name}.{key}: auto", reason, found.span, advice if "rate" in key else "")
        return default
    if key == "batch_size":
        return section.integer(key, default=int(default))
    return section.number(key, default=default, low=1e-12, high=1e3)


# ---------------------------------------------------------------- the optimizer


def _optimizer(section: Section, rate: float) -> str:
    """Clipping, L2 regularization and the optimizer, in the order in which they change the gradient."""
    own = section.section("optimizer")
    kind = own.text("type", default="adam").lower()
    for suffix in ("_8bit", "_paged"):
        kind = kind.removesuffix(suffix)
    if kind not in OPTIMIZERS:
        advice = f"optimizers are {', '.join(OPTIMIZERS)}"
        section.reading.left_out(f"optimizer: {kind}", "netspec has none like it; it is adam here", own.span, advice)
        own.ignore("", tuple(own.keys))
        kind = "adam"
    word, names = OPTIMIZERS[kind]
    rate = own.number("lr", "learning_rate", default=rate, low=1e-12, high=1e3)
    options = dict(ALWAYS.get(kind, {}))
    for key, name in names.items():
        found = own.value(key)
        if found is not None:
            is_flag = isinstance(found.data, bool)
            options[name] = to_source(own.flag(key, default=False) if is_flag else own.number(key, default=0.0))
    options |= _betas(own)
    if own.flag("amsgrad", default=False):
        word = "amsgrad" if kind == "adam" else word
    decay = own.number("weight_decay", default=0.01 if kind == "adamw" else 0.0)
    before = [*_clipping(section), *_regularization(section)]
    if kind in OWN_DECAY:
        options["decay"] = to_source(decay)
    elif decay:
        before.append(f"weight_decay({to_source(decay)}, on = all)")
    own.ignore("netspec has no such option", ("dampening", "momentum_decay", "lr_decay", "percentile_clipping"))
    own.ignore("", ("block_wise", "adam_w_mode", "bias_correction", "max_unorm"))
    arguments = ", ".join((to_source(rate), *(f"{name} = {value}" for name, value in options.items())))
    return " -> ".join((*before, f"{word}({arguments})"))


def _betas(own: Section) -> dict[str, str]:
    items = own.items("betas")
    numbers = [as_number(item.data) for item in items or ()]
    if items is None:
        return {}
    if len(numbers) != 2 or not all(number is not None and 0 <= number < 1 for number in numbers):
        own.reading.wrong("`betas` is not a pair of numbers below 1", own.place("betas"))
        return {}
    defaults = {"b1": 0.9, "b2": 0.999}
    return {name: to_source(n) for name, n in zip(("b1", "b2"), numbers, strict=True) if n != defaults[name]}


def _clipping(section: Section) -> list[str]:
    """Ludwig clips the norm of all gradients to 0.5, unless something else is given."""
    own = section.section("gradient_clipping")
    if section.has("gradient_clipping") and section.value("gradient_clipping") is None:
        return []
    is_default = not any(own.value(key) is not None for key in ("clipglobalnorm", "clipnorm", "clipvalue"))
    overall = own.number("clipglobalnorm", default=0.5 if is_default else 0.0)
    by_layer, by_value = own.number("clipnorm", default=0.0), own.number("clipvalue", default=0.0)
    if own.has("clipglobalnorm") and own.value("clipglobalnorm") is None:
        overall = 0.0
    if by_layer:
        reason = "netspec clips the norm over all weights, not of each layer"
        section.reading.left_out("gradient_clipping.clipnorm", reason, own.place("clipnorm"))
        overall = overall or by_layer
    found = [f"clip({to_source(overall)})"] if overall else []
    return found + ([f"clip_value({to_source(by_value)})"] if by_value else [])


def _regularization(section: Section) -> list[str]:
    """Ludwig adds lambda times the sum of the squares of all weights to the loss: its gradient is 2 lambda w."""
    strength = section.number("regularization_lambda", default=0.0)
    kind = section.text("regularization_type", "regularizer", default="l2")
    if not strength:
        return []
    if kind != "l2":
        reason = f"netspec has `{'l1' if kind == 'l1' else 'l1, l2'}` as an option of layers"
        section.reading.left_out("regularization_lambda", reason, section.place("regularization_lambda"))
        return []
    return [f"weight_decay({to_source(2 * strength)}, on = all)"]


# ---------------------------------------------------------------- the schedule


def _schedule(section: Section, epochs: int) -> str:
    """Warmup, then decay."""
    own = section.section("learning_rate_scheduler")
    old = {"decay": "decay", "decay_rate": "decay_rate", "decay_steps": "decay_steps", "staircase": "staircase"}
    for key in old:  # they were keys of the trainer, before Ludwig 0.7
        if section.value(key) is not None and own.value(key) is None:
            own.keys[key] = section.keys[key]
    plateau = section.value("reduce_learning_rate_on_plateau")
    if plateau is not None:
        own.keys.setdefault("reduce_on_plateau", plateau)
        for key in ("patience", "rate"):
            value = section.value(f"reduce_learning_rate_on_plateau_{key}")
            if value is not None:
                own.keys.setdefault(f"reduce_on_plateau_{key}", value)
    warm = own.number("warmup_evaluations", default=section.number("learning_rate_warmup_epochs", default=0.0))
    warm = warm or own.number("warmup_fraction", default=0.0, high=1.0) * epochs
    parts = [f"warmup({to_source(round(warm, 6))} epochs)"] if warm >= 1e-6 else []
    decay = own.value("decay")
    kind = str(decay.data).lower() if decay is not None else "none"
    rate = own.number("decay_rate", default=0.96, low=1e-9, high=1.0)
    steps = own.integer("decay_steps", default=10_000)
    end = own.number("eta_min", default=0.0, high=1.0)
    every, growth = own.integer("t_0", default=0, low=0), own.number("t_mult", default=1.0, low=1.0)
    if kind in ("true", "exponential"):
        is_staircase = own.flag("staircase", default=False)
        parts.append(f"step({steps} steps, {rate})" if is_staircase else f"exponential({rate}, {steps} steps)")
    elif kind == "linear":
        parts.append("linear")
    elif kind == "cosine" and every:
        parts.append(f"cosine_restarts({every} steps, {to_source(growth)})")
    elif kind == "cosine":
        parts.append("cosine")
    elif kind not in ("none", "false"):
        advice = "schedules are linear, exponential and cosine"
        section.reading.left_out(f"decay: {kind}", "netspec has no such schedule", own.place("decay"), advice)
    if end and kind == "cosine":
        section.reading.left_out("eta_min", "netspec has the end as a fraction of the rate", own.place("eta_min"))
    own.flag("staircase", default=False)
    count = own.integer("reduce_on_plateau", default=0, low=0)
    patience = own.integer("reduce_on_plateau_patience", default=10)
    factor = own.number("reduce_on_plateau_rate", default=0.1, low=1e-6, high=0.999)
    if count:
        parts.append(f"reduce_on_plateau({to_source(factor)}, {patience})")
    own.ignore("netspec monitors the validation split", ("reduce_eval_metric", "reduce_eval_split"))
    return " -> ".join(parts)


def _monitored(section: Section, metrics: dict[str, str]) -> str:
    """The metric on the validation split that early stopping looks at."""
    name = section.text("validation_metric", default="loss")
    section.text("validation_field")
    if name in metrics:
        return metrics[name]
    reason = "netspec has it under another name, or not at all: `val_loss` is monitored"
    section.reading.left_out(f"validation_metric: {name}", reason, section.place("validation_metric"))
    return "val_loss"
