"""What resolving a file gives: what each name, word, argument and section of its tree refers to."""

from __future__ import annotations

from dataclasses import dataclass, field

from netspec.compiler.names.scope import Name, Scope
from netspec.compiler.syntax import tree
from netspec.language.shape import Dim
from netspec.language.values import Symbol
from netspec.language.word import Word


@dataclass(eq=False)
class SettingsBlock:
    """A section whose keys are the options of a word: `data`, `train`, `tune`.

    `inner` are the sections inside of it that its word allows (`inner_sections`), which are bound by who reads them.
    `is_broken` is set where a wrong key or value would have said what the data are; nothing is concluded from the rest.
    """

    word: type[Word]
    section: tree.Section
    values: dict[str, tree.Expression] = field(default_factory=dict)
    inner: dict[str, tree.Section] = field(default_factory=dict)
    is_broken: bool = False


@dataclass(eq=False)
class Resolution:
    """What every name, call and section of the files refers to, by the identity of tree nodes.

    `rejected` holds calls with arguments that fit nowhere: their values are checked, and nothing is made of them.
    """

    file: tree.File
    scope: Scope
    names: dict[int, Name] = field(default_factory=dict)
    words: dict[int, type[Word]] = field(default_factory=dict)
    symbols: dict[int, Symbol | Dim] = field(default_factory=dict)
    arguments: dict[int, dict[str, tree.Expression]] = field(default_factory=dict)
    rejected: set[int] = field(default_factory=set)
    settings: dict[str, SettingsBlock] = field(default_factory=dict)
    expectations: list[tree.Expression] = field(default_factory=list)
    inputs: list[tree.InputDeclaration] = field(default_factory=list)
    params: list[Name] = field(default_factory=list)
    defined: list[Name] = field(default_factory=list)
    files: list[tree.File] = field(default_factory=list)
    has_cycle: bool = False
    names_of_statements: dict[int, Name] = field(default_factory=dict)
