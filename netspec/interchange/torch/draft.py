"""A PyTorch file of a model: its classes, its weights, and a module that is loaded to verify them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from netspec._version import __version__
from netspec.compiler.ir.naming import python_name
from netspec.compiler.ir.printer import memory
from netspec.compiler.passes.drop_training_only import drop_training_only
from netspec.data.dataset.lazy_rows import Array
from netspec.data.transforms.normalization import Normalization
from netspec.interchange.errors import Refused
from netspec.interchange.formats import Draft, Runner
from netspec.interchange.torch.source import FIXED, Writer, helper_sources, shown
from netspec.interchange.writing.metadata import metadata_of, output_scales, range_text
from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of
from netspec.language.lazy import lazy, np
from netspec.language.shape import Shape
from netspec.spec.model import Model
from netspec.storage.array_file import array_file
from netspec.storage.weights import MADE_BY

torch = lazy("torch")


def draft(model: Model, file_name: str) -> Draft:
    """The PyTorch source of a model in inference mode, and its weights.

    Args:
        model: the model with its weights and its preprocessing.
        file_name: what the Python file will be called.

    Raises:
        CompileError: PyTorch has nothing for a layer (NS544).
    """
    writer = Writer(drop_training_only(model.compilation.optimized), model.module)
    beside = f"{Path(file_name).stem}.safetensors"
    ends = _Ends(model, writer.name)
    state, classes = writer.state, [*_helpers(writer.helpers), *writer.classes]
    if ends.state:
        state = {**{f"network.{name}": array for name, array in state.items()}, **ends.state}
        classes.append(ends.source)
    name = "Model" if ends.state else writer.name
    source = "\n\n\n".join([_header(model, writer), *classes, _load(name, beside)]) + "\n"
    metadata = {MADE_BY: f"netspec {__version__}", "format": "pt", **metadata_of(model)}
    files = {beside: b"".join(array_file(state, metadata)), file_name: source.encode()}
    inputs = {name: _text(shape) + range_text(model, name) for name, shape in model.inputs.items()}
    outputs = {name: _text(shape) for name, shape in model.outputs.items()}
    about = f"PyTorch, and {beside} with the weights, {memory(len(files[beside]))}"
    return Draft(files, inputs, outputs, "torch", partial(_runner, files, file_name, model), about)


def _text(shape: Shape) -> str:
    return f"N x {shown(shape).replace('x', ' x ')} {'int64' if shape.is_tokens else 'float32'}"


def _header(model: Model, writer: Writer) -> str:
    known = model.preprocessing.class_names if model.preprocessing is not None else {}
    lines = [
        f'"""{model.name} for PyTorch, in inference mode. Written by netspec.',
        "",
        "    model = load()  # the weights are in the safetensors file beside it",
        "",
        "Raw values go in, and predictions come out; images have their channels first.",
        '"""',
        "",
        *(["from typing import Any", ""] if writer.helpers else []),
        "import torch",
        "import torch.nn.functional as F",
        "from safetensors.torch import load_file",
        "from torch import nn",
    ]
    if known:
        lines += ["", f"CLASS_NAMES = {json.dumps(msgspec.to_builtins(known), ensure_ascii=False)}"]
    return "\n".join(lines)


def _helpers(used: set[str]) -> list[str]:
    return [text for name, text in helper_sources().items() if name in used]


def _load(name: str, beside: str) -> str:
    return "\n".join(
        [
            f"def load(weights: str = {json.dumps(beside)}) -> nn.Module:",
            '    """The trained network, in inference mode."""',
            f"    model = {name}()",
            "    model.load_state_dict(load_file(weights))",
            "    return model.eval()",
        ]
    )


