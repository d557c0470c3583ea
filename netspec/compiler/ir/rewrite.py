"""What passes have in common: changing every block once, and replacing tensors by others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from netspec.compiler.ir.graph import Edge, Graph, prune


def rewrite_blocks(network: Graph, change: Callable[[Graph], Graph]) -> Graph:
    """The network with `change` applied to every block, inner ones first.

    Uses of one block keep sharing it, and blocks in which nothing changes stay the same objects.
    """
    done: dict[int, Graph] = {}
    for block in network.subgraphs():
        nodes = list(block.nodes)
        for index, node in enumerate(nodes):
            if isinstance(node.operation, Graph) and done[id(node.operation)] is not node.operation:
                nodes[index] = replace(node, operation=done[id(node.operation)])
        is_same = all(new is old for new, old in zip(nodes, block.nodes, strict=True))
        done[id(block)] = change(block if is_same else replace(block, nodes=nodes))
    return done[id(network)]


def reroute(block: Graph, instead: Mapping[Edge, Edge]) -> Graph:
    """A copy in which readers of the edges in `instead` read their replacements, without nodes that are then unread.

    Labels of tensors move along. No replacement is itself replaced.
    """

    def place(edge: Edge) -> Edge:
        return instead.get(edge, edge)

    return prune(
        replace(
            block,
            nodes=[node.moved(place) for node in block.nodes],
            outputs=[replace(output, edge=place(output.edge)) for output in block.outputs],
            labels={name: place(edge) for name, edge in block.labels.items()},
        )
    )
