"""What the declarations say about themselves: pages for words and for error codes, docs, completion.

Everything here is read from the vocabulary and from the diagnostics; nothing is written twice.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from netspec.language.corrections import suggest
from netspec.language.diagnostics import KINDS, Diagnostic
from netspec.language.text import reflow, wrap
from netspec.language.vocabulary import categories, signature, words
from netspec.language.word import Word

PACKAGE = Path(__file__).parents[2]
for _path in sorted([*PACKAGE.rglob("errors/*.py"), *PACKAGE.rglob("errors.py")]):  # they fill the table of codes
    import_module(".".join(("netspec", *_path.relative_to(PACKAGE).with_suffix("").parts)))

TITLES = {
    "layer": "Layers",
    "activation": "Activations, as an option or as a layer",
    "init": "Initializers",
    "shape": "Shapes of inputs",
    "source": "Data sources",
    "column": "Columns of tables",
    "type": "Types of columns",
    "sound": "Forms of sounds",
    "augmentation": "Augmentations",
    "optimizer": "Optimizers",
    "schedule": "Learning-rate schedules",
    "loss": "Losses",
    "metric": "Metrics",
    "stop": "Stopping rules",
    "keep": "Saved weights",
    "threshold": "Thresholds of yes/no outputs",
    "interval": "Prediction intervals",
    "mesh": "Axes of a mesh of devices",
    "class_ids": "Class ids",
    "portion": "Parts of the examples",
    "folds": "Folds of a cross-validation",
    "section": "Sections",
}
"""The categories in the order in which people look for them."""


def category_order() -> list[str]:
    known = [c for c in TITLES if c in categories()]
    return known + sorted(c for c in categories() if c not in TITLES)


FACTS = ("Shape", "Parameters", "Formula", "Example", "Reference", "Origin")
"""Lines of a docstring that are shown separately; their continuation lines are indented."""


@dataclass(frozen=True)
class WordPage:
    """The docstring of a word in its parts; `facts` are the lines that begin with one of `FACTS`."""

    word: type[Word]
    summary: str
    details: str
    facts: dict[str, str]


def word_page(word: type[Word]) -> WordPage:
    """The page of a word."""
    summary, _, rest = inspect.cleandoc(word.__doc__ or "").partition("\n\n")
    fact = re.compile(rf"^({'|'.join(FACTS)}):[ \t]*(.*(?:\n .*)*)\n?", re.MULTILINE)
    facts = {}
    for name, text in fact.findall(rest):
        first, newline, more = text.partition("\n")
        facts[name] = first + newline + textwrap.dedent(more)
    return WordPage(word, " ".join(summary.split()), fact.sub("", rest).strip(), facts)


def find_words(name: str) -> list[type[Word]]:
    """Every word of that name, in the order of the categories."""
    return [words(category)[name] for category in category_order() if name in words(category)]


def all_names() -> list[str]:
    return sorted({name for category in categories() for name in words(category)})


def word_text(page: WordPage, width: int = 10_000) -> str:
    """The page of a word as plain text, in lines of at most `width` columns."""
    lines = [*wrap(signature(page.word), width, "    "), "", *wrap(page.summary, width)]
    if page.details:
        lines += ["", reflow(page.details, width)]
    if page.facts:
        lines += ["", *(line for name, value in page.facts.items() for line in _fact_lines(name, value, width))]
    if options := page.word.options():
        lines += ["", "options:"]
        name_width = max(len(o.name) for o in options)
        for item in options:
            default = "required" if item.is_required else f"default {item.kind.to_source(item.default)}"
            text = f"  {item.name:<{name_width}}  {item.doc} ({item.kind.describe()}; {default})"
            lines += wrap(text, width, " " * (name_width + 4))
    if page.word.aliases:
        lines += ["", *wrap(f"elsewhere: {', '.join(page.word.aliases)}", width, "    ")]
    return "\n".join(lines)


def _fact_lines(name: str, value: str, width: int) -> list[str]:
    """A fact in lines that fit; code stays as it is, and formulas that end in `;` have lines of their own."""
    if name == "Example" and "\n" in value:
        return [f"{name}:", textwrap.indent(value, "    ")]
    parts = re.sub(r"(?<!;)\n", " ", f"{name}: {value}").split("\n")
    return [line for i, part in enumerate(parts) for line in wrap("    " * bool(i) + part, width, "    ")]


def word_json(page: WordPage) -> dict[str, object]:
    """The page of a word for machines."""
    return {
        "word": page.word.word,
        "category": page.word.category,
        "signature": signature(page.word),
        "summary": page.summary,
        "details": page.details,
        **{name.lower(): value for name, value in page.facts.items()},
        "options": [
            {
                "name": o.name,
                "takes": o.kind.describe(),
                "required": o.is_required,
                "default": None if o.is_required else o.kind.to_source(o.default),
                "position": o.position,
                "doc": o.doc,
                "names": list(o.kind.names),
                "category": o.kind.category,
                "elsewhere": list(o.aliases),
            }
            for o in page.word.options()
        ],
        "elsewhere": list(page.word.aliases),
    }


def vocabulary_lines(width: int = 10_000) -> Iterator[str]:
    """Every word with its first sentence, by category."""
    for category in category_order():
        yield f"{TITLES.get(category, category)}:"
        name_width = max(len(name) for name in words(category))
        for name, word in sorted(words(category).items()):
            yield from wrap(f"  {name:<{name_width}}  {word_page(word).summary}", width, " " * (name_width + 4))
        yield ""


def explain(code: str) -> type[Diagnostic] | None:
    """The kind of diagnostic with that code, written in any case."""
    return KINDS.get(code.upper())


def explanation_text(kind: type[Diagnostic], width: int = 10_000) -> str:
    """The page of an error code as plain text, in lines of at most `width` columns."""
    title, text = error_page(kind)
    parts = [*wrap(f"{kind.severity}[{kind.code}]: {title}", width, "  "), ""]
    parts += [reflow(text, width), ""] if text else []
    for name, program in programs(kind).items():
        parts += [f"{name.capitalize()}:", textwrap.indent(program, "    ")]
    return "\n".join(parts).rstrip()


def error_page(kind: type[Diagnostic]) -> tuple[str, str]:
    """What the mistake is, in a line, and what else there is to know.

    The line is the first one of its message, or the first sentence of its docstring where that depends on the spec.
    """
    text = inspect.cleandoc(kind.__doc__ or "")
    if isinstance(kind.title, str) and "{" not in kind.title:
        return kind.title, text
    first, *others = text.split("\n\n")
    title, *rest = re.split(r"(?<=\.)\s(?=[A-Z`])", first, maxsplit=1)
    return " ".join(title.split()), "\n\n".join([*rest, *others])


def programs(kind: type[Diagnostic]) -> dict[str, str]:
    """The programs of an error's page, `wrong` and `right`, as far as it shows them.

    They are in the `.net` file beside the module of the class, under lines such as `# NS301 wrong`.
    """
    path = Path(sys.modules[kind.__module__].__file__ or "").with_suffix(".net")
    if not path.is_file():
        return {}
    _, *parts = re.split(rf"^# {kind.code} (wrong|right)$\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    texts = (re.split(r"^# \w+ (?:wrong|right)$", text, maxsplit=1, flags=re.MULTILINE)[0] for text in parts[1::2])
    return {name: text.strip("\n") + "\n" for name, text in zip(parts[::2], texts, strict=True)}


def suggest_code(code: str) -> str:
    return suggest(code.upper(), KINDS, what="codes")
