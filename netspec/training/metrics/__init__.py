"""Metrics, exact over a whole split.

A metric is made in two steps: `sums` runs inside the compiled program and gives, for a batch, sums that may be added up
over batches; `value` computes the metric from their totals on the host. Sums with the same name are the same in every
metric and are computed once. Metrics that need every score at once (roc_auc) take `scores` instead.
"""

from netspec.training.metrics import (
    classification as classification,
    distributions as distributions,
    ranking as ranking,
    regression as regression,
    sequences as sequences,
)
from netspec.training.metrics.base import (
    Metric as Metric,
    is_higher_better as is_higher_better,
    metric as metric,
    metric_of as metric_of,
)
