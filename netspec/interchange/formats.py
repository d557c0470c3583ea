"""The formats that a network can be exported to, each declared once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.data.dataset.lazy_rows import Array
from netspec.language.record import Frozen

if TYPE_CHECKING:
    from netspec.spec.model import Model

Runner = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""Computes the outputs by name from the inputs by name, with the program that the format is for."""


class Option(Frozen):
    """An option of a format, and of `netspec export`."""

    name: str
    default: Any
    doc: str
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    excludes: str = ""

    def check(self, value: object) -> Any:
        """The value.

        Raises:
            ValueError: the option does not take it.
        """
        if self.choices and value not in self.choices:
            raise ValueError(f"`{self.name}` is {' or '.join(self.choices)}, not {value!r}")
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if self.high and not (is_number and self.low <= value <= self.high):  # type: ignore[operator]
            raise ValueError(f"`{self.name}` is an integer from {self.low} to {self.high}, not {value!r}")
        if isinstance(self.default, bool) and not isinstance(value, bool):
            raise ValueError(f"`{self.name}` is True or False, not {value!r}")
        return value


class Format(Frozen):
    """A format.

    Args:
        name: what `--to` takes.
        title: its name in messages.
        endings: the endings of its files.
        carries: what is inside, for the help.
        extra: the extra of netspec with the packages that it needs, if any.
        home: the module that writes it: it has `draft(model, file_name, options)`, which returns a `Draft`.
        options: its options.
    """

    name: str
    title: str
    endings: tuple[str, ...]
    carries: str
    home: str
    extra: str = ""
    options: tuple[Option, ...] = ()

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All options, with defaults for those that are not given.

        Raises:
            ValueError: the format has no such option, it takes another value, or two options exclude each other.
        """
        known = {option.name: option for option in self.options}
        for name in given:
            if name not in known:
                raise ValueError(f"{self.title} has no option `{name}`")
        found = {name: option.check(given.get(name, option.default)) for name, option in known.items()}
        for option in self.options:
            if option.excludes and found[option.name] and found[option.excludes]:
                raise ValueError(f"`{option.name}` excludes `{option.excludes}`")
        return found

    def draft(self, model: Model, file_name: str, options: Mapping[str, Any]) -> Draft:
        """The content of the files.

        Raises:
            CompileError: the format cannot carry the network (NS544), or a package is missing (NS546).
        """
        made: Draft = import_module(self.home).draft(model, file_name, **self.checked(options))
        return made


class Draft(Frozen):
    """Files that are not written yet.

    `files` has their contents by name; `inputs` and `outputs` say what goes in and comes out, such as
    `N x 28 x 28 x 1 float32`; `about` says what the files are; `tool` is the program that `runner` starts to verify
    them. `runner` raises CompileError if the tool refuses the files (NS547), and ModuleNotFoundError if it is not
    installed. `lossy` makes the files that are written instead, given what computes the outputs of these.
    """

    files: Mapping[str, bytes]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    tool: str
    runner: Callable[[], Runner]
    about: str = ""
    lossy: Callable[[Runner], LossyFiles] | None = None


class LossyFiles(Frozen):
    """Files that compute almost the same as those of a `Draft`, and are written instead; `cost` says how much differs.

    They are made once the others are verified.
    """

    files: Mapping[str, bytes]
    about: str
    cost: str


FORMATS = {
    found.name: found
    for found in (
        Format(
            "onnx",
            "ONNX",
            (".onnx",),
            "standard operators with the weights inside, for ONNX Runtime, OpenVINO, TensorRT, browsers and phones",
            "netspec.interchange.onnx.draft",
            "onnx",
            (
                Option("opset", 21, "the version of the operators, 18 to 25", low=18, high=25),
                Option("layout", "nhwc", "the axes of images: channels last or first", ("nhwc", "nchw")),
                Option("external", False, "put the weights into a second file, as for models above 2 GB"),
                Option("int8", False, "8-bit weights of dense layers and convolutions", excludes="external"),
            ),
        ),
        Format(
            "torch",
            "PyTorch",
            (".py",),
            "readable source of an `nn.Module`, with its weights beside it in a safetensors file",
            "netspec.interchange.torch.draft",
        ),
        Format(
            "keras",
            "Keras",
            (".keras",),
            "a functional model of Keras 3, to train further or to convert",
            "netspec.interchange.keras.draft",
            "keras",
        ),
        Format(
            "stablehlo",
            "StableHLO",
            (".stablehlo",),
            "the compiled program with the weights inside, for JAX and other programs of OpenXLA, on CPU, GPU and TPU",
            "netspec.interchange.stablehlo",
            "stablehlo",
        ),
    )
}
"""The formats by name."""


def find_format(path: Path, name: str | None = None) -> Format:
    """The format of a name, or of the ending of a file.

    Raises:
        ValueError: there is none.
    """
    if name is not None:
        if name not in FORMATS:
            raise ValueError(f"the formats are {', '.join(FORMATS)}, not {name!r}")
        return FORMATS[name]
    for found in FORMATS.values():
        if path.suffix.lower() in found.endings:
            return found
    endings = ", ".join(ending for found in FORMATS.values() for ending in found.endings)
    raise ValueError(f"the format of `{path.name}` is not known: let its name end in {endings}, or name the format")
