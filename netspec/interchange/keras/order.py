"""The order that Keras gives to the layers of a functional model, by which it finds their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Use = tuple[str, int]
"""A use of a layer: its name, and the index of the use."""


def layer_order(outputs: Sequence[Use], parents: Mapping[Use, Sequence[Use]]) -> list[str]:
    """The names of the layers: the longest way to an output first, then as they are met on the way back from the
    outputs (`keras.src.ops.function.map_graph`).

    Args:
        outputs: the uses that give the outputs of the model.
        parents: what each use takes, in the order of its arguments.
    """
    met: dict[str, int] = {}
    finished: dict[Use, None] = {}
    stack: list[tuple[Use, bool]] = [(output, False) for output in reversed(outputs)]
    while stack:
        use, is_done = stack.pop()
        if is_done:
            finished[use] = None
        elif use not in finished:
            met.setdefault(use[0], len(met))
            stack.append((use, True))
            stack.extend((parent, False) for parent in reversed(parents[use]))
    depths: dict[Use, int] = {}
    of_layers: dict[str, int] = {}
    for use in reversed(finished):
        depth = of_layers[use[0]] = max(depths.get(use, 0), of_layers.get(use[0], 0))
        for parent in parents[use]:
            depths[parent] = max(depth + 1, depths.get(parent, 0))
    return sorted(of_layers, key=lambda name: (-of_layers[name], met[name]))
