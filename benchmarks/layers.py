"""Typical layers by themselves: netspec as it chooses to compute them, its plain reference, Flax NNX, and PyTorch.

Forward in training mode, and forward with the gradients to the input and to the weights, in milliseconds. All
contestants are in one process here and take turns in every round. `reference` are the same modules of netspec with
`netspec.nn.using("reference")`, which leaves everything to Flax.

    python -m benchmarks.layers [--only TEXT …] [--repeats N] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx

import netspec
from benchmarks import machine
from benchmarks.layer_cases import CASES, VOCABULARY, Case
from benchmarks.reporting import aligned
from netspec.compiler.ir.output_head import OutputHead
from netspec.nn import compiler_options, using
from netspec.training.losses.classification import CrossEntropy

CONTESTANTS = ("netspec", "reference", "nnx", "torch")
SAMPLE_SECONDS = 0.03
RESULTS = Path(__file__).parent / "results"

Runner = Callable[[int], None]
"""Does something a number of times, and returns when it is finished."""


def example(case: Case) -> np.ndarray:
    random = np.random.default_rng(0)
    if case.kind == "tokens":
        return random.integers(0, VOCABULARY, (case.batch, *case.shape)).astype(np.int32)
    return random.normal(size=(case.batch, *case.shape)).astype(np.float32)


# ------------------------------------------------------------ JAX


def jax_runners(
    call: Callable[[Any, Any], Any], params: Any, x: Any, told: dict[str, str] | None = None
) -> tuple[Runner, Runner]:
    """Of a pure function of weights and input: forward, and forward with both gradients; `told`: to the compiler."""
    is_real = jnp.issubdtype(x.dtype, jnp.floating)
    cotangent = jnp.ones_like(jax.eval_shape(call, params, x))

    def both(params: Any, x: Any, cotangent: Any) -> Any:
        found, pull = jax.vjp(call, params, x) if is_real else jax.vjp(lambda p: call(p, x), params)
        return found, pull(cotangent)

    forward, backward = (jax.jit(f, compiler_options=told) for f in (call, both))

    def run_forward(count: int) -> None:
        for _ in range(count):
            jax.block_until_ready(forward(params, x))

    def run_both(count: int) -> None:
        for _ in range(count):
            jax.block_until_ready(backward(params, x, cotangent))

    return run_forward, run_both


def of_netspec(case: Case, x: Any) -> tuple[Runner, Runner]:
    if case.kind == "loss":
        head, labels = OutputHead(case.shape, "softmax"), jnp.arange(case.batch) % case.shape[0]
        return jax_runners(lambda _, x: CrossEntropy().values(x, labels, head).mean(), {}, x)
    sizes = "x".join(map(str, case.shape))
    given = f"{sizes} tokens({VOCABULARY})" if case.kind == "tokens" else sizes
    model = netspec.compile(f"input {given}\n\n{case.word}\n")
    variables = model.init(0)

    def call(params: Any, x: Any) -> Any:
        return model.apply({"params": params, "state": variables["state"]}, x, train=True)[0]

    return jax_runners(call, variables["params"], x, compiler_options())


def of_flax(case: Case, x: Any) -> tuple[Runner, Runner]:
    layer = case.flax(nnx.Rngs(0))
    definition, params, rest = nnx.split(layer, nnx.Param, ...)
    return jax_runners(lambda params, x: nnx.merge(definition, params, rest, copy=True)(x), params, x)


# ------------------------------------------------------------ PyTorch


def of_torch(case: Case, x: np.ndarray) -> tuple[Runner, Runner]:
    torch.set_num_threads(os.cpu_count() or 1)
    tensor = torch.from_numpy(x)
    module = case.torch()
    if tensor.ndim == 4:
        tensor = tensor.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        module = module.to(memory_format=torch.channels_last)
    if tensor.is_floating_point():
        tensor.requires_grad_(True)
    cotangent = torch.ones_like(module(tensor))

    def forward(count: int) -> None:
        with torch.no_grad():
            for _ in range(count):
                module(tensor)

    def both(count: int) -> None:
        for _ in range(count):
            module.zero_grad()
            tensor.grad = None
            module(tensor).backward(cotangent)

    return forward, both


# ------------------------------------------------------------ measuring


def timed(runner: Runner, count: int) -> float:
    began = time.perf_counter()
    runner(count)
    return (time.perf_counter() - began) / count


def measure(case: Case, repeats: int) -> dict[str, dict[str, list[float]]]:
    """Seconds by direction and contestant, one for each round."""
    x = example(case)
    placed = jax.device_put(x)
    made = {"netspec": of_netspec(case, placed), "nnx": of_flax(case, placed), "torch": of_torch(case, x)}
    found: dict[str, dict[str, list[float]]] = {}
    with using("reference"):
        reference = of_netspec(case, placed)
        for runner in reference:
            runner(1)  # traced, and compiled for good, while the reference is in force
    made["reference"] = reference
    for at, direction in enumerate(("forward", "both")):
        runners = {name: made[name][at] for name in CONTESTANTS}
        counts = {}
        for name, runner in runners.items():
            runner(1)
            counts[name] = max(1, min(1000, round(SAMPLE_SECONDS / timed(runner, 2))))
        found[direction] = {name: [] for name in CONTESTANTS}
        for at_round in range(repeats):
            for name in reversed(CONTESTANTS) if at_round % 2 else CONTESTANTS:
                found[direction][name].append(timed(runners[name], counts[name]))
    return found


def table(records: list[dict[str, Any]]) -> str:
    head = ["ms, median", *(f"{way} {name}" for way in ("fwd", "f+b") for name in CONTESTANTS), "f+b / nnx", "/ torch"]
    lines = [head]
    for record in records:
        cells = [median(record[way][name]) * 1e3 for way in ("forward", "both") for name in CONTESTANTS]
        ratios = [
            median(a / b for a, b in zip(record["both"]["netspec"], record["both"][other], strict=True))
            for other in ("nnx", "torch")
        ]
        lines.append([record["layer"], *(f"{cell:.3g}" for cell in cells), *(f"{ratio:.2f}" for ratio in ratios)])
    return aligned(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="layers whose line has one of these")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, help="the folder for the results (by default named after the machine)")
    options = parser.parse_args()
    records = []
    for case in CASES:
        if options.only and not any(text in case.title for text in options.only):
            continue
        print(case.title, file=sys.stderr, flush=True)
        records.append({"layer": case.title, **measure(case, options.repeats)})
    folder = options.out or RESULTS / machine.slug()
    folder.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine.describe(), "layers": records}
    (folder / "layers.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (folder / "layers.txt").write_text(table(records) + "\n", encoding="utf-8")
    print(table(records))


if __name__ == "__main__":
    main()