class _Ends:
    """What is done before and after the network: normalization, and the units of targets."""

    def __init__(self, model: Model, network: str) -> None:
        self.model = model
        self.state: dict[str, Array] = {}
        self.lines: list[str] = []
        names = [python_name(name, FIXED) for name in model.inputs]
        body = [line for name in model.inputs for line in self._normalized(name)]
        body.append(f"y = self.network({', '.join(names)})")
        body += [line for name in model.outputs for line in self._restored(name)]
        self.source = "\n".join(
            [
                "class Model(nn.Module):",
                '    """The network with the normalization of its inputs and the units of its targets."""',
                "",
                "    def __init__(self) -> None:",
                "        super().__init__()",
                f"        self.network = {network}()",
                *(f"        {line}" for line in self.lines),
                "",
                f"    def forward({', '.join(['self', *names])}):",
                *(f"        {line}" for line in body),
                "        return y",
            ]
        )

    def _normalized(self, name: str) -> list[str]:
        scale = self.model.normalization.get(name)
        if scale is None:
            return []
        x, rank = python_name(name, FIXED), self.model.inputs[name].rank
        lines = [f"{x} = {x}.double()"] if scale.double else []
        if scale.fill is not None:
            fill = self._buffer(f"{x}_fill", scale.fill, rank, scale)
            lines.append(f"{x} = torch.where(torch.isnan({x}), {fill}, {x})")
        mean, std = self._buffer(f"{x}_mean", scale.mean, rank, scale), self._buffer(f"{x}_std", scale.std, rank, scale)
        return [*lines, f"{x} = (({x} - {mean}) / {std}){'.float()' if scale.double else ''}"]

    def _restored(self, name: str) -> list[str]:
        scales = output_scales(self.model)
        if name not in scales:
            return []
        scale, rank = scales[name], self.model.outputs[name].rank
        y = f'y["{name}"]' if len(self.model.outputs) > 1 else "y"
        mean, std = (self._buffer(f"{name}_{n}", v, rank, scale) for n, v in (("mean", scale.mean), ("std", scale.std)))
        return [f"{y} = {y} * {std} + {mean}"]

    def _buffer(self, name: str, numbers: tuple[float, ...], rank: int, scale: Normalization) -> str:
        """A constant with a number for each channel; the expression for it."""
        shape = (-1, *[1] * (rank - 1)) if rank > 2 else (-1,)
        array = np.array(numbers, np.float64 if scale.double else np.float32).reshape(shape)
        kind = ", dtype=torch.float64" if scale.double else ""
        self.lines.append(f'self.register_buffer("{name}", torch.empty({", ".join(map(str, array.shape))}{kind}))')
        self.state[name] = array
        return f"self.{name}"


# ---------------------------------------------------------------- verification


def _runner(files: Mapping[str, bytes], file_name: str, model: Model) -> Runner:
    """The module of the file, with the weights that are beside it.

    Raises:
        CompileError: the file cannot be executed, or the weights do not fit (NS547).
        ModuleNotFoundError: PyTorch is not installed.
    """
    _ = torch.__version__
    content = files[file_name].decode()
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        names: dict[str, Any] = {"__name__": "netspec_export"}
        try:
            exec(compile(content, file_name, "exec"), names)
            module = names["load"](str(Path(folder) / f"{Path(file_name).stem}.safetensors"))
        except Exception as error:  # of any kind: it is generated code
            raise fail(Refused(tool="PyTorch", reason=reason_of(error))) from error

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        given = [_as_given(x, model.inputs[name]) for name, x in inputs.items()]
        with torch.no_grad():
            found = module(*given)
        named = found if isinstance(found, dict) else {next(iter(model.outputs)): found}
        return {name: _channels_last(y.numpy()) for name, y in named.items()}

    return run


def _as_given(x: Array, shape: Shape) -> Any:
    """An input as the module takes it."""
    turned = x.transpose(0, x.ndim - 1, *range(1, x.ndim - 1)) if shape.rank > 2 else x
    return torch.from_numpy(np.array(turned, np.int64 if shape.is_tokens else x.dtype, order="C"))


def _channels_last(y: Array) -> Array:
    return y.transpose(0, *range(2, y.ndim), 1) if y.ndim > 3 else y
