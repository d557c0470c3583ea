"""NS548, NS549: what cannot be served."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class CannotListen(Diagnostic):
    """The server cannot wait for connections at this address. Usually another program has the port, or the address is
    not one of this machine. Ports below 1024 belong to the administrator on most systems.
    """

    code = "NS548"
    title = "cannot serve at {address}: {reason}"
    address: str
    reason: str
    advice: str = "choose another port with `--port`; 0 is any free one"


class CannotServe(Diagnostic):
    """A run or a file for the server cannot be used: the run holds several seeds, two models have one name and version,
    or a key or certificate is missing or damaged.
    """

    code = "NS549"
    title = "cannot serve {what}: {reason}"
    what: str
    reason: str
