"""Makes the film reviews that `specs/sentiment.net` is trained on, from templates: free to use, as netspec is.

    python benchmarks/make_reviews.py specs/reviews.csv

Single words do not tell the sentiment: most sentences of praise or blame are negated, reported from others and denied,
or turned around by a `but`. What a review as a whole says is what its last sentence says, or else most of them.
"""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

COUNT = 2000
PRAISE = """
good great brilliant charming clever convincing delightful enjoyable fresh funny gripping inspired lively lovely
moving original powerful sharp stunning subtle superb tender thoughtful touching warm witty wonderful elegant exciting
fascinating graceful hilarious honest imaginative intense perfect remarkable rich satisfying smart splendid vivid
"""
BLAME = """
bad annoying awful boring clumsy confusing dreadful dull empty flat forgettable hollow lazy lifeless loud messy
muddled pointless predictable shallow silly slow stale tedious tiresome weak absurd bland chaotic cheap cold crude
feeble incoherent irritating lame pretentious sloppy stupid terrible wooden
"""
GOOD, BAD = PRAISE.split(), BLAME.split()
PARTS = """
film movie acting camera cast chase comedy costume dialogue direction editing ending finale hero humor lead lighting
makeup music narration opening pacing plot premise prologue romance scenery score script sequel soundtrack story style
title twist villain
"""
THINGS = PARTS.split()
HOW = ("", "", "", "really ", "very ", "truly ", "quite ", "rather ", "surprisingly ")
PLAIN = (
    "The {thing} is {how}{same}.",
    "The {thing} was {how}{same}.",
    "I found the {thing} {how}{same}.",
    "What a {same} {thing}!",
    "A {how}{same} {thing}.",
    "It was a {how}{same} {thing}.",
    "{Same} {thing}, {how}{same2}.",
)
TURNED = (
    "The {thing} isn't {how}{other}.",
    "The {thing} is not {how}{other}.",
    "The {thing} was not {other} at all.",
    "Not a {other} {thing}.",
    "It is not a {other} {thing}.",
    "This was not a {how}{other} {thing}.",
    "Nobody could call the {thing} {other}.",
    "I never found the {thing} {other}.",
    "The {thing} is anything but {other}.",
    "My friends say the {thing} is {other}; I don't agree.",
    "I expected a {other} {thing}, but it was {how}{same}.",
    "The {thing} starts {other}, but ends up {same}.",
    "Far from {other}, the {thing}.",
)
VERDICTS = (
    ("I would watch it again.", "I would not watch it again."),
    ("I can recommend it.", "I can't recommend it."),
    ("Don't miss it.", "Better miss it."),
    ("I didn't regret a minute.", "I regret every minute."),
    ("You won't be disappointed.", "You will be disappointed."),
    ("Worth the ticket, every cent.", "Not worth a cent of the ticket."),
)


def sentence(rng: random.Random, sign: int) -> str:
    """A sentence about a part of the film, of praise (1) or blame (-1)."""
    same, other = (GOOD, BAD) if sign > 0 else (BAD, GOOD)
    first, second = rng.sample(same, 2)
    template = rng.choice(TURNED if rng.random() < 0.5 else PLAIN)
    return template.format(
        thing=rng.choice(THINGS),
        how=rng.choice(HOW),
        same=first,
        Same=first.capitalize(),
        same2=second,
        other=rng.choice(other),
    )


def review(rng: random.Random) -> tuple[str, str]:
    """A review and its sentiment."""
    sentiment = rng.choice((1, -1))
    signs = [sentiment if rng.random() < 0.8 else -sentiment for _ in range(rng.choice((1, 2, 2, 3)))]
    parts = [sentence(rng, sign) for sign in signs]
    if sum(signs) * sentiment <= 0 or rng.random() < 0.3:
        parts.append(rng.choice(VERDICTS)[sentiment < 0])
    return " ".join(parts), "positive" if sentiment > 0 else "negative"


def main(path: Path) -> None:
    rng, rows = random.Random(7), dict[str, str]()
    while len(rows) < COUNT:
        text, sentiment = review(rng)
        rows.setdefault(text, sentiment)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["review", "sentiment"])
        writer.writerows(rows.items())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
