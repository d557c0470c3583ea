"""The map of the compiler: one property per stage, each made when it is first asked for.

    text -> tree -> resolution -> graph -> optimized graph -> Python source
                                               -> inference form -> Python source

Input: a `Source` and what the command line says. Output: whatever stage is asked for; `problems` gathers what is
wrong. Nothing here imports JAX: `backend/load.py` turns the last stage into a live model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import netspec.layers  # noqa: F401  # fills the vocabulary
from netspec.compiler.elaborate.expect import Expectation, check_expectations, check_possible
from netspec.compiler.elaborate.infer import Inference
from netspec.compiler.elaborate.values import BAD
from netspec.compiler.ir.graph import Graph
from netspec.compiler.ir.warnings import check_graph
from netspec.compiler.names.imports import UseReader
from netspec.compiler.names.overrides import add_input, apply_overrides
from netspec.compiler.names.resolution import Resolution
from netspec.compiler.names.resolve import resolve_file
from netspec.compiler.passes import for_inference, optimize
from netspec.compiler.syntax import tree
from netspec.compiler.syntax.errors import UnreadableFile
from netspec.compiler.syntax.parser import check_edition, parse_source
from netspec.language.corrections import nearest
from netspec.language.diagnostics import Problems, fail
from netspec.language.files.example_specs import example_names
from netspec.language.files.paths import exists, is_folder
from netspec.language.files.regular_file import Refused
from netspec.language.source import LIMIT, Source, Span
from netspec.spec.data_context import with_context

if TYPE_CHECKING:
    from netspec.data.dataset.dataset import Facts
    from netspec.data.settings import DataSettings
    from netspec.language.diagnostics import Unplaced
    from netspec.training.recipe.settings import TrainSettings


MAX_NAMES = 12
"""How many files are listed for one that is not there."""


def read_source(path: Path) -> Source:
    """The text of a spec file.

    Raises:
        CompileError: it does not exist, or is not text.
    """
    try:
        with _readable(str(path)):
            return Source.read(path)
    except OSError as error:
        folder = path.parent
        names = {p.stem: p.name for p in folder.glob("*.net")} if is_folder(folder) else {}
        near = nearest(path.stem, names)
        advice = f"did you mean `{folder / names[near]}`?" if near else "check the name and the folder"
        if names and not near:
            there = [str(folder / name) for name in sorted(names.values())[:MAX_NAMES]]
            advice = f"spec files there: {', '.join(there)}{', …' if len(names) > MAX_NAMES else ''}"
        if not near and path.stem in example_names() and not exists(path):
            example = f"`netspec train --example {path.stem}` trains the one of this name that comes with netspec"
            advice = f"{example}, `netspec examples {path.stem}` writes it here"
        raise fail(UnreadableFile(path=str(path), reason=str(error.strerror), advice=advice)) from None


def read_stream(stream: IO[bytes], name: str) -> Source:
    """The text of a spec that comes from a stream, such as standard input; `name` stands for it in messages.

    Raises:
        CompileError: it cannot be read, is not text, or is larger than the limit.
    """
    try:
        with _readable(name):
            content = stream.read(LIMIT.size(Path(name)) + 1)
            LIMIT.check(Path(name), len(content), at_least=True)
            return Source.decode(name, content)
    except OSError as error:
        raise fail(UnreadableFile(path=name, reason=str(error.strerror), advice="give a .net file")) from None


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Reports what is not text, and what is not read although it could be."""
    try:
        yield
    except UnicodeDecodeError:
        raise fail(UnreadableFile(case="not text", path=name)) from None
    except Refused as refused:
        raise fail(UnreadableFile(path=name, reason=str(refused.strerror), advice=refused.advice)) from None


