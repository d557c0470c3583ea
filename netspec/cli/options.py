"""Options that several commands share, and how they make a `Compilation`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import reduce, wraps
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import click

from netspec.cli.output import use_json
from netspec.compiler.names.hints.foreign import file_source
from netspec.data.formats.sounds import SOUND_ENDINGS
from netspec.language.files.paths import is_folder
from netspec.language.record import Frozen
from netspec.language.source import Source
from netspec.language.vocabulary import words
from netspec.spec.compilation import Compilation, read_source

MAX_LOOKED_AT = 1000
"""Files of a folder by which a source for it is suggested."""

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option(
    "--json", "as_json", is_flag=True, callback=lambda ctx, param, on: use_json(on), is_eager=True, help="Print JSON."
)
DATA_HELP = "mnist, 'csv(\"f.csv\", …)'; paths are relative to the current folder."
DEVICE: dict[str, Any] = {
    "type": click.Choice(["cpu", "gpu", "tpu"]),
    "help": "The device; by default the one that JAX selects.",
}


def choose_device(device: str | None) -> None:
    """Let JAX use one kind of device only; to be called before JAX is imported.

    Raises:
        click.UsageError: there is no such device.
    """
    if device is None:
        return
    os.environ["JAX_PLATFORMS"] = platform = {"gpu": "cuda"}.get(device, device)
    from netspec.training.feed.device import find_devices

    problem = find_devices(platform)
    if problem is not None:
        raise click.UsageError(f"no {device} found ({problem}); omit --device to use the device that JAX selects")


device_option = click.option(
    "--device", expose_value=False, callback=lambda ctx, param, device: choose_device(device), **DEVICE
)
"""`--device`, for commands that run JAX; the device is chosen before the command starts."""


class SpecOptions(Frozen):
    """What the command line adds to a spec: settings by name, and the shape of the input."""

    overrides: dict[str, str]
    input: str | None = None

    @property
    def is_empty(self) -> bool:
        return not self.overrides and self.input is None

    def compilation(self, spec: str | Source) -> Compilation:
        """The compilation of a spec or of the file with this name.

        Raises:
            CompileError: the file cannot be read.
        """
        source = read_source(Path(spec)) if isinstance(spec, str) else spec
        return Compilation(source, overrides=self.overrides, input=self.input)

    def with_settings(self, section: str = "train", /, **settings: object) -> SpecOptions:
        """With settings of a section that have options; None stands for an option that was not given."""
        given = {f"{section}.{name}": str(value) for name, value in settings.items() if value is not None}
        return self.replace(overrides={**self.overrides, **given})


def option_group(name: str, kind: type[Frozen], *options: Callable[[F], F]) -> Callable[[F], F]:
    """Adds options to a command, which gets them together: as `name`, a `kind` with a field for each of them."""

    def decorate(command: F) -> F:
        @wraps(command)
        def with_group(*args: Any, **given: Any) -> Any:
            own = {field: given.pop(field) for field in kind.__struct_fields__}
            return command(*args, **{name: kind(**own)}, **given)

        return reduce(lambda decorated, option: option(decorated), reversed(options), with_group)  # type: ignore[return-value]

    return decorate


def spec_options(command: F) -> F:
    """`-D`, `--input` and `--data`: the command gets them as `given`, a `SpecOptions`."""

    @wraps(command)
    def with_options(
        *args: Any, defines: tuple[str, ...], input_shape: str | None, data: str | None, **options: Any
    ) -> Any:
        return command(*args, given=SpecOptions(parse_defines(defines, data), input_shape), **options)

    options = (
        click.option(
            "-D", "defines", metavar="NAME=VALUE", multiple=True, help="Set a param or a setting: -D train.epochs=3."
        ),
        click.option("--input", "input_shape", metavar="SHAPE", help="The input shape, for a spec that declares none."),
        click.option("--data", metavar="SOURCE", help=f"The data source: {DATA_HELP}"),
    )
    return reduce(lambda decorated, option: option(decorated), reversed(options), with_options)  # type: ignore[return-value]


def parse_defines(defines: tuple[str, ...], data: str | None) -> dict[str, str]:
    """`-D` values by name; `--data` is one of them."""
    overrides: dict[str, str] = {}
    for text in defines:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise click.UsageError(f"-D takes NAME=VALUE, not `{text}`")
        overrides[name.strip()] = value.strip()
    if data is not None:
        check_source(data)
    return overrides if data is None else {**overrides, "data.source": data}


def _folder_source(folder: Path) -> str:
    """The source that reads the files of a folder: as its first ones end."""
    endings = {path.suffix.lower() for path in islice(folder.rglob("*.*"), MAX_LOOKED_AT)}
    return "sounds" if endings & {*SOUND_ENDINGS} else "images"


def check_source(data: str) -> None:
    """Raises click.UsageError, with the source to give, for the name of a file or a folder."""
    word = words("source").get(data)
    if (word is not None and not any(o.is_required for o in word.options())) or re.search(r"[\"'(),]", data):
        return
    name = data.rstrip("/")
    source = f'{_folder_source(Path(data))}("{name}")' if is_folder(Path(data)) else file_source(name)
    if source is not None:
        raise click.UsageError(f"--data takes a data source, not the name `{data}`\nwrite `--data '{source}'`")
