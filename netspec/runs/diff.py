"""The differences between two specs, as changes of layers, options and settings.

Input: two `Meaning`s. Output: `Difference`, a list of changes that can be printed or written as JSON.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Literal

from netspec.display.drawing.styles.pair import Differences
from netspec.language.vocabulary import categories, words
from netspec.runs.align import Pairs, align
from netspec.spec.canonical import Meaning, Source, Value

Kind = Literal["added", "removed", "changed", "renamed"]
Options = dict[str, tuple[str, str]]
"""The old and the new value, by option."""

ABSENT = "—"
"""What a spec has for a setting that it, or its version of netspec, does not have at all."""

HARMLESS = (
    "train.epochs",
    "train.tensorboard",
    "train.mlflow",
    "train.wandb",
    "train.devices",
    "train.mesh",
    "data.source",
)
"""What may differ between a run and its continuation; the data themselves are compared by a checksum."""


@dataclass(frozen=True)
class Change:
    """One change. `section` is `input`, `layer`, `output`, `train`, `data` or `expect`.

    `was` is the old name, if it was renamed. `before` and `after` are the old and the new value, as in a spec;
    `options` has the values that changed in it, by option. `place` says where an added layer was inserted.
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
        """`train.epochs`, as in `HARMLESS`."""
        return f"{self.section}.{self.name}"

    @property
    def text(self) -> str:
        """What has changed, after the name."""
        if self.kind == "renamed":
            return f"the same as {self.was}, under another name"
        if self.kind in ("added", "removed"):
            return " ".join(part for part in (self.kind, self.after or self.before, self.place) if part)
        if self.options and self.same_word:
            return ", ".join(f"{name} {before} → {after}" for name, (before, after) in self.options.items())
        return f"{self.before} → {self.after}"

    @property
    def same_word(self) -> bool:
        """Whether both are calls of the same word, so that their options say it all."""
        return (self.before or "").partition("(")[0] == (self.after or "").partition("(")[0]

    def as_json(self) -> dict[str, Any]:
        given = {key: value for key, value in self.__dict__.items() if value not in (None, "", {})}
        return {**given, "options": {key: list(pair) for key, pair in self.options.items()}}


@dataclass(frozen=True)
class Difference:
    """Every change from one meaning to another, both of them, and which of their layers are the same."""

    old: Meaning
    new: Meaning
    changes: tuple[Change, ...]
    pairs: Pairs

    @property
    def is_empty(self) -> bool:
        return not self.changes

    @property
    def params(self) -> Options:
        """The `param`s of the two files that differ: they explain changes and do not count as such."""
        old, new = self.old.params, self.new.params
        return {k: (old.get(k, ABSENT), new.get(k, ABSENT)) for k in {**old, **new} if old.get(k) != new.get(k)}

    @property
    def totals(self) -> dict[str, tuple[int | str, int | str]]:
        """Counts that differ: `parameters`, `frozen`, `state`, `macs`."""
        old, new = self.old.totals, self.new.totals
        return {name: (count, new[name]) for name, count in old.items() if count != new[name]}

    @property
    def serious(self) -> tuple[Change, ...]:
        """The changes with which a run cannot be resumed."""
        return tuple(c for c in self.changes if c.section != "expect" and c.key not in HARMLESS)

    def lines(self, changes: Sequence[Change], limit: int) -> list[str]:
        """Changes as lines of text, at most `limit`."""
        lines = [f"{c.section} {c.name}: {c.text}" for c in changes[:limit]]
        return lines + ([f"… and {len(changes) - limit} more"] if len(changes) > limit else [])

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
    """The differences between two meanings."""
    pairs = align(old.layers, new.layers)
    changes = [
        *_dict_changes("input", old.inputs, new.inputs),
        *_layer_changes(old, new, pairs),
        *_output_changes(old, new, pairs),
        *_dict_changes("data", old.data, new.data),
        *_dict_changes("train", old.train, new.train),
        *_dict_changes("expect", dict.fromkeys(old.expect, ""), dict.fromkeys(new.expect, "")),
    ]
    return Difference(old, new, tuple(changes), pairs)


