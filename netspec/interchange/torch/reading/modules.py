"""The program of a module: `torch.export` traces it with inputs that have shapes alone."""

from __future__ import annotations

import copy
import inspect
import io
import itertools
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from netspec.interchange.errors import NotAModel
from netspec.interchange.torch.reading.program import Call, Program, Ref, out_of_place
from netspec.language.diagnostics import fail
from netspec.language.lazy import lazy

torch = lazy("torch")

BATCHES = (5, 7, 11, 13, 17, 19, 23, 29)
"""Sizes of the batch that a module is traced with: one that differs from every other size, so that it is recognized."""
MAX_TRIED = 3
"""Inputs up to which it is tried which of them are ids, where only shapes are given."""
GUESS = "_detect_is_causal_mask"
REASON = 160
"""Characters of an error of PyTorch that are shown."""


def ready(module: Any) -> Any:
    """The module on the CPU, in f32: itself if it is so already."""
    tensors = [*module.parameters(), *module.buffers()]
    plain = all(t.device.type == "cpu" and (t.dtype == torch.float32 or not t.is_floating_point()) for t in tensors)
    return module if plain else copy.deepcopy(module).cpu().float()


@contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """In evaluation mode; afterwards every part has the mode that it had."""
    modes = {part: part.training for part in module.modules()}
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # it replaces layers by one operator, which says less
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for part, mode in modes.items():
            part.training = mode


def given_inputs(module: Any, inputs: Any) -> dict[str, Any]:
    """Shapes without the batch, or tensors with it, by the names of the arguments of `forward`.

    Raises:
        TypeError: an input is neither a shape nor a tensor.
        ValueError: there are more than `forward` has, or `forward` has no argument of a name.
    """
    parameters = inspect.signature(module.forward).parameters.values()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if inputs is None:
        raise TypeError("`inputs` is missing: the shape of an input, such as `inputs=(3, 224, 224)`, or a tensor")
    if isinstance(inputs, Mapping):
        known = {p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
        unknown = [name for name in inputs if name not in known]
        if unknown:
            raise ValueError(f"`forward` has no argument `{unknown[0]}`: its arguments are {', '.join(names)}")
        return {str(name): _checked(value) for name, value in inputs.items()}
    several = [inputs] if _is_shape(inputs) or torch.is_tensor(inputs) else inputs
    if not isinstance(several, Sequence) or isinstance(several, str) or not several:
        raise TypeError("`inputs` is a shape without the batch, such as (3, 224, 224), a tensor, a list or a dict")
    if len(several) > len(names):
        raise ValueError(f"`inputs` has {len(several)} inputs, but `forward` takes {len(names)}")
    return {name: _checked(value) for name, value in zip(names, several, strict=False)}


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(size, int) and not isinstance(size, bool) for size in value)


def _checked(value: Any) -> Any:
    if torch.is_tensor(value):
        if value.ndim < 1:
            raise TypeError("an input is a tensor whose first axis is the batch")
        return value
    if isinstance(value, list) and _is_shape(tuple(value)):
        value = tuple(value)
    if not _is_shape(value) or any(size < 1 for size in value):
        raise TypeError(f"an input is a shape without the batch, such as (3, 224, 224), or a tensor, not {value!r}")
    return value


def traced(module: Any, given: Mapping[str, Any]) -> tuple[Program, dict[str, Any]]:
    """The program of a module in evaluation mode, and the examples of its inputs.

    Raises:
        CompileError: it cannot be traced (NS570).
    """
    sizes = {size for value in given.values() for size in (value.shape[1:] if torch.is_tensor(value) else value)}
    batch = next(size for size in (*BATCHES, 31) if size not in sizes)
    errors: list[Exception] = []
    for examples in _examples(given, batch):
        try:
            with evaluating(module), _quiet(), _without_guesses():
                exported = torch.export.export(module, (), kwargs=examples, strict=False)
                program = _program(exported, list(examples))
                program.rates = _rates(module)
        except Exception as error:  # noqa: BLE001  # of any kind: a module is any program
            errors.append(error)
            continue
        return program, examples
    reason = f"torch.export does not trace it: {_text(errors[0])}"
    advice = "give `inputs` as the module takes them (shapes without the batch), and try `torch.export.export`"
    file = type(module).__name__
    raise fail(NotAModel(file=file, format="PyTorch", reason=reason, advice=advice)) from errors[0]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what PyTorch prints about a module that it cannot trace: its error says it."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    sink = io.StringIO()
    try:
        with warnings.catch_warnings(), redirect_stdout(sink), redirect_stderr(sink):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


