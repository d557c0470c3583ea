"""Equal neighbors in a chain become copies: `conv(64) -> conv(64)` is `conv(64) * 2`."""

from __future__ import annotations

from netspec.interchange.reading.text.terms import Chain, Merge, Reference, Repeat, Term, Use, count_of, walk, weight_of

MAX_PERIOD = 60
"""The longest chain that copies are looked for of, in items."""
MIN_WEIGHT = 10
"""About how many letters a repeated item has at least: `relu * 2` is not shorter."""
TAILS = {
    "activation": 4,
    "dropout": 3,
    "droppath": 3,
    "maxpool": 2,
    "avgpool": 2,
    "batchnorm": 1,
    "layernorm": 1,
    "groupnorm": 1,
    "instancenorm": 1,
    "rmsnorm": 1,
    "lrn": 1,
}
"""How unusual it is for a block to begin with a layer."""


def tail_cost(term: Term) -> int:
    """How unusual it is for a block to begin with a term: `relu` belongs to the layer before it."""
    if not isinstance(term, Use) or term.layer is None:
        return 0
    return TAILS.get(term.layer.word or "activation", 0)


def fold_repeats(chain: Chain) -> Chain:
    """A chain with its repetitions as copies, the longest ones first; inner chains are left as they are."""
    while True:
        best = _best_run(chain)
        if best is None:
            return _absorbed(chain)
        begin, period, copies = best
        end = begin + period * copies
        parts = [chain[begin + i * period : begin + (i + 1) * period] for i in range(copies)]
        inner = tuple(_joined(terms) for terms in zip(*parts, strict=True))
        if len(inner) == 1 and isinstance(inner[0], Repeat) and isinstance(inner[0].values[0], int):
            copies, inner = copies * inner[0].values[0], inner[0].chains[0]
        inner = fold_repeats(inner)
        item = Repeat(channels=chain[begin].channels, rank=chain[begin].rank, values=(copies,), chains=(inner,))
        chain = (*chain[:begin], item, *chain[end:])


def _absorbed(chain: Chain) -> Chain:
    """`a -> a * 2` is `a * 3`."""
    items: list[Term] = []
    for term in chain:
        before = items[-1] if items else None
        if isinstance(before, Repeat) and type(before.values[0]) is int:
            (inner,) = before.chains
            more = term.values[0] if isinstance(term, Repeat) else 1
            same = term.chains[0] if isinstance(term, Repeat) else (term,)
            if type(more) is int and [t.key for t in inner] == [t.key for t in same]:
                items[-1] = _copies(before, _both(inner, same), before.values[0] + more)
                continue
        if isinstance(term, Repeat) and type(term.values[0]) is int:
            (inner,) = term.chains
            start = len(items) - len(inner)
            if start >= 0 and [t.key for t in inner] == [t.key for t in items[start:]]:
                items[start:] = [_copies(term, _both(tuple(items[start:]), inner), term.values[0] + 1)]
                continue
        items.append(term)
    return tuple(items)


def _both(one: Chain, other: Chain) -> Chain:
    return tuple(_joined(terms) for terms in zip(one, other, strict=True))


def _copies(term: Repeat, inner: Chain, count: int) -> Repeat:
    return Repeat(channels=inner[0].channels, rank=term.rank, values=(count,), chains=(inner,))


def _best_run(chain: Chain) -> tuple[int, int, int] | None:
    """Where a repetition begins, the items that are repeated, and how often."""
    keys: dict[object, int] = {}
    ids = [keys.setdefault(term.key, len(keys)) for term in chain]
    best: tuple[float, int, int, int] | None = None
    for period in range(1, min(MAX_PERIOD, len(ids) // 2) + 1):
        begin = 0
        while begin + period < len(ids):
            length = 0
            while begin + period + length < len(ids) and ids[begin + length] == ids[begin + period + length]:
                length += 1
            if length >= period:
                found = _rated(chain, begin, period, length + period)
                best = found if found is not None and (best is None or found > best) else best
            begin += max(1, length)
    return None if best is None else (-best[1], best[2], best[3])


def _rated(chain: Chain, begin: int, period: int, length: int) -> tuple[float, int, int, int] | None:
    """The best phase of a run of that length; shorter periods are better where they say the same."""
    best: tuple[float, int, int, int] | None = None
    for start in range(begin, begin + period):
        copies = (length - (start - begin)) // period
        unit = chain[start : start + period]
        if copies < 2 or _computes_tensors(unit):
            continue
        saved = weight_of(unit) * (copies - 1)
        if saved < MIN_WEIGHT or (period == 1 and isinstance(unit[0], Repeat)):
            continue
        if period == 1 and isinstance(unit[0], Use) and copies < 3 and "(" not in unit[0].source:
            continue
        rating = saved * (1 - 0.15 * tail_cost(unit[0])) - 6 * (period > 1) - 0.01 * period
        found = (rating, -start, period, copies)
        best = found if best is None or found > best else best
    return best


def _computes_tensors(chain: Chain) -> bool:
    """Whether layers are applied to references: copies would read the same result, which is computed once."""
    inner = (part for term in walk(chain) for part in term.chains if len(part) > 1)
    return any(isinstance(part[0], Reference) for part in (chain, *inner) if part)


def _joined(terms: tuple[Term, ...]) -> Term:
    """One term for several copies; what flows in is known where it is the same for all of them."""
    first = terms[0]
    channels = tuple(
        numbers[0] if len(set(numbers)) == 1 else None for numbers in zip(*(t.channels for t in terms), strict=True)
    )
    chains = tuple(
        tuple(_joined(copies) for copies in zip(*inner, strict=True))
        for inner in zip(*(t.chains for t in terms), strict=True)
    )
    return first.replaced(channels=channels, chains=chains)


def has_branches(chain: Chain) -> bool:
    """Whether a chain has branches with several layers."""
    return any(isinstance(term, Merge) and count_of((term,)) > 2 for term in chain)
