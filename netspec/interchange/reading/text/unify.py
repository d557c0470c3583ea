"""Several chains of the same structure as one with parameters (anti-unification: Plotkin 1970, A note on inductive
generalization)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from netspec.interchange.reading.options import SIZES
from netspec.interchange.reading.text.terms import Chain, Formula, Merge, Shortcut, Term, Use, walk

SIZES_OF_LAYERS = ("filters", "units", "features", "tensor", "count", "heads")
"""Parameters that have no default: what a block is used for."""


COUNTS = ("filters", "units", "features", "groups")
"""Options that are often multiples of each other, and of the channels that flow in."""


@dataclass(frozen=True)
class Place:
    """A value of a chain: what it is, and the term that has it."""

    label: str
    value: Any
    term: Term


@dataclass(eq=False)
class Unified:
    """A chain with parameters, and the arguments that make it each of the chains that it is for."""

    parameters: list[tuple[str, Any]]
    body: Chain
    arguments: list[tuple[Any, ...]]


def places_of(chain: Sequence[Term]) -> list[Place]:
    """The values of a chain, in an order that is the same for chains of the same structure."""
    return [
        Place(name, value, term) for term in walk(chain) for name, value in zip(term.labels, term.values, strict=True)
    ]


def unify(chains: Sequence[Chain]) -> Unified:
    """One chain for several that have the same skeleton."""
    counts = [len(chain[0].channels) for chain in chains]
    rows = list(zip(*(places_of(chain) for chain in chains), strict=True))
    vectors = [
        tuple(v for place, count in zip(row, counts, strict=True) for v in values_of(place.value, count))
        for row in rows
    ]
    flowing = tuple(n for chain in chains for n in chain[0].channels)
    rank = chains[0][0].rank
    formulas, chosen = _explain([row[0].label for row in rows], vectors, flowing, rank)
    names = _names([rows[i][0] for i in chosen], chains[0])
    parameters: list[tuple[str, Any]] = []
    for name, i in zip(names, chosen, strict=True):
        parameters.append((name, _default(rows[i])))
    order = sorted(range(len(chosen)), key=lambda k: (parameters[k][1] is not None, names[k] == "layers"))
    written = {i: Formula(names[k], vectors[i]) for k, i in enumerate(chosen)}
    for i, (base, form) in formulas.items():
        name = form if base is None else form.format(names[chosen.index(base)])
        written[i] = Formula(name, vectors[i])
    values = iter([written.get(i, vector[0]) for i, vector in enumerate(vectors)])
    return Unified(
        [parameters[k] for k in order],
        _rebuilt(chains, values),
        [tuple(rows[chosen[k]][j].value for k in order) for j in range(len(chains))],
    )


def values_of(value: Any, count: int) -> tuple[Any, ...]:
    """What a value is at each of `count` uses."""
    return value.values if isinstance(value, Formula) else (value,) * count


def _explain(
    labels: list[str], vectors: list[tuple[Any, ...]], flowing: tuple[int | None, ...], rank: int
) -> tuple[dict[int, tuple[int | None, str]], list[int]]:
    """Which values are parameters, and the formulas for the others: the parameter (None: what flows in), and a form."""
    formulas: dict[int, tuple[int | None, str]] = {}
    chosen: list[int] = []
    varying = [i for i, vector in enumerate(vectors) if len({(type(v), v) for v in vector}) > 1]
    for i in sorted(varying, key=lambda i: (labels[i] == "pad", _size(vectors[i]), i)):
        bases = [(base, labels[base], vectors[base], "{}") for base in chosen]
        channels = f"input.{'channels' if rank > 2 else 'features'}"
        for base, label, vector, name in [(None, "filters", flowing, channels), *bases]:
            form = _form(labels[i], vectors[i], label, vector, name)
            if form is not None:
                formulas[i] = (base, form)
                break
        else:
            chosen.append(i)
    return formulas, sorted(chosen)


def _form(label: str, vector: tuple[Any, ...], base_label: str, base: tuple[Any, ...], name: str) -> str | None:
    """A formula that gives one option from another one, of those that people write: `4 * filters`, `kernel // 2`."""
    if vector == base and _group(label) == _group(base_label):
        return name if all(type(a) is type(b) for a, b in zip(vector, base, strict=True)) else None
    if _group(label) == _group(base_label) == "counts":
        return _multiple(vector, base, name)
    if label == "pad" and base_label in ("kernel", "window") and _is_half(vector, base):
        return f"{name} // 2"
    return None


def _group(label: str) -> str:
    """Options of one group may be equal for a reason."""
    return "counts" if label in COUNTS else "sizes" if label in SIZES else label


def _size(vector: tuple[Any, ...]) -> float:
    return sum(v for v in vector if isinstance(v, int | float))


def _are_counts(*vectors: tuple[Any, ...]) -> bool:
    return all(type(v) is int and v > 0 for vector in vectors for v in vector)


def _multiple(vector: tuple[Any, ...], base: tuple[Any, ...], name: str) -> str | None:
    """`4 * name` or `name // 4`, if that is always the value."""
    if not _are_counts(vector, base):
        return None
    if vector[0] % base[0] == 0:
        factor = vector[0] // base[0]
        return f"{factor} * {name}" if all(v == factor * b for v, b in zip(vector, base, strict=True)) else None
    if base[0] % vector[0] == 0:
        factor = base[0] // vector[0]
        return f"{name} // {factor}" if all(b == factor * v for v, b in zip(vector, base, strict=True)) else None
    return None


def _is_half(vector: tuple[Any, ...], base: tuple[Any, ...]) -> bool:
    """Whether a padding is half of a window."""
    return (
        _are_counts(base)
        and len(set(base)) > 1
        and all(type(v) is int for v in vector)
        and all(v == b // 2 for v, b in zip(vector, base, strict=True))
    )


def _default(row: Sequence[Place]) -> Any:
    """The most frequent value, for options that blocks are rarely about."""
    if row[0].label in SIZES_OF_LAYERS:
        return None
    counts = Counter(place.value for place in row if type(place.value) in (int, float))
    if not counts:
        return None
    value = max(counts, key=lambda value: counts[value])
    return value if 2 * counts[value] >= len(row) else None


def _names(places: list[Place], chain: Chain) -> list[str]:
    """Names of parameters: those of the options; numbered where several have the same."""
    names = [_name(place, chain) for place in places]
    totals = Counter(names)
    if totals["filters"] > 1:
        names = _names_of_filters(places, names, chain)
        totals = Counter(names)
    seen: Counter[str] = Counter()
    result = []
    for name in names:
        seen[name] += 1
        result.append(f"{name}{seen[name]}" if totals[name] > 1 else name)
    return result


def _name(place: Place, chain: Chain) -> str:
    if place.label == "count":
        return "layers"
    if place.label == "tensor":
        return "memory" if any(isinstance(t, Use) and t.word == "attention" for t in walk(chain)) else "skip"
    if place.label == "units" and len([t for t in walk(chain) if isinstance(t, Use) and t.word == "dense"]) > 1:
        dense = [t for t in walk(chain) if isinstance(t, Use) and t.word == "dense"]
        return "units" if place.term is dense[-1] else "hidden"
    return place.label


def _names_of_filters(places: list[Place], names: list[str], chain: Chain) -> list[str]:
    """The filters of several convolutions: by their kernels in the branches of an inception block."""
    result = list(names)
    for term in walk(chain):
        for branch in term.branches if isinstance(term, Merge) else ():
            convolutions = [t for t in branch if isinstance(t, Use) and t.word == "conv"]
            for position, place in enumerate(places):
                if names[position] != "filters" or not any(place.term is t for t in convolutions):
                    continue
                kernel = _kernel(convolutions[-1])
                is_last = place.term is convolutions[-1]
                has_pool = any(isinstance(t, Use) and t.word in ("maxpool", "avgpool") for t in branch)
                result[position] = "pool" if has_pool else f"conv{kernel}" if is_last else f"reduce{kernel}"
    return result


def _kernel(term: Use) -> str:
    kernel = term.numbers.get("kernel", "")
    return str(kernel) if isinstance(kernel, int) else ""


def _rebuilt(chains: Sequence[Chain], values: Iterator[Any]) -> Chain:
    """The first of the chains with other values, and with what flows into all of them."""
    return tuple(_rebuilt_term(terms, values) for terms in zip(*chains, strict=True))


def _rebuilt_term(terms: tuple[Term, ...], values: Iterator[Any]) -> Term:
    first = terms[0]
    own = tuple(next(values) for _ in first.values)
    inner = tuple(_rebuilt(chains, values) for chains in zip(*(t.chains for t in terms), strict=True))
    channels = tuple(n for term in terms for n in term.channels)
    made = first.replaced(values=own, chains=inner, channels=channels)
    if isinstance(made, Shortcut):
        made = made.replaced(identities=tuple(i for t in terms if isinstance(t, Shortcut) for i in t.identities))
    return made
