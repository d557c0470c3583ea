"""Whether windows over series that are trained on hold what is to be predicted in the validation or test split.

Input: `Splits`. Output: the error, if one does. Splitting leaves such windows out (`Order.ends`); this looks at its
result, so that no other way to divide the data hides a leak.
"""

from __future__ import annotations

from collections.abc import Iterator

from netspec.data.errors.series import Leak
from netspec.data.splits.split import Splits
from netspec.language.diagnostics import Diagnostic
from netspec.language.source import Span


def check_leaks(splits: Splits, source_span: Span | None) -> Iterator[Diagnostic]:
    """The error for each part whose targets are rows of training windows."""
    order = splits.dataset.order
    if order is None:
        return
    for part, index in (("val", splits.val_index), ("test", splits.test_index)):
        if index is None:
            continue
        leaking = order.leaks(splits.train_index, index)
        if len(leaking):
            where = splits.dataset.where(int(leaking[0]))
            case = "" if order.is_ahead else "labels"
            yield Leak(span=source_span, case=case, part=part, count=len(leaking), first=where)
