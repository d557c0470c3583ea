"""Joins what a program needs that predicts with an exported file: functions of the files here as one source.

The files are read as text and not imported; what a program does not use is left out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from netspec.data.formats import wav
from netspec.data.transforms.encoders import RowEncoder, TextEncoder
from netspec.data.transforms.sounds import mel
from netspec.data.transforms.sounds.encoder import SoundEncoder
from netspec.data.transforms.texts import splitting
from netspec.language.record import Frozen
from netspec.spec.model import Model

NETWORKS = {
    "onnx": "OnnxNetwork",
    "torch": "TorchNetwork",
    "keras": "KerasNetwork",
    "stablehlo": "StablehloNetwork",
    "huggingface": "FlaxNetwork",
}
"""The class that computes the network, by the name of the format."""
PACKAGES = {
    "onnx": "onnxruntime",
    "torch": "torch safetensors",
    "keras": "keras",
    "stablehlo": "jax",
    "huggingface": "flax safetensors",
}
"""What computes it, for `pip install`."""


class _Part(Frozen):
    """A function, class or constant of a file: its source, the names that it uses, and the file."""

    text: str
    uses: frozenset[str]
    file: str


def predicting_source(model: Model, format: str, file_name: str, *, channels_first: bool = False) -> str:
    """The source of a program that predicts for images, sounds, rows or texts.

    Args:
        model: the model, which was trained.
        format: the name of the format.
        file_name: the file that has the network; of a Hugging Face folder the class in `model.py`.
        channels_first: whether images go in with their channels first.
    """
    encoder = model.preprocessing.encoder if model.preprocessing is not None else None
    (*_, shape) = model.inputs.values()
    reader = "rows"
    if isinstance(encoder, TextEncoder):
        reader = "texts"
    elif isinstance(encoder, SoundEncoder):
        reader = "sounds"
    elif not isinstance(encoder, RowEncoder) and shape.rank == 3 and shape.channels in (1, 3, 4):
        reader = "images"
    has_images = isinstance(encoder, RowEncoder) and bool(encoder.images)
    parts, network = _parts(reader), NETWORKS[format]
    needed = _reachable(parts, network)
    is_text = isinstance(encoder, RowEncoder) and encoder.only_text is not None
    given = {"images": "digit.png", "sounds": "word.wav", "texts": '"some text"', "rows": "rows.csv"}[reader]
    given = '"some text"' if is_text else given
    packages = f"{PACKAGES[format]} numpy{' pillow' if reader == 'images' or has_images else ''}"
    if isinstance(encoder, RowEncoder) and any(coder.tokenizer is not None for coder in encoder.texts.values()):
        packages += " tokenizers"
    program = "predict.py" if format == "huggingface" else program_name(file_name)
    packages += " scipy" if reader == "sounds" else ""
    head = [
        f'"""Predicts with {_shown(model.name)}, without netspec, which has written this.',
        "",
        f"    pip install {packages}",
        f"    python {_shown(program)} {given}",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        *_imports(parts, needed),
    ]
    constants = {"FILE": f"FILE = {file_name!r}", "CHANNELS_FIRST": f"CHANNELS_FIRST = {channels_first}"}
    body = [(name, constants.get(name, parts[name].text)) for name in parts if name in needed]
    body.sort(key=lambda item: not item[0].isupper())
    first = "\n".join(text for name, text in body if name.isupper())
    rest = [text for name, text in body if not name.isupper()]
    source = "\n\n\n".join(["\n".join([*head, "", first]), *rest, 'if __name__ == "__main__":\n    main()']) + "\n"
    return re.sub(rf"\b{network}\b", "Network", source)


def program_name(file_name: str) -> str:
    """The name of the program beside a file: `digits_predict` for `digits.onnx`, with the ending of Python."""
    return Path(file_name).with_suffix("").name + "_predict" + ".py"


def _shown(name: str) -> str:
    """A name in a docstring."""
    return re.sub(r'["\\\\]|[^ -~]', "_", name)


def _reachable(parts: dict[str, _Part], network: str) -> set[str]:
    """The names that the program uses, from `main` on."""
    needed, waiting = set[str](), ["main", network]
    while waiting:
        name = waiting.pop()
        if name in parts and name not in needed:
            needed.add(name)
            waiting += parts[name].uses
    return needed


def _parts(reader: str) -> dict[str, _Part]:
    """What the files have by name, with the `read_examples` of one of them; the program begins with what is used."""
    found: dict[str, _Part] = {}
    for file in ("networks", "dates", "images", "rows", "splitting", "texts", "wav", "mel", "sounds", "main"):
        found |= {n: p for n, p in _of_file(file).items() if n != "read_examples" or file == reader}
    return found


def _read(file: str) -> str:
    """The text of a file here, or of how data are read that are the same with netspec and without it."""
    shared = {"splitting": splitting, "wav": wav, "mel": mel}
    path = shared[file].__file__ if file in shared else str(Path(__file__).parent / f"{file}.py")
    return Path(str(path)).read_text(encoding="utf-8")


@cache
def _of_file(file: str) -> dict[str, _Part]:
    text, found = _read(file), {}
    for node in ast.parse(text).body:
        is_constant = isinstance(node, ast.Assign) and not _is_lazy(node)
        if isinstance(node, ast.FunctionDef | ast.ClassDef) or is_constant:
            names = frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
            segment = ast.get_source_segment(text, node)
            assert segment is not None
            name = node.targets[0].id if isinstance(node, ast.Assign) else node.name  # type: ignore[attr-defined]
            found[name] = _Part(re.sub(r"  # (type: |noqa).*", "", segment), names, file)
    return found


def _is_lazy(node: ast.Assign) -> bool:
    return isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name) and node.value.func.id == "lazy"


def _imports(parts: dict[str, _Part], needed: set[str]) -> list[str]:
    """The imports that the program needs, the standard library first."""
    used = {name for part in needed for name in parts[part].uses} | {"sys"}
    files = sorted({parts[name].file for name in needed})
    own, others = set[str](), set[str]()
    for file in files:
        for line, name, is_own in _imported(file):
            if name in used:
                (own if is_own else others).add(line)
    return [*sorted(own, key=_order), "", *sorted(others, key=_order)]


def _order(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line


@cache
def _imported(file: str) -> tuple[tuple[str, str, bool], ...]:
    """The imports of a file: a line each, the name that it binds, and whether it is of the standard library."""
    return tuple(_lines(_read(file)))


def _lines(text: str) -> Iterator[tuple[str, str, bool]]:
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import):
            yield from ((f"import {alias.name}", alias.name, True) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            for alias in node.names:
                if alias.name == "np":
                    yield "import numpy as np", "np", False
                elif not (node.module or "").startswith("netspec"):
                    yield f"from {node.module} import {alias.name}", alias.name, True
        elif isinstance(node, ast.Assign) and _is_lazy(node):
            assert isinstance(node.value, ast.Call) and isinstance(node.value.args[0], ast.Constant)
            assert isinstance(node.targets[0], ast.Name)
            module, name = str(node.value.args[0].value), node.targets[0].id
            package, _, last = module.rpartition(".")
            line = f"import {module}" if module == name else f"import {module} as {name}"
            yield line if last != name or not package else f"from {package} import {name}", name, False
