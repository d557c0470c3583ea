"""A compiled network: callable, with its source, its summary and its weights."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from html import escape
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from netspec.compiler.backend.emit import emit_source
from netspec.compiler.backend.fold_weights import FoldedForm, fold_module, inference_program
from netspec.compiler.backend.live_state import LiveState
from netspec.compiler.backend.load import load_source, network_class
from netspec.compiler.ir.cost import Row, Totals, rows, total_cost
from netspec.compiler.ir.graph import Graph
from netspec.compiler.ir.layer_table import LayerTable
from netspec.data.dataset.precision import narrowed
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.transforms.normalization import Normalization
from netspec.display.drawing.styles.flow import network_svg
from netspec.display.pictures import in_notebook
from netspec.language.diagnostics import render_all
from netspec.language.shape import Shape
from netspec.language.source import Source
from netspec.nn import record
from netspec.spec.compilation import Compilation
from netspec.spec.layer_results import layers_program
from netspec.spec.trained_data import TrainedData
from netspec.storage.weights import flat_weights, put_weights, weights_of
from netspec.training.loop.warm_start import start_from
from netspec.training.losses import loss_for
from netspec.training.losses.distributions import restored


class WeightsWarning(UserWarning):
    """The weights that a spec starts from leave some of the network as it was initialized."""


class Model:
    """A compiled network; `netspec.Model` adds what needs data.

    Weights are made at the first use, from `seed` and, with `takes_init`, from the file that `init` of the spec's
    section `train` names. The first axis of an input is the batch: (batch, height, width, channels) for an image,
    (batch, features) for a vector; token ids are integers. Several inputs are given in the
    order in which the spec declares them. Several outputs are returned as a dict by name.

    A model that was trained with `normalize = standard` takes raw inputs when it is called, and normalizes them itself;
    where targets were normalized (`normalize_targets`), it gives numbers in the units of the targets; with the loss
    `quantile` the quantiles of each target, with `gaussian` its mean and standard deviation. `module` and
    `apply` take and give what the layers do. `preprocessing` is that of the training, None before;
    `trained_on` is known of the model of a run folder.
    """

    def __init__(self, compilation: Compilation, *, seed: int = 0, takes_init: bool = False) -> None:
        _ = compilation.network  # raises, unless the spec is right
        self.compilation = compilation
        self.seed = seed
        self.takes_init = takes_init and compilation.train.init is not None
        self.preprocessing: Preprocessing | None = None
        self.trained_on: TrainedData | None = None
        self._programs: dict[Any, Any] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """The spec, and the weights if there are any: a copy is compiled anew, in another process too."""
        spec = self.compilation
        parts = {
            "overrides": spec.overrides,
            "input": spec.input,
            "facts": spec.facts,
            "used": spec.used_texts,
            "given_from": spec.given_from,
        }
        has_weights = "module" in vars(self) or self.takes_init  # the file may not be there for the copy
        weights = flat_weights(weights_of(self.module)) if has_weights else None
        return _restored, (type(self), spec.source, parts, self.seed, self.preprocessing, weights, self.trained_on)

    # ------------------------------------------------------------ what it is

    @property
    def name(self) -> str:
        return self.compilation.name

    @property
    def graph(self) -> Graph:
        """The network as written, every shape known."""
        return self.compilation.network

    @property
    def source(self) -> str:
        """The Flax NNX source that runs."""
        return self.compilation.python

    @cached_property
    def inputs(self) -> dict[str, Shape]:
        """The shape of one example of each input."""
        return {node.name: node.shape for node in self.graph.input_nodes}

    @property
    def outputs(self) -> dict[str, Shape]:
        """The shape of one example of each output; a single unnamed one is called `output`."""
        return {o.name or "output": self.graph.shape_of(o.edge) for o in self.graph.outputs}

    @property
    def cost(self) -> Totals:
        """Parameters, multiply-adds and memory."""
        return total_cost(self.graph, self.compilation.train.freeze)

    @property
    def layers(self) -> list[Row]:
        """Every layer with its shape and costs, in the order of the computation."""
        return list(rows(self.graph))

    def summary(self) -> str:
        """A table of the layers, with totals."""
        return LayerTable(self.graph, self.compilation.train.freeze).text()

    def __repr__(self) -> str:
        flow = " and ".join(f"{s}" for s in self.inputs.values())
        return f"<Model {self.name}: {flow} -> {' and '.join(map(str, self.outputs.values()))}>"

    def _repr_html_(self) -> str:
        table = LayerTable(self.graph, self.compilation.train.freeze).html()
        drawing = in_notebook(network_svg(self.compilation.network, levels=0))
        return f"{drawing}<details><summary>{escape(repr(self))}: layers</summary>{table}</details>"

    @property
    def normalization(self) -> Mapping[str, Normalization]:
        """The statistics that inputs are normalized with, by input."""
        return self.preprocessing.normalization if self.preprocessing is not None else {}

    # ------------------------------------------------------------ what it does

    @cached_property
    def module_class(self) -> Any:
        """The class of the network; `module_class(rngs=nnx.Rngs(0))` makes a fresh one."""
        return network_class(load_source(self.source, self.name))

    @cached_property
    def module(self) -> Any:
        """The live `nnx.Module` with the weights of this model. Changes to it are changes to the model.

        Raises:
            CompileError: the weights that the spec starts from cannot be read (NS511), or none fits (NS509).
        """

        def fresh(rngs: Any) -> Any:
            return self.module_class(rngs=rngs)

        train, spec = self.compilation.train, self.compilation
        if not (self.takes_init and train.init):
            return fresh(nnx.Rngs(self.seed))
        spans, folder = spec.setting_spans("train"), spec.source.folder
        make, found = start_from(fresh, self.seed, train.init, train.init_parts, folder, spans)
        if found:
            warnings.warn(f"{render_all(found)}\n", WeightsWarning, stacklevel=3)
        return make(nnx.Rngs(self.seed))

    def adopt(self, module: Any, preprocessing: Preprocessing | None) -> None:
        """Make a trained module of this network the live one, with the preprocessing that it was trained with."""
        self.__dict__["module"] = module
        self.__dict__.pop("_live", None)
        self.preprocessing = preprocessing
        self.trained_on = None

    def weight_places(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        """The path of each weight in the state, by every path of names to it: a shared layer has several."""
        module = nnx.eval_shape(lambda: self.module_class(rngs=nnx.Rngs(0)))
        first: dict[int, tuple[str, ...]] = {
            id(part): tuple(map(str, path)) for path, part in nnx.iter_graph(module) if isinstance(part, nnx.Variable)
        }
        found: dict[tuple[str, ...], tuple[str, ...]] = {}

        def walk(part: Any, path: tuple[str, ...]) -> None:
            for name, value in vars(part).items():
                if isinstance(value, nnx.Variable):
                    found[(*path, name)] = first[id(value)]
                elif isinstance(value, nnx.Module):
                    walk(value, (*path, name))

        walk(module, ())
        return found

    @cached_property
    def _definitions(self) -> dict[bool, Any]:
        """The static half of the module, for training (True) and for inference (False)."""
        module = nnx.eval_shape(lambda: self.module_class(rngs=nnx.Rngs(0)))
        found = {}
        for training in (True, False):
            (module.train if training else module.eval)()
            found[training] = nnx.graphdef(module)
        return found

    def inference_module(self) -> Any:
        """The module that `netspec compile --inference` writes, with weights made from those of this model: without
        dropout, batchnorms folded into the layers before them.
        """
        network = network_class(load_source(self.compilation.inference_python(), f"{self.name}_inference"))
        return fold_module(self.compilation.inference, network, self.module)

    @cached_property
    def _folded(self) -> FoldedForm | None:
        """The inference form that predicts instead of the module; None if its weights would be the same."""
        blocks = self.compilation.inference.subgraphs()
        has_merged = any(node.absorbed for block in blocks for node in block.nodes)
        return FoldedForm(self.inference_module) if has_merged else None

    def _forward(self, tree: Any) -> Any:
        """The compiled function of arrays in this structure, which stays the same unless the module is changed."""
        if tree not in self._programs:
            self._programs[tree] = inference_program(self._definitions[False], tree)
        return self._programs[tree]

    def release_programs(self) -> None:
        """Free the compiled programs; what is needed is compiled again at its next use."""
        self._programs.clear()
        self.__dict__.pop("_folded", None)

    def __call__(self, *inputs: Any) -> Any:
        """What comes out for a batch, as in prediction: inputs normalized as in training, dropout off, running means
        used, the head applied, numbers in the units of the targets.

        Raises:
            ValueError: the inputs have other shapes than the spec says.
        """
        found = self._compute(inputs)
        if isinstance(found, dict):
            return {name: self._restore(name, y) for name, y in found.items()}
        return self._restore(next(iter(self.outputs)), found)

    def predictions(self, *inputs: Any) -> dict[str, Any]:
        """As a call, but NumPy arrays by output; normalized targets are restored in double precision."""
        found = self._compute(inputs)
        named = found if isinstance(found, dict) else {next(iter(self.outputs)): found}
        wide = {name: np.asarray(y, np.float64 if name in self._scales else y.dtype) for name, y in named.items()}
        return {name: self._restore(name, y) for name, y in wide.items()}

    def _compute(self, inputs: tuple[Any, ...]) -> Any:
        """The outputs as the network gives them, for raw inputs."""
        ready = self.normalized(*inputs)
        arrays, tree = self._live.read()
        folded = None if self._folded is None else self._folded.of(arrays)
        program, arrays = (self._forward(tree), arrays) if folded is None else folded
        return program(arrays, ready)

    def normalized(self, *inputs: Any) -> tuple[Any, ...]:
        """Raw inputs as the layers take them.

        Raises:
            ValueError: the inputs have other shapes than the spec says.
        """
        checked = zip(self.inputs, self._checked(inputs), strict=True)
        return tuple(self.normalization[n].apply(x) if n in self.normalization else x for n, x in checked)

    @cached_property
    def _live(self) -> LiveState:
        return LiveState(self.module)

    @property
    def _scales(self) -> Mapping[str, Normalization]:
        """The statistics of outputs that predict normalized numbers, by output."""
        return self.preprocessing.outputs if self.preprocessing is not None else {}

    def _restore(self, name: str, found: Any) -> Any:
        """An output that predicts normalized inputs or targets, in the scale of these."""
        return restored(loss_for(name, self.compilation.train.loss), found, self._scales.get(name))

    def _checked(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """The inputs as arrays of the types and shapes that the spec says; whole numbers may stand for others."""
        if len(inputs) != len(self.inputs):
            count = "1 input" if len(self.inputs) == 1 else f"{len(self.inputs)} inputs"
            raise ValueError(f"{self.name} takes {count} ({', '.join(self.inputs)}), not {len(inputs)}")
        arrays = [value if hasattr(value, "dtype") else np.asarray(value) for value in inputs]
        named: dict[str, int] = {}
        for position, ((name, shape), array) in enumerate(zip(self.inputs.items(), arrays, strict=True)):
            sizes = tuple(array.shape)[1:]
            fits = array.ndim == shape.rank + 1 and all(
                n == (size if isinstance(size, int) else named.setdefault(str(size), n))
                for size, n in zip(shape.sizes, sizes, strict=True)
            )
            if not fits:
                wanted = ", ".join(["batch", *(str(named.get(str(size), size)) for size in shape.sizes)])
                got = tuple(array.shape)
                raise ValueError(f"the input {name} of {self.name} has the shape ({wanted}), not {got}")
            is_whole = array.dtype.kind in "iub"
            if shape.is_tokens and not is_whole:
                raise ValueError(f"the input {name} of {self.name} takes token ids, not {array.dtype}")
            arrays[position] = narrowed(np.asarray(array)) if is_whole and not shape.is_tokens else array
        return tuple(arrays)

    # ------------------------------------------------------------ inside

    @cached_property
    def _probed(self) -> Any:
        """A module of the network as written, whose layers record their results."""
        network = network_class(load_source(emit_source(self.graph, probes=True), f"{self.name}_layers"))
        return nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0)))

    def layer_results(self, names: Sequence[str] | None, *inputs: Any) -> dict[str, Any]:
        """The results of layers for a batch, in inference mode, by the names that `netspec show` lists.

        Args:
            names: those wanted, blocks as well; None: all of them.
            inputs: as for a call.

        Raises:
            ValueError: there is no such layer, or an input has another shape.
        """
        ready = self.normalized(*inputs)
        key = ("layers", None if names is None else tuple(names))
        if key not in self._programs:
            self._programs[key] = layers_program(self._probed, names, self.name)
        return dict(self._programs[key](nnx.state(self.module), ready))

    # ------------------------------------------------------------ pure functions

    @property
    def variables(self) -> dict[str, Any]:
        """A copy of the variables as they are, for `apply`: `{"params": …, "state": …}`. Those of a training loop are
        put back by assigning to it."""
        _, params, state = nnx.split(self.module, nnx.Param, ...)
        return {"params": jax.tree.map(jnp.copy, params), "state": jax.tree.map(jnp.copy, state)}

    @variables.setter
    def variables(self, variables: Mapping[str, Any]) -> None:
        for part in ("params", "state"):
            nnx.update(self.module, jax.tree.map(jnp.copy, variables[part]))

    def init(self, seed: int | Any = 0) -> dict[str, Any]:
        """Fresh variables: `{"params": …, "state": …}`, a pytree.

        Args:
            seed: a number or a JAX key.
        """
        module = self.module_class(rngs=nnx.Rngs(seed))
        _, params, state = nnx.split(module, nnx.Param, ...)
        return {"params": params, "state": state}

    def apply(self, variables: Mapping[str, Any], *inputs: Any, train: bool = False, logits: bool = False) -> Any:
        """The network as a pure function of its variables and inputs; may be jitted, differentiated, vmapped.

        Args:
            variables: what `init` makes.
            inputs: as for a call.
            train: dropout on, statistics of the batch used; then the result is `(outputs, new state)`.
            logits: leave the final softmax or sigmoid out, as losses want it.
        """
        module = nnx.merge(self._definitions[train], variables["params"], variables["state"], copy=True)
        has_head = logits and hasattr(module, "logits")
        outputs = module.logits(*inputs) if has_head else module(*inputs)
        if not train:
            return outputs
        return outputs, nnx.state(module, nnx.Not(nnx.Param))

    # ------------------------------------------------------------ finding trouble

    def locate_nonfinite(self, module: Any, inputs: tuple[Any, ...]) -> str | None:
        """The path of the first layer whose result is NaN or infinite for these inputs, or None.

        Args:
            module: a module of this network with the weights in question.
            inputs: a batch.
        """
        results = self.results_of_layers(module, inputs)
        return next((name for name, value in results if not bool(jnp.all(jnp.isfinite(value)))), None)

    def results_of_layers(self, module: Any, inputs: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
        """The path and the result of each layer in training mode, in the order of the computation; arguments are those
        of `locate_nonfinite`."""
        probed = network_class(load_source(emit_source(self.compilation.optimized, probes=True), f"{self.name}_probed"))
        twin = probed(rngs=nnx.Rngs(0))
        nnx.update(twin, nnx.state(module))
        with record() as seen:
            (twin.logits if hasattr(twin, "logits") else twin)(*inputs)
        paths = {id(part): ".".join(map(str, path)) for path, part in nnx.iter_modules(twin)}
        for owner, name, value in seen:
            yield "/".join(p for p in (paths.get(id(owner), "").replace(".", "/"), name) if p), value


def _restored(
    kind: type[Model],
    source: Source,
    parts: Mapping[str, Any],
    seed: int,
    preprocessing: Preprocessing | None,
    weights: Mapping[str, Any] | None,
    trained_on: TrainedData | None = None,
) -> Model:
    """A model that was pickled or copied."""
    model = kind(Compilation(source, **parts), seed=seed)
    model.preprocessing, model.trained_on = preprocessing, trained_on
    if weights is not None:
        put_weights(model.module, weights, source.name)
    return model
