"""YAML as a tree whose values know their place in the text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netspec.interchange.configs.input_files import InputFile
from netspec.interchange.errors import ReadingNeeds
from netspec.language.diagnostics import fail
from netspec.language.lazy import lazy
from netspec.language.record import Frozen
from netspec.language.source import Source, Span

yaml: Any = lazy("yaml")

MAX_TEXT = 1_000_000
"""Characters of a configuration."""
MAX_NODES = 50_000
"""Values in it, those that aliases repeat counted each time."""
MAX_DEPTH = 50


class Value(Frozen):
    """A text, a number, true, false, None, a list of values, or a mapping of texts to values."""

    data: Any
    span: Span


def parse_yaml(source: Source, file: InputFile) -> Value:
    """The tree of a text.

    Raises:
        CompileError: it is not YAML (NS570), or PyYAML is not installed (NS574).
    """
    if len(source.text) > MAX_TEXT:
        raise file.bad(f"it has more than {MAX_TEXT:,} characters")
    try:
        node = yaml.compose(source.text, Loader=yaml.SafeLoader)
    except ModuleNotFoundError as error:
        raise fail(
            ReadingNeeds(format="Ludwig", package="pyyaml", advice="pip install 'netspec-compiler[ludwig]'")
        ) from error
    except RecursionError as error:
        raise file.bad("its values are nested too deeply") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        start = min(mark.index, len(source.text)) if mark is not None else 0
        reason = getattr(error, "problem", None) or "it is not YAML"
        span = Span(source, start, min(start + 1, len(source.text))) if source.text else None
        raise file.bad(str(reason), span=span) from error
    if node is None:
        raise file.bad("it is empty")
    return _Tree(source, file).value(node, 0)


class _Tree:
    """Converts the nodes of PyYAML."""

    def __init__(self, source: Source, file: InputFile) -> None:
        self.source = source
        self.file = file
        self.count = 0
        self.constructor = yaml.SafeLoader("")

    def value(self, node: Any, depth: int) -> Value:
        span = Span(self.source, node.start_mark.index, max(node.end_mark.index, node.start_mark.index + 1))
        self.count += 1
        if self.count > MAX_NODES or depth > MAX_DEPTH:
            limit = f"{MAX_NODES:,} values" if depth <= MAX_DEPTH else f"{MAX_DEPTH} values inside each other"
            raise self.file.bad(f"it has more than {limit}", span=span)
        if isinstance(node, yaml.MappingNode):
            return Value(self._mapping(node, depth), span)
        if isinstance(node, yaml.SequenceNode):
            return Value([self.value(item, depth + 1) for item in node.value], span)
        return Value(self._scalar(node, span), span)

    def _mapping(self, node: Any, depth: int) -> Mapping[str, Value]:
        found: dict[str, Value] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.file.bad(
                    "a key is not a text", span=Span(self.source, key.start_mark.index, key.end_mark.index)
                )
            found[key.value] = self.value(item, depth + 1)
        return found

    def _scalar(self, node: Any, span: Span) -> Any:
        """The value of a scalar; dates and binary data stay the text that they are."""
        kind = node.tag.rpartition(":")[2]
        if kind not in ("int", "float", "bool", "null") or len(node.value) > 50:
            return node.value
        try:
            return self.constructor.construct_object(node)
        except (ValueError, KeyError, OverflowError, yaml.YAMLError) as error:
            raise self.file.bad(f"`{node.value}` is not a value of its kind", span=span) from error
