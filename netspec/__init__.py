"""netspec: write a neural network as on a whiteboard; get it checked, compiled to JAX/Flax, and trained.

    import netspec

    model = netspec.compile("specs/mnist_cnn.net")
    print(model.summary())
    result = netspec.train(model)

Importing this package imports next to nothing: each name is imported at its first use, and JAX when a model is used.
User-defined words import what they need from `netspec.extend`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from netspec._version import __version__ as __version__

if TYPE_CHECKING:
    from netspec.analysis.first_aid.profile import Profiler as Profiler
    from netspec.analysis.inside.look import Look as Look, look as look
    from netspec.analysis.pages.report import Report as Report, report as report
    from netspec.api.cross_validation import (
        cross_validate as cross_validate,
        resume_cross_validation as resume_cross_validation,
    )
    from netspec.api.first_aid import dry_run as dry_run, overfit_batch as overfit_batch
    from netspec.api.runs import evaluate as evaluate, load as load, predict as predict
    from netspec.api.specs import check as check, compile as compile, parse as parse
    from netspec.api.starting import new as new
    from netspec.api.sweeps import sweep as sweep
    from netspec.api.training import (
        resume as resume,
        resume_seeds as resume_seeds,
        train as train,
        train_seeds as train_seeds,
    )
    from netspec.api.tuning import tune as tune
    from netspec.interchange.export import export as export
    from netspec.interchange.imports import Imported as Imported, convert as convert, import_model as import_model
    from netspec.language.diagnostics import CompileError as CompileError, Diagnostic as Diagnostic
    from netspec.runs.generation.generate import generate as generate
    from netspec.runs.model import Model as Model, Result as Result
    from netspec.runs.pictures import draw as draw, plot as plot
    from netspec.runs.predictions.predictions import Predictions as Predictions
    from netspec.runs.repeated.folds import FoldsResult as FoldsResult
    from netspec.runs.repeated.seed_runs import SeedsResult as SeedsResult
    from netspec.runs.repeated.sweep_runs import SweepResult as SweepResult
    from netspec.search.best.result import SearchResult as SearchResult
    from netspec.serving.start import serve as serve
    from netspec.training.loop.callback import Callback as Callback
    from netspec.training.loop.trackers.mlflow import MLflow as MLflow
    from netspec.training.loop.trackers.wandb import WandB as WandB

_HOMES = {
    "Callback": "netspec.training.loop.callback",
    "CompileError": "netspec.language.diagnostics",
    "Diagnostic": "netspec.language.diagnostics",
    "FoldsResult": "netspec.runs.repeated.folds",
    "Imported": "netspec.interchange.imports",
    "MLflow": "netspec.training.loop.trackers.mlflow",
    "Look": "netspec.analysis.inside.look",
    "Model": "netspec.runs.model",
    "Predictions": "netspec.runs.predictions.predictions",
    "Profiler": "netspec.analysis.first_aid.profile",
    "Report": "netspec.analysis.pages.report",
    "Result": "netspec.runs.model",
    "SearchResult": "netspec.search.best.result",
    "SeedsResult": "netspec.runs.repeated.seed_runs",
    "SweepResult": "netspec.runs.repeated.sweep_runs",
    "WandB": "netspec.training.loop.trackers.wandb",
    "check": "netspec.api.specs",
    "compile": "netspec.api.specs",
    "convert": "netspec.interchange.imports",
    "cross_validate": "netspec.api.cross_validation",
    "draw": "netspec.runs.pictures",
    "dry_run": "netspec.api.first_aid",
    "evaluate": "netspec.api.runs",
    "export": "netspec.interchange.export",
    "generate": "netspec.runs.generation.generate",
    "import_model": "netspec.interchange.imports",
    "load": "netspec.api.runs",
    "look": "netspec.analysis.inside.look",
    "new": "netspec.api.starting",
    "overfit_batch": "netspec.api.first_aid",
    "parse": "netspec.api.specs",
    "plot": "netspec.runs.pictures",
    "predict": "netspec.api.runs",
    "report": "netspec.analysis.pages.report",
    "resume": "netspec.api.training",
    "resume_cross_validation": "netspec.api.cross_validation",
    "resume_seeds": "netspec.api.training",
    "serve": "netspec.serving.start",
    "sweep": "netspec.api.sweeps",
    "train": "netspec.api.training",
    "train_seeds": "netspec.api.training",
    "tune": "netspec.api.tuning",
}
"""The public names, and the module that each is imported from."""

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    """A public name; its module is imported at the first use, so that `netspec check` never waits for JAX."""
    if name in _HOMES:
        import_module("netspec.display.uncaught").install()
        return getattr(import_module(_HOMES[name]), name)
    if name == "sklearn":
        return import_module("netspec.sklearn")
    hint = "; it is in `netspec.extend`" if name in ("Layer", "layer", "option") else ""
    raise AttributeError(f"module 'netspec' has no attribute '{name}'{hint}")


def __dir__() -> list[str]:
    return ["__version__", *_HOMES]
