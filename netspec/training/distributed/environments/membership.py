"""A process as one of several that train together."""

from __future__ import annotations

from collections.abc import Mapping

from netspec.language.diagnostics import fail
from netspec.language.record import Frozen
from netspec.training.errors.distributed import IncompleteMembership

PORTS = 8
"""How many ports are tried, one after the other, where an environment does not name one."""
FIRST_PORT, LAST_PORT = 61_440, 65_535
"""Between these a port is derived from the number of a job: Linux does not give them to outgoing connections."""
DEFAULT_PORT = 61_440


class Membership(Frozen):
    """Process `process` (from 0) of `count`. `host` is the name or address of the machine of process 0, which waits for
    the others at the first free one of `ports`. `local` is the number of the process among the `local_count` of its
    machine. `job` tells processes of other jobs apart, and `source` says where all this is from."""

    process: int
    count: int
    host: str
    ports: tuple[int, ...]
    source: str
    job: str = ""
    local: int = 0
    local_count: int = 1

    @property
    def coordinator(self) -> str:
        return f"{self.host}:{self.ports[0]}"


def number(variables: Mapping[str, str], name: str, source: str) -> int:
    """The value of a variable that is a number.

    Raises:
        CompileError: it is missing, or not a number from 0 (NS584).
    """
    text = variables.get(name, "").strip()
    if not (text.isascii() and text.isdigit()):
        reason = f"the variable {name} is {text!r}, not a number" if text else f"the variable {name} is not set"
        raise fail(IncompleteMembership(source=source, reason=reason))
    return int(text)


def ports_of(job: int) -> tuple[int, ...]:
    """The ports that the processes of a job try; those of neighboring jobs differ."""
    slots = (LAST_PORT + 1 - FIRST_PORT) // PORTS
    first = FIRST_PORT + job % slots * PORTS
    return tuple(range(first, first + PORTS))


def split_address(address: str, source: str, *, port: int | None = None) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, or of `[ADDRESS]:PORT` for IPv6; `port` is that of an address without one.

    Raises:
        CompileError: it is neither (NS584).
    """
    host, colon, text = address.rpartition(":")
    if port is not None and (not colon or address.endswith("]")):
        host, text = address, str(port)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (text.isascii() and text.isdigit()) or not 0 < int(text) < 65_536:
        reason = f"the address `{address}` is not HOST:PORT, such as `node1:{DEFAULT_PORT}`"
        raise fail(IncompleteMembership(source=source, reason=reason))
    return host, int(text)
