"""Whether the words of an optimizer chain are in order, and whether the layers that settings name exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from netspec.language.diagnostics import Diagnostic, Problems
from netspec.language.source import Span
from netspec.training.errors import recipe as errors
from netspec.training.optimizers import ChainWord
from netspec.training.optimizers.layer_selection import advise_layer, is_inside, names_of


def check_optimizer(
    chain: Sequence[ChainWord],
    freeze: Sequence[str],
    layers: Mapping[str, int] | None,
    spans: Mapping[str, Span],
    problems: Problems,
) -> None:
    """What of the settings can be checked without data (NS451 to NS454, NS457).

    Args:
        chain: the words of the optimizer.
        freeze: the layers that stay as they are.
        layers: how many weights each layer trains, by its name; None: names are not looked at.
        spans: where the keys of the section are in the text, and their items, as `optimizer.0`.
        problems: where mistakes go.
    """
    for wrong in _wrong_order(chain, spans):
        problems.add(wrong)
    for wrong in _wrong_layers(chain, freeze, layers, spans) if layers is not None else ():
        problems.add(wrong)


def check_gradient_words(chain: Sequence[ChainWord], spans: Mapping[str, Span]) -> Iterator[Diagnostic]:
    """Words for gradients after the word with the learning rate (NS565), the first of them."""
    rated = [i for i, word in enumerate(chain) if word.has_rate]
    late = [i for i, word in enumerate(chain) if word.is_of_gradient and rated and i > rated[0]]
    if late and len(rated) == 1:
        place, moved = rated[0], [chain[i] for i in late]
        rest = [word for i, word in enumerate(chain) if i > place and i not in late]
        right = text_of([*chain[:place], *moved, chain[place], *rest])
        word, other = moved[0].word, chain[place].word
        yield errors.AfterOptimizer(span=_span(spans, "optimizer", late[0]), word=word, other=other, right=right)


def _span(spans: Mapping[str, Span], key: str, index: int) -> Span | None:
    return spans.get(f"{key}.{index}", spans.get(key))


def text_of(chain: Sequence[ChainWord]) -> str:
    """A chain as it is typed."""
    return " -> ".join(word.to_source() for word in chain)


def _wrong_order(chain: Sequence[ChainWord], spans: Mapping[str, Span]) -> Iterator[Diagnostic]:
    """One word has a learning rate (NS457), and every other one is on its side of it (NS451)."""
    rated = [word for word in chain if word.has_rate]
    if len(rated) != 1:
        words, case = ", ".join(f"`{word.word}`" for word in rated), "" if rated else "none"
        yield errors.RateCount(span=spans.get("optimizer"), case=case, words=words, chain=text_of(chain))
        return
    for index, word in enumerate(chain):
        if (misplaced := _misplaced(index, chain)) is not None:
            case, other = misplaced
            span, right = _span(spans, "optimizer", index), text_of(_in_order(chain))
            yield errors.WrongPlace(span=span, case=case, word=word.word, other=other.word, right=right)
            return


def _misplaced(index: int, chain: Sequence[ChainWord]) -> tuple[str, ChainWord] | None:
    """The case of `WrongPlace` for a word that is in the wrong place, and the word that it must be moved past."""
    word, place = chain[index], next(i for i, other in enumerate(chain) if other.has_rate)
    rated, is_after_rate = chain[place], index > place
    if word.place == "first" and index:
        return "first", chain[index - 1]
    if word.place == "before" and is_after_rate:
        return "before", rated
    if word.place in ("after", "last") and not is_after_rate:
        return "after", rated
    following = next((other for other in chain[index + 1 :] if other.place != "last"), None)
    if word.place == "last" and following is not None:
        return "last", following
    return None


ORDER = {"first": 0, "before": 1, "after": 3, "last": 4}
RATED = 2


def _in_order(chain: Sequence[ChainWord]) -> list[ChainWord]:
    """The same words, each in its position; those that may be anywhere stay on their side of the learning rate."""
    rated = next(i for i, word in enumerate(chain) if word.has_rate)
    sides = [ORDER["before"]] * rated + [RATED] + [ORDER["after"]] * (len(chain) - rated - 1)
    ranks = [RATED if side == RATED else ORDER.get(word.place, side) for word, side in zip(chain, sides, strict=True)]
    return [chain[i] for i in sorted(range(len(chain)), key=ranks.__getitem__)]


def _wrong_layers(
    chain: Sequence[ChainWord], freeze: Sequence[str], layers: Mapping[str, int], spans: Mapping[str, Span]
) -> Iterator[Diagnostic]:
    """Every name is that of a layer or block with weights (NS452), and something is left to train (NS453, NS454)."""
    known = {name: weights for name, weights in names_of(layers).items() if weights}
    rated = [(name, _span(spans, "optimizer", i)) for i, word in enumerate(chain) for name in word.layers]
    for name, span in [*((name, _span(spans, "freeze", i)) for i, name in enumerate(freeze)), *rated]:
        if name not in known:
            yield errors.UnknownLayer(span=span, name=name, advice=advise_layer(name, known))
    left = [layer for layer, weights in layers.items() if weights and not any(is_inside(layer, n) for n in freeze)]
    if freeze and known and not left:
        yield errors.AllFrozen(span=spans.get("freeze"), names=" and ".join(f"`{name}`" for name in freeze))
        return
    for name, span in rated:
        if name in known and not any(is_inside(layer, name) for layer in left):
            yield errors.RateOfFrozen(span=span, name=name)
