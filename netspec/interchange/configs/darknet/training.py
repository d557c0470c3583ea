"""The settings of a training, which are in the section `[net]`."""

from __future__ import annotations

from netspec.interchange.configs.darknet.cfg import Section
from netspec.interchange.errors import NotImported
from netspec.interchange.reading.sketch import Sketch

AUGMENTATIONS = (
    "angle",
    "saturation",
    "exposure",
    "hue",
    "aspect",
    "max_crop",
    "min_crop",
    "mosaic",
    "mixup",
    "cutmix",
)
OTHERS = (
    *("subdivisions", "time_steps", "notruth", "random", "center", "track", "sequential_subdivisions", "letter_box"),
    *(
        "max_chart_loss",
        "blur",
        "gaussian_noise",
        "flip",
        "batch_normalize",
        "optimized_memory",
        "workspace_size_limit_MB",
    ),
    *(
        "policy",
        "burn_in",
        "power",
        "steps",
        "scales",
        "seq_scales",
        "step",
        "scale",
        "gamma",
        "max_batches",
        "adam",
        "B1",
    ),
    *("B2", "eps", "num_steps", "loss_scale", "dynamic_minibatch", "contrastive", "ema_alpha", "label_smooth_eps"),
    *("resize_step", "attention", "adversarial_lr", "max_ratio", "min_ratio", "clip", "adversarial"),
)
"""Options of a training that are not imported; they do not change predictions."""


def train_settings(sketch: Sketch, net: Section) -> None:
    """Add the settings of a training to the sketch; what has no equal is reported (NS572).

    Raises:
        CompileError: an option has a wrong value (NS570).
    """
    net.used |= {*AUGMENTATIONS, *OTHERS, "learning_rate", "momentum", "decay", "batch"}
    if "learning_rate" not in net.options:
        return
    rate = net.number("learning_rate", 0.001)
    if rate <= 0:
        _left_out(sketch, net, "learning_rate", "it is not above 0")
        return
    settings = sketch.settings.setdefault("train", {})
    settings["batch"] = str(net.integer("batch", 1, low=1))
    settings["optimizer"] = _optimizer(net, rate)
    if schedule := _schedule(sketch, net):
        settings["schedule"] = schedule
    if net.integer("burn_in", 0):
        _left_out(sketch, net, "burn_in", "its curve is another one than that of `warmup`")
    if "max_batches" in net.options:
        reason = "steps are as many epochs as the number of examples makes them"
        _left_out(sketch, net, "max_batches", reason, "set `epochs` in `train`")
    for name in AUGMENTATIONS:
        if name in net.options and net.number(name, 0.0) not in (0, 1):
            _left_out(sketch, net, name, "it augments the images", "set `augment` in `data`")


def _optimizer(net: Section, rate: float) -> str:
    momentum, decay = net.number("momentum", 0.9), net.number("decay", 0.0001)
    if net.flag("adam"):
        betas = [(name, net.number(name.upper(), default), default) for name, default in (("b1", 0.9), ("b2", 0.999))]
        options = [repr(rate), *(f"{name} = {value!r}" for name, value, default in betas if value != default)]
        found = f"adam({', '.join(options)})"
    else:
        found = f"sgd({rate!r}, momentum = {momentum!r})" if 0 < momentum < 1 else f"sgd({rate!r})"
    return f"weight_decay({decay!r}) -> {found}" if decay > 0 else found


def _schedule(sketch: Sketch, net: Section) -> str:
    policy = net.text("policy", "constant")
    steps, scales = net.integers("steps"), net.numbers("scales")
    is_ascending = bool(steps) and steps == sorted(set(steps)) and steps[0] > 0
    if policy == "steps" and is_ascending and len(set(scales)) == 1 and len(steps) == len(scales) and scales[0] > 0:
        return f"multistep([{', '.join(f'{step} steps' for step in steps)}], {scales[0]!r})"
    if policy == "step" and net.integer("step", 1) > 0 and net.number("scale", 1.0) > 0:
        return f"step({net.integer('step', 1)} steps, {net.number('scale', 1.0)!r})"
    if policy == "exp" and 0 < net.number("gamma", 1.0) <= 1:
        return f"exponential({net.number('gamma', 1.0)!r}, every = 1 steps)"
    if policy == "poly" and net.number("power", 4.0) > 0 and net.integer("max_batches", 0) > 0:
        return f"polynomial(power = {net.number('power', 4.0)!r}, length = {net.integer('max_batches', 0)} steps)"
    if policy != "constant":
        reason = "netspec has no schedule that is the same"
        _left_out(sketch, net, "policy", reason, "set `schedule` in `train`")
    return ""


def _left_out(sketch: Sketch, net: Section, name: str, reason: str, advice: str = "") -> None:
    sketch.report(NotImported(what=name, reason=reason, span=net.place(name), advice=advice))
