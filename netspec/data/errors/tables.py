"""NS523 to NS535: how tables are written, and what their columns are."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class SameSign(Diagnostic):
    """The decimal sign of the numbers in a CSV file differs from the sign between groups of digits."""

    code = "NS523"
    title = '`decimal` and `thousands` are both "{sign}"'
    label = "used twice"
    hint = 'for 1.234,5 write `decimal = ",", thousands = "."`, for 1,234.5 write `thousands = ","`'
    sign: str
