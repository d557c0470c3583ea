"""What was meant by a misspelled word or one from another library: as a hint, and as a correction that is applied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from netspec.language.diagnostics import Fix
from netspec.language.source import Span


def squeeze(word: str) -> str:
    """A word without what people write in different ways: capitals, `-` and `_`."""
    return word[:40].lower().replace("-", "").replace("_", "")


def nearest(word: str, candidates: Iterable[str], aliases: Mapping[str, str] | None = None) -> str | None:
    """The candidate that was most likely meant, or None when nothing is near.

    Args:
        word: what was written.
        candidates: what could have been meant.
        aliases: what candidates are called in other languages, squeezed, and their names here.
    """
    pool = sorted(set(candidates))
    if aliases is not None and aliases.get(squeeze(word)) in pool:
        return aliases[squeeze(word)]
    squeezed = {squeeze(c): c for c in pool}
    if squeeze(word) in squeezed:
        return squeezed[squeeze(word)]
    close = get_close_matches(word[:40].lower().replace("-", "_"), pool, n=1, cutoff=0.6)
    return close[0] if close else None


MAX_NAMES = 12
"""Names that a hint lists at most."""


def suggest(
    word: str,
    candidates: Iterable[str],
    *,
    what: str = "known",
    aliases: Mapping[str, str] | None = None,
    limit: int = MAX_NAMES,
    rest: str = "",
) -> str:
    """The hint for a misspelled word: the nearest name, or where none is near the list. Of a long one the likeliest
    names are shown, and `rest`, which says where the others are."""
    pool = sorted(set(candidates))
    close = nearest(word, pool, aliases)
    if close is not None:
        return f"did you mean `{close}`?"
    if len(pool) <= limit:
        return f"{what}: {', '.join(pool)}" if pool else ""
    likely = sorted(get_close_matches(word[:40].lower(), pool, n=limit, cutoff=0))
    return f"{what}: {', '.join(likely)}, …{f'; {rest}' if rest else ''}"


def corrections(
    span: Span, candidates: Iterable[str], aliases: Mapping[str, str] | None = None, prefix: str = ""
) -> tuple[Fix, ...]:
    """The nearest candidate in place of the word that a span covers.

    It is sure if it is what other libraries call the candidate, or if no other candidate is near.

    Args:
        span: the misspelled word, after `prefix`.
        candidates: what could have been meant.
        aliases: as in `nearest`.
        prefix: what the span covers before the word, and what is before each candidate.
    """
    word, pool = span.text.removeprefix(prefix), set(candidates)
    meant = nearest(word, pool, aliases)
    if meant is None:
        return ()
    if squeeze(meant) == squeeze(word) or (aliases or {}).get(squeeze(word)) == meant:
        is_sure = not re.fullmatch(INEXACT, squeeze(word))
    else:
        is_sure = [name for name in pool if is_misspelling(word.lower(), name)] == [meant]
    return (Fix(span, prefix + meant, is_sure),)


INEXACT = (
    "adaptive.*pool.d|bi(gru|lstm|rnn)|crossattention|(spatial)?dropout.d|randomverticalflip|stack|upsamplingbilinear2d"
    "|(circular|reflection|replication)pad2d|(final)?divfactor|etamin|min(lr|scale)|trainable|unitforgetbias"
)
"""Names in other libraries, squeezed, that need more than another name here: other arguments, or the opposite value."""


def continued(span: Span) -> tuple[Fix, ...]:
    """An arrow before the layer that a line begins with, if the line before it ends in a layer or tensor.

    Comments and empty lines may be between them.
    """
    before = [re.sub("#.*", "", line).rstrip() for line in span.source.text[: span.start].split("\n")]
    last = next((line for line in reversed(before) if line), "")
    is_chain = before[-1] == "" and re.search(r"[\w)]$", last)
    return (Fix(Span(span.source, span.start, span.start), "-> "),) if is_chain else ()


def is_misspelling(word: str, name: str) -> bool:
    """Whether one letter (two of at least six) is wrong, missing, doubled or swapped; digits must be the same."""
    limit = 2 if len(word) >= 6 else 1 if len(word) >= 3 else 0
    if abs(len(word) - len(name)) > limit or re.sub(r"\D", "", word) != re.sub(r"\D", "", name):
        return False
    before: list[int] = []
    row = list(range(len(name) + 1))
    for i, a in enumerate(word):
        last, before, row = before, row, [i + 1]
        for j, b in enumerate(name):
            row.append(min(before[j] + (a != b), before[j + 1] + 1, row[j] + 1))
            if i and j and a == name[j - 1] and word[i - 1] == b:
                row[-1] = min(row[-1], last[j - 1] + 1)
    return row[-1] <= limit
