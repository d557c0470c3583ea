"""The reference pages under docs/, written from the declarations: layers, the other words, errors.

Input: the vocabulary and the kinds of diagnostics. Output: Markdown; `netspec words --write docs` writes it.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable

from netspec.language.diagnostics import KINDS, Diagnostic
from netspec.language.reference.entries import TITLES, WordPage, category_order, error_page, programs, word_page
from netspec.language.vocabulary import words
from netspec.language.word import Option, Word

WRITTEN = "<!-- Written by `netspec words --write docs` from the declarations: change those, and run it again. -->"

FAMILIES = (
    *("dense", "conv", "transposed_conv", "pool", "resize", "cropping", "norm", "regularization", "merge", "residual"),
    *("reshape", "positions", "attention", "recurrent", "steps", "unembed"),
)
"""Modules of layers in the order of the page; others follow."""

ROOMS = {
    "netspec.compiler.syntax.errors": "Syntax",
    "netspec.compiler.errors.names": "Names and arguments",
    "netspec.compiler.errors.values": "Values and expressions",
    "netspec.layers.errors.shapes": "Shapes",
    "netspec.layers.errors.windows": "Options of layers",
    "netspec.compiler.ir.warnings": "Suspicious networks",
    "netspec.data.errors.files": "Data files",
    "netspec.data.errors.sources": "Data sources",
    "netspec.data.errors.network": "Data and network",
    "netspec.data.errors.labels": "Labels of classes",
    "netspec.data.errors.folds": "Folds",
    "netspec.data.errors.masks": "Masks",
    "netspec.data.errors.reading": "Numbers and colors",
    "netspec.data.errors.augmentation": "Augmentation",
    "netspec.data.errors.tables": "Columns of tables",
    "netspec.data.errors.series": "Series",
    "netspec.data.errors.texts": "Texts",
    "netspec.data.errors.sounds": "Sounds",
    "netspec.data.errors.streaming": "Streaming",
    "netspec.data.errors.prediction": "Prediction and evaluation",
    "netspec.runs.generation.errors": "Generating text",
    "netspec.training.errors.recipe": "Training settings",
    "netspec.training.errors.outputs": "Losses, metrics and stopping",
    "netspec.training.errors.intervals": "Prediction intervals",
    "netspec.training.errors.distributed": "Several devices",
    "netspec.analysis.scaling.errors": "Planning for several devices",
    "netspec.analysis.first_aid.errors": "First aid",
    "netspec.training.errors.tracking": "Trackers of experiments",
    "netspec.training.errors.analysis": "Initial weights, gradients and learning rates",
    "netspec.storage.errors": "Runs and checkpoints",
    "netspec.search.errors": "Searches for hyperparameters",
    "netspec.starter.errors": "First specs",
    "netspec.serving.errors": "Serving",
    "netspec.interchange.errors": "Export",
    "netspec.display.drawing.errors": "Pictures",
    "netspec.cli.errors": "Commands",
}
"""What the errors of a module are about, in the order of the page."""


def word_markdown(page: WordPage, level: int = 3) -> str:
    """The page of a word: call, what it does, options, shapes, example, aliases."""
    word = page.word
    lines = [f"{'#' * level} {word.word}", "", f"`{short_signature(word)}`", "", page.summary]
    if page.details:
        lines += ["", page.details]
    if options := [o for o in word.options() if not _is_everywhere(o, word)]:
        lines += ["", "| option | what it does | takes | default |", "|---|---|---|---|"]
        lines += map(_option_row, options)
    if facts := {name: page.facts[name] for name in ("Shape", "Parameters", "Formula") if name in page.facts}:
        width = max(map(len, facts)) + 1
        lines += ["", "```text"]
        for name, value in facts.items():
            first, *rest = value.splitlines()
            lines += [f"{name + ':':<{width}} {first}", *(" " * (width + 1) + line for line in rest)]
        lines.append("```")
    if "Example" in page.facts:
        lines += ["", "Example:", "", "```net", page.facts["Example"], "```"]
    if "Reference" in page.facts:
        lines += ["", f"Reference: {linked(' '.join(page.facts['Reference'].split()))}"]
    if word.aliases:
        lines += ["", "In other libraries: " + ", ".join(f"`{name}`" for name in word.aliases)]
    return "\n".join(lines)


def short_signature(word: type[Word]) -> str:
    """The call with its positional and its required options; `…` stands for options by name."""
    if word.category == "section":
        return f"{word.word} {{ … }}"
    shown = [o for o in word.options() if o.position is not None or o.is_required]
    parts = [o.name if o.is_required else f"{o.name} = {o.kind.to_source(o.default)}" for o in shown]
    if any(o not in shown and not _is_everywhere(o, word) for o in word.options()):
        parts.append("…")
    return f"{word.word}({', '.join(parts)})" if parts else word.word


def _is_everywhere(option: Option, word: type[Word]) -> bool:
    return option.name == "name" and word.category == "layer"


def _option_row(o: Option) -> str:
    default = "required" if o.is_required else f"`{o.kind.to_source(o.default)}`"
    other = f" (elsewhere {', '.join(f'`{name}`' for name in o.aliases)})" if o.aliases else ""
    return f"| `{o.name}` | {_cell(o.doc + other)} | {_cell(o.kind.describe())} | {_cell(default)} |"


def _cell(text: str) -> str:
    """Text inside a table: bars would end the cell, stars outside of code would be read as markup."""
    parts = text.replace("|", "\\|").split("`")
    return "`".join(part if i % 2 else part.replace("*", "\\*") for i, part in enumerate(parts))


def linked(text: str) -> str:
    """A reference with links to arXiv and to DOIs."""
    text = re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", text)
    return re.sub(r"doi:(10\.\d+/[^\s;,]*[^\s;,.])", r"[doi:\1](https://doi.org/\1)", text)


def layers_page() -> str:
    """Every layer by family, and every activation."""
    groups = [*_families(words("layer").values()), (TITLES["activation"], sorted_words("activation"))]
    intro = (
        "Every layer of the language, with its options, its shapes and its weights. Shapes leave the batch out: `N`\n"
        "is a vector, `T x C` a sequence, `H x W x C` an image, `D x H x W x C` a volume. The options in\n"
        "parentheses after the name are positional, in that order; they may be given by name, the others must be.\n\n"
        'Every layer also takes `name = "…"`: its name in the summary and in the weights.'
    )
    return _page("Layers and activations", intro, groups)


def words_page() -> str:
    """Every other word, by category."""
    categories = [c for c in category_order() if c not in ("layer", "activation")]
    groups = [(TITLES.get(c, c.capitalize()), sorted_words(c)) for c in categories]
    intro = "The words for options of layers, for `input` lines and for the sections `data` and `train`."
    return _page("Other words", intro, groups)


def sorted_words(category: str) -> list[type[Word]]:
    return [word for _, word in sorted(words(category).items())]


def _families(layers: Iterable[type[Word]]) -> list[tuple[str, list[type[Word]]]]:
    """Layers by module, in the order of the declarations, under the first sentence of its docstring up to a colon."""
    families: dict[str, list[type[Word]]] = {}
    for word in layers:
        families.setdefault(word.__module__, []).append(word)

    def place(module: str) -> tuple[int, str]:
        stem = module.rpartition(".")[2]
        return FAMILIES.index(stem) if stem in FAMILIES else len(FAMILIES), module

    def title(module: str) -> str:
        text = inspect.cleandoc(sys.modules[module].__doc__ or module).partition("\n\n")[0]
        return " ".join(text.split()).partition(":")[0].rstrip(".")

    return [(title(module), families[module]) for module in sorted(families, key=place)]


def _page(title: str, intro: str, groups: list[tuple[str, list[type[Word]]]]) -> str:
    anchors = _Anchors()
    contents, parts = [], []
    for heading, group in groups:
        anchors(heading)
        links = ", ".join(f"[{word.word}](#{anchors(word.word)})" for word in group)
        contents.append(f"* {heading}: {links}")
        parts += [f"## {heading}", *(word_markdown(word_page(word)) for word in group)]
    return "\n\n".join([f"# {title}", WRITTEN, intro, "\n".join(contents), *parts]) + "\n"


class _Anchors:
    """What GitHub calls the headings of a page: a heading that occurs again gets a number."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def __call__(self, heading: str) -> str:
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = self.counts.get(anchor, 0)
        self.counts[anchor] = count + 1
        return f"{anchor}-{count}" if count else anchor


