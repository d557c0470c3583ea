"""Words that must not come back: netspec is written in the terms of its field (the glossary in CONTRIBUTING.md)."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "docs", "benchmarks", "examples", "specs"]

VERBS = (
    "[Aa]nalys|[Cc]entralis|[Cc]ustomis|[Dd]eserialis|[Ee]qualis|[Ff]inalis|[Gg]eneralis|[Ii]nitialis|[Mm]aximis|"
    "[Mm]inimis|[Nn]ormalis|[Oo]ptimis|[Oo]rganis|[Pp]enalis|[Qq]uantis|[Rr]andomis|[Rr]ealis|[Rr]ecognis|[Rr]egularis|"
    "[Ss]erialis|[Ss]pecialis|[Ss]tandardis|[Ss]ummaris|[Ss]ynchronis|[Uu]tilis|[Vv]ectoris|[Vv]isualis"
)

# What is not written, and what is written instead. Words that have an ordinary meaning in English as well are here
# only in the phrases in which they were used in a private sense.
WORDS = {
    rf"(?:{VERBS})(?:e|ed|es|er|ers|ing|able|ation|ations)(?![a-z])": "American spelling: -ize",
    r"[Cc]olour|[Gg]rey|[Cc]entre|[Ff]avour|[Bb]ehaviour|[Nn]eighbour|\b[Ll]icence|[Mm]odelling|[Ll]abelled|"
    r"[Cc]ancelled|[Mm]isspelt|[Uu]nlabelled|[Aa]rtefact|\b[Cc]atalogue|\b[Ss]pelt\b|\b[Ll]earnt\b": "American",
    r"(?<!savefig)\b[Ff]igures?\b|_figures?\b|\bfigures?_|[a-z]Figures?\b|\bFigure[A-Z]": "metric",
    r"\bmade small\b": "minimized",
    r"\bonly answers\b|\b[Aa]nswering\b|\banswers? of (?:a|the) (?:run|model|network)": "prediction, inference",
    r"\b[Gg]o(?:es|ing)? on (?:with|where|to the same|bit for bit|from)\b|\bgoing_on\b": "resume, continue",
    r"\bkept weights\b|\bweights (?:that were )?kept\b": "best weights",
    r"\binits\b|\b[Aa]n init\b|\bInit\b": "initializer",
    r"\blowest_highest\b": "min_max",
    r"\b(?:MOST|LEAST|DEEPEST|LONGEST|WIDEST)(?:_[A-Z]+)*\b|\bSHOWN\b|\bmost_[a-z_]+\b": "MAX_…, MIN_…",
    r"(?<![Tt]here )(?<![Tt]here_)\b(?:is|are) no (?!longer|more\b|less\b|fewer|need|such|one\b|way\b)": (
        "not a …, unknown …"
    ),
    r"\bother ones\b|\bthat (?:are|is) there\b|\bthat many\b|\bso many\b": "name the things",
    r"\bof (?:one's|a person's) own\b": "user-defined, custom, your own",
    r"\b[Ii]n front of\b|\bstands? behind\b|\bbehind (?:it|the (?:optimizer|layer|convolution|last))\b": "before/after",
    r"\blies (?:in|at|on|behind|under|there)\b|\bstands? (?:in|at|on|there|here|alone|as)\b": "is",
    r"\bof late\b": "recently",
    r"\bkin\b": "variants",
    r"\bbegun\b[:=(]|\bself\.begun\b": "on_start",
    r"\b(?:is|are|was|were) (?:not )?told (?:at|by|in|once|only|twice|with)\b|\btells?_[a-z]+\b": "reported, shown",
    r"\bspell(?:ing|s|ed)?_|_spell(?:ing|s|ed)?\b|\bspell\(": "format_…, to_source",
    r"\b(?:Exam|Keeper|Standing|Rival)\b": "EvalSet, CheckpointStore, StopState, Candidate",
    r"\bcourse of (?:a|the) (?:rate|schedule)\b": "schedule curve",
    r"\bleft the finite numbers\b": "became NaN or infinite",
}


def prose_and_names(path: Path) -> list[tuple[int, str]]:
    """The lines of a file; of Python the comments, strings and identifiers."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return list(enumerate(text.splitlines(), 1))
    parts = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING, tokenize.NAME):
            parts += [(token.start[0] + i, line) for i, line in enumerate(token.string.splitlines())]
    return parts


def files() -> list[Path]:
    found = [ROOT / name for name in PAGES if name.endswith(".md")]
    for folder in ["netspec", *(name for name in PAGES if not name.endswith(".md"))]:
        found += [p for p in sorted((ROOT / folder).rglob("*")) if p.suffix in {".py", ".md", ".net"}]
    return found


# Ordinary uses of these words: what is removed from a line before it is searched.
ALLOWED = {
    # the former name of the option `metric` of `early`, `best` and `reduce_on_plateau`: specs and run folders have it
    "netspec/training/control/keep.py": r'^"figure"$',
    "netspec/training/control/stop.py": r'^"figure"$',
    "netspec/training/schedules/words.py": r'^"figure"$',
    "docs/words.md": r"`normalise`",
    "CONTRIBUTING.md": r"^\|.*",  # the glossary itself
    "CHANGELOG.md": r"metrics, not figures",
    "benchmarks/reporting.py": r"^figure$",  # matplotlib's
    "netspec/data/predict/preprocessing.py": r"^\"normalisation\"$",  # a key in the run folders of version 0.1
    "netspec/interchange/configs/ludwig/features.py": r"^\"most_common\"$",  # a key of Ludwig
    "netspec/data/settings.py": r"^\"normalise\"$",  # an alias
    "docs/decisions/0020-rooms.md": r"attention_cpu",
    "netspec/cli/render/picture.py": r"\b\w*[Ff]igure\w*",  # matplotlib's
    "netspec/display/page/document.py": r"aria-labelledby",  # an attribute of HTML
    "netspec/display/drawing/picture.py": r"\b\w*[Ff]igure\w*",
}


def old_words(path: Path) -> list[str]:
    name = path.relative_to(ROOT).as_posix()
    found = []
    for number, line in prose_and_names(path):
        searched = re.sub(ALLOWED[name], "", line) if name in ALLOWED else line
        for pattern, better in WORDS.items():
            if word := re.search(pattern, searched):
                found.append(f"{name}:{number}: {word[0]!r} -> {better}: {line.strip()[:80]}")
    return found


def test_old_words_do_not_come_back() -> None:
    found = [line for path in files() for line in old_words(path)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "the figures of a run",
        "`sofmax` is no activation",
        "def normalise(x):",
        "a layer in front of it",
        "MOST_NODES = 3",
        "a run that goes on with these",
    ],
)
def test_an_old_word_is_found(line: str) -> None:
    assert any(re.search(pattern, line) for pattern in WORDS)


@pytest.mark.parametrize(
    "line",
    [
        "there is no validation split",
        "the value is no longer known",
        "savefig('loss.png')",
        "the statement `share` and the option `init`",
        "at most 40 lines, at least one class",
        "a promise, a precise size, an exercise",
        "misspelled names",
    ],
)
def test_ordinary_words_are_not(line: str) -> None:
    assert not any(re.search(pattern, line) for pattern in WORDS)
