"""What outputs mean, and the command line, in programs that predict without netspec."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from netspec.language.lazy import np

if TYPE_CHECKING:
    from netspec.interchange.writing.companion.networks import OnnxNetwork as Network
    from netspec.interchange.writing.companion.texts import read_examples

BATCH = 500


def predict(arguments: list[str]) -> list[dict[str, Any]]:
    """The prediction for each example, in the order of the arguments.

    An output with classes has `class` and `probabilities` by name, a yes/no output `answer`, the `probability` of `yes`
    and the `threshold` above which that is the answer; one with a class at each pixel has the ids of the `mask` and the
    `areas` of the classes; others have `values`, and `targets` by name.

    Raises:
        ValueError: an example cannot be read.
    """
    network = Network()
    last: list[int] | None
    arrays, names, last = read_examples(arguments, network.metadata)
    parts = [network({k: x[i : i + BATCH] for k, x in arrays.items()}) for i in range(0, len(names), BATCH)]
    examples: list[dict[str, Any]] = [{"input": name, "outputs": {}} for name in names]
    for name, known in network.metadata["outputs"].items():
        values = np.concatenate([part[name] for part in parts])
        if last is not None and known["blank"] is None:
            values = values[np.arange(len(values)), last]  # what comes after the last piece of a text
        classes = network.metadata.get(f"class_names:{name}")
        threshold = network.metadata.get(f"threshold:{name}", 0.5)
        for example, one in zip(examples, values, strict=True):
            example["outputs"][name] = described(one, known, classes, threshold)
    return examples


def described(values: Any, known: dict[str, Any], classes: list[str] | None, threshold: float) -> dict[str, Any]:
    """What the numbers of an output mean for one example."""
    is_binary = known["activation"] == "sigmoid" and values.shape[-1] == 1 and len(classes or ()) == 2
    if values.ndim == 3 and known["blank"] is None and (known["activation"] == "softmax" or is_binary):
        ids = (values[..., 0] > np.float32(threshold)).astype(int) if is_binary else values.argmax(axis=-1)
        names = classes or [str(i) for i in range(values.shape[-1])]
        areas = np.bincount(ids.reshape(-1), minlength=len(names)) / ids.size
        return {"mask": ids.tolist(), "areas": dict(zip(names, areas.tolist(), strict=True))}
    if known["activation"] == "softmax" or known["blank"] is not None:
        names = classes or [str(i) for i in range(values.shape[-1])]
        if values.ndim > 1:
            ids = values.argmax(axis=-1).reshape(-1).tolist()
            if known["blank"] is not None:
                ids = [i for i, before in zip(ids, [None, *ids], strict=False) if i not in (before, known["blank"])]
            return {"classes": [names[i] for i in ids]}
        return {"class": names[int(values.argmax())], "probabilities": dict(zip(names, values.tolist(), strict=True))}
    if known["activation"] == "sigmoid" and values.shape == (1,):
        yes = float(values[0])
        names = classes if classes is not None and len(classes) == 2 else ["no", "yes"]
        answer = names[int(values[0] > np.float32(threshold))]
        chosen = {"threshold": threshold} if threshold != 0.5 else {}
        probabilities = dict(zip(names, (1 - yes, yes), strict=True))
        facts = {"answer": answer, "yes": names[1], "no": names[0], "probability": yes, **chosen}
        return {**facts, "probabilities": probabilities}
    if known["activation"] == "sigmoid" and classes is not None and values.shape == (len(classes),):
        return {"values": values.tolist(), "tags": dict(zip(classes, values.tolist(), strict=True))}
    if known["targets"] and values.shape == (len(known["targets"]),):
        return {"values": values.tolist(), "targets": dict(zip(known["targets"], values.tolist(), strict=True))}
    return {"values": values.tolist()}


def main() -> None:
    """Print a line of JSON for each example."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        for example in predict(sys.argv[1:]):
            sys.stdout.write(json.dumps(example, ensure_ascii=False) + "\n")
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
