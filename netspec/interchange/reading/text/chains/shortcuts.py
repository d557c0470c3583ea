"""Residual connections whose shortcut is the input in some places, and a projection to other channels in others."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.interchange.reading.text.printing import is_sum
from netspec.interchange.reading.text.terms import (
    Chain,
    Formula,
    Merge,
    Shortcut,
    Term,
    Text,
    Use,
    at,
    value_text,
    walk,
)

MAX_PROJECTION = 2
"""How many layers a projection has at most: a 1x1 convolution and a norm."""


def find_shortcuts(text: Text) -> None:
    """Let the input be a kind of projection, where some residual connections have one and others have none, so that
    both can be uses of one block."""
    sums = [t for chain in text.all_chains() for t in chain if isinstance(t, Merge) and is_sum(t)]
    templates: dict[tuple[object, int], Chain] = {}
    for merge in sums:
        for index, branch in enumerate(merge.branches):
            body = merge.branches[1 - index] if len(merge.branches) == 2 else ()
            if _is_projection(branch) and len(body) > len(branch):
                templates.setdefault((_skeleton(body), index), branch)
    bodies = {(_skeleton(m.branches[1 - i]), i) for m in sums for i in _empty_branches(m)}
    text.everywhere(lambda chain: tuple(_optional(term, templates, bodies) for term in chain))


def _skeleton(chain: Chain) -> object:
    return tuple(term.skeleton for term in chain)


def _is_projection(chain: Chain) -> bool:
    first = chain[0] if chain else None
    if not isinstance(first, Use) or first.word != "conv" or len(chain) > MAX_PROJECTION or first.share is not None:
        return False
    return first.numbers.get("kernel") == 1


def _empty_branches(merge: Merge) -> list[int]:
    if len(merge.branches) != 2:
        return []
    return [i for i, branch in enumerate(merge.branches) if not branch and merge.branches[1 - i]]


def _optional(term: Term, templates: dict[tuple[object, int], Chain], bodies: set[tuple[object, int]]) -> Term:
    """A residual connection with a shortcut that may be an identity or a projection."""
    if not isinstance(term, Merge) or len(term.branches) != 2 or not is_sum(term):
        return term
    for index, branch in enumerate(term.branches):
        key = (_skeleton(term.branches[1 - index]), index)
        template = templates.get(key)
        if template is None or key not in bodies:
            continue
        if branch and _skeleton(branch) != _skeleton(template):
            continue
        chain = branch or _as_identity(template, term)
        shortcut = Shortcut(channels=term.channels, rank=term.rank, chains=(chain,), identities=(not branch,))
        chains = list(term.chains)
        chains[index] = (shortcut,)
        return term.replaced(chains=tuple(chains))
    return term


def _as_identity(template: Chain, merge: Merge) -> Chain:
    """The projection that would keep the shape."""
    first, *rest = template
    assert isinstance(first, Use)
    numbers = {**first.numbers, "filters": merge.channels[0], "stride": 1}
    values = tuple(numbers[name] for name in first.names)
    return (
        first.replaced(values=values, channels=merge.channels),
        *(term.replaced(channels=merge.channels) for term in rest),
    )


def has_condition(chains: Sequence[Chain]) -> bool:
    """Whether a shortcut depends on the parameters of the block around it, and so cannot be moved to another."""
    return any(isinstance(t, Shortcut) and t.condition for chain in chains for t in walk(chain))


def with_conditions(chain: Chain, flowing: tuple[int | None, ...]) -> Chain | None:
    """The body of a block, with the conditions of its shortcuts; None if there is none for one of them.

    Args:
        chain: the body, or a chain inside it.
        flowing: the channels that flow into the block at each use.
    """
    items: list[Term] = []
    for term in chain:
        chains = []
        for inner in term.chains:
            made = with_conditions(inner, flowing)
            if made is None:
                return None
            chains.append(made)
        if isinstance(term, Shortcut) and term.is_mixed:
            condition = _condition(term, flowing)
            if condition is None:
                return None
            term = term.replaced(condition=condition)
        items.append(term.replaced(chains=tuple(chains)))
    return tuple(items)


def _condition(term: Shortcut, flowing: tuple[int | None, ...]) -> str | None:
    """When a shortcut is the input, as a condition on the parameters of a block."""
    first = term.chains[0][0]
    assert isinstance(first, Use)
    numbers = first.numbers
    filters, strides = numbers["filters"], numbers["stride"]
    count = len(term.identities)
    keeps = [n == at(filters, i) for i, n in enumerate(term.channels)]
    stays = [at(strides, i) == 1 for i in range(count)]
    keeping = f"input.{'channels' if term.rank > 2 else 'features'} == {value_text(filters)}"
    staying = f"{value_text(strides)} == 1"
    can_keep = term.channels == flowing and None not in flowing
    can_stay = isinstance(strides, Formula)
    identities = list(term.identities)
    if can_keep and keeps == identities:
        return keeping
    if can_stay and stays == identities:
        return staying
    both = [a and b for a, b in zip(keeps, stays, strict=True)]
    return f"{staying} and {keeping}" if can_keep and can_stay and both == identities else None
