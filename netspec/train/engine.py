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

from netspec.diagnostics import fail
from netspec.train import errors
from netspec.train.heads import place_targets
from netspec.train.optimizers import build_optimizer
from netspec.train.placing import Data, Split, Tree, counted_steps, loss_sums, metric_sums, place
from netspec.train.recipe import OutputRecipe, Recipe
from netspec.train.schedules import build_schedule

MakeModule = Callable[[nnx.Rngs], nnx.Module]
Penalty = tuple[Sequence[str | int], float, float]
"""A weight by the names on the way to it (`("conv1", "kernel")`), its l1 and its l2."""

State: TypeAlias = dict[str, Any]
"""`params`, `random` (for dropout and its kin), `other` (what else a net remembers), `optimizer`, `step` (of the run,
from 0), `sums` of the epoch, and `bad_step`: the first step whose loss was not finite, or -1."""

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
    ) -> None:
        self.recipe = recipe
        self.shuffle = shuffle
        self.input_names = tuple(inputs)
        self.steps_per_epoch = steps_per_epoch
        self.penalties = tuple(penalties)
        module = make_module(nnx.Rngs(recipe.seed))
        module.eval()
        self._asking, *_ = nnx.split(module, *_PARTS)
        module.train()
        self._training, *parts = nnx.split(module, *_PARTS)
        self._first: list[Tree] = [nnx.to_pure_dict(part) for part in parts]
        factor = build_schedule(recipe.schedule, steps_per_epoch, recipe.epochs * steps_per_epoch)
        self._optimizer = build_optimizer(recipe.optimizer, factor)
        self._step_programs: dict[int, Any] = {}

    # ------------------------------------------------------------ state

    def start(self) -> State:
        """The state before the first step; always the same for the same seed.

        Raises:
            CompileError: the net has no trainable weights (NS461).
        """
        params, random, other = self._first
        if not jax.tree.leaves(params):
            raise fail(errors.NothingToTrain())
        state = {
            "params": params,
            "random": random,
            "other": other,
            "optimizer": self._optimizer.init(params),
            "step": jnp.int32(0),
            "sums": self.zero_sums,
            "bad_step": jnp.int32(-1),
        }
        found: State = self.copy(state)
        return found

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
        logits, target = jnp.zeros((1, *output.head.shape)), jnp.asarray(self._example_target(output))
        weights = None if output.head.padding is None else jnp.ones((1, output.head.shape[0]), bool)
        _, of_loss = loss_sums(output, logits, target, weights)
        return {**of_loss, **metric_sums(output, logits, target, weights, training=True)}

    def _example_target(self, output: OutputRecipe) -> Any:
        return place_targets(np.zeros((1, max(1, output.target.size))), output.head, output.target)

    def module(self, params: Tree, other: Tree, random: Tree | None = None) -> nnx.Module:
        """A live module with these weights, for asking; with `random` state, for training."""
        found: nnx.Module = (
            nnx.merge(self._asking, params, self._first[1], other)
            if random is None
            else nnx.merge(self._training, params, random, other)
        )
        return found

    # ------------------------------------------------------------ data

    def place(self, arrays: Split, *, rows: int | None = None) -> Data:
        """Put a split onto the device, filled up to `rows` by copies of its first row."""
        return place(arrays, self.recipe, self.input_names, rows=rows)

    def order(self, epoch: int, examples: int) -> Any:
        """The order of an epoch (from 0) on the device: a permutation made from the seed and the epoch alone."""
        if not self.shuffle:
            return jax.device_put(np.arange(examples, dtype=np.int32))
        found = np.random.default_rng((self.recipe.seed, epoch)).permutation(examples)
        return jax.device_put(found.astype(np.int32))

    # ------------------------------------------------------------ one step

    def step_program(self, size: int) -> Any:
        """The compiled step for batches of `size` examples: (state, data, order) -> (state, loss of the batch).

        This is the one place where it is decided how steps are run.
        """
        if size not in self._step_programs:

            def step(state: State, data: tuple[Tree, Tree], order: Any) -> tuple[State, Any]:
                return self._step(state, self.batch(state["step"], size, data, order), size)

            self._step_programs[size] = jax.jit(step, donate_argnums=0)
        return self._step_programs[size]

    def batch_size(self, step: int, examples: int) -> int:
        """How many examples a step of the run takes; the last one of an epoch takes what is left."""
        begin = (step % self.steps_per_epoch) * self.recipe.batch
        return min(self.recipe.batch, examples - begin)

    def batch(self, step: Any, size: int, data: tuple[Tree, Tree], order: Any) -> tuple[Tree, Tree]:
        """The inputs and targets of a step of the run; the steps before it in its epoch were whole ones."""
        begin = (step % self.steps_per_epoch) * self.recipe.batch
        rows = jax.lax.dynamic_slice_in_dim(order, begin, size)
        found: tuple[Tree, Tree] = jax.tree.map(lambda x: x.at[rows].get(mode="promise_in_bounds"), data)
        return found

    def _step(self, state: State, batch: tuple[Tree, Tree], size: int) -> tuple[State, Any]:
        def objective(params: Tree) -> tuple[Any, tuple[Tree, Tree, Tree]]:
            return self._objective(params, state["random"], state["other"], batch)

        (loss, (random, other, sums)), gradient = jax.value_and_grad(objective, has_aux=True)(state["params"])
        updates, optimizer = self._optimizer.update(gradient, state["optimizer"], state["params"])
        is_first_bad = (state["bad_step"] < 0) & ~jnp.isfinite(loss)
        after = {
            "params": optax.apply_updates(state["params"], updates),
            "random": random,
            "other": other,
            "optimizer": optimizer,
            "step": state["step"] + 1,
            "sums": jax.tree.map(jnp.add, state["sums"], sums),
            "bad_step": jnp.where(is_first_bad, state["step"], state["bad_step"]),
        }
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
            total = total + loss
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
            total = total + l1 * jnp.abs(weight).sum() + l2 * (weight**2).sum()
        return total

    def _answer(self, module: Any, inputs: Sequence[Any]) -> dict[str, Any]:
        """The logits of each output, by name."""
        found = module.logits(*inputs) if hasattr(module, "logits") else module(*inputs)
        return self._by_output(found)

    def _by_output(self, found: Any) -> dict[str, Any]:
        names = list(self.recipe.outputs)
        values = dict(found) if isinstance(found, Mapping) else {names[0]: found}
        return {name: values[name].reshape(-1, *self.recipe.outputs[name].head.shape) for name in names}

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
                    scores[name] = (logits[name].reshape(size), targets[name].reshape(size))
            return sums, scores

        return jax.jit(score, static_argnums=5)

    @cached_property
    def answer_program(self) -> Any:
        """The compiled prediction: (params, other, inputs) -> answers by output, heads applied."""

        def answer(params: Tree, other: Tree, inputs: tuple[Any, ...]) -> dict[str, Any]:
            module: Any = self.module(params, other)
            return self._by_output(module(*inputs))

        return jax.jit(answer)
