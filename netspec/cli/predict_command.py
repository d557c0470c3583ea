"""`netspec predict`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from netspec.cli.options import json_option
from netspec.cli.output import print_json, print_problems
from netspec.cli.train_command import choose_device, device_option


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("run")
@click.argument("inputs", nargs=-1, required=True)
@device_option
@json_option
def command(run: str, inputs: tuple[str, ...], device: str | None, as_json: bool) -> int:
    """Predict with the best weights of a RUN folder for INPUTS: tables (.csv, .parquet; an example a row), .npy files,
    images or folders of them, rows such as 5.1,3.5,1.4,0.2, or text. Inputs are coded and normalised as in training;
    classes come with their names.

    \b
    Example:
        netspec predict runs/iris-1 5.1,3.5,1.4,0.2
        netspec predict runs/mnist_cnn-1 digit.png --json
    """
    choose_device(device)
    from netspec.training import predict_run

    found = predict_run(Path(run), inputs)
    print_problems(found.warnings)
    for answer in found.answers:
        if as_json:
            print_json(answer)
        else:
            click.echo(f"{answer['input']}: " + "; ".join(_text(n, a) for n, a in answer["outputs"].items()))
    return 0


def _text(name: str, answer: dict[str, Any]) -> str:
    prefix = "" if name == "output" else f"{name} "
    if "classes" in answer:
        return prefix + " ".join(answer["classes"])
    if "class" in answer:
        ranked = sorted(answer["probabilities"].items(), key=lambda item: -item[1])[:3]
        return prefix + f"{answer['class']} (" + ", ".join(f"{n} {100 * p:.1f}%" for n, p in ranked) + ")"
    if "probability" in answer:
        return prefix + f"{answer['answer']} ({answer['yes']} {100 * answer['probability']:.1f}%)"
    return prefix + _numbers(answer["values"])


def _numbers(values: Any) -> str:
    if isinstance(values, list):
        return "[" + ", ".join(_numbers(v) for v in values) + "]"
    return f"{values:.6g}"
