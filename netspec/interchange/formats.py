"""The formats of other programs that netspec writes and reads, each declared once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.errors import NotAModel
from netspec.language.diagnostics import fail
from netspec.language.record import Frozen
from netspec.language.source import Source

if TYPE_CHECKING:
    from netspec.interchange.reading.alignment import LayerWeights
    from netspec.interchange.reading.sketch import Sketch
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


CODE = Option("code", False, "also write a program beside it that predicts for images, rows or texts without netspec")
"""An option of all formats that are files."""
FORCE = Option("force", False, "write into a folder that has files already, which are replaced")
"""An option of all formats that are folders."""


class Format(Frozen):
    """A format.

    Args:
        name: what `--to` and `--from` take.
        title: its name in messages.
        endings: the endings of the files that are written, or else of those that are read.
        carries: what is inside, for the help of `netspec export`.
        home: the module that writes it: it has `draft(model, file_name, options)`, which returns a `Draft`; empty if
            netspec does not write it.
        extra: the extra of netspec with the packages that writing it needs, if any.
        options: the options of writing.
        reader: the module that reads it: it has `read(source, weights)`, which returns a `Foreign`; empty if netspec
            does not read it.
        reads: what can be read, for the help of `netspec import`.
        read_endings: the endings of files that are read; none: `endings`.
        mark: a text that files of this format have, where others have the same ending.
        takes: what files of this format may lack, by the names of arguments of `read` and options of `netspec import`:
            `input`, the shape of the input, and `data`, a table.
        is_folder: whether a folder is written.
    """

    name: str
    title: str
    endings: tuple[str, ...]
    carries: str = ""
    home: str = ""
    extra: str = ""
    options: tuple[Option, ...] = ()
    reader: str = ""
    reads: str = ""
    read_endings: tuple[str, ...] = ()
    mark: str = ""
    takes: tuple[str, ...] = ()
    is_folder: bool = False

    @property
    def readable(self) -> tuple[str, ...]:
        """The endings of files that are read."""
        return self.read_endings or self.endings

    @property
    def every_option(self) -> tuple[Option, ...]:
        """Its own options, and those of all formats that write files like it."""
        return (*self.options, FORCE if self.is_folder else CODE)

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All options, with defaults for those that are not given.

        Raises:
            ValueError: the format has no such option, it takes another value, or two options exclude each other.
        """
        known = {option.name: option for option in self.every_option}
        for name in given:
            if name not in known:
                raise ValueError(f"{self.title} has no option `{name}`")
        found = {name: option.check(given.get(name, option.default)) for name, option in known.items()}
        for option in self.every_option:
            if option.excludes and found[option.name] and found[option.excludes]:
                raise ValueError(f"`{option.name}` excludes `{option.excludes}`")
        return found

    def draft(self, model: Model, file_name: str, options: Mapping[str, Any]) -> Draft:
        """The content of the files.

        Raises:
            CompileError: the format cannot carry the network (NS544), or a package is missing (NS546).
        """
        own = {option.name for option in self.options}
        given = {name: value for name, value in self.checked(options).items() if name in own}
        made: Draft = import_module(self.home).draft(model, file_name, **given)
        return made

    def read(self, source: Any, weights: Path | None, **more: Any) -> Foreign:
        """What a file, a text or an object is read as.

        Args:
            source: the file, the text or the object.
            weights: a second file, which has the weights.
            more: what files of this format may lack (`takes`); None where it is not given.

        Raises:
            CompileError: it cannot be read (NS570), or a package is missing (NS574).
            ValueError: files of this format do not lack that.
        """
        given = {name: value for name, value in more.items() if value is not None}
        for name in given:
            if name not in self.takes:
                raise ValueError(f"`{name}` is not for {self.title}")
        found: Foreign = import_module(self.reader).read(source, weights, **given)
        return found


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


class Foreign(Frozen):
    """A network from another program.

    `tool` is the program that computes the outputs of the file, to verify what was read; empty where there is none.
    `runner` starts it: the function that it returns takes inputs and gives outputs by the names of the sketch (an only
    output is called `output`), in the layout of netspec, channels last. It raises ModuleNotFoundError if the program is
    not installed. `text` is set where the network is known and has a text already; then `layers` has the weights of its
    layers, in their order there, without those that have none. `unverified` says why nothing can run what was read.
    """

    sketch: Sketch
    tool: str = ""
    install: str = ""
    runner: Callable[[], Runner] | None = None
    text: str = ""
    layers: tuple[LayerWeights, ...] = ()
    unverified: str = ""


