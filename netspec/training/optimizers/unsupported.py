"""Optimizers of other libraries that cannot work here, and why."""

from __future__ import annotations

from netspec.language.vocabulary import declare_absent

SEARCHES = "evaluates the loss several times per step on the same batch; use `adam`, `muon`, or `momo` instead"
OLDER = "use `sgd(0.1, momentum = 0.9) -> ema`, which also averages the weights"

declare_absent(
    "optimizer",
    {
        "lbfgs": f"`lbfgs` uses a line search, which {SEARCHES}",
        "backtracking_linesearch": f"a line search {SEARCHES}",
        "sophia": "`sophia` estimates second derivatives with extra gradients; use `adamw` or `muon` instead",
        "sam": "`sam` needs a second gradient in every step, at other weights; use `adamw -> ema` for flat minima",
        "dpsgd": "`dpsgd` needs the gradient of every single example; use `clip(1.0) -> noise -> sgd`, without its "
        "guarantee of privacy",
        "differentially_private_aggregate": "it needs the gradient of every single example",
        "asgd": OLDER,
        "ftrl": "use `adagrad`, which it extends by a penalty; penalties are options of layers (`l1`, `l2`)",
        "sparseadam": "gradients are never sparse here: use `adam`",
    },
)
