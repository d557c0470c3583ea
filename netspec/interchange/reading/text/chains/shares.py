"""Chains whose weights are used more than once become shared layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from netspec.interchange.reading.text.chains.structure import Program
from netspec.interchange.reading.text.terms import Chain, Label, Shared, Term, Use, walk, weight_of

MAX_LENGTH = 200


def find_shares(program: Program) -> None:
    """Replace chains that share all their weights by uses of one name; the longest first."""
    tables = list(program.tables)
    while True:
        chains = [chain for s in program.statements for chain in _all_chains(s.chain)]
        uses = Counter(root for s in program.statements for root in _roots(s.chain))
        best = _table(chains, tables) or _longest(chains, uses)
        if best is None:
            return
        unit, found = best
        root = unit[0].share if len(unit) == 1 and isinstance(unit[0], Use) else None
        label = program.tables.get(root, Label()) if root is not None else Label()
        if root in tables:
            tables.remove(root)
        program.shares.append((label, _without_shares(unit)))
        places: dict[int, list[int]] = {}
        for chain, begin in found:
            places.setdefault(id(chain), []).append(begin)
        for statement in program.statements:
            statement.chain = _replaced(statement.chain, places, len(unit), label)


def _all_chains(chain: Chain) -> list[Chain]:
    return [chain, *(inner for term in walk(chain) for inner in term.chains)]


def _table(chains: Sequence[Chain], tables: list[int]) -> tuple[Chain, list[tuple[Chain, int]]] | None:
    """An embedding whose table is read by `unembed`: it is shared alone."""
    for root in tables:
        found = [
            (chain, i)
            for chain in chains
            for i, term in enumerate(chain)
            if isinstance(term, Use) and term.share == root
        ]
        if found:
            chain, begin = found[0]
            return chain[begin : begin + 1], found
    return None


def _longest(chains: Sequence[Chain], uses: Counter[int]) -> tuple[Chain, list[tuple[Chain, int]]] | None:
    """The longest chain that occurs several times with the same weights, which nothing else has; and where.

    `uses` is how often each set of weights is used.
    """
    groups: dict[tuple[object, ...], list[tuple[Chain, int]]] = {}
    numbers: dict[object, int] = {}
    for chain in chains:
        if not any(_shares(term) for term in chain):
            continue
        ids = [numbers.setdefault(term.key, len(numbers)) for term in chain]
        is_free = [_is_free(term) for term in chain]
        for begin, term in enumerate(chain):
            if not _shares(term):
                continue
            for end in range(begin + 1, min(len(chain), begin + MAX_LENGTH) + 1):
                if not is_free[end - 1]:
                    break
                group = groups.setdefault(tuple(ids[begin:end]), [])
                if not (group and group[-1][0] is chain and group[-1][1] + end - begin > begin):
                    group.append((chain, begin))
    best: tuple[int, Chain, list[tuple[Chain, int]]] | None = None
    for key, found in groups.items():
        unit = found[0][0][found[0][1] : found[0][1] + len(key)]
        if len(found) < 2 or (best is not None and weight_of(unit) <= best[0]):
            continue
        if all(count * len(found) == uses[root] for root, count in Counter(_roots(unit)).items()):
            best = (weight_of(unit), unit, found)
    return None if best is None else best[1:]


def _roots(chain: Chain) -> list[int]:
    """The weights that are used, as often as they are."""
    return [term.share for term in walk(chain) if isinstance(term, Use) and term.share is not None]


def _shares(term: Term) -> bool:
    return any(isinstance(part, Use) and part.share is not None for part in walk((term,)))


def _is_free(term: Term) -> bool:
    """Whether a term has no weights but shared ones."""
    return not any(isinstance(part, Use) and part.is_owner for part in walk((term,)))


def _without_shares(chain: Chain) -> Chain:
    items = []
    for term in chain:
        inner = tuple(_without_shares(part) for part in term.chains)
        more = {"share": None} if isinstance(term, Use) else {}
        items.append(term.replaced(chains=inner, **more))
    return tuple(items)


def _replaced(chain: Chain, places: dict[int, list[int]], length: int, label: Label) -> Chain:
    items = list(chain)
    for begin in reversed(places.get(id(chain), [])):
        first = chain[begin]
        items[begin : begin + length] = [Shared(channels=first.channels, rank=first.rank, label=label)]
    result = [term.replaced(chains=tuple(_replaced(c, places, length, label) for c in term.chains)) for term in items]
    return tuple(result) if result else chain
