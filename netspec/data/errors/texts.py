"""NS610 to NS614, NS633: texts, and how they are split."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class EmptyTexts(Diagnostic):
    """Some texts have no words. They are read as one unknown word, since a network cannot compute with none."""

    severity = "warning"
    code = "NS610"
    title = "empty texts in {what}: {count}, the first of them {where}"
    label = "read as one unknown word each"
    hint = "to leave them out, remove them from the data; for missing cells of a table write `missing = drop`"
    what: str
    count: int
    where: str


class LongTexts(Diagnostic):
    """The length of the input is a fixed number, and more than a fifth of the training texts are longer: what is
    beyond it is not read.
    """

    severity = "warning"
    code = "NS611"
    title = "{count} of {total} texts of {what} have more than {length} {unit}, of which the {part} are read"
    label = "the longest has {longest}"
    hint = "write a larger `length`, or a percentile such as `length = 95%`"
    what: str
    count: int
    total: int
    length: int
    unit: str
    part: str
    longest: int


class LongText(Diagnostic):
    """A text to predict for is longer than what the network reads: a part of it is left out, as in the training."""

    severity = "warning"
    code = "NS612"
    title = {
        "more": "`{name}` and {more} more are longer than the network reads: {found} {unit}, of which the {part} "
        "{length} count",
        "": "`{name}` has {found} {unit}, of which the network reads the {part} {length}",
    }
    hint = "shorten it, or train with a larger `length`"
    name: str
    found: int
    unit: str
    part: str
    length: int
    more: int = 0


class NoWordSpaces(Diagnostic):
    """Texts in Chinese, Japanese, Thai and some other languages have no spaces between words. Split at spaces, whole
    sentences become words that hardly ever occur again.
    """

    severity = "warning"
    code = "NS613"
    title = "the texts of {what} have no spaces between words, and are split into words"
    label = "`{example}` is one word"
    hint = "write `by = char`, or `by = bpe` for pieces that are learned from the texts"
    what: str
    example: str


class NoVocabulary(Diagnostic):
    """No word of the training texts occurs as often as `min_count` says, so that the vocabulary is empty."""

    code = "NS614"
    title = {
        "empty": "the texts of {what} in the training split are all empty",
        "": "no {unit} of {what} occurs {count} times in the training split",
    }
    label = {"empty": "no text", "": "the most frequent occurs {most} times"}
    hint = {
        "empty": "name a column that has texts",
        "": "write `min_count = {most}` or less, or get more texts",
    }
    what: str
    unit: str
    count: int
    most: int


class StrangeCharacter(Diagnostic):
    """With `task = text` the characters of the training file are the classes. A text of the test, or of other data to
    evaluate a run on, has a character that is not among them, so the network has no unit for it.
    """

    code = "NS633"
    title = "{where}, column `{column}`: the character `{character}` is not in the training file"
    label = "{count} such rows"
    hint = "correct the text, or add rows with this character to the training file"
    where: str
    column: str
    character: str
    count: int
