"""What differs between two specs, as changes of layers, options and settings.

Comes in: two `Meaning`s. Goes out: `Difference`, a list of changes that can be printed, written as JSON, or asked
whether it is empty.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from netspec.runs.align import Pairs, align
from netspec.spec.canonical import Meaning, Source, Value

Kind = Literal["added", "removed", "changed", "renamed"]
Options = dict[str, tuple[str, str]]
"""What stood and stands there, by option."""

HARMLESS = ("train.epochs", "train.tensorboard", "data.source")
"""What may differ between a run and its continuation; the data themselves are compared by a checksum."""


@dataclass(frozen=True)
class Change:
    """One change. `section` is `input`, `layer`, `output`, `train`, `data` or `expect`.

    `was` is the name before, where that is another one. `before` and `after` are what stood and stands there, as it is
    typed; `options` has what changed in it, by option. `place` says where an added layer stands.
    """

    section: str
    kind: Kind
    name: str
    was: str | None = None
    before: str | None = None
    after: str | None = None
    options: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    place: str = ""

    @property
    def key(self) -> str:
        """`train.epochs`; what is harmless is told by it."""
        return f"{self.section}.{self.name}"

    @property
    def text(self) -> str:
        """What has changed, behind the name."""
        if self.kind == "renamed":
            return f"the same as {self.was}, under another name"
        if self.kind in ("added", "removed"):
            return " ".join(part for part in (self.kind, self.after or self.before, self.place) if part)
        if self.options and self.same_word:
            return ", ".join(f"{name} {before} → {after}" for name, (before, after) in self.options.items())
        return f"{self.before} → {self.after}"

    @property
    def same_word(self) -> bool:
        """Whether the options say it all."""
        return (self.before or "").partition("(")[0] == (self.after or "").partition("(")[0]

    def as_json(self) -> dict[str, Any]:
        found = {key: value for key, value in self.__dict__.items() if value not in (None, "", {})}
        return {**found, "options": {key: list(pair) for key, pair in self.options.items()}}


@dataclass(frozen=True)
class Difference:
    """Every change from one meaning to another, and the figures of both."""

    old: Meaning
    new: Meaning
    changes: tuple[Change, ...]

    @property
    def is_empty(self) -> bool:
        return not self.changes

    @property
    def params(self) -> Options:
        """The `param`s of the two files that differ: they explain changes, and are none of their own."""
        names = dict.fromkeys([*self.old.params, *self.new.params])
        pairs = {name: (self.old.params.get(name, "—"), self.new.params.get(name, "—")) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    @property
    def totals(self) -> dict[str, tuple[int | str, int | str]]:
        """Counts that differ: `parameters`, `frozen`, `state`, `macs`."""
        pairs = {name: (count, self.new.totals[name]) for name, count in self.old.totals.items()}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    @property
    def serious(self) -> tuple[Change, ...]:
        """The changes with which a run cannot go on."""
        return tuple(c for c in self.changes if c.section != "expect" and c.key not in HARMLESS)

    def lines(self, changes: Sequence[Change], limit: int) -> list[str]:
        """Changes as lines of text, not more than `limit`."""
        found = [f"{c.section} {c.name}: {c.text}" for c in changes[:limit]]
        return found + ([f"… and {len(changes) - limit} more"] if len(changes) > limit else [])

    def as_json(self) -> dict[str, Any]:
        return {
            "equal": self.is_empty,
            "old": {"name": self.old.name, "hash": self.old.hash},
            "new": {"name": self.new.name, "hash": self.new.hash},
            "changes": [change.as_json() for change in self.changes],
            "params": {name: list(pair) for name, pair in self.params.items()},
            "totals": {name: list(pair) for name, pair in self.totals.items()},
        }


def compare(old: Meaning, new: Meaning) -> Difference:
    """What differs between two meanings."""
    pairs = align(old.layers, new.layers)
    changes = [
        *_dict_changes("input", old.inputs, new.inputs),
        *_layer_changes(old, new, pairs),
        *_output_changes(old, new, pairs),
        *_dict_changes("data", old.data, new.data),
        *_dict_changes("train", old.train, new.train),
        *_dict_changes("expect", dict.fromkeys(old.expect, ""), dict.fromkeys(new.expect, "")),
    ]
    return Difference(old, new, tuple(changes))


# ---------------------------------------------------------------- values


def text_of(value: Value) -> str:
    """A value as it is typed."""
    if isinstance(value, list):
        return " -> ".join(map(text_of, value))
    return value["text"] if isinstance(value, dict) else value


def _option_changes(old: Value, new: Value) -> Options:
    """What differs in two calls of one word, by option; nothing when they are of two words, or no calls."""
    if not (isinstance(old, dict) and isinstance(new, dict) and old["word"] == new["word"]):
        return {}
    found = {}
    for name in dict.fromkeys([*old["options"], *new["options"]]):
        before, after = old["options"].get(name, "—"), new["options"].get(name, "—")
        inner = _option_changes(before, after)
        found.update({f"{name}.{key}": pair for key, pair in inner.items()})
        if not inner and not _equal(before, after):
            found[name] = (text_of(before), text_of(after))
    return found


def _equal(old: Value, new: Value) -> bool:
    return json.dumps(_meant(old), sort_keys=True) == json.dumps(_meant(new), sort_keys=True)


def _meant(value: Any) -> Any:
    if isinstance(value, dict):
        return [value["word"], {key: _meant(item) for key, item in value["options"].items()}]
    return [_meant(item) for item in value] if isinstance(value, list) else value


def _dict_changes(section: str, old: Mapping[str, Value], new: Mapping[str, Value]) -> Iterator[Change]:
    """Changes of inputs, settings and expectations."""
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            yield Change(section, "removed", name, before=text_of(old[name]))
        elif name not in old:
            yield Change(section, "added", name, after=text_of(new[name]))
        elif not _equal(old[name], new[name]):
            options = _option_changes(old[name], new[name])
            yield Change(section, "changed", name, None, text_of(old[name]), text_of(new[name]), options)


# ---------------------------------------------------------------- layers and wires


def _layer_changes(old: Meaning, new: Meaning, pairs: Pairs) -> Iterator[Change]:
    wires = _Wires(old, new, pairs)
    gone = _Lonely(old, {i for i, j in pairs if i is not None and j is None})
    come = _Lonely(new, {j for i, j in pairs if i is None and j is not None})
    for i, j in pairs:
        if j is None:
            assert i is not None
            if (found := gone.tell(i)) is not None:
                yield Change("layer", "removed", found[0], before=found[1], place=wires.place(old, i))
        elif i is None:
            if (found := come.tell(j)) is not None:
                yield Change("layer", "added", found[0], after=found[1], place=wires.place(new, j))
        else:
            yield from _pair_changes(old.layers[i], new.layers[j], wires.changes(i, j))


class _Lonely:
    """The layers that only one network has; a block of nothing else is told as one."""

    def __init__(self, meaning: Meaning, places: set[int]) -> None:
        self.layers, self.told = meaning.layers, set[str]()
        paths = [layer["name"].split("/")[:-1] for layer in self.layers]
        blocks = [{"/".join(path[: i + 1]) for i in range(len(path))} for path in paths]
        mixed = {block for i, names in enumerate(blocks) if i not in places for block in names}
        self.sizes = Counter(block for i, names in enumerate(blocks) if i in places for block in names - mixed)

    def tell(self, place: int) -> tuple[str, str] | None:
        """The name of a layer, or of the largest block that goes with it, and what it is; None when it was told."""
        layer = self.layers[place]
        path = layer["name"].split("/")
        prefixes = ["/".join(path[: i + 1]) for i in range(len(path) - 1)]
        block = next((prefix for prefix in prefixes if self.sizes[prefix] > 1), None)
        if block is None:
            return layer["name"], layer["text"]
        if block in self.told:
            return None
        self.told.add(block)
        return block, f"block of {self.sizes[block]} layers"


def _pair_changes(
    old: Mapping[str, Any], new: Mapping[str, Any], wires: dict[str, tuple[str, str]]
) -> Iterator[Change]:
    was = old["name"] if old["name"] != new["name"] else None
    options = {**_option_changes(dict(old), dict(new)), **wires}
    if old["word"] != new["word"] or options:
        yield Change("layer", "changed", new["name"], was, old["text"], new["text"], options)
    elif was is not None and new["has_name"]:
        yield Change("layer", "renamed", new["name"], was, old["text"], new["text"])


def _output_changes(old: Meaning, new: Meaning, pairs: Pairs) -> Iterator[Change]:
    wires = _Wires(old, new, pairs)
    before = {output["name"]: output for output in old.outputs}
    after = {output["name"]: output for output in new.outputs}
    for name in dict.fromkeys([*before, *after]):
        if name not in after:
            yield Change("output", "removed", name, before=wires.name(old, before[name]["from"]))
        elif name not in before:
            yield Change("output", "added", name, after=wires.name(new, after[name]["from"]))
        else:
            a, b = before[name], after[name]
            options = wires.differing("from", [a["from"]], [b["from"]])
            if a["padding"] != b["padding"]:
                options["padding"] = (str(a["padding"]), str(b["padding"]))
            if options:
                yield Change("output", "changed", name, options=options)


def _input_name(meaning: Meaning, name: str) -> str:
    return "the input" if len(meaning.inputs) == 1 else f"the input {name}"


class _Wires:
    """Where tensors come from in two networks whose layers are paired."""

    def __init__(self, old: Meaning, new: Meaning, pairs: Pairs) -> None:
        self.old, self.new = old, new
        self.new_of = {i: j for i, j in pairs if i is not None and j is not None}
        self.paired = set(self.new_of.values())

    def name(self, meaning: Meaning, source: Source | None) -> str:
        """How a source is called; the second use of a shared layer, which has the name of the first, gets a number."""
        if not isinstance(source, int):
            return source or "none"
        name = meaning.layers[source]["name"]
        uses = [i for i, layer in enumerate(meaning.layers) if layer["name"] == name]
        return name if len(uses) == 1 else f"{name}@{uses.index(source) + 1}"

    def place(self, meaning: Meaning, index: int) -> str:
        sources = meaning.layers[index]["inputs"]
        names = [self.name(meaning, s) if isinstance(s, int) else _input_name(meaning, s) for s in sources]
        return "after " + " and ".join(names)

    def changes(self, i: int, j: int) -> Options:
        """What is fed from elsewhere in a pair. Layers that came in between or fell out tell of themselves."""
        a, b = self.old.layers[i], self.new.layers[j]
        return {
            **self.differing("inputs", a["inputs"], b["inputs"]),
            **self.differing("mask", [a["mask"]], [b["mask"]]),
            **self.differing("shares with", [a["shared"]], [b["shared"]]),
        }

    def differing(self, what: str, old: Sequence[Source | None], new: Sequence[Source | None]) -> Options:
        """`{what: (before, after)}` when the tensors are others."""
        if len(old) == len(new) and all(self._is_same(a, b) for a, b in zip(old, new, strict=True)):
            return {}
        pair = [", ".join(self.name(m, s) for s in sources) for m, sources in ((self.old, old), (self.new, new))]
        return {what: (pair[0], pair[1])}

    def _is_same(self, old: Source | None, new: Source | None) -> bool:
        """Whether two sources are a pair, or one of a pair lies before layers that only one network has."""
        before = {self.new_of[s] if isinstance(s, int) else s for s in self._pairs_before(self.old, old, self.new_of)}
        return bool(before & self._pairs_before(self.new, new, self.paired))

    def _pairs_before(self, meaning: Meaning, source: Source | None, paired: Container[int]) -> set[Source | None]:
        """The source itself if it has a pair, otherwise the nearest ones before it that do."""
        found: set[Source | None] = set()
        seen, stack = set(), [source]
        while stack:
            here = stack.pop()
            if isinstance(here, int) and here not in paired:
                stack += [s for s in meaning.layers[here]["inputs"] if s not in seen]
                seen.update(meaning.layers[here]["inputs"])
            else:
                found.add(here)
        return found
