"""Exports a model: drafts the files, verifies them, and only then writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netspec.interchange.errors import MissingPackage, NotInFormat
from netspec.interchange.formats import Draft, Runner, find_format
from netspec.interchange.verify import Verification, verify
from netspec.interchange.writing.companion.source import predicting_source, program_name
from netspec.interchange.writing.files import check_folder, write_files, write_folder
from netspec.language.diagnostics import fail
from netspec.language.record import Frozen
from netspec.runs.arguments import check_optional, check_type, run_folder
from netspec.spec.model import Model
from netspec.spec.saved import load_model
from netspec.training.losses import loss_for
from netspec.training.losses.distributions import Gaussian


class Export(Frozen):
    """An exported model.

    `path` is the file or the folder; `files` are all that were written, the model first. `inputs` and `outputs` say
    what goes in and comes out, such as `N x 28 x 28 x 1 float32`. `verification` is None where the program to verify it
    is not installed; `tool` is its name. `cost` says what quantization costs, if there was any.
    """

    path: Path
    files: tuple[Path, ...]
    format: str
    about: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    tool: str
    extra: str
    verification: Verification | None
    cost: str = ""

    @property
    def checked(self) -> str:
        """How it was verified, in words."""
        found = self.verification
        if found is None:
            return f"not verified: {self.tool} is not installed ({install(self.extra, self.tool)})"
        examples = f"{found.examples} examples and " if found.examples else ""
        inputs = f"{examples}{found.random} random inputs"
        return f"verified with {self.tool} on {inputs}: difference {found.difference:.1e}"

    def __str__(self) -> str:
        return "\n".join(
            (
                f"{self.path}: {self.about}",
                *(f"input  {name}: {text}" for name, text in self.inputs.items()),
                *(f"output {name}: {text}" for name, text in self.outputs.items()),
                self.checked,
                *([self.cost] if self.cost else []),
            )
        )


def install(extra: str, tool: str) -> str:
    """The command that installs an extra of netspec, or else a program."""
    return f"pip install 'netspec-compiler[{extra}]'" if extra else f"pip install {tool}"


def export(run: str | Path | Model, path: str | Path, *, to: str | None = None, **options: Any) -> Export:
    """Write a trained network in a format of other programs: raw values go in, predictions come out.

    The file is verified before it is written: the program that it is for must give the same outputs, up to 1e-5 of
    their scale, on random inputs and on examples of the data of a run.

    Args:
        run: a run folder, whose best weights are used; or a model with the weights that it has.
        path: the file to write; its ending says in which format (`.onnx`; `.py` for PyTorch; `.keras`; `.stablehlo`).
            For Hugging Face the folder, which does not exist or is empty.
        to: the name of the format (`"onnx"`, `"torch"`, `"keras"`, `"stablehlo"`, `"huggingface"`), where the ending
            does not say it.
        options: those of the format; of ONNX `opset=18`, `layout="nchw"`, `external=True`, `int8=True`; of every file
            `code=True`, for a program beside it that predicts without netspec; of a folder `force=True`, to write into
            one that has files.

    Returns:
        The files, what goes in and comes out, and the difference that was found.

    Raises:
        CompileError: there is no such run, or it is damaged; the format cannot carry a layer (NS544); the file computes
            something else (NS545, NS547); a package is missing (NS546); the file cannot be written (NS477).
        TypeError: an argument has a wrong type.
        ValueError: there is no such format or option.
        FileExistsError: a folder has files already, and `force` is not set.
    """
    check_type("path", path, (str, Path), "the name of a file (str or Path)")
    check_optional("to", to, str, "the name of a format")
    model = run if isinstance(run, Model) else load_model(run_folder(run))
    return export_model(model, Path(path), to, options)


def export_model(model: Model, path: Path, to: str | None, options: Mapping[str, Any]) -> Export:
    """As `export`, of a model."""
    format = find_format(path, to)
    chosen = format.checked(options)
    if chosen.get("code") and model.preprocessing is None:
        raise ValueError("`code` is for networks that were trained: nothing is known of the inputs of this one")
    if format.is_folder:
        check_folder(path, is_forced=chosen["force"])
    _check_distributions(model, format.title)
    draft = format.draft(model, path.name, options)
    run = _runner(draft)
    verification = None if run is None else verify(model, run)
    files, about, cost = draft.files, draft.about, ""
    if draft.lossy is not None:
        if run is None:
            raise fail(MissingPackage(format=format.title, package=draft.tool, extra=format.extra))
        found = draft.lossy(run)
        files, about, cost = found.files, found.about, found.cost
    if chosen.get("code"):
        channels_first = format.name == "torch" or chosen.get("layout") == "nchw"
        source = predicting_source(model, format.name, path.name, channels_first=channels_first)
        files = {program_name(path.name): source.encode(), **files}
    written = write_folder(files, path) if format.is_folder else write_files(files, path)
    return Export(
        path, written, format.name, about, draft.inputs, draft.outputs, draft.tool, format.extra, verification, cost
    )


def _check_distributions(model: Model, title: str) -> None:
    """Raises CompileError for an output whose units are scaled in different ways, and pass a softplus after the last
    layer (NS544)."""
    train, span = model.compilation.train, model.compilation.setting_spans("train").get("loss")
    if any(isinstance(loss_for(name, train.loss), Gaussian) for name in model.outputs):
        raise fail(NotInFormat(span=span, case="loss", format=title, what="the standard deviation of `gaussian`"))


def _runner(draft: Draft) -> Runner | None:
    """None if the program to verify the files is not installed."""
    try:
        return draft.runner()
    except ModuleNotFoundError:
        return None
