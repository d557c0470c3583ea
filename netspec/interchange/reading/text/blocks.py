"""Chains that occur several times become blocks, the ones that save the most text first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from netspec.interchange.reading.text.chains.shortcuts import has_condition, with_conditions
from netspec.interchange.reading.text.repeats import fold_repeats, has_branches, tail_cost
from netspec.interchange.reading.text.terms import (
    Block,
    Call,
    Chain,
    Formula,
    Merge,
    Reference,
    Repeat,
    Shortcut,
    Term,
    Text,
    Use,
    count_of,
    value_text,
    walk,
    weight_of,
)
from netspec.interchange.reading.text.unify import Unified, unify

MAX_LENGTH = 48
"""The longest chain that may become a block, in items."""
MAX_PARAMETERS = 6
MIN_SAVED = 50
"""How many letters a block saves at least."""
MIN_BODY = 45
"""How many letters the body of a block has at least, without its parameters."""
MIN_PER_PARAMETER = 20
MAX_BLOCKS = 40
MAX_USES = 40
"""With more uses of a block, none is left out of it for the sake of its parameters."""
MAX_TRIED = 24
"""How many structures are compared in detail for each block."""
LONG = 80
"""Copies of a chain with branches that is longer than this, in letters, become copies of a block."""


@dataclass(eq=False)
class _Candidate:
    """Chains of one structure: where each begins."""

    found: list[tuple[Chain, int]]
    length: int
    bound: float = 0.0

    def chains(self) -> list[Chain]:
        return [chain[begin : begin + self.length] for chain, begin in self.found]


def find_blocks(text: Text) -> None:
    """Replace chains that occur several times by uses of blocks."""
    text.everywhere(fold_repeats)
    for _ in range(MAX_BLOCKS):
        best = _best(text)
        if best is None:
            break
        _extract(text, *best)
        text.everywhere(fold_repeats)
    text.everywhere(lambda chain: _with_named_copies(text, chain))


def _best(text: Text) -> tuple[_Candidate, Unified] | None:
    """The chains that save the most, and the block that they become."""
    best: tuple[float, _Candidate, Unified] | None = None
    candidates = sorted(_candidates(text), key=lambda c: -c.bound)
    for candidate in candidates[: MAX_TRIED * 4]:
        if candidate.bound < MIN_SAVED or (best is not None and candidate.bound <= best[0]):
            break
        if has_condition(candidate.chains()):
            continue
        unified = _unified(candidate)
        if unified is None or len(unified.parameters) > MAX_PARAMETERS:
            continue
        if fixed_weight(unified.body) < max(MIN_BODY, MIN_PER_PARAMETER * len(unified.parameters)):
            continue
        saved = _saved(candidate, unified) * _quality(candidate)
        if saved >= MIN_SAVED and (best is None or saved > best[0]):
            best = (saved, candidate, unified)
    return None if best is None else best[1:]


def _unified(candidate: _Candidate) -> Unified | None:
    """The block; chains that alone need two or more parameters are left out of it, and so are those with another kind
    of shortcut if there is no condition for it."""
    unified = unify(candidate.chains())
    body = with_conditions(unified.body, unified.body[0].channels)
    if body is None:
        candidate.found = [place for place in candidate.found if _has_identities(candidate, place)]
        return _unified(candidate) if len(candidate.found) > 1 else None
    unified.body = body
    if not 3 <= len(unified.parameters) <= MAX_PARAMETERS or not 3 < len(candidate.found) <= MAX_USES:
        return unified
    for index in range(len(candidate.found)):
        rest = [*candidate.found[:index], *candidate.found[index + 1 :]]
        fewer = unify(_Candidate(rest, candidate.length).chains())
        if len(fewer.parameters) <= len(unified.parameters) - 2:
            candidate.found = rest
            return _unified(candidate)
    return unified


def _has_identities(candidate: _Candidate, place: tuple[Chain, int]) -> bool:
    chain, begin = place
    terms = walk(chain[begin : begin + candidate.length])
    return all(all(term.identities) for term in terms if isinstance(term, Shortcut))


def _candidates(text: Text) -> Iterator[_Candidate]:
    """Chains that occur at least twice, by their structure."""
    numbers: dict[object, int] = {}
    groups: dict[tuple[int, ...], _Candidate] = {}
    for chain in text.all_chains():
        ids = [numbers.setdefault(term.skeleton, len(numbers)) for term in chain]
        ends: dict[tuple[int, ...], int] = {}
        for begin, term in enumerate(chain):
            if isinstance(term, Reference):
                continue
            for length in range(1, min(MAX_LENGTH, len(ids) - begin) + 1):
                if length == 1 and not (isinstance(term, Merge | Repeat) and count_of((term,)) > 2):
                    continue
                key = tuple(ids[begin : begin + length])
                if begin < ends.get(key, 0):
                    continue
                ends[key] = begin + length
                groups.setdefault(key, _Candidate([], length)).found.append((chain, begin))
    for candidate in groups.values():
        if len(candidate.found) > 1:
            weights = [weight_of(chain) for chain in candidate.chains()]
            candidate.bound = sum(weights) - max(weights) - 12.0 * len(weights)
            yield candidate


def _saved(candidate: _Candidate, unified: Unified) -> float:
    """How many letters are saved."""
    uses = sum(14 + sum(len(value_text(v)) + 3 for v in arguments) for arguments in unified.arguments)
    header = 16 + sum(len(name) + 2 for name, _ in unified.parameters)
    return sum(map(weight_of, candidate.chains())) - uses - header - weight_of(unified.body)


def fixed_weight(chain: Chain) -> int:
    """How many letters of a chain do not come from parameters."""
    given = sum(len(str(v.values[0])) + 2 for term in walk(chain) for v in term.values if isinstance(v, Formula))
    return weight_of(chain) - given


def _quality(candidate: _Candidate) -> float:
    """Less for chains that begin or end inside what belongs together: `conv -> batchnorm -> relu`."""
    rating = 0.0
    for chain, begin in candidate.found:
        end = begin + candidate.length
        cut = tail_cost(chain[begin]) if begin > 0 else 0
        rest = tail_cost(chain[end]) if end < len(chain) else 0
        parted = 4 if end < len(chain) and _ends_before_convolution(chain[begin:end], chain[end]) else 0
        rating += max(0.1, 1 - 0.2 * cut - 0.1 * rest - 0.15 * parted)
    return rating / len(candidate.found)


def _ends_before_convolution(chain: Chain, after: Term) -> bool:
    """Whether a chain ends with the norm and the activation that belong to a convolution after them."""
    is_linear = isinstance(after, Use) and after.word in ("conv", "dense", "depthwise")
    tail = [term for term in chain if tail_cost(term) == 0]
    last = tail[-1] if tail else None
    return is_linear and chain[-1] is not last and not isinstance(last, Use)


def _extract(text: Text, candidate: _Candidate, unified: Unified) -> None:
    """Make a block, and replace its chains by uses."""
    block = Block("", unified.parameters, unified.body, candidate.chains()[0])
    calls: dict[int, list[tuple[int, Call]]] = {}
    for (chain, begin), arguments in zip(candidate.found, unified.arguments, strict=True):
        first = chain[begin]
        call = Call(channels=first.channels, rank=first.rank, values=arguments, block=block)
        calls.setdefault(id(chain), []).append((begin, call))

    def replaced(chain: Chain) -> Chain:
        for begin, call in reversed(calls.get(id(chain), [])):
            chain = (*chain[:begin], call, *chain[begin + candidate.length :])
        return chain

    text.chains = [_replace_inside(chain, replaced) for chain in text.chains]
    for other in text.blocks:
        other.body = _replace_inside(other.body, replaced)
    text.blocks.append(block)


def _replace_inside(chain: Chain, change: Callable[[Chain], Chain]) -> Chain:
    """As `mapped`, but a chain is changed before those inside it are."""
    items: list[Term] = []
    for term in change(chain):
        inner = tuple(_replace_inside(part, change) for part in term.chains)
        is_same = all(a is b for a, b in zip(inner, term.chains, strict=True))
        items.append(term if is_same else term.replaced(chains=inner))
    result = tuple(items)
    return chain if len(result) == len(chain) and all(a is b for a, b in zip(result, chain, strict=True)) else result


def _with_named_copies(text: Text, chain: Chain) -> Chain:
    """Copies of a long chain become copies of a block without parameters."""
    items: list[Term] = []
    for term in chain:
        if isinstance(term, Repeat) and weight_of(term.chains[0]) > LONG and has_branches(term.chains[0]):
            (inner,) = term.chains
            if any(isinstance(v, Formula) for part in walk(inner) for v in part.values):
                items.append(term)
                continue
            block = Block("", [], inner, inner)
            text.blocks.append(block)
            call = Call(channels=inner[0].channels, rank=inner[0].rank, block=block)
            term = term.replaced(chains=((call,),))
        items.append(term)
    return tuple(items)


def ordered_blocks(text: Text) -> list[Block]:
    """The blocks, those that others use first."""
    done: dict[int, Block] = {}
    stack = [(block, False) for block in reversed(text.blocks)]
    while stack:
        block, is_ready = stack.pop()
        if id(block) in done:
            continue
        if is_ready:
            done[id(block)] = block
            continue
        stack.append((block, True))
        inner = [term.block for term in walk(block.body) if isinstance(term, Call) and term.block is not None]
        stack.extend((other, False) for other in reversed(inner))
    return list(done.values())


def uses_of(text: Text, block: Block) -> list[Call]:
    """Every use of a block."""
    chains = (*text.chains, *(other.body for other in text.blocks))
    return [t for chain in chains for t in walk(chain) if isinstance(t, Call) and t.block is block]
