"""What the declarations say about themselves: pages for words and for error codes, docs, completion.

Everything here is read from the vocabulary and from the diagnostics; nothing is written twice.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from netspec.language.diagnostics import KINDS, Diagnostic, suggest
from netspec.language.values import Word
from netspec.language.vocabulary import categories, signature, words

PACKAGE = Path(__file__).parents[1]
for _path in sorted(
    [*PACKAGE.rglob("errors/*.py"), *PACKAGE.rglob("errors.py")]
):  # these fill the table of codes, together with the pipeline
    import_module(".".join(("netspec", *_path.relative_to(PACKAGE).with_suffix("").parts)))

TITLES = {
    "layer": "Layers",
    "activation": "Activations, as an option or as a layer",
    "init": "Inits: how weights begin",
    "shape": "Shapes of inputs",
    "source": "Data sources",
    "augmentation": "Augmentations: how training examples are varied",
    "optimizer": "Optimizers",
    "schedule": "Learning-rate schedules",
    "loss": "Losses",
    "metric": "Metrics",
    "stop": "When to stop",
    "keep": "Which weights are kept",
    "section": "Sections",
}
"""The categories in the order in which people look for them."""


def category_order() -> list[str]:
    known = [c for c in TITLES if c in categories()]
    return known + sorted(c for c in categories() if c not in TITLES)


FACTS = ("Shape", "Parameters", "Formula", "Example", "Reference", "Origin")
"""Lines of a docstring with a place of their own; what goes on below them is indented."""


@dataclass(frozen=True)
class WordPage:
    """What is to be said of a word; `facts` are the lines of its docstring that begin with one of `FACTS`."""

    word: type[Word]
    summary: str
    details: str
    facts: dict[str, str]


def word_page(word: type[Word]) -> WordPage:
    """The docstring of a word in its parts."""
    text = inspect.cleandoc(word.__doc__ or "")
    summary, _, rest = text.partition("\n\n")
    facts: dict[str, str] = {}
    below: dict[str, list[str]] = {}
    details: list[str] = []
    current: str | None = None
    for line in rest.splitlines():
        match = re.match(rf"({'|'.join(FACTS)}):\s*(.*)", line)
        if match:
            current = match[1]
            facts[current] = match[2]
        elif current is not None and line.startswith(" "):
            below.setdefault(current, []).append(line)
        else:
            current = None
            details.append(line)
    for name, lines in below.items():
        facts[name] += "\n" + textwrap.dedent("\n".join(lines))
    return WordPage(word, " ".join(summary.split()), "\n".join(details).strip(), facts)


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
        lines.append("")
        lines += [f"{name}: {value}" for name, value in page.facts.items()]
    options = page.word.options()
    if options:
        lines += ["", "options:"]
        width = max(len(o.name) for o in options)
        for item in options:
            default = "required" if item.is_required else f"default {item.kind.spell(item.default)}"
            lines.append(f"  {item.name:<{width}}  {item.doc} ({item.kind.describe()}; {default})")
    if page.word.elsewhere:
        lines += ["", f"elsewhere: {', '.join(page.word.elsewhere)}"]
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
                "default": None if o.is_required else o.kind.spell(o.default),
                "position": o.position,
                "doc": o.doc,
                "names": list(o.kind.names),
                "category": o.kind.category,
                "elsewhere": list(o.elsewhere),
            }
            for o in page.word.options()
        ],
        "elsewhere": list(page.word.elsewhere),
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
    first_line = re.sub(r"\{(\w+)(?::[^}]*)?\}", r"<\1>", kind.title)
    return f"{kind.severity}[{kind.code}]: {first_line}\n\n{inspect.cleandoc(kind.__doc__ or '')}"


def examples(kind: type[Diagnostic]) -> tuple[str, str] | None:
    """The wrong and the right program of an error's page, or None when it shows none."""
    text = inspect.cleandoc(kind.__doc__ or "")
    match = re.search(r"^Wrong:\n((?:    .*\n|\n)+)\nRight:\n((?:    .*(?:\n|$)|\n)+)", text + "\n", re.MULTILINE)
    if match is None:
        return None
    return inspect.cleandoc(match[1]) + "\n", inspect.cleandoc(match[2]) + "\n"


def suggest_code(code: str) -> str:
    return suggest(code.upper(), KINDS, what="codes")