def differences(old: Meaning, new: Meaning) -> Differences:
    """Which layers of two networks differ, for a drawing of both."""
    found = compare(old, new)
    changes = [change for change in found.changes if change.section == "layer"]
    lost = {change.was or change.name: change.kind for change in changes if change.kind in ("removed", "changed")}
    gained = {change.name: change.kind for change in changes if change.kind in ("added", "changed")}
    names, old_names = ([layer["name"] for layer in meaning.layers] for meaning in (new, old))
    twins = {names[j]: old_names[i] for i, j in found.pairs if i is not None and j is not None}
    return Differences(_by_layer(lost, old_names), _by_layer(gained, names), twins)


def _by_layer(changes: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """The kind of change of each layer; some changes are those of whole blocks."""
    found = {}
    for name in names:
        for path in accumulate(name.split("/"), "{}/{}".format):
            if path in changes:
                found[name] = changes[path]
    return found


# ---------------------------------------------------------------- values


def text_of(value: Value) -> str:
    """A value as it is written in a spec."""
    if isinstance(value, list):
        return " -> ".join(map(text_of, value))
    return value["text"] if isinstance(value, dict) else value


def option_name(word: str, key: str) -> str:
    """What an option of a word is called today; a meaning has the name that it had first."""
    classes = [words(category).get(word) for category in categories()]
    options = (option for cls in classes if cls is not None for option in cls.options())
    return next((option.name for option in options if option.former == key), key)


def differing_settings(meanings: Sequence[Meaning | None]) -> dict[str, list[str]]:
    """The settings (`train.epochs`) in which specs differ, with a value for each; None: it could not be read."""
    found = {name: [_shown(value) for value in values] for name, values in _settings(meanings)}
    return {name: texts for name, texts in found.items() if len(set(texts)) > 1}


def differing_options(meanings: Sequence[Meaning | None]) -> dict[str, list[str]]:
    """The same, down to the options of words (`train.optimizer.b1`); an option that is not written has its default."""
    return {name: texts for key, values in _settings(meanings) for name, texts in _by_option(key, values)}


def _settings(meanings: Sequence[Meaning | None]) -> Iterator[tuple[str, list[Value | None]]]:
    for section in ("data", "train"):
        settings: list[Mapping[str, Value]] = [getattr(meaning, section, {}) for meaning in meanings]
        for name in dict.fromkeys(name for values in settings for name in values):
            yield f"{section}.{name}", [values.get(name) for values in settings]


def _shown(value: Value | None) -> str:
    return ABSENT if value is None else text_of(value)


def _by_option(name: str, values: Sequence[Value | None]) -> Iterator[tuple[str, list[str]]]:
    """The differing options of a setting: word by word where all specs have the same words, otherwise whole."""
    calls = [value for value in values if isinstance(value, dict)]
    chains = [value for value in values if isinstance(value, list)]
    if len(calls) == len(values) and len({call["word"] for call in calls}) == 1:
        for option in dict.fromkeys(option for call in calls for option in call["options"]):
            shown = f"{name}.{option_name(calls[0]['word'], option)}"
            yield from _by_option(shown, [call["options"].get(option) for call in calls])
    elif len(chains) == len(values) and len({len(chain) for chain in chains}) == 1:
        for position, links in enumerate(zip(*chains, strict=True)):
            yield from _by_option(name if len(chains[0]) == 1 else f"{name}[{position + 1}]", links)
    elif len(set(map(_shown, values))) > 1:
        yield name, [_shown(value) for value in values]


def _option_changes(old: Value, new: Value) -> Options:
    """The differences between two calls of the same word, by option; empty for other values."""
    if not (isinstance(old, dict) and isinstance(new, dict) and old["word"] == new["word"]):
        return {}
    changes = {}
    for name in {**old["options"], **new["options"]}:
        before, after = old["options"].get(name, ABSENT), new["options"].get(name, ABSENT)
        inner, shown = _option_changes(before, after), option_name(old["word"], name)
        changes.update({f"{shown}.{key}": pair for key, pair in inner.items()})
        if not inner and not _equal(before, after):
            changes[shown] = (text_of(before), text_of(after))
    return changes


def _equal(old: Value, new: Value) -> bool:
    return json.dumps(_meant(old), sort_keys=True) == json.dumps(_meant(new), sort_keys=True)


def _meant(value: Any) -> Any:
    if isinstance(value, dict):
        return [value["word"], {key: _meant(item) for key, item in value["options"].items()}]
    return [_meant(item) for item in value] if isinstance(value, list) else value


def _dict_changes(section: str, old: Mapping[str, Value], new: Mapping[str, Value]) -> Iterator[Change]:
    """Changes of inputs, settings and expectations."""
    for name in {**old, **new}:
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
    removed = _Unpaired(old, {i for i, j in pairs if i is not None and j is None})
    added = _Unpaired(new, {j for i, j in pairs if i is None and j is not None})
    for i, j in pairs:
        if i is not None and j is not None:
            yield from _pair_changes(old.layers[i], new.layers[j], wires.changes(i, j))
        elif i is not None and (entry := removed.report(i)) is not None:
            yield Change("layer", "removed", entry[0], before=entry[1], place=wires.place(old, i))
        elif j is not None and (entry := added.report(j)) is not None:
            yield Change("layer", "added", entry[0], after=entry[1], place=wires.place(new, j))


class _Unpaired:
    """The layers that only one network has; a block that consists of them is reported as one."""

    def __init__(self, meaning: Meaning, indices: set[int]) -> None:
        self.layers, self.reported = meaning.layers, set[str]()
        blocks = [_prefixes(layer["name"]) for layer in self.layers]
        mixed = {block for i, names in enumerate(blocks) if i not in indices for block in names}
        self.sizes = Counter(block for i in indices for block in blocks[i] if block not in mixed)

    def report(self, index: int) -> tuple[str, str] | None:
        """The name and the text of a layer, or of the largest block around it; None if that was reported before."""
        layer = self.layers[index]
        block = next((prefix for prefix in _prefixes(layer["name"]) if self.sizes[prefix] > 1), None)
        if block is None:
            return layer["name"], layer["text"]
        if block in self.reported:
            return None
        self.reported.add(block)
        return block, f"block of {self.sizes[block]} layers"


def _prefixes(name: str) -> list[str]:
    """The paths of the blocks around a layer, the outermost first."""
    path = name.split("/")
    return ["/".join(path[:i]) for i in range(1, len(path))]


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
    for name in {**before, **after}:
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
    """The connections of two networks whose layers are paired."""

    def __init__(self, old: Meaning, new: Meaning, pairs: Pairs) -> None:
        self.old, self.new = old, new
        self.new_of = {i: j for i, j in pairs if i is not None and j is not None}
        self.paired = set(self.new_of.values())

    def name(self, meaning: Meaning, source: Source | None) -> str:
        """The name of a source; other uses of a shared layer, which have the name of the first, get a number."""
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
        """The inputs of a pair that come from elsewhere; layers added or removed in between are reported themselves."""
        a, b = self.old.layers[i], self.new.layers[j]
        return {
            **self.differing("inputs", a["inputs"], b["inputs"]),
            **self.differing("mask", [a["mask"]], [b["mask"]]),
            **self.differing("shares with", [a["shared"]], [b["shared"]]),
        }

    def differing(self, what: str, old: Sequence[Source | None], new: Sequence[Source | None]) -> Options:
        """`{what: (before, after)}` if the tensors differ."""
        if len(old) == len(new) and all(self._is_same(a, b) for a, b in zip(old, new, strict=True)):
            return {}
        pair = [", ".join(self.name(m, s) for s in sources) for m, sources in ((self.old, old), (self.new, new))]
        return {what: (pair[0], pair[1])}

    def _is_same(self, old: Source | None, new: Source | None) -> bool:
        """Whether two sources are paired, directly or before layers that only one network has."""
        before = {self.new_of[s] if isinstance(s, int) else s for s in self._pairs_before(self.old, old, self.new_of)}
        return bool(before & self._pairs_before(self.new, new, self.paired))

    def _pairs_before(self, meaning: Meaning, source: Source | None, paired: Container[int]) -> set[Source | None]:
        """The source itself if it is paired, otherwise the nearest ones before it that are."""
        sources: set[Source | None] = set()
        seen, stack = set(), [source]
        while stack:
            here = stack.pop()
            if isinstance(here, int) and here not in paired:
                stack += [s for s in meaning.layers[here]["inputs"] if s not in seen]
                seen.update(meaning.layers[here]["inputs"])
            else:
                sources.add(here)
        return sources
