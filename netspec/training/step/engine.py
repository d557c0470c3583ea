"""The engine: a module, split once into pure arrays, and the compiled programs that run on them.

Input: an `Experiment`. Output: the state of training as one tree of arrays, and programs over it. The step program
takes a batch from data on the device, follows the gradient, and adds to the sums that the metrics of an epoch are
computed from; nothing comes back to the host until it is asked for. The state is donated: a step writes into the memory
of the one before. Where the arrays live, and how programs are compiled, is left to a `Placement`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, reduce
from operator import getitem
from typing import Any, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from netspec.data.dataset.dataset import Arrays
from netspec.data.prepare_batches import BatchSplit
from netspec.language.diagnostics import fail
from netspec.nn.lowering.choice import compiler_options, using
from netspec.storage.tree_paths import Tree, widen
from netspec.training.errors import recipe as errors
from netspec.training.experiment import Experiment
from netspec.training.feed.batch_feed import BatchFeed
from netspec.training.feed.device_data import Data, counted_steps, output_sums, put_split, zero_sums_of
from netspec.training.feed.placement import Placement
from netspec.training.feed.prefetch import Stream, is_stream
from netspec.training.optimizers import OptimizerChain
from netspec.training.optimizers.layer_selection import keep_statistics, merge_trees, split_tree, weights_of
from netspec.training.schedules import build_schedule, find_plateau
from netspec.training.step.first_weights import PARTS, FirstWeights
from netspec.training.step.gradient_stats import empty_sums, first_watch, watch_step
from netspec.training.step.precision import lower_precision
from netspec.training.step.remat import recompute
from netspec.training.step.skip_step import NONE_SKIPPED, take_back

State: TypeAlias = dict[str, Any]
"""`params`, `random` (for dropout and its variants), `other` (what else a network remembers), `optimizer`, `step` (of
the run, from 0), `sums` of the epoch, and `bad_step`: the first step whose loss was not finite, or -1. Where the recipe
asks for it, `rate_scale`: the factor of a schedule that follows a metric, `skipped`: how many steps were skipped in a
row, and in this epoch, with how many examples; and `watch` (netspec/training/step/gradient_stats.py)."""

T = TypeVar("T")


class Engine:
    """A network ready to be trained and evaluated.

    Args:
        experiment: the network, the recipe and the data.
        placement: where arrays live; one device by default.
        programs_of: an engine of the same network, recipe and data but for the seed, whose compiled programs this one
            runs. The seed is in the state that they are called with; `augment` has it built in, and is compiled anew.

    Raises:
        CompileError: the recipe names a layer that the network does not have (NS452).
    """

    def __init__(
        self, experiment: Experiment, *, placement: Placement | None = None, programs_of: Engine | None = None
    ) -> None:
        self.experiment, self.recipe = experiment, (recipe := experiment.recipe)
        self.placement = placement or Placement()
        self.input_names = tuple(experiment.inputs)
        self.steps_per_epoch = experiment.steps_per_epoch
        self._cache: dict[Any, Any] = {}
        if programs_of is not None and experiment.augment is None:
            self._cache = programs_of._cache  # another engine's
        self._made = FirstWeights(experiment, self.placement)
        module = self._made.module()
        module.eval()
        self._plain, *_ = nnx.split(module, *PARTS)
        self.precision = lower_precision(module, recipe.precision)
        self._inference, *_ = nnx.split(module, *PARTS)
        module.train()
        for name in recipe.freeze:
            keep_statistics(module, name)
        self._frozen = [path for name in recipe.freeze for path in weights_of(module, name)]
        recompute(module, recipe.remat)
        self._training, *parts = nnx.split(module, *PARTS)
        self._first: list[Tree] = self._made.put([nnx.to_pure_dict(part) for part in parts])
        self._factor = build_schedule(recipe.schedule, self.steps_per_epoch, recipe.epochs * self.steps_per_epoch)
        chosen = {name: weights_of(module, name) for word in recipe.optimizer for name in word.layers}
        self._optimizer = OptimizerChain(recipe.optimizer, seed=recipe.seed, chosen=chosen)

    def cached(self, key: Any, make: Callable[[], T]) -> T:
        """What `make` gave the first time: compiled programs, and what else engines of other seeds share."""
        if key not in self._cache:
            self._cache[key] = make()
        value: T = self._cache[key]
        return value

    # ------------------------------------------------------------ state

    def start(self) -> State:
        """The state before the first step; always the same for the same seed.

        Raises:
            CompileError: the network has no trainable weights (NS461).
        """
        params, random, other = self._first
        params = self._made.params(params)
        # One program instead of one for each shape of a weight.
        state: State = self.placement.put(self.placement.jit(self._first_state)(params, random, other, self.zero_sums))
        return state

    def trainable(self, params: Tree) -> int:
        """How many numbers of the weights are trained."""
        return sum(x.size for x in jax.tree.leaves(split_tree(params, self._frozen)[0]))

    def state_shapes(self) -> State:
        """The shapes and types of the state."""
        shapes: State = jax.eval_shape(self._first_state, *self._first, self.zero_sums)
        return shapes

    def _first_state(self, params: Tree, random: Tree, other: Tree, sums: Tree) -> State:
        params = self.precision.stored(params)
        trained = widen(split_tree(params, self._frozen)[0])
        if not jax.tree.leaves(trained):
            raise fail(errors.NothingToTrain())
        state = {
            "params": params,
            "random": random,
            "other": other,
            "optimizer": self._optimizer.init(trained),
            "step": jnp.int32(0),
            "sums": sums,
            "bad_step": jnp.int32(-1),
        }
        if find_plateau(self.recipe.schedule) is not None:
            state["rate_scale"] = jnp.float32(1)
        if self._optimizer.max_skipped is not None:
            state["skipped"] = NONE_SKIPPED
        if self.recipe.watch:
            state["watch"] = first_watch(trained)
        # Or JAX would hand the first weights themselves through, and a step would write into them.
        copied: State = jax.tree.map(jnp.copy, state)
        return copied

    def begin_epoch(self, state: State) -> State:
        """The state with all sums and counts at zero."""
        state = {**state, "sums": self.copy(self.zero_sums)}
        if "skipped" in state:
            state["skipped"] = self.copy({**NONE_SKIPPED, "in_row": state["skipped"]["in_row"]})
        if "watch" in state:
            state["watch"] = {**state["watch"], "sums": self.copy(empty_sums(state["watch"]["before"]))}
        return state

    def eval_weights(self, state: State) -> Tree:
        """The weights to evaluate and save: those of the state, unless the optimizer averages others."""
        if not self._optimizer.has_eval_weights:
            return state["params"]

        def averaged(optimizer: Tree, params: Tree) -> Tree:
            trained, frozen = split_tree(params, self._frozen)
            return merge_trees(self._optimizer.eval_weights(optimizer, widen(trained)), frozen)

        return self.cached("eval_weights", lambda: self.placement.jit(averaged))(state["optimizer"], state["params"])

    @property
    def first_weights(self) -> tuple[Tree, Tree]:
        """What is trained and what else is remembered, before the first step; what is split over devices as shapes."""
        params, _, other = self._first
        return params, other

    def copy(self, tree: Tree) -> Tree:
        """A copy of a tree of arrays, so that the original may be donated."""
        return self.cached("copy", lambda: self.placement.jit(lambda tree: jax.tree.map(jnp.copy, tree)))(tree)

    def is_finite(self, tree: Tree) -> Any:
        """Whether every number of a tree is finite, as an array on the device."""

        def check(tree: Tree) -> Any:
            floats = [x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.floating)]
            return jnp.all(jnp.asarray([jnp.all(jnp.isfinite(x)) for x in floats]))

        return self.cached("is_finite", lambda: self.placement.jit(check))(tree)

    @cached_property
    def zero_sums(self) -> Tree:
        """The sums of an epoch before its first step."""
        penalty: dict[str, Any] = {"penalty": jnp.float32(0)} if self.experiment.penalties else {}
        return penalty | {name: zero_sums_of(output) for name, output in self.recipe.outputs.items()}

    def module(self, params: Tree, other: Tree, random: Tree | None = None) -> nnx.Module:
        """A live module with these weights, for inference; with `random` state, for training."""
        module: nnx.Module = (
            nnx.merge(self._inference, self.precision.used(params), self._first[1], other)
            if random is None
            else nnx.merge(self._training, self.precision.used(params), random, other)
        )
        return module

    def plain_module(self, params: Tree, other: Tree) -> nnx.Module:
        """A live module for inference in f32, whatever the precision of the run."""
        module: nnx.Module = nnx.merge(self._plain, widen(params), self._first[1], other)
        return module

    # ------------------------------------------------------------ data

    def put_split(self, arrays: Arrays, *, rows: int | None = None) -> Data:
        """Transfer a split to the device, padded to `rows` with copies of its first row."""
        return put_split(arrays, self.recipe, self.input_names, self.placement, rows=rows)

    def feed(self, arrays: Arrays) -> Data | Stream | BatchFeed:
        """A split to train on: on the device, read on demand, or as an iterable gives it."""
        if isinstance(arrays, BatchSplit):
            return BatchFeed(arrays, self.recipe, self.input_names, self.placement)
        if is_stream(arrays):
            return Stream(arrays, self.recipe, self.input_names, self.placement)
        return self.put_split(arrays)

    def order(self, epoch: int, examples: int) -> Any:
        """The order of the examples in an epoch (from 0), on the device."""
        return self.placement.put(self.order_of_rows(epoch, examples))

    def order_of_rows(self, epoch: int, examples: int) -> Any:
        """The same on the host."""
        return self.experiment.order_of_rows(epoch, examples)

    # ------------------------------------------------------------ one step

    def step_program(self, size: int) -> Any:
        """The compiled step for batches of `size` examples: (state, data, order) -> (state, loss of the batch)."""

        def step(state: State, data: tuple[Tree, Tree], order: Any) -> tuple[State, Any]:
            return self._step(state, self.batch(state["step"], size, data, order), size)

        return self.cached(("step", size), lambda: self._compiled(step))

    def loop_program(self, size: int) -> Any:
        """The compiled loop over steps of `size` examples: (state, data, order, count) -> (state, loss of the last)."""

        def steps(state: State, data: tuple[Tree, Tree], order: Any, count: Any) -> tuple[State, Any]:
            def step(_: Any, before: tuple[State, Any]) -> tuple[State, Any]:
                state, _ = before
                return self._step(state, self.batch(state["step"], size, data, order), size)

            after: tuple[State, Any] = jax.lax.fori_loop(0, count, step, (state, jnp.float32(0)))
            return after

        return self.cached(("loop", size), lambda: self._compiled(steps))

    def batch_program(self, size: int) -> Any:
        """The compiled step for `size` examples that are streamed: (state, (inputs, targets)) -> (state, loss). Of an
        iterable it is also given whether the batch is the last one of the epoch."""

        def step(state: State, batch: tuple[Tree, Tree], closes: Any = None) -> tuple[State, Any]:
            return self._step(state, self.varied(state["step"], batch), size, closes)

        return self.cached(("batch", size), lambda: self._compiled(step))

    def _compiled(self, step: Callable[..., Any]) -> Any:
        return self.placement.jit(step, donate=0, options=compiler_options(self.recipe.lowering))

    def batch_size(self, step: int, examples: int) -> int:
        """How many examples a step of the run takes; the last one of an epoch takes what is left."""
        return min(self.recipe.batch, examples - (step % self.steps_per_epoch) * self.recipe.batch)

    def batch(self, step: Any, size: int, data: tuple[Tree, Tree], order: Any) -> tuple[Tree, Tree]:
        """The inputs and targets of a step of the run, varied; the steps before it in its epoch were whole ones."""
        begin = (step % self.steps_per_epoch) * self.recipe.batch
        rows = jax.lax.dynamic_slice_in_dim(order, begin, size)
        rows = self.placement.split_rows(rows)
        return self.varied(step, jax.tree.map(lambda x: x.at[rows].get(mode="promise_in_bounds"), data))

    def varied(self, step: Any, batch: tuple[Tree, Tree]) -> tuple[Tree, Tree]:
        """A batch of a step of the run, augmented where the experiment says so."""
        augment, batch = self.experiment.augment, self.placement.split_rows(batch)
        return batch if augment is None else self.placement.split_rows(augment(step, *batch))

    def _step(self, state: State, batch: tuple[Tree, Tree], size: int, closes: Any = None) -> tuple[State, Any]:
        closes = (state["step"] + 1) % self.steps_per_epoch == 0 if closes is None else closes
        trained, frozen = split_tree(state["params"], self._frozen)

        def loss_of(params: Tree) -> tuple[Any, tuple[Tree, Tree, Tree]]:
            weights = self.placement.whole_weights(merge_trees(params, frozen))
            return self.loss(weights, state["random"], state["other"], batch)

        (loss, (random, other, sums)), gradient = jax.value_and_grad(loss_of, has_aux=True)(trained)
        gradient = self.placement.split_weights(widen(gradient))
        updates, optimizer = self._optimizer.update(
            gradient,
            state["optimizer"],
            widen(trained),
            factor=self._factor(state["step"]) * state.get("rate_scale", 1),
            value=loss,
            examples=size,
            closes=closes,
        )
        is_first_bad = (state["bad_step"] < 0) & ~jnp.isfinite(loss)
        after = {
            **state,
            "params": merge_trees(optax.apply_updates(trained, updates), frozen),
            "random": random,
            "other": other,
            "optimizer": optimizer,
            "step": state["step"] + 1,
            "sums": jax.tree.map(jnp.add, state["sums"], sums),
            "bad_step": jnp.where(is_first_bad, state["step"], state["bad_step"]),
        }
        if "watch" in state:
            after["watch"] = watch_step(state["watch"], gradient, updates, size)
        if self._optimizer.max_skipped is not None:
            after = take_back(state, after, self.is_finite((loss, gradient)), size, self._optimizer.max_skipped)
        return self.placement.split_weights(after), loss

    def loss(
        self, params: Tree, random: Tree, other: Tree, batch: tuple[Tree, Tree]
    ) -> tuple[Any, tuple[Tree, Tree, Tree]]:
        """The loss to minimize; and the random state, what the network remembers, and the sums for the metrics."""
        inputs, targets = batch
        module = self.module(params, other, random)
        logits = self.logits(module, inputs)
        _, new_random, new_other = (nnx.to_pure_dict(part) for part in nnx.split(module, *PARTS)[1:])
        total, sums = jnp.float32(0), dict[str, Any]()
        for name, output in self.recipe.outputs.items():
            weights = counted_steps(output, inputs, self.input_names)
            loss, sums[name] = output_sums(output, logits[name], targets[name], weights, training=True)
            total = total + (loss if output.weight == 1 else output.weight * loss)
        if self.experiment.penalties:
            penalty = self._penalty(params)
            total = total + penalty
            # Weighted by the examples like the losses, so that the mean of an epoch is computed in one way.
            sums["penalty"] = penalty * len(jax.tree.leaves(inputs)[0])
        return total, (new_random, new_other, sums)

    def _penalty(self, params: Tree) -> Any:
        total = jnp.float32(0)
        for path, l1, l2 in self.experiment.penalties:
            weight = widen(reduce(getitem, path, params))
            total = total + l1 * jnp.abs(weight).sum() + l2 * (weight**2).sum()
        return total

    def logits(self, module: Any, inputs: Sequence[Any]) -> dict[str, Any]:
        """The logits of each output of a live module, by name."""
        lowered = self.precision.fed(inputs)
        with using(self.recipe.lowering):
            return self._by_output(module.logits(*lowered) if hasattr(module, "logits") else module(*lowered))

    def training_logits(self, params: Tree, inputs: Sequence[Any]) -> dict[str, Any]:
        """Those of training mode, with the first state of everything but the weights."""
        return self.logits(self.module(params, self._first[2], self._first[1]), inputs)

    def _by_output(self, result: Any) -> dict[str, Any]:
        values = dict(result) if isinstance(result, Mapping) else {next(iter(self.recipe.outputs)): result}
        shapes = {name: output.head.logits_shape for name, output in self.recipe.outputs.items()}
        return {name: widen(values[name]).reshape(-1, *shape) for name, shape in shapes.items()}

    # ------------------------------------------------------------ inference

    @property
    def score_program(self) -> Any:
        """The compiled scoring of a batch: (params, other, data, begin, examples, size) -> (sums, scores) by output.

        Rows from `examples` on are padding of the last batch and do not count.
        """

        def score(params: Tree, other: Tree, data: tuple[Tree, Tree], begin: Any, examples: Any, size: int) -> Any:
            batch = jax.tree.map(lambda x: jax.lax.dynamic_slice_in_dim(x, begin, size), data)
            inputs, targets = self.placement.split_rows(batch)
            rows = (begin + jnp.arange(size)) < examples
            logits = self.logits(self.module(self.placement.whole_weights(params), other), inputs)
            sums, scores = {}, {}
            for name, output in self.recipe.outputs.items():
                weights = counted_steps(output, inputs, self.input_names, rows)
                _, sums[name] = output_sums(output, logits[name], targets[name], weights, training=False)
                if name in self.recipe.scored:
                    scores[name] = (logits[name].reshape(size, -1), targets[name])
            return sums, scores

        key = ("score", *((output.threshold, output.margins) for output in self.recipe.outputs.values()))
        return self.cached(key, lambda: self.placement.jit(score, static=5, options=self._inference_options()))

    @property
    def inference_program(self) -> Any:
        """The compiled prediction: (params, other, inputs) -> predictions by output, heads applied."""

        def predict(params: Tree, other: Tree, inputs: tuple[Any, ...]) -> dict[str, Any]:
            module: Any = self.module(self.placement.whole_weights(params), other)
            inputs = self.placement.split_rows(inputs)
            with using(self.recipe.lowering):
                return self._by_output(module(*self.precision.fed(inputs)))

        return self.cached("predict", lambda: self.placement.jit(predict, options=self._inference_options()))

    def _inference_options(self) -> dict[str, str]:
        return compiler_options(self.recipe.lowering, inference=True)
