"""Runs in MLflow: the setting `mlflow` of the section `train`, and `netspec.MLflow` in Python."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netspec.training.loop.trackers.base import Tracker

RETRIES = ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
"""MLflow repeats a request that gets no response seven times, which takes minutes; the training waits for it."""
MAX_PARAMS = 100
"""Parameters that one request may have; a request may have 1,000 metrics."""
MAX_METRICS = 1000
MAX_VALUE = 500
"""Characters of a parameter that every version of the server accepts."""
STATUS = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}


class MLflow(Tracker):
    """A callback that records a training in MLflow: the settings as parameters, every metric of every epoch with the
    epoch as its step, those of the saved weights at the end, and the files of the run folder as artifacts in `run`,
    which `netspec.load` reads once they are downloaded. `train { mlflow = true }` does the same.

    A resumed run continues the same run of MLflow. Inside `mlflow.start_run()` the metrics become part of that run,
    which stays open.

    Args:
        experiment: the name of the experiment; None: what `MLFLOW_EXPERIMENT_NAME`, `MLFLOW_EXPERIMENT_ID` or
            `mlflow.set_experiment` select, otherwise the name of the spec.
        run_name: the name of the run; None: that of the run folder.
        tracking_uri: the address of the server, or a database such as `sqlite:///mlflow.db`; None: what
            `MLFLOW_TRACKING_URI` or `mlflow.set_tracking_uri` select.
        tags: of the run.

    Example:
        netspec.train("digits.net", callbacks=[netspec.MLflow(experiment="digits")])

    Reference: https://mlflow.org/docs/latest/ml/tracking
    """

    title, key = "MLflow", "mlflow"

    def __init__(
        self,
        experiment: str | None = None,
        run_name: str | None = None,
        tracking_uri: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.experiment, self.run_name, self.tracking_uri = experiment, run_name, tracking_uri
        self.tags = dict(tags or {})
        self.client: Any = None
        self.id = ""
        self.is_ours = True

    def open(self, run: Path, known: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
        import mlflow

        os.environ.setdefault(*RETRIES)
        uri = self.tracking_uri or known.get("tracking_uri") or mlflow.get_tracking_uri()
        self.client, self.is_ours = mlflow.MlflowClient(tracking_uri=uri), True
        if known.get("tracking_uri") == uri and self._exists(known["run_id"]):
            self.id = known["run_id"]
            self.client.update_run(self.id, status="RUNNING")
            self.client.set_tag(self.id, "train.epochs", config["train.epochs"])  # parameters cannot be changed
            return dict(known)
        active = mlflow.active_run()
        if active is not None and self.tracking_uri is None:
            self.id, self.is_ours = active.info.run_id, False
        else:
            name = self.run_name or run.name
            experiment = self._experiment_id(str(config["spec"]))
            self.id = self.client.create_run(experiment, run_name=name, tags=self.tags).info.run_id
        self._log_config(config)
        return {"run_id": self.id, "tracking_uri": uri}

    def _exists(self, run_id: str) -> bool:
        """Whether the run is in the database, which is another one when a relative path was given elsewhere."""
        from mlflow.exceptions import MlflowException

        try:
            return bool(self.client.get_run(run_id).info.lifecycle_stage == "active")
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return False

    def _experiment_id(self, spec: str) -> str:
        """That of the experiment to use; it is created if there is none."""
        given = os.environ.get("MLFLOW_EXPERIMENT_ID")
        if self.experiment is None and given and not os.environ.get("MLFLOW_EXPERIMENT_NAME"):
            return given
        name = self.experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or spec
        found = self.client.get_experiment_by_name(name)
        return str(self.client.create_experiment(name) if found is None else found.experiment_id)

    def _log_config(self, config: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        params = [Param(_name(name), str(value)[:MAX_VALUE]) for name, value in config.items()]
        for first in range(0, len(params), MAX_PARAMS):
            self.client.log_batch(self.id, params=params[first : first + MAX_PARAMS])

    def logged_epochs(self, epochs: Sequence[int]) -> set[int]:
        return {metric.step for metric in self.client.get_metric_history(self.id, "loss")}

    def log(self, epoch: int, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(_name(name), value, now, epoch) for name, value in values.items()]
        # The loss, by which `logged_epochs` knows the epochs, comes last.
        for first in reversed(range(0, len(metrics), MAX_METRICS)):
            self.client.log_batch(self.id, metrics=metrics[first : first + MAX_METRICS])

    def finish(self, epochs: int, values: Mapping[str, float], files: Sequence[Path]) -> None:
        # Of the other metrics the history has the epoch of the saved weights, which `best_epoch` names.
        self.log(epochs, {name: value for name, value in values.items() if name.startswith(("test_", "best_epoch"))})
        for file in files:
            self.client.log_artifact(self.id, str(file), "run")

    def end(self, status: str) -> None:
        if self.is_ours:
            self.client.set_terminated(self.id, STATUS[status])


def _name(name: str) -> str:
    """A name with the characters that MLflow allows."""
    return re.sub(r"[^\w\-. /]", "_", name)
