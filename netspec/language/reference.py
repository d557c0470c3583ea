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

from netspec.language.diagnostics import KINDS, Diagnostic, suggest
from netspec.language.vocabulary import categories, signature, words
from netspec.language.word import Word

PACKAGE = Path(__file__).parents[1]
for _path in sorted([*PACKAGE.rglob("errors/*.py"), *PACKAGE.rglob("errors.py")]):  # they fill the table of codes
    import_module(".".join(("netspec", *_path.relative_to(PACKAGE).with_suffix("").parts)))

TITLES = {
    "layer": "Layers",
    "activation": "Activations, as an option or as a layer",
    "init": "Initializers",
    "shape": "Shapes of inputs",
    "source": "Data sources",
    "augmentation": "Augmentations",
    "optimizer": "Optimizers",
    "schedule": "Learning-rate schedules",
    "loss": "Losses",
    "metric": "Metrics",
    "stop": "Stopping rules",
    "keep": "Saved weights",
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


def word_text(page: WordPage) -> str:
    """The page of a word as plain text."""
    lines = [signature(page.word), "", page.summary]
    if page.details:
        lines += ["", page.details]
    if page.facts:
        lines += ["", *(f"{name}: {value}" for name, value in page.facts.items())]
    if options := page.word.options():
        lines += ["", "options:"]
        width = max(len(o.name) for o in options)
        for item in options:
            default = "required" if item.is_required else f"default {item.kind.to_source(item.default)}"
            lines.append(f"  {item.name:<{width}}  {item.doc} ({item.kind.describe()}; {default})")
    if page.word.aliases:
        lines += ["", f"elsewhere: {', '.join(page.word.aliases)}"]
    return "\n".join(lines)


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


def vocabulary_lines() -> Iterator[str]:
    """Every word with its first sentence, by category."""
    for category in category_order():
        yield f"{TITLES.get(category, category)}:"
        width = max(len(name) for name in words(category))
        for name, word in sorted(words(category).items()):
            yield f"  {name:<{width}}  {word_page(word).summary}"
        yield ""


def explain(code: str) -> type[Diagnostic] | None:
    """The kind of diagnostic with that code, written in any case."""
    return KINDS.get(code.upper())


def explanation_text(kind: type[Diagnostic]) -> str:
    """The page of an error code as plain text."""
    parts = [f"{kind.severity}[{kind.code}]: {error_title(kind, '<{}>')}", inspect.cleandoc(kind.__doc__ or "")]
    parts += [f"{name.capitalize()}:\n{textwrap.indent(text, '    ')}" for name, text in programs(kind).items()]
    return "\n\n".join(part.rstrip() for part in parts)


def error_title(kind: type[Diagnostic], shown: str = "…") -> str:
    """The first line of a message, with `shown` for what it fills in: `{}` in it stands for the name of a field.

    The first sentence of the page where the title depends on the case, or all of it is filled in.
    """
    title = kind.title if isinstance(kind.title, str) else ""
    fixed = re.sub(FIELD, "", title)
    first_sentence = " ".join(inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0].split())
    return re.sub(FIELD, lambda m: shown.format(m[1]), title) if re.search(r"\w", fixed) else first_sentence


FIELD = r"\{(\w+)(?::[^}]*)?\}"
"""A field of a diagnostic in a template."""


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
