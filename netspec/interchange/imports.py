"""Imports a network: reads it, writes its text, compiles that, gives it the weights, and verifies what it computes."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from netspec.compiler.syntax import tree
from netspec.compiler.syntax.formatter import format_source
from netspec.compiler.syntax.parser import parse_source
from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.errors import NoWeights, ReadsDiffer
from netspec.interchange.export import Export, export_model
from netspec.interchange.formats import Foreign, Runner, find_reader
from netspec.interchange.reading.alignment import give_in_order, give_weights
from netspec.interchange.reading.sketch import Sketch
from netspec.interchange.reading.text.simplify import simplify
from netspec.interchange.reading.text.spec import text_of
from netspec.interchange.verify import Verification, verify
from netspec.language.diagnostics import Diagnostic, Problems, fail
from netspec.language.files.atomic_files import reason_of, replace_file
from netspec.language.record import Frozen
from netspec.language.source import Source
from netspec.runs.arguments import check_optional, check_type
from netspec.runs.model import Model
from netspec.spec.compilation import Compilation
from netspec.storage.errors import CannotWrite
from netspec.storage.weights import weights_file, weights_of

TOLERANCE = 1e-4
"""How far the outputs may differ from those of the other program."""
MIN_SPREAD = 1e-3
"""Outputs that differ less from example to example, as those of a network that was never trained may, are mentioned."""
MAX_INPUT = 2**28
"""Numbers in the inputs up to which it is tried what a network computes: 1 GiB."""


class Imported(Frozen):
    """An imported network.

    `text` is its spec, and `model` the compiled network, with the weights of the file if it has any (`has_weights`).
    `files` are those written: the spec and its weights. `verification` is None where the other program, `tool`, is not
    installed, where there are no weights, or for the reason in `unverified`. `warnings` say what was left out.
    """

    text: str
    model: Model
    format: str
    has_weights: bool
    tool: str
    install: str
    verification: Verification | None
    warnings: tuple[Diagnostic, ...] = ()
    files: tuple[Path, ...] = ()
    unverified: str = ""

    @property
    def checked(self) -> str:
        """How it was verified, in words."""
        found = self.verification
        if not self.has_weights and found is None:
            return "not verified: there are no weights"
        if self.unverified:
            return f"not verified: {self.unverified}"
        if not self.tool:
            return f"not verified: no program that runs {self.format} files is known to netspec"
        if found is None:
            return f"not verified: {self.tool} is not installed ({self.install})"
        little = "; the outputs hardly depend on the inputs, so this says little" if found.spread < MIN_SPREAD else ""
        return f"verified with {self.tool} on {found.random} random inputs: difference {found.difference:.1e}{little}"

    def __str__(self) -> str:
        cost = self.model.cost
        lines = len(self.text.splitlines())
        spec = f"{self.files[0]}: " if self.files else ""
        parameters = f"{cost.trainable + cost.frozen:,} parameters"
        return "\n".join(
            (
                f"{spec}{lines} lines, {len(self.model.layers)} layers, {parameters}",
                *(f"{file}: the weights" for file in self.files[1:]),
                self.checked,
            )
        )


def import_model(
    source: Any,
    path: str | Path | None = None,
    *,
    inputs: Any = None,
    weights: str | Path | bool = False,
    format: str | None = None,
    input: str | None = None,
    data: str | Path | None = None,
    force: bool = False,
) -> Imported:
    """Read a network of another program as a spec, with its weights.

    What it computes is verified with that program, where it is installed, before anything is written: the outputs for
    random inputs differ by at most 1e-4 of their scale.

    Args:
        source: a file, whose ending says the format, a text (of VGSL), or a `torch.nn.Module`.
        path: the spec to write; None: write nothing.
        inputs: for a `torch.nn.Module`, what goes in: the shape of an input in PyTorch's order, without the batch
            (`(3, 224, 224)`), or a tensor with it; a list of these, or a dict by the names of the arguments of
            `forward`.
        weights: True to write the weights as well, beside the spec; or the file that has them, where the format keeps
            them apart (`net.weights` of Darknet), which are then written too.
        format: the name of the format, where the ending does not say it.
        input: the shape of the input, channels last (`"224x224x3"`), where the file does not say it, as with MXNet.
        data: the table, where the file has only the names of its columns, as with Ludwig.
        force: overwrite files that exist.

    Returns:
        The text, the model, and the difference that was found.

    Raises:
        CompileError: the file cannot be read (NS570), the language cannot say all of it (NS571), the network computes
            something else (NS573), a package is missing (NS574), or a file cannot be written (NS477).
        TypeError: an argument has a wrong type.
        ValueError: there is no such format or option, or `path` does not end in `.net`.
        FileExistsError: a file exists, and `force` is not set.
    """
    check_optional("format", format, str, "the name of a format")
    check_optional("input", input, str, 'the shape of the input (a str such as "28x28x1")')
    check_optional("data", data, (str, Path), "the name of a file")
    check_type("weights", weights, (bool, str, Path), "a bool or the name of a file")
    if path is not None:
        check_target(Path(path), has_weights=weights is not False, force=force)
    found = find_reader(source, format)
    more = Path(weights) if isinstance(weights, str | Path) else None
    table = None if data is None else Path(data)
    foreign = found.read(source, more, inputs=inputs, input=input, data=table)
    imported = imported_from(foreign, found.title)
    if path is None:
        return imported
    return written(imported, Path(path), has_weights=weights is not False, force=force)


def imported_from(foreign: Foreign, format: str) -> Imported:
    """The network that a reader has found: its text, compiled, with its weights, verified.

    Raises:
        CompileError: as `import_model`.
    """
    sketch = foreign.sketch
    sketch.problems.raise_errors()
    if not foreign.layers:
        simplify(sketch)
    text = foreign.text or text_of(sketch)
    model = Model(Compilation(Source(f"{sketch.name}.net", text)))
    verification, unverified = None, foreign.unverified or _too_large(model)
    if foreign.layers:
        give_in_order(model, foreign.layers, sketch.name, format)
    elif sketch.has_weights:
        give_weights(model, sketch)
    has_weights = bool(foreign.layers) or sketch.has_weights
    if not unverified and (has_weights or not model.cost.trainable + model.cost.frozen + model.cost.state):
        verification = _verified(model, foreign)
    return Imported(
        text,
        model,
        format,
        has_weights,
        foreign.tool,
        foreign.install,
        verification,
        tuple(sketch.problems.warnings),
        unverified=unverified,
    )


def _verified(model: Model, foreign: Foreign) -> Verification | None:
    """None if the program that the file is from is not installed."""
    if foreign.runner is None:
        return None
    try:
        run = foreign.runner()
    except ModuleNotFoundError:
        return None
    return verify(model, renamed(run, model, foreign.sketch), tolerance=TOLERANCE, error=ReadsDiffer)


def _too_large(model: Model) -> str:
    """Why it is not tried what a network computes, or nothing."""
    sizes = [[size for size in shape.sizes if isinstance(size, int)] for shape in model.inputs.values()]
    return "its inputs are too large to try" if sum(map(prod, sizes)) > MAX_INPUT else ""


def renamed(run: Runner, model: Model, sketch: Sketch) -> Runner:
    """A runner that takes and gives what one of the file does, by the names of the spec, which may be others."""
    inputs = dict(zip(model.inputs, (step.name for step in sketch.inputs), strict=True))
    outputs = dict(zip(model.outputs, (name or "output" for name, _ in sketch.outputs), strict=True))

    def renamed_run(batch: Mapping[str, Array]) -> Mapping[str, Array]:
        found = run({inputs[name]: value for name, value in batch.items()})
        return {name: found[outputs[name]] for name in outputs}

    return renamed_run


def written(imported: Imported, path: Path, *, has_weights: bool, force: bool) -> Imported:
    """Write the spec, and its weights beside it, from which a training then starts.

    Raises:
        CompileError: there are no weights (NS575), or a file cannot be written (NS477).
        FileExistsError: a file exists.
    """
    contents = {path: imported.text.encode()}
    if has_weights:
        if not imported.has_weights:
            raise fail(NoWeights(file=imported.model.name, advice="omit `--weights`, or give the file that has them"))
        beside = _beside(path)
        if not beside.name.isprintable() or set('"\\') & set(beside.name):
            raise fail(CannotWrite(path=str(path), reason="a spec cannot name files with quotes or backslashes"))
        text = with_init(imported.text, beside.name)
        contents = {beside: weights_file(weights_of(imported.model.module)), path: text.encode()}
    check_target(path, has_weights=has_weights, force=force)
    fresh = [file for file in contents if not file.exists()]
    try:
        for file, content in contents.items():
            replace_file(file, [content], is_shared=True)
    except OSError as error:
        for file in fresh:  # weights without their spec
            file.unlink(missing_ok=True)
        raise fail(CannotWrite(path=str(path), reason=reason_of(error))) from error
    return imported.replace(files=tuple(reversed(contents)))


def _beside(path: Path) -> Path:
    """The file of the weights of a spec. `.safetensors` alone is what an export for PyTorch writes."""
    return path.with_suffix(".weights.safetensors")


def check_target(path: Path, *, has_weights: bool, force: bool) -> None:
    """Whether a spec can be written there, before anything is read.

    Raises:
        CompileError: its folder does not exist (NS477).
        FileExistsError: a file exists.
        ValueError: it is not the name of a spec.
    """
    if path.suffix != ".net":
        raise ValueError(
            f"the name of a spec ends in .net: `{path.name}` does not; `netspec convert` writes other formats"
        )
    if not path.parent.is_dir():
        raise fail(CannotWrite(path=str(path), reason=f"there is no folder `{path.parent}`"))
    for file in (path, *([_beside(path)] if has_weights else [])):
        if file.is_dir():
            raise ValueError(f"`{file}` is a folder")
        if file.exists() and not force:
            raise FileExistsError(f"{file} already exists")


def with_init(text: str, file: str) -> str:
    """A spec whose training starts from the weights of a file."""
    source = Source("imported.net", text)
    setting = f'init = "{file}"'
    sections = (s for s in parse_source(source, Problems()).statements if isinstance(s, tree.Section))
    train = next((section.span for section in sections if section.name.name == "train"), None)
    if train is None:
        found = f"{text}\ntrain {{ {setting} }}\n"
    else:
        inside = text.index("{", train.start) + 1
        found = f"{text[:inside]}\n{setting}\n{text[inside:].lstrip()}"
    return format_source(Source(source.name, found))


def convert(
    source: Any,
    path: str | Path,
    *,
    weights: str | Path | None = None,
    format: str | None = None,
    to: str | None = None,
    input: str | None = None,
    **options: Any,
) -> Export:
    """Read a network of another program, and write it in a third format; both are verified.

    Args:
        source: as for `import_model`.
        path: the file to write; its ending says in which format.
        weights: the file that has the weights, where the format keeps them apart.
        format: the name of the source's format, where its ending does not say it.
        to: the name of the written format, where the ending does not say it.
        input: the shape of the input, as for `import_model`.
        options: those of the written format.

    Raises:
        CompileError: as `import_model` and `export`; a file without weights is not converted (NS575).
        ValueError: there is no such format or option, or the file would replace its source.
    """
    if isinstance(source, str | Path) and Path(path).resolve() in (
        Path(source).resolve(),
        Path(weights or "").resolve(),
    ):
        raise ValueError(f"`{path}` is the file that is read: choose another name")
    found = find_reader(source, format)
    foreign = found.read(source, None if weights is None else Path(weights), input=input)
    imported = imported_from(foreign, found.title)
    if not imported.has_weights:
        raise fail(NoWeights(file=str(source), advice="give the file that has them, too"))
    return export_model(imported.model, Path(path), to, options)
