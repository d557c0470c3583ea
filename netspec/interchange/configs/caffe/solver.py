"""The settings of a training, which Caffe keeps in a prototxt of their own."""

from __future__ import annotations

from pathlib import Path

from netspec.interchange.configs.caffe.prototxt import Message, parse_prototxt
from netspec.interchange.configs.input_files import read_source
from netspec.interchange.errors import NotImported
from netspec.interchange.reading.sketch import Sketch
from netspec.language.source import Span

NETS = ("net", "train_net")
TYPES = {
    "SGD": "sgd",
    "Nesterov": "sgd",
    "Adam": "adam",
    "AdaGrad": "adagrad",
    "RMSProp": "rmsprop",
    "AdaDelta": "adadelta",
}
"""The optimizers of Caffe, and those of netspec."""
OLD_TYPES = ("SGD", "NESTEROV", "ADAGRAD", "RMSPROP", "ADADELTA", "ADAM")
BESIDE = "solver.prototxt"


def is_solver(message: Message) -> bool:
    """Whether a prototxt is that of a solver."""
    return not message.has("layer") and not message.has("layers") and (message.has("base_lr") or message.has("net"))


def net_of(solver: Message, path: Path) -> Path:
    """The prototxt of the network that a solver trains: its path starts from the folder of the solver, or from one
    that is not known; then it is looked for beside the solver.

    Raises:
        CompileError: there is none (NS570).
    """
    names = [text for name in NETS for text in solver.texts(name)]
    for name in names:
        for found in (path.parent / name, path.parent / Path(name).name):
            if "\0" not in name and found.is_file():
                return found
    named = f"the network `{names[0]}` is not beside it" if names else "it is a solver that names no network"
    raise solver.file.bad(named, "give the prototxt of the network")


def solver_beside(path: Path) -> Message | None:
    """The solver of a network, in the same folder, if it names this network."""
    found = path.parent / BESIDE
    if not found.is_file() or found == path:
        return None
    text, file = read_source(found, "Caffe")
    solver = parse_prototxt(text, file)
    names = [Path(text).name for name in NETS for text in solver.texts(name)]
    return solver if path.name in names else None


def train_settings(sketch: Sketch, solver: Message, net: Message) -> None:
    """Add the settings of a solver to the sketch; what has no equal is reported (NS572).

    Raises:
        CompileError: a setting has a wrong value (NS570).
    """
    rate = solver.number("base_lr", 0.0)
    kind = _type(solver)
    if rate <= 0 or kind not in TYPES:
        reason = f"netspec has no optimizer `{kind}`" if rate > 0 else "`base_lr` is not above 0"
        _left_out(sketch, "solver", reason, solver.place("type" if rate > 0 else "base_lr"))
        return
    settings = sketch.settings.setdefault("train", {})
    settings["optimizer"] = _optimizer(sketch, solver, kind, rate)
    schedule = _schedule(sketch, solver)
    if schedule:
        settings["schedule"] = schedule
    batch = _batch(net) * solver.integer("iter_size", 1, low=1)
    if batch:
        settings["batch"] = str(batch)
    if solver.has("max_iter"):
        steps = solver.integer("max_iter", 0)
        reason = f"{steps:,} steps are as many epochs as the number of examples makes them"
        _left_out(sketch, "max_iter", reason, solver.place("max_iter"), "set `epochs` in `train`")


def _type(solver: Message) -> str:
    if solver.has("solver_type"):
        old = solver.choice("solver_type", OLD_TYPES)
        return {name.upper(): name for name in TYPES}[old]
    return solver.text("type", "SGD")


def _optimizer(sketch: Sketch, solver: Message, kind: str, rate: float) -> str:
    momentum = solver.number("momentum", 0.0)
    options = [_text(rate)]
    if TYPES[kind] == "sgd" and 0 < momentum < 1:
        options.append(f"momentum = {_text(momentum)}")
    if kind == "Nesterov" and 0 < momentum < 1:
        options.append("nesterov = true")
    if kind == "Adam":
        betas = (("b1", momentum, 0.9), ("b2", solver.number("momentum2", 0.999), 0.999))
        options += [f"{name} = {_text(value)}" for name, value, default in betas if value not in (0, default)]
    found = f"{TYPES[kind]}({', '.join(options)})"
    decay = solver.number("weight_decay", 0.0)
    if decay > 0 and solver.text("regularization_type", "L2") == "L2":
        return f"weight_decay({_text(decay)}, on = all) -> {found}"
    if decay > 0:
        _left_out(sketch, "weight_decay", "it is an L1 penalty", solver.place("weight_decay"), "set `l1` in the layers")
    return found


def _schedule(sketch: Sketch, solver: Message) -> str:
    policy, gamma = solver.text("lr_policy", "fixed"), solver.number("gamma", 0.1)
    if policy == "step" and solver.integer("stepsize", 0) > 0 and gamma > 0:
        return f"step({solver.integer('stepsize', 1)} steps, {_text(gamma)})"
    times = solver.integers("stepvalue", 1)
    if policy == "multistep" and times and times == sorted(set(times)) and gamma > 0:
        return f"multistep([{', '.join(f'{time} steps' for time in times)}], {_text(gamma)})"
    if policy == "exp" and 0 < gamma <= 1:
        return f"exponential({_text(gamma)}, every = 1 steps)"
    if policy == "poly" and solver.integer("max_iter", 0) > 0 and solver.number("power", 0.0) > 0:
        power, length = _text(solver.number("power", 1.0)), solver.integer("max_iter", 1)
        return f"polynomial(power = {power}, length = {length} steps)"
    if policy != "fixed":
        reason = "netspec has no schedule that is the same"
        _left_out(sketch, f"lr_policy: {policy}", reason, solver.place("lr_policy"), "set `schedule` in `train`")
    return ""


def _batch(net: Message) -> int:
    """The number of examples in a step of the training; 0 if it is not known."""
    for layer in net.messages("layer", "layers"):
        rules = layer.messages("include")
        if rules and all(rule.choice("phase", ("TRAIN", "TEST")) == "TRAIN" for rule in rules if rule.has("phase")):
            for field in layer.fields:
                if isinstance(field.value, Message) and field.value.has("batch_size"):
                    return field.value.integer("batch_size", 0)
    return 0


def _left_out(sketch: Sketch, what: str, reason: str, span: Span, advice: str = "") -> None:
    sketch.report(NotImported(what=what, reason=reason, span=span, advice=advice))


def _text(number: float) -> str:
    return repr(int(number)) if number == int(number) and abs(number) < 1e6 else repr(number)
