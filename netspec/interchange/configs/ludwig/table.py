"""The table of a configuration: the columns that are features and targets, as a data source of netspec."""

from __future__ import annotations

from pathlib import Path

from netspec.data.dataset.dataset import Facts
from netspec.interchange.configs.input_files import InputFile
from netspec.language.record import Frozen
from netspec.language.source import Source, Span

PLACEHOLDER = "table.csv"
"""Instead of the name of the table, where it is not given."""


class Column(Frozen):
    """A column of the table.

    `kind` is `number`, `category`, `binary`, `date`, `set` or `image`; `format` that of a date, the separator of a set,
    or size and channels of an image. `missing` says how missing values are filled in, `normalize` how numbers are
    normalized, as netspec writes it. `to` is the input that gets the feature, empty for the one of most columns.
    """

    name: str
    kind: str
    missing: str = ""
    normalize: str = ""
    to: str = ""
    format: str = ""
    span: Span | None = None


def quoted(text: str) -> str:
    """A string of the language."""
    return f'"{text}"'


def can_be_quoted(text: str) -> bool:
    """Whether a name can be a string of the language, which has no escapes for these characters."""
    return bool(text) and text.isprintable() and '"' not in text and "\\" not in text


class Table(Frozen):
    """Columns that the network reads, and those that it predicts."""

    features: tuple[Column, ...]
    targets: tuple[Column, ...]
    file: str = PLACEHOLDER

    def source(self) -> str:
        """The data source, as it is written in a spec."""
        names = [quoted(column.name) for column in self.targets]
        parts = [quoted(self.file), f"target = {names[0] if len(names) == 1 else '[' + ', '.join(names) + ']'}"]
        parts.append(f"columns = [{', '.join(quoted(column.name) for column in self.features)}]")
        categories = [quoted(column.name) for column in self.features if column.kind in ("category", "binary")]
        parts += [f"categories = [{', '.join(categories)}]"] if categories else []
        missing = self.missing
        parts += [f"missing = {missing}"] if missing else []
        kinds = {column.kind for column in self.targets}
        task = "numbers" if kinds == {"number"} else "classes" if kinds <= {"category", "binary"} else ""
        parts += [f"task = {task}"] if task else []
        of = [text for column in (*self.features, *self.targets) if (text := self._of(column, bool(task)))]
        parts += [f"per_column = {' -> '.join(of)}"] if of else []
        word = "parquet" if self.file.endswith((".parquet", ".pq")) else "csv"
        return f"{word}({', '.join(parts)})"

    @property
    def missing(self) -> str:
        """How missing values of most numbers are filled in; those of categories then are a category."""
        counts = [column.missing for column in self.features if column.kind == "number" and column.missing]
        return max(counts, key=counts.count) if counts else ""

    @property
    def normalize(self) -> str:
        """How most numbers are normalized."""
        counts = [column.normalize for column in self.features if column.kind == "number"]
        return max(counts, key=counts.count) if counts else "none"

    def _of(self, column: Column, has_task: bool) -> str:
        """What a single column has that others do not."""
        parts = []
        is_target = column in self.targets
        if column.kind in ("date", "set"):
            parts.append(f"as = {column.kind}({quoted(column.format)})" if column.format else f"as = {column.kind}")
        elif column.kind == "image":
            parts.append(f"as = image({column.format})" if column.format else "as = image")
        elif is_target and not has_task:
            parts.append(f"as = {'number' if column.kind == 'number' else 'category'}")
        usual = self.missing
        if column.kind in ("category", "binary") and not is_target:
            usual = "category" if usual not in ("", "drop") else usual
        if column.missing and column.missing != usual:
            parts.append(f"missing = {column.missing}")
        if column.kind == "number" and not is_target and column.normalize != self.normalize:
            parts.append(f"normalize = {column.normalize}")
        if column.to:
            parts.append(f"to = {quoted(column.to)}")
        return f"of({quoted(column.name)}, {', '.join(parts)})" if parts else ""


def facts_of(table: Table, path: Path) -> Facts:
    """The shapes of the features and the classes of the targets, from the file.

    Raises:
        CompileError: the file is not such a table (NS570).
    """
    from netspec.spec.compilation import Compilation

    compilation = Compilation(Source("table.net", f"identity\ndata {{ source = {table.source()} }}\n"))
    found = compilation.facts
    if found is None:
        problems = [problem for problem in compilation.diagnose() if problem.is_error]
        reason, advice = (problems[0].message, problems[0].hint_text) if problems else ("it has no columns", "")
        raise InputFile(name=str(path), format="the table").bad(reason, advice)
    return found
