"""NS517 to NS522: data whose numbers or colors are read in a way that may surprise."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.diagnostics import Diagnostic


class RoundedNumbers(Diagnostic):
    """Networks compute in float32, which holds about seven digits. Numbers that are large and close to each other, such
    as times in milliseconds since 1970, become equal there. `normalize` works in float64 on the numbers of the file,
    and rounds the small ones that come out.
    """

    severity: ClassVar[str] = "warning"
    code = "NS517"
    title = (
        "float32 hardly tells the numbers of {names} apart: {first} is rounded by up to {error} and ranges over {range}"
    )
    label = "not normalized"
    hint = "set `normalize = standard` in `data`: it is computed in float64, before the numbers are rounded"
    names: str
    first: str
    error: str
    range: str
