"""A request that is not served, as an exception."""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """Why a request is not served.

    Args:
        status: of HTTP, such as 400.
        message: what to send instead, for people.
        headers: in addition to the usual ones.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}