class Compilation:
    """One spec on its way through the compiler.

    Args:
        source: the text.
        overrides: `-D` values by name.
        input: the shape of the input as it is written in a spec (`28x28x1`), for a spec that declares none.
        facts: what is known of data that are handed over; they come before those of the data source.
        used: texts of used files by the names under which they are used; others are read from disk.
        given_from: the folder that file names in `overrides` start from; None: the current one.
    """

    def __init__(
        self,
        source: Source,
        *,
        overrides: Mapping[str, str] | None = None,
        input: str | None = None,
        facts: Facts | None = None,
        used: dict[str, str] | None = None,
        given_from: Path | None = None,
    ) -> None:
        self.source = source
        self.overrides = dict(overrides or {})
        self.input = input
        self.given_facts = facts
        self.given_from = given_from or Path()
        self.reader = UseReader(used)
        self.problems = Problems()
        self.measured: list[Expectation] = []
        self._sections: dict[str, Any] = {}

    def again(self, overrides: Mapping[str, str] | None = None, *, facts: Facts | None = None) -> Compilation:
        """The same spec, to be compiled anew.

        Args:
            overrides: settings that replace its own.
            facts: what is known of its data; None: it is found again.
        """
        return Compilation(
            self.source,
            overrides={**self.overrides, **(overrides or {})},
            input=self.input,
            facts=facts,
            used=self.used_texts,
            given_from=self.given_from,
        )

    @property
    def name(self) -> str:
        """What the network is called: the file's name without its ending."""
        stem = self.source.path.stem if self.source.path is not None else "network"
        cleaned = "".join(c if c.isascii() and c.isalnum() else "_" for c in stem).strip("_").lower()
        return cleaned if cleaned and not cleaned[0].isdigit() else f"net_{cleaned}".rstrip("_")

    @property
    def data_folder(self) -> Path:
        """The folder that file names of the data source start from: that of the spec, if it names the source."""
        return self.given_from if "data.source" in self.overrides else self.source.folder

    @cached_property
    def tree(self) -> tree.File:
        """What was written, `-D` values put in."""
        parsed = parse_source(self.source, self.problems)
        check_edition(parsed, self.problems)
        changed = apply_overrides(parsed, self.overrides, self.problems)
        return changed if self.input is None else add_input(changed, self.input, self.problems)

    @cached_property
    def resolution(self) -> Resolution:
        """What every name stands for."""
        return resolve_file(self.tree, self.reader, self.problems)

    @cached_property
    def _inference(self) -> Inference:
        return Inference(self.resolution, self.problems)

    def settings(self, section: str) -> Any:
        """The settings of a section with every default in force.

        Raises:
            CompileError: one of them is wrong.
        """
        found = self.section(section)
        if found is BAD:
            self.problems.raise_errors()
        return found

    def section(self, name: str) -> Any:
        """As `settings`; BAD when one of them is wrong."""
        if name not in self._sections:
            self._sections[name] = BAD if self.resolution.has_cycle else self._inference.settings(name)
        return self._sections[name]

    def _has(self, section: str) -> bool:
        return section in self.resolution.settings

    @property
    def data(self) -> DataSettings:
        """The section `data`."""
        settings: DataSettings = self.settings("data")
        return settings

    @property
    def train(self) -> TrainSettings:
        """The section `train`."""
        settings: TrainSettings = self.settings("train")
        return settings

    @cached_property
    def facts(self) -> Facts | None:
        """What is known of the data without loading them; None without data."""
        if self.given_facts is None and not self._has("data"):
            return None
        from netspec.data.load import learned_source, read_facts, settle_facts
        from netspec.language.diagnostics import Unplaced  # a network without data waits for none of this

        settings = self.section("data")
        try:
            if self.given_facts is not None:
                return self.given_facts if settings is BAD else settle_facts(self.given_facts, settings)
            if settings is BAD or settings.source is None:
                return None
            facts = read_facts(settings, self.data_folder)
            for remark in learned_source(settings, self.data_folder).remarks(self.data_folder):
                self._report_one(remark)
            return facts
        except Unplaced as bad:
            self.report_bad_data(bad)
            return None

    def setting_spans(self, section: str) -> dict[str, Span]:
        """Where the values of a section stand, by key."""
        block = self.resolution.settings.get(section)
        return {key: value.span for key, value in block.values.items()} if block is not None else {}

    def chain_spans(self, section: str, key: str) -> list[Span]:
        """Where the words of a chain stand; nothing when it is written in another way, such as by a name."""
        block = self.resolution.settings.get(section)
        value = block.values.get(key) if block is not None else None
        return [item.span for item in value.items] if isinstance(value, tree.Chain | tree.ListLiteral) else []

    @property
    def has_val(self) -> bool:
        """Whether some examples are for validation: held out, or given for it."""
        return bool(self.data.val) or (self.facts is not None and self.facts.has_val)

    @property
    def uses_classes(self) -> bool:
        """Whether the spec takes the number of classes from the data: the word is in its text, or in an override."""
        texts = (self.source.text, *self.overrides.values())
        return any(re.search(r"\bclasses\b", text) for text in texts)

    @property
    def output_names(self) -> list[str]:
        """The outputs that the spec declares by name."""
        return [statement.name.name for statement in self.tree.statements if isinstance(statement, tree.Output)]

    @property
    def used_texts(self) -> dict[str, str]:
        """The texts of the files that the spec uses, by the names under which it does."""
        return {**self.reader.given, **self.reader.texts}

    def report_bad_data(self, bad: Unplaced) -> None:
        """Add the diagnostics for what a data source found, at the place where the source is named."""
        for one in bad.all:
            self._report_one(one)

    def _report_one(self, bad: Unplaced) -> None:
        block = self.resolution.settings.get("data")
        value = block.values.get("source") if block is not None else None
        span = value.span if value is not None else None
        if isinstance(value, tree.Call) and bad.option is not None:
            argument = self.resolution.arguments.get(id(value), {}).get(bad.option)
            span = argument.span if argument is not None else span
            if isinstance(argument, tree.ListLiteral):
                name = f'"{bad.fields.get("column")}"'
                span = next((item.span for item in argument.items[::-1] if item.span.text == name), span)
            span = self.setting_spans("data").get(bad.option, span) if argument is None else span
        self.problems.add(with_context(bad, self.tree).diagnostic(span))

    def _columns_of(self) -> Mapping[str, Sequence[str]]:
        """The columns of each input that is a vector of numbers from a table."""
        from netspec.data.sources.tables.words import TableSource

        source = None if self.given_facts is not None else self.data.source
        return source.groups(self.data_folder) if isinstance(source, TableSource) else {}

    @cached_property
    def graph(self) -> Graph | None:
        """The network with every shape known; None when it has errors."""
        for name in ("data", "train"):  # first: `classes` and the default input come from the data
            if self._has(name):
                self.section(name)
        if self.resolution.has_cycle:
            return None
        facts = self.facts
        defaults = facts.inputs if facts is not None else {}
        inference = self._inference
        data = self.section("data") if self._has("data") else None
        source_failed = facts is None and data is not None and (data is BAD or data.source is not None)
        source_failed = source_failed or (data is None and "source" in self.resolution.file.broken)
        inference.classes = facts.classes if facts is not None else BAD if source_failed else None
        inference.has_data = facts is not None
        inference.columns_of = self._columns_of
        graph = inference.network(self.name, defaults, facts.pads if facts is not None else {})
        if graph is not None:
            check_graph(graph, self.problems)
            expected = Problems()
            self.measured = check_expectations(self.resolution.expectations, inference, graph, expected)
            if facts is None:
                check_possible(self.measured, expected)
            if self._has("data") or self._has("train"):
                from netspec.spec.sections import check_sections

                check_sections(self, optimize(graph), facts)
            for problem in expected:  # added last: what is wrong there leaves the other sections as they are
                self.problems.add(problem)
        return graph

    @cached_property
    def network(self) -> Graph:
        """`graph` of a spec without errors. It stays, whatever is wrong with data that are looked for later.

        Raises:
            CompileError: the spec has errors.
        """
        self.check()
        assert self.graph is not None
        return self.graph

    @cached_property
    def optimized(self) -> Graph:
        """`network` after the passes."""
        return optimize(self.network)

    @cached_property
    def inference(self) -> Graph:
        """`optimized` for inference: no dropout, batchnorms folded. `backend/fold_weights.py` makes its weights."""
        return for_inference(self.optimized)

    @cached_property
    def python(self) -> str:
        """The source of the network."""
        from netspec.compiler.backend.emit import emit_source  # `netspec check` needs no source

        return emit_source(self.optimized)

    def inference_python(self, *, standalone: bool = False) -> str:
        """The source of the inference form."""
        from netspec.compiler.backend.emit import emit_source

        return emit_source(self.inference, standalone=standalone, is_inference=True)

    def diagnose(self) -> Problems:
        """Run every check that needs no data; what is wrong."""
        _ = self.graph
        return self.problems

    def check(self) -> None:
        """Run every check that needs no data.

        Raises:
            CompileError: the spec has errors; warnings alone raise nothing.
        """
        self.diagnose().raise_errors()
