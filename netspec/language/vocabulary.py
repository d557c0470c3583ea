"""The registry of words, what declares them, and their signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TypeVar

from netspec.language.corrections import squeeze
from netspec.language.diagnostics import KINDS
from netspec.language.word import Word

RESERVED = "input output def share use param if else and or not true false classes"
"""Keywords, and names with a fixed meaning."""

HOMES: dict[str, str | tuple[str, ...]] = {
    "layer": "netspec.layers",
    "activation": "netspec.layers",
    "init": "netspec.layers",
    "shape": "netspec.layers",
    "section": ("netspec.spec.sections", "netspec.search.settings"),
    "source": "netspec.data.sources",
    "column": "netspec.data.sources",
    "type": "netspec.data.sources",
    "sound": "netspec.data.sources",
    "augmentation": "netspec.data.augmentations",
    "class_ids": "netspec.data.transforms.class_ids",
    "portion": "netspec.data.dataset.options",
    "folds": "netspec.data.splits.folds",
    "optimizer": "netspec.training.optimizers",
    "schedule": "netspec.training.schedules",
    "loss": "netspec.training.losses",
    "metric": "netspec.training.metrics",
    "stop": "netspec.training.control.stop",
    "keep": "netspec.training.control.keep",
    "threshold": "netspec.training.control.threshold",
    "interval": "netspec.training.control.conformal",
    "mesh": "netspec.training.distributed.mesh",
}
"""What declares the words of a category; imported when the category is first asked for, so that checking a network
without data waits for no data source."""

_WORDS: dict[str, dict[str, type[Word]]] = {}
_LOADED: set[str] = set()
W = TypeVar("W", bound=Word)


def register(category: str, name: str) -> Callable[[type[W]], type[W]]:
    """A class decorator that adds a word to the vocabulary.

    Raises:
        ValueError: the name is taken, or is not a lower-case word.
        TypeError: the class is not based on `Word`.
    """

    def add(cls: type[W]) -> type[W]:
        if not issubclass(cls, Word):
            raise TypeError(f"{cls.__name__} is not based on Word, nor on a subclass of it such as Layer")
        if not cls.__module__.startswith("netspec."):
            load_words(category)  # netspec's own come first, so that a name that is taken is recognized
        words = _WORDS.setdefault(category, {})
        taken = words.get(name)
        if taken is not None and (taken.__module__, taken.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(f"the {category} `{name}` is already declared by {taken.__module__}.{taken.__qualname__}")
        if not name.isidentifier() or name != name.lower() or name in RESERVED.split():
            raise ValueError(f"`{name}` cannot be a word: use lower_case letters, digits and _; {RESERVED} are taken")
        cls.word, cls.category = name, category
        words[name] = cls
        choice_names.cache_clear()
        return cls

    return add


class Declares:
    """The class decorator `register` for one category: `layer = Declares("layer")`, then `@layer("conv")`."""

    def __init__(self, category: str) -> None:
        self.category = category

    def __call__(self, name: str) -> Callable[[type[W]], type[W]]:
        return register(self.category, name)


@contextmanager
def temporary_words() -> Iterator[None]:
    """Words and diagnostics that are declared inside are forgotten at the end: for tests of user-defined words."""
    for category in HOMES:
        load_words(category)
    before = {category: dict(group) for category, group in _WORDS.items()}
    codes = set(KINDS)
    try:
        yield
    finally:
        for code in [c for c in KINDS if c not in codes and not KINDS[c].__module__.startswith("netspec.")]:
            del KINDS[code]
        for category, group in _WORDS.items():
            group.clear()
            group.update(before.get(category, {}))
        choice_names.cache_clear()


def load_words(category: str) -> None:
    """Import what declares the words of a category, once."""
    if category in HOMES and category not in _LOADED:
        _LOADED.add(category)
        homes = HOMES[category]
        for home in (homes,) if isinstance(homes, str) else homes:
            import_module(home)


def words(category: str) -> Mapping[str, type[Word]]:
    """All words of a category by name."""
    load_words(category)
    return _WORDS.get(category, {})


def categories() -> tuple[str, ...]:
    return (*HOMES, *(category for category in _WORDS if category not in HOMES))


def word_aliases(category: str) -> dict[str, str]:
    """What the words of a category are called in other libraries, squeezed, and their names here."""
    return {squeeze(alias): name for name, cls in words(category).items() for alias in cls.aliases}


_ABSENT: dict[str, dict[str, str]] = {}


def declare_absent(category: str, reasons: Mapping[str, str]) -> None:
    """Say of words that other libraries have why there is none here, and what to type instead."""
    _ABSENT.setdefault(category, {}).update({squeeze(name): reason for name, reason in reasons.items()})


def why_absent(category: str, name: str) -> str | None:
    """What `declare_absent` has said of a word, written in any way."""
    load_words(category)
    return _ABSENT.get(category, {}).get(squeeze(name))


def signature(cls: type[Word]) -> str:
    """`conv(filters, kernel = 3, activation = linear, stride = 1, …)`"""
    parts = [o.name if o.is_required else f"{o.name} = {o.kind.to_source(o.default)}" for o in cls.options()]
    return f"{cls.word}({', '.join(parts)})" if parts else cls.word


@cache
def choice_names() -> frozenset[str]:
    """Every bare word that means itself somewhere (`same`, `valid` …), for arguments of a `def`, which have no kind."""
    options = [o for category in categories() for cls in words(category).values() for o in cls.options()]
    return frozenset(name for o in options for name in o.kind.names)