@contextmanager
def _without_guesses() -> Iterator[None]:
    """Transformers of PyTorch look whether a mask is causal; tracing knows no numbers, and reads the mask later."""
    home = torch.nn.modules.transformer
    guess = getattr(home, GUESS, None)
    setattr(home, GUESS, lambda mask, is_causal=None, size=None: is_causal is True)
    try:
        yield
    finally:
        setattr(home, GUESS, guess)


def _text(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = f"{type(error).__name__}: {lines[0] if lines else ''}"
    return text if len(text) <= REASON else f"{text[:REASON]}…"


def _examples(given: Mapping[str, Any], batch: int) -> Iterator[dict[str, Any]]:
    """Inputs of zeros: where only shapes are given, numbers or else ids."""
    open_names = [name for name, value in given.items() if not torch.is_tensor(value)]
    kinds = [torch.float32, torch.int64]
    tried = itertools.product(kinds, repeat=len(open_names))
    for chosen in tried if len(open_names) <= MAX_TRIED else ((kind,) * len(open_names) for kind in kinds):
        dtypes = dict(zip(open_names, chosen, strict=True))
        yield {
            name: torch.zeros((batch, *value.shape[1:]), dtype=value.dtype)
            if torch.is_tensor(value)
            else torch.zeros((batch, *value), dtype=dtypes[name])
            for name, value in given.items()
        }


# ---------------------------------------------------------------- what torch.export returns


def _program(exported: Any, names: Sequence[str]) -> Program:
    """The program of an `ExportedProgram`."""
    signature = exported.graph_signature
    constants, paths = {}, {}
    stored = {**exported.state_dict, **exported.constants}
    for spec in signature.input_specs:
        if spec.target is not None and spec.target in stored:
            constants[spec.arg.name] = stored[spec.target].detach()
            paths[spec.arg.name] = spec.target
    inputs = dict(zip(names, signature.user_inputs, strict=True))
    nodes = list(exported.graph_module.graph.nodes)
    calls = [_call(node) for node in nodes if node.op == "call_function"]
    outputs = list(zip(_output_names(exported), map(str, signature.user_outputs), strict=True))
    shapes = {node.name: tuple(map(int, node.meta["val"].shape)) for node in nodes if _is_tensor(node)}
    return Program(inputs, constants, paths, *out_of_place(calls, outputs), shapes)


def _rates(module: Any) -> dict[str, float]:
    """The dropout of attention weights, by the path of the module."""
    parts = module.named_modules()
    return {path: float(part.dropout) for path, part in parts if isinstance(part, torch.nn.MultiheadAttention)}


def _is_tensor(node: Any) -> bool:
    return bool(torch.is_tensor(node.meta.get("val")))


def _call(node: Any) -> Call:
    modules = tuple((str(path), str(kind)) for path, kind in (node.meta.get("nn_module_stack") or {}).values())
    if not isinstance(node.target, torch._ops.OpOverload):
        arguments = {str(index): _value(argument) for index, argument in enumerate(node.args)}
        return Call(node.name, getattr(node.target, "__name__", str(node.target)), "", arguments, modules)
    space, _, target = node.target._schema.name.partition("::")
    target = target if space == "aten" else f"{space}.{target}"
    return Call(node.name, target, node.target._overloadname or "default", _arguments(node), modules)


def _arguments(node: Any) -> dict[str, Any]:
    """All arguments of a call by name."""
    schema = node.target._schema.arguments
    given = {argument.name: value for argument, value in zip(schema, node.args, strict=False)} | dict(node.kwargs)
    return {argument.name: _value(given.get(argument.name, argument.default_value)) for argument in schema}


def _value(value: Any) -> Any:
    if isinstance(value, torch.fx.Node):
        return Ref(value.name)
    return [_value(item) for item in value] if isinstance(value, list | tuple) else value


def _output_names(exported: Any) -> list[str]:
    """The keys of a dict of outputs, or numbers; empty for a single one."""
    spec = exported.call_spec.out_spec
    count = len(exported.graph_signature.user_outputs)
    context = getattr(spec, "context", None)
    if isinstance(context, list) and len(context) == count and all(isinstance(key, str) for key in context):
        return list(context) if count > 1 else [""]
    return [""] if count == 1 else [f"output_{index}" for index in range(count)]