def errors_page() -> str:
    """Every error and warning by what it is about, with a wrong and a right program."""
    groups: dict[str, list[type[Diagnostic]]] = {heading: [] for heading in ROOMS.values()}
    for code in sorted(KINDS):
        groups.setdefault(ROOMS.get(KINDS[code].__module__, "Other packages"), []).append(KINDS[code])
    intro = (
        "Every message has a code; `netspec explain NS301` prints the same text. Errors stop the compiler, warnings do "
        "not."
    )
    contents, parts = [], []
    for heading, kinds in groups.items():
        lines = [
            f"* [{kind.code}](#{kind.code.lower()}) {error_page(kind)[0]}" + " (warning)" * (kind.severity == "warning")
            for kind in kinds
        ]
        contents += [f"**{heading}**", "\n".join(lines)]
        parts += [f"## {heading}", *(error_markdown(kind) for kind in kinds)]
    return "\n\n".join(["# Errors and warnings", WRITTEN, intro, *contents, *parts]) + "\n"


def error_markdown(kind: type[Diagnostic]) -> str:
    """The page of an error: what it means, and its programs as code."""
    title, text = error_page(kind)
    out = [f"### {kind.code}", f"**{title}**", *([text] if text else [])]
    for name, text in programs(kind).items():
        out.append(f"{name.capitalize()}:\n\n```net\n{text}```")
    return "\n\n".join(out)


PAGES: dict[str, Callable[[], str]] = {"layers.md": layers_page, "words.md": words_page, "errors.md": errors_page}
"""The files under docs/ that are written, and what writes them."""
