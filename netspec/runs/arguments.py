"""Arguments of the Python API: a wrong type is a `TypeError` that says what is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Number
from pathlib import Path
from typing import Any

from netspec.compiler.names.given import KeywordText, ParamsText
from netspec.compiler.names.hints.settings import find_option
from netspec.language.corrections import squeeze
from netspec.language.source import Source
from netspec.language.text import shorten
from netspec.language.values import setting_to_source
from netspec.language.vocabulary import word_aliases, words
from netspec.spec.compilation import read_source
from netspec.storage.run_files import path_of_run


def kind_of(value: object) -> str:
    """`a list`, `an int`, `None`"""
    if value is None:
        return "None"
    name = "object of Optax" if type(value).__module__.startswith("optax") else type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def check_type(name: str, value: object, types: type | tuple[type, ...], wanted: str) -> None:
    """Raises TypeError unless a value has one of the types; `True` is not a number."""
    is_bool = isinstance(value, bool) and bool not in (types if isinstance(types, tuple) else (types,))
    if is_bool or not isinstance(value, types):
        raise TypeError(f"`{name}` is {wanted}, not {kind_of(value)}")


def check_optional(name: str, value: object, types: type | tuple[type, ...], wanted: str) -> None:
    """As `check_type`; None stands for the default."""
    if value is not None:
        check_type(name, value, types, wanted)


def check_params(params: Mapping[str, Any] | None) -> None:
    """Raises TypeError unless `params` is a mapping from names."""
    check_optional("params", params, Mapping, 'a dict such as {"width": 64}')
    for name in params or ():
        check_type("a key of params", name, str, "a str")


def check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Raises TypeError for another type than that of the choices, ValueError for another value."""
    shown = ", ".join(map(repr, choices[:-1])) + f" or {choices[-1]!r}"
    check_type(name, value, type(choices[0]), shown)
    if value not in choices:
        raise ValueError(f"`{name}` is {shown}, not {value!r}")


def check_one_data(call: str, others: tuple[Any, ...]) -> None:
    """Raises TypeError for `train(model, x, y)`, as other libraries take data; `call` is what is before the data."""
    if others:
        raise TypeError(f"data are one argument, a tuple of arrays: `{call}(x, y))`")


def check_no_others(others: Mapping[str, Any]) -> None:
    """Raises TypeError for arguments of `netspec.compile` that are settings of `train`, or a `param` of the spec."""
    train = words("section")["train"]
    settings = [name for name in others if find_option(train, name) is not None]
    if settings:
        names, what = " and ".join(f"`{name}`" for name in settings), "a setting" if len(settings) == 1 else "settings"
        shown = ", ".join(f"{name}={_shown(others[name])}" for name in settings)
        verb = "is" if len(settings) == 1 else "are"
        raise TypeError(f"{names} {verb} {what} of the training: `netspec.train(model, (x, y), {shown})`")
    if others:
        shown = ", ".join(f'"{name}": {_shown(value)}' for name, value in others.items())
        raise TypeError(f"values of a `param` are in one dict: `netspec.compile(…, params={{{shown}}})`")


def check_callbacks(callbacks: object) -> None:
    """Raises TypeError unless they are a list of objects that can be called; for one of Keras, or its name, the message
    has the setting that does the same."""
    wanted = "a list of callbacks (objects derived from netspec.Callback)"
    check_type("callbacks", [callbacks] if isinstance(callbacks, str) else callbacks, Sequence, wanted)
    assert isinstance(callbacks, Sequence)
    for callback in [callbacks] if isinstance(callbacks, str) else callbacks:
        if not hasattr(callback, "epoch"):
            name = callback if isinstance(callback, str) else type(callback).__name__
            what = f'"{shorten(name)}"' if isinstance(callback, str) else kind_of(callback)
            settings = {o.name: word_aliases(o.kind.category or "") for o in words("section")["train"].options()}
            meant = [f'`{key}="{known[squeeze(name)]}"`' for key, known in settings.items() if squeeze(name) in known]
            hint = f"; write {meant[0]}, a setting of the training" if meant else ""
            raise TypeError(f"`callbacks` is {wanted}, not {what}{hint}")


