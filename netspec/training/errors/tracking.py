"""NS555: trackers of experiments that fail."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class TrackerFailed(Diagnostic):
    """MLflow or Weights & Biases does not accept what a training sends, or is not reachable. The training continues.

    The run folder has everything. At the end of the training the epochs that the tracker lacks are sent once more, and
    `netspec train --resume` sends them as well. Without an API key of Weights & Biases a run is recorded in a folder.
    """

    code = "NS555"
    severity = "warning"
    title = {
        "": "{tracker} has failed, and the training continues without it: {reason}",
        "offline": "there is no API key of {tracker}, so the run is recorded in `{folder}`",
    }
    hint = {
        "": "the metrics are in the run folder; they are sent once more when the training ends",
        "offline": "`wandb sync {folder}` uploads it; `wandb login` saves a key, WANDB_MODE=offline needs none",
    }
    tracker: str
    reason: str = ""
    folder: str = ""
