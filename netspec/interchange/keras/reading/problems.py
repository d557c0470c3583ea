"""What can be wrong with a file of Keras, before it becomes a diagnostic."""

from __future__ import annotations


class Damaged(Exception):
    """The file is not a model of Keras; the text says why (NS570), `advice` what to do instead."""

    def __init__(self, reason: str, advice: str = "save the model again with Keras") -> None:
        super().__init__(reason)
        self.advice = advice


class Unreadable(Exception):
    """A layer has something that the language cannot say; the text says what (NS571), `advice` what to do instead."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.advice = advice