def overrides_of(params: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> dict[str, str]:
    """Values for `param` statements and settings of `train`, by full name, as they are written in a spec."""
    if settings.keys() & {"x", "y", "X"}:
        raise TypeError("data are one argument, a tuple of arrays: `netspec.train(…, (x, y))`")
    named = {k if "." in k else f"train.{k}": KeywordText(source_of(k, value)) for k, value in settings.items()}
    return {**{key: ParamsText(source_of(key, value)) for key, value in (params or {}).items()}, **named}


def source_of(name: str, value: object) -> str:
    """A value from Python as it is written in a spec; raises TypeError, with what to write, for one that has no such
    text: arrays, dicts, functions, objects of Optax."""
    if not _is_plain(value):
        name = name.removeprefix("train.")
        if advice := _advise_value(name, value):
            raise TypeError(f"`{name}` cannot be {kind_of(value)}: {advice}")
        wanted = "a number, a bool, a str as it is written in a spec, or a list of these"
        raise TypeError(f"`{name}` is {wanted}, not {kind_of(value)}")
    return setting_to_source([*value] if isinstance(value, tuple) else value)


def _is_plain(value: object) -> bool:
    """Whether a value can be written in a spec; a list of words and numbers cannot."""
    if not isinstance(value, list | tuple):
        return value is None or isinstance(value, Number | bool | str)
    is_mixed = len({isinstance(item, str) for item in value}) > 1
    return type(value) in (list, tuple) and not is_mixed and all(map(_is_plain, value))


def _advise_value(name: str, value: object) -> str:
    """What to write instead of a value that has no text in a spec."""
    key = name.rpartition(".")[2]
    sections = words("section").items()
    place, option = next(((n, o) for n, s in sections if (o := find_option(s, key)) is not None), ("", None))
    if place == "data" and option is not None and option.name == "val":
        return 'give validation examples as a fraction, `params={"data.val": 0.2}`'
    if isinstance(value, Mapping) and option is not None and option.name == "class_weights":
        weights = [value[key] for key in sorted(value, key=str)]
        return f'write `params={{"data.class_weights": "[{shorten(", ".join(map(str, weights)))}]"}}`'
    if option is None or option.kind.category is None:
        return ""
    of = [f'of("{out}", {text})' for out, text in value.items()] if isinstance(value, Mapping) else []
    text = " -> ".join(of) or EXAMPLES.get(option.kind.category, "")
    return f"write it as a string, `{option.name}={_quoted(text)}`" if text else ""


EXAMPLES = {"optimizer": "adam(1e-3)", "loss": "cross_entropy", "metric": "accuracy -> f1", "schedule": "cosine"}
"""Values of settings, by the category of their words."""


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text else f'"{text}"'


def _shown(value: object) -> str:
    """A value in a call that a message shows."""
    return shorten(repr(value)) if isinstance(value, Number | str) else "…"


def read_spec(spec: str | Path) -> Source:
    """A `Path`, or a one-line string that ends in `.net`, is a file; any other string is the text itself.

    Raises:
        CompileError: the file cannot be read.
        TypeError: it is neither a string nor a path.
    """
    if isinstance(spec, Path) or (isinstance(spec, str) and spec.endswith(".net") and "\n" not in spec):
        return read_source(Path(spec))
    if not isinstance(spec, str):
        raise TypeError(f"a spec is a file (str or Path) or a text (str), not {kind_of(spec)}")
    return Source("<spec>", spec)


def run_folder(run: str | Path, name: str = "run") -> Path:
    """The path of a run folder, also where only the name of one in `runs` is given.

    Raises:
        TypeError: it is neither a string nor a path.
    """
    check_type(name, run, (str, Path), "a run folder (str or Path)")
    return path_of_run(run)
