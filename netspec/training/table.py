"""Words as rows of a table: a signature, a sentence, what other libraries call them, and what they compute.

Input: a base class, and the options that several words share. Output: a class for each row, declared like one that
is written as a class.
"""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import Any, cast

from netspec.language.kinds import Choice, Flag
from netspec.language.vocabulary import register, words
from netspec.language.word import REQUIRED, Kind, Option, Word


def table_word(
    base: type[Word],
    shared: Mapping[str, Option],
    signature: str,
    summary: str,
    reference: str = "",
    *,
    example: str = "",
    details: str = "",
    formula: str = "",
    options: Mapping[str, str | Option] | None = None,
    **members: Any,
) -> Any:
    """Declare a word of the category of `base`, which has a chain of the section `train`.

    Args:
        base: the class that it is based on.
        shared: options by name: what they take and do where `options` does not say otherwise.
        signature: its name, its options and their defaults, as a Python function would have them (`*` starts those
            without a position); `none` is None, and an option without a default is required.
        summary: what it does, in one sentence.
        reference: where it was published.
        example: the value of the setting in the example, if not the word alone.
        details: what else to know.
        formula: what it computes, where that says more than words.
        options: what some options do here (a text), or a declaration other than that of `shared`.
        members: class attributes and methods.
    """
    name, _, listed = signature.removesuffix(")").partition("(")
    key = {"metric": "metrics"}.get(base.category, base.category)
    facts = {"Formula": formula, "Example": f"train {{ {key} = {example or name} }}", "Reference": reference}
    lines = "\n".join(f"{title}: {text}" for title, text in facts.items() if text)
    namespace: dict[str, Any] = {"__doc__": "\n\n".join(filter(None, (summary, fill(details, 116), lines)))}
    positional, _, keyword = listed.partition("*")
    for position, item in enumerate([*positional.split(", "), *keyword.split(", ")]):
        option_name, _, default = item.partition("=")
        if option_name:
            here = {**shared, **(options or {})}[option_name]
            declared = shared[option_name].replace(doc=here) if isinstance(here, str) else here
            place = position if item in positional.split(", ") else None
            namespace[option_name] = declared.replace(default=_default(declared.kind, default), position=place)
    # Words of a table are in no module under their name.
    namespace |= {"__module__": __name__, "__reduce__": lambda self: (_made, (self.category, name, vars(self)))}
    made: Any = cast(Any, type(base))(name.title().replace("_", ""), (base,), namespace | members)
    return register(base.category, name)(made)


def _made(category: str, name: str, values: dict[str, Any]) -> Word:
    return words(category)[name](**values)


def _default(kind: Kind, text: str) -> Any:
    if text in ("", "none"):
        return None if text else REQUIRED
    if isinstance(kind, Choice):
        return text
    return text == "true" if isinstance(kind, Flag) else kind.accept(float(text))
