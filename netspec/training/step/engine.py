"""The engine: a module, split once into pure arrays, and the compiled programs that run on them.

Comes in: a callable that builds the net, and a recipe. Goes out: the state of training as one tree of arrays, and
programs over it. The step program takes a batch from data that lie on the device, follows the gradient, and adds to the
sums that the figures of an epoch are made from; nothing comes back to the host until somebody asks. The state is
donated: a step writes into the memory of the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from netspec.data.dataset.dataset import Arrays
from netspec.language.diagnostics import fail
from netspec.nn.lowering.choice import compiler_options, using
from netspec.storage.tree_paths import Tree, widen
from netspec.training.errors import recipe as errors
from netspec.training.feed.device_data import Data, counted_steps, loss_sums, metric_sums, place
from netspec.training.feed.prefetch import Stream, is_stream
from netspec.training.optimizers import build_optimizer
from netspec.training.optimizers.layer_selection import keep_statistics, merge_trees, split_tree, weights_of
from netspec.training.recipe.outputs import OutputRecipe
from netspec.training.recipe.recipe import Recipe
from netspec.training.schedules import build_schedule, find_plateau
from netspec.training.step.gradient_stats import empty_sums, first_watch, watch_step
from netspec.training.step.precision import lower_precision
from netspec.training.step.remat import recompute
from netspec.training.step.skip_step import NONE_SKIPPED, counted_anew, take_back
from netspec.training.step.steps_per_call import steps_at_once

MakeModule = Callable[[nnx.Rngs], nnx.Module]
Penalty = tuple[Sequence[str | int], float, float]
"""A weight by the names on the way to it (`("conv1", "kernel")`), its l1 and its l2."""

Augment = Callable[[Any, tuple[Any, ...], dict[str, Any]], tuple[Any, Any]]
"""See `netspec.training.augment.pipeline.Augmenter`."""

State: TypeAlias = dict[str, Any]
"""`params`, `random` (for dropout and its kin), `other` (what else a net remembers), `optimizer`, `step` (of the run,
from 0), `sums` of the epoch, and `bad_step`: the first step whose loss was not finite, or -1. Where the recipe asks for
it, `rate_scale`: what a schedule that follows a figure has made of the rate, and
`skipped`: how many steps were left out in a row, and in this epoch, with how many examples; and
`watch` (netspec/training/step/gradient_stats.py)."""

_PARTS = (nnx.Param, nnx.RngState, ...)
"""How a module is divided: what is trained, random state, everything else."""


class Engine:
    """A net ready to be trained and asked.

    Args:
        make_module: builds the net. It is called with its inputs in order and gives an array, or a dict by output name
            when there are several; `module.logits`, where there is one, gives the same before the heads.
        recipe: everything in force.
        inputs: the names of the inputs, in order.
        steps_per_epoch: for the schedule.
        penalties: what is added to the loss for large weights.
        shuffle: take the examples in a new order in every epoch, instead of as they stand.
        augment: varies a batch: (step of the run, inputs, targets) -> (inputs, targets).

    Raises:
        CompileError: the net has no trainable weights (NS461).
    """

    def __init__(
        self,
        make_module: MakeModule,
        recipe: Recipe,
        inputs: Sequence[str],
        *,
        steps_per_epoch: int = 1,
        penalties: Sequence[Penalty] = (),
        shuffle: bool = True,
        augment: Augment | None = None,
    ) -> None:
        self.recipe = recipe
        self.shuffle = shuffle
        self.augment = augment
        self.input_names = tuple(inputs)
        self.steps_per_epoch = steps_per_epoch
        self.penalties = tuple(penalties)
        module = make_module(nnx.Rngs(recipe.seed))
        module.eval()
        self._plain, *_ = nnx.split(module, *_PARTS)
        self.precision = lower_precision(module, recipe.precision)
        self._asking, *_ = nnx.split(module, *_PARTS)
        module.train()
        for name in recipe.freeze:
            keep_statistics(module, name)
        self._frozen = [path for name in recipe.freeze for path in weights_of(module, name)]
        recompute(module, recipe.remat)
        self._training, *parts = nnx.split(module, *_PARTS)
        self._first: list[Tree] = [nnx.to_pure_dict(part) for part in parts]
        self._factor = build_schedule(recipe.schedule, steps_per_epoch, recipe.epochs * steps_per_epoch)
        chosen = {name: weights_of(module, name) for word in recipe.optimizer for name in word.layers}
        self._optimizer = build_optimizer(recipe.optimizer, seed=recipe.seed, chosen=chosen)
        self._step_programs: dict[int, Any] = {}
        self._loop_programs: dict[int, Any] = {}
        self._batch_programs: dict[int, Any] = {}
        self._most: int | None = None

    def share_programs(self, other: Engine) -> None:
        """Run the compiled programs of another engine, of the same net, recipe and data but for the seed.

        The seed is in the state that they are called with. What varies batches has one of its own, so engines with
        `augment` cannot share.
        """
        assert self.augment is None
        self._step_programs, self._loop_programs = other._step_programs, other._loop_programs
        for name in ("copy", "is_finite", "score_program", "inference_program"):
            self.__dict__[name] = getattr(other, name)

    # ------------------------------------------------------------ state

    def start(self) -> State:
        """The state before the first step; always the same for the same seed.

        Raises:
            CompileError: the net has no trainable weights (NS461).
        """
        # One program instead of one for each shape of a weight.
        found: State = jax.jit(self._first_state)(*self._first, self.zero_sums)
        return found

    def state_shapes(self) -> State:
        """The state without its numbers: shapes and types.

        Raises:
            CompileError: the net has no trainable weights (NS461).
        """
        found: State = jax.eval_shape(self._first_state, *self._first, self.zero_sums)
        return found

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
        found: State = jax.tree.map(jnp.copy, state)
        return found

    def begin_epoch(self, state: State) -> State:
        """The state with nothing counted yet."""
        found = {**state, "sums": self.copy(self.zero_sums)}
        if "skipped" in state:
            found["skipped"] = self.copy(counted_anew(state["skipped"]))
        if "watch" in state:
            found["watch"] = {**state["watch"], "sums": self.copy(empty_sums(state["watch"]["before"]))}
        return found

    def eval_weights(self, state: State) -> Tree:
        """The weights that the net is measured and kept with: those of the state, unless the optimizer has others."""
        if not self._optimizer.has_eval_weights:
            return state["params"]
        return self._answering(state["optimizer"], state["params"])

    @cached_property
    def _answering(self) -> Any:
        def weights(optimizer: Tree, params: Tree) -> Tree:
            trained, frozen = split_tree(params, self._frozen)
            return merge_trees(self._optimizer.eval_weights(optimizer, widen(trained)), frozen)

        return jax.jit(weights)

    @property
    def first_weights(self) -> tuple[Tree, Tree]:
        """What is trained and what else is remembered, before the first step."""
        params, _, other = self._first
        return params, other

    @cached_property
    def copy(self) -> Any:
        """Copies a tree of arrays, so that the original may be donated."""
        return jax.jit(lambda tree: jax.tree.map(jnp.copy, tree))

    @cached_property
    def is_finite(self) -> Any:
        """Whether every number of a tree is finite."""

        def check(tree: Tree) -> Any:
            floats = [x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.floating)]
            return jnp.all(jnp.asarray([jnp.all(jnp.isfinite(x)) for x in floats]))

        return jax.jit(check)

    @cached_property
    def zero_sums(self) -> Tree:
        """The sums of an epoch before its first step."""
        found: dict[str, Any] = {"penalty": jnp.float32(0)} if self.penalties else {}
        for name, output in self.recipe.outputs.items():
            shapes = jax.eval_shape(lambda out=output: self._sums_of_nothing(out))
            found[name] = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
        return found

    def _sums_of_nothing(self, output: OutputRecipe) -> Tree:
        logits, target = jnp.zeros((1, *output.head.shape)), jnp.asarray(self.example_target(output))
        weights = None if output.head.padding is None else jnp.ones((1, output.head.shape[0]), bool)
        _, of_loss = loss_sums(output, logits, target, weights)
        return {**of_loss, **metric_sums(output, logits, target, weights, training=True)}

    def example_target(self, output: OutputRecipe) -> Any:
        """The target of one example as the loss takes it: 1 x its shape, all zeros."""
        return output.place_targets(np.zeros((1, max(1, output.target.size))))

    def module(self, params: Tree, other: Tree, random: Tree | None = None) -> nnx.Module:
        """A live module with these weights, for asking; with `random` state, for training."""
        found: nnx.Module = (
            nnx.merge(self._asking, self.precision.used(params), self._first[1], other)
            if random is None
            else nnx.merge(self._training, self.precision.used(params), random, other)
        )
        return found

    def plain_module(self, params: Tree, other: Tree) -> nnx.Module:
        """A live module for asking as its source says it: in f32, whatever the precision of the run."""
        found: nnx.Module = nnx.merge(self._plain, widen(params), self._first[1], other)
        return found

    # ------------------------------------------------------------ data

    def place(self, arrays: Arrays, *, rows: int | None = None) -> Data:
        """Put a split onto the device, filled up to `rows` by copies of its first row."""
        return place(arrays, self.recipe, self.input_names, rows=rows)

    def feed(self, arrays: Arrays) -> Data | Stream:
        """A split to train on: on the device, or streamed where its examples are read when they are wanted."""
        return Stream(arrays, self.recipe, self.input_names) if is_stream(arrays) else self.place(arrays)

    def order(self, epoch: int, examples: int) -> Any:
        """The order of an epoch (from 0) on the device."""
        return jax.device_put(self.order_of_rows(epoch, examples))

    def order_of_rows(self, epoch: int, examples: int) -> Any:
        """The same on the host: a permutation made from the seed and the epoch alone."""
        if not self.shuffle:
            return np.arange(examples, dtype=np.int32)
        return np.random.default_rng((self.recipe.seed, epoch)).permutation(examples).astype(np.int32)

    def steps_at_once(self, data: Data) -> int:
        """How many whole steps one program runs at most."""
        if self._most is None:
            self._most = 1
            if "steps" in self.recipe.lowering and self.augment is None and not self.recipe.remat:
                size, (params, random, other) = self.recipe.batch, self._first
                batch = [jax.ShapeDtypeStruct((size, *x.shape[1:]), x.dtype) for x in data.arrays[0]]
                self._most = steps_at_once(
                    lambda params, inputs: self._answer(self.module(params, other, random), inputs), params, batch
                )
        return self._most

    def examples_of(self, step: int, data: Data | Stream) -> tuple[Tree, Tree]:
        """The inputs and targets of a step of the run, as the net sees them in it."""
        order, size = self.order(step // self.steps_per_epoch, data.examples), self.batch_size(step, data.examples)
        if isinstance(data, Data):
            return self.batch(jnp.int32(step), size, data.arrays, order)
        begin = (step % self.steps_per_epoch) * self.recipe.batch
        return self._varied(jnp.int32(step), data.read(np.asarray(order)[begin : begin + size]))

    # ------------------------------------------------------------ one step

    def step_program(self, size: int) -> Any:
        """The compiled step for batches of `size` examples: (state, data, order) -> (state, loss of the batch)."""
        if size not in self._step_programs:

            def step(state: State, data: tuple[Tree, Tree], order: Any) -> tuple[State, Any]:
                return self._step(state, self.batch(state["step"], size, data, order), size)

            self._step_programs[size] = self._compiled(step)
        return self._step_programs[size]

    def loop_program(self, size: int) -> Any:
        """The compiled loop over steps of `size` examples: (state, data, order, count) -> (state, loss of the last)."""
        if size not in self._loop_programs:

            def steps(state: State, data: tuple[Tree, Tree], order: Any, count: Any) -> tuple[State, Any]:
                def step(_: Any, before: tuple[State, Any]) -> tuple[State, Any]:
                    state, _ = before
                    return self._step(state, self.batch(state["step"], size, data, order), size)

                found: tuple[State, Any] = jax.lax.fori_loop(0, count, step, (state, jnp.float32(0)))
                return found

            self._loop_programs[size] = self._compiled(steps)
        return self._loop_programs[size]

    def batch_program(self, size: int) -> Any:
        """The compiled step for `size` examples that are streamed: (state, (inputs, targets)) -> (state, loss)."""
        if size not in self._batch_programs:

            def step(state: State, batch: tuple[Tree, Tree]) -> tuple[State, Any]:
                return self._step(state, self._varied(state["step"], batch), size)

            self._batch_programs[size] = self._compiled(step)
        return self._batch_programs[size]

    def _compiled(self, step: Any) -> Any:
        return jax.jit(step, donate_argnums=0, compiler_options=compiler_options(self.recipe.lowering))

    def batch_size(self, step: int, examples: int) -> int:
        """How many examples a step of the run takes; the last one of an epoch takes what is left."""
        begin = (step % self.steps_per_epoch) * self.recipe.batch
        return min(self.recipe.batch, examples - begin)

    def batch(self, step: Any, size: int, data: tuple[Tree, Tree], order: Any) -> tuple[Tree, Tree]:
        """The inputs and targets of a step of the run, varied; the steps before it in its epoch were whole ones."""
        begin = (step % self.steps_per_epoch) * self.recipe.batch
        rows = jax.lax.dynamic_slice_in_dim(order, begin, size)
        return self._varied(step, jax.tree.map(lambda x: x.at[rows].get(mode="promise_in_bounds"), data))

    def _varied(self, step: Any, batch: tuple[Tree, Tree]) -> tuple[Tree, Tree]:
        return batch if self.augment is None else self.augment(step, *batch)

    def _step(self, state: State, batch: tuple[Tree, Tree], size: int) -> tuple[State, Any]:
        trained, frozen = split_tree(state["params"], self._frozen)

        def objective(params: Tree) -> tuple[Any, tuple[Tree, Tree, Tree]]:
            return self._objective(merge_trees(params, frozen), state["random"], state["other"], batch)

        (loss, (random, other, sums)), gradient = jax.value_and_grad(objective, has_aux=True)(trained)
        gradient = widen(gradient)
        updates, optimizer = self._optimizer.update(
            gradient,
            state["optimizer"],
            widen(trained),
            factor=self._factor(state["step"]) * state.get("rate_scale", 1),
            value=loss,
            examples=size,
            closes=(state["step"] + 1) % self.steps_per_epoch == 0,
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
            is_good = self.is_finite((loss, gradient))
            after = take_back(state, after, is_good, size, self._optimizer.max_skipped)
        return after, loss

    def _objective(
        self, params: Tree, random: Tree, other: Tree, batch: tuple[Tree, Tree]
    ) -> tuple[Any, tuple[Tree, Tree, Tree]]:
        """What is made small; and the random state, what the net remembers, and the sums for the figures."""
        inputs, targets = batch
        module = self.module(params, other, random)
        logits = self._answer(module, inputs)
        _, new_random, new_other = (nnx.to_pure_dict(part) for part in nnx.split(module, *_PARTS)[1:])
        total, sums = jnp.float32(0), dict[str, Any]()
        for name, output in self.recipe.outputs.items():
            weights = counted_steps(output, inputs, self.input_names)
            loss, of_loss = loss_sums(output, logits[name], targets[name], weights)
            total = total + (loss if output.weight == 1 else output.weight * loss)
            answers = jax.lax.stop_gradient(logits[name])
            sums[name] = {**of_loss, **metric_sums(output, answers, targets[name], weights, training=True)}
        if self.penalties:
            penalty = self._penalty(params)
            total = total + penalty
            # Weighted by the examples like the losses, so that the mean of an epoch is made in one way.
            sums["penalty"] = penalty * len(jax.tree.leaves(inputs)[0])
        return total, (new_random, new_other, sums)

    def _penalty(self, params: Tree) -> Any:
        total = jnp.float32(0)
        for path, l1, l2 in self.penalties:
            weight = params
            for name in path:
                weight = weight[name]
            weight = widen(weight)
            total = total + l1 * jnp.abs(weight).sum() + l2 * (weight**2).sum()
        return total

    def _answer(self, module: Any, inputs: Sequence[Any]) -> dict[str, Any]:
        """The logits of each output, by name."""
        fed = self.precision.fed(inputs)
        with using(self.recipe.lowering):
            found = module.logits(*fed) if hasattr(module, "logits") else module(*fed)
        return self._by_output(found)

    def _by_output(self, found: Any) -> dict[str, Any]:
        names = list(self.recipe.outputs)
        values = dict(found) if isinstance(found, Mapping) else {names[0]: found}
        shapes = {name: self.recipe.outputs[name].head.shape for name in names}
        return {name: widen(values[name]).reshape(-1, *shape) for name, shape in shapes.items()}

    # ------------------------------------------------------------ asking

    @cached_property
    def score_program(self) -> Any:
        """The compiled scoring of a batch: (params, other, data, begin, examples, size) -> (sums, scores) by output.

        Rows from `examples` on only fill the last batch up and do not count.
        """

        def score(params: Tree, other: Tree, data: tuple[Tree, Tree], begin: Any, examples: Any, size: int) -> Any:
            inputs, targets = jax.tree.map(lambda x: jax.lax.dynamic_slice_in_dim(x, begin, size), data)
            rows = (begin + jnp.arange(size)) < examples
            logits = self._answer(self.module(params, other), inputs)
            sums, scores = {}, {}
            for name, output in self.recipe.outputs.items():
                weights = counted_steps(output, inputs, self.input_names, rows)
                _, of_loss = loss_sums(output, logits[name], targets[name], weights)
                sums[name] = {**of_loss, **metric_sums(output, logits[name], targets[name], weights, training=False)}
                if any(metric.takes_scores for metric in output.metrics):
                    scores[name] = (logits[name].reshape(size, -1), targets[name])
            return sums, scores

        told = compiler_options(self.recipe.lowering, answers=True)
        return jax.jit(score, static_argnums=5, compiler_options=told)

    @cached_property
    def inference_program(self) -> Any:
        """The compiled prediction: (params, other, inputs) -> answers by output, heads applied."""

        def answer(params: Tree, other: Tree, inputs: tuple[Any, ...]) -> dict[str, Any]:
            module: Any = self.module(params, other)
            with using(self.recipe.lowering):
                return self._by_output(module(*self.precision.fed(inputs)))

        return jax.jit(answer, compiler_options=compiler_options(self.recipe.lowering, answers=True))
