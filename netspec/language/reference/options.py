"""Pages of settings and options: `val`, a setting of `data`; `missing`, an option of `csv` and of others."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.language.corrections import squeeze
from netspec.language.reference.entries import category_order
from netspec.language.text import wrap
from netspec.language.vocabulary import words
from netspec.language.word import Option, Word

MAX_OWNERS = 12
"""Words that are listed of those that have an option."""


@dataclass(frozen=True)
class OptionPage:
    """An option that means the same for several words; their defaults may differ."""

    option: Option
    owners: tuple[type[Word], ...]

    @property
    def is_setting(self) -> bool:
        return self.owners[0].category == "section"

    @property
    def defaults(self) -> list[str]:
        """The different defaults."""
        options = [next(o for o in owner.options() if o.name == self.option.name) for owner in self.owners]
        texts = ["required" if o.is_required else f"default {o.kind.to_source(o.default)}" for o in options]
        return list(dict.fromkeys(texts))


def find_settings(name: str) -> list[OptionPage]:
    """The settings of that name, in any section."""
    return [page for page in find_options(name) if page.is_setting]


def find_options(name: str) -> list[OptionPage]:
    """The settings and options of that name, settings first; where there are none, those with that name elsewhere."""
    return _find(name) or _find(name, is_alias=True)


def _find(name: str, *, is_alias: bool = False) -> list[OptionPage]:
    groups: dict[tuple[str, ...], list[tuple[Option, type[Word]]]] = {}
    for category in sorted(category_order(), key=lambda category: category != "section"):
        for word in words(category).values():
            for option in word.options():
                known = option.aliases if is_alias else (option.name,)
                if squeeze(name) in map(squeeze, known):
                    section = word.word if category == "section" else ""
                    key = (section, option.name, option.doc, option.kind.describe())
                    groups.setdefault(key, []).append((option, word))
    return [OptionPage(found[0][0], tuple(word for _, word in found)) for found in groups.values()]


def setting_names() -> list[str]:
    """The names of all settings."""
    return [option.name for section in words("section").values() for option in section.options()]


def option_text(page: OptionPage, width: int = 10_000) -> str:
    """The page of an option as plain text, in lines of at most `width` columns."""
    option, shown = page.option, [f"`{owner.word}`" for owner in page.owners[:MAX_OWNERS]]
    more = ["…"] if len(page.owners) > MAX_OWNERS else []
    what = "a setting of" if page.is_setting else "an option of"
    default = page.defaults[0] if len(page.defaults) == 1 else "the default depends on the word"
    lines = [
        *wrap(f"{option.name}: {what} {', '.join([*shown, *more])}", width, "    "),
        "",
        *wrap(f"{option.doc} ({option.kind.describe()}; {default})", width),
    ]
    if option.kind.category:
        names = ", ".join(sorted(words(option.kind.category)))
        lines += ["", *wrap(f"words: {names}", width, "    ")]
    owner = page.owners[0].word
    where = f"{owner} {{ {option.name} = … }}" if page.is_setting else f"{owner}(…, {option.name} = …)"
    lines += ["", f"Written: {where}", f"`netspec words {owner}` shows it with the others"]
    if option.aliases:
        lines += ["", *wrap(f"elsewhere: {', '.join(option.aliases)}", width, "    ")]
    return "\n".join(lines)


def option_json(page: OptionPage) -> dict[str, object]:
    """The page of an option for machines."""
    option = page.option
    return {
        "option": option.name,
        "of": [owner.word for owner in page.owners],
        "is_setting": page.is_setting,
        "doc": option.doc,
        "takes": option.kind.describe(),
        "defaults": page.defaults,
        "names": list(option.kind.names),
        "category": option.kind.category,
        "elsewhere": list(option.aliases),
    }