ALL = (
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
        reader="netspec.interchange.onnx.reading.reader",
        reads="operators of convolutional and recurrent networks and of transformers, with the weights",
    ),
    Format(
        "torch",
        "PyTorch",
        (".py",),
        "readable source of an `nn.Module`, with its weights beside it in a safetensors file",
        "netspec.interchange.torch.draft",
        reader="netspec.interchange.torch.reading.reader",
        reads="programs of torch.export; weights by the names of torchvision, timm and transformers",
        read_endings=(".pt2", ".pt", ".pth", ".bin", ".safetensors", ".safetensors.index.json"),
        mark="weight_map",
        takes=("inputs",),
    ),
    Format(
        "keras",
        "Keras",
        (".keras",),
        "a functional model of Keras 3, to train further or to convert",
        "netspec.interchange.keras.draft",
        "keras",
        reader="netspec.interchange.keras.reading.reader",
        reads="models of Keras 3 and 2: with weights, or their JSON",
        read_endings=(".keras", ".h5", ".hdf5", ".json"),
        mark="class_name",
    ),
    Format(
        "stablehlo",
        "StableHLO",
        (".stablehlo",),
        "the compiled program with the weights inside, for JAX and other programs of OpenXLA, on CPU, GPU and TPU",
        "netspec.interchange.stablehlo",
        "stablehlo",
    ),
    Format(
        "huggingface",
        "Hugging Face",
        (),
        "a folder for the Hugging Face Hub: weights, spec, preprocessing and a model card; `netspec predict` reads it",
        "netspec.interchange.huggingface.draft",
        is_folder=True,
    ),
    Format(
        "caffe",
        "Caffe",
        (".prototxt",),
        reader="netspec.interchange.configs.caffe.reader",
        reads="a prototxt, and the weights in a second file, a .caffemodel",
    ),
    Format(
        "darknet",
        "Darknet",
        (".cfg",),
        reader="netspec.interchange.configs.darknet.reader",
        reads="a cfg, and the weights in a second file, .weights",
    ),
    Format(
        "mxnet",
        "MXNet",
        (".json",),
        reader="netspec.interchange.configs.mxnet.reader",
        reads="a symbol in JSON, and the weights in a second file, .params; the shape of the input with `--input`",
        mark="arg_nodes",
        takes=("input",),
    ),
    Format(
        "ludwig",
        "Ludwig",
        (".yaml", ".yml"),
        reader="netspec.interchange.configs.ludwig.reader",
        extra="ludwig",
        reads="a configuration: its model, features and training; the table with `--data`",
        takes=("data",),
    ),
    Format(
        "vgsl",
        "VGSL",
        (".vgsl",),
        reader="netspec.interchange.configs.vgsl.reader",
        reads="a text such as [1,48,0,1 Cr3,3,32 Mp2,2 O1c10]",
    ),
)
FORMATS = {found.name: found for found in ALL if found.home}
"""The formats that are written, by name."""
READERS = {found.name: found for found in ALL if found.reader}
"""The formats that are read, by name."""


def find_format(path: Path, name: str | None = None) -> Format:
    """The format to write, by its name or by the ending of a file.

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


def find_reader(source: Any, name: str | None = None) -> Format:
    """The format to read, by its name, by the ending of a file, or by what the source is.

    Raises:
        CompileError: the format of a file is not known (NS570).
        ValueError: there is no format of this name.
    """
    if name is not None:
        if name not in READERS:
            raise ValueError(f"the formats are {', '.join(READERS)}, not {name!r}")
        return READERS[name]
    if not isinstance(source, str | Path):
        return READERS["torch"]
    if re.match(r"\s*(?:\[|\d+,\d+,\d+,\d+\s*\[)", str(source)):
        return READERS["vgsl"]
    path = Path(source)
    if path.suffix == ".net":
        advice = f"`netspec export {path}` writes it for other programs"
        raise fail(NotAModel(case="spec", file=str(source), advice=advice))
    found = [f for f in READERS.values() if path.name.lower().endswith(f.readable)]
    if len(found) > 1:
        text = _text_of(path)
        found = [f for f in found if f.mark in text] or found
    if found:
        return found[0]
    endings = ", ".join(dict.fromkeys(ending for f in READERS.values() for ending in f.readable))
    raise fail(NotAModel(case="unknown", file=str(source), advice=f"these endings are: {endings}; or use `--from`"))


def _text_of(path: Path) -> str:
    """The text of a file; empty if it cannot be read, which the reader says."""
    try:
        return Source.read(path).text
    except (OSError, UnicodeDecodeError):
        return ""
