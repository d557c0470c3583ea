"""What a layer is: its options, its shape rule, its weights, and the code that computes it.

A layer is declared once, by a class under `@layer("word")`; the rest of netspec reads the declaration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Choice, Constant, Flag, Identifier, Number, OneWord, nested_shape
from netspec.language.shape import Dim, Shape, Size
from netspec.language.values import LayerValue
from netspec.language.vocabulary import Declares
from netspec.language.word import Mismatch, Word, option
from netspec.layers.activations import Activation
from netspec.layers.code import Code, Names, PythonCall, PythonName, Shapes, call, changed_options, given
from netspec.layers.errors.shapes import ExtentRank, GroupsDoNotDivide, NeedsKnownSize, WeightsShape, WrongRank
from netspec.layers.initializers import Initializer


class Tensor(Protocol):
    """What `Layer.expand` works with: a tensor of known shape."""

    @property
    def shape(self) -> Shape: ...


class Apply(Protocol):
    """Applies a layer to tensors, inside `Layer.expand`."""

    def __call__(self, layer: Layer | LayerValue, *inputs: Any) -> Any: ...


class Layer(Word):
    """Base class of all layers.

    Subclasses override `infer`, with one parameter per input (`*inputs` for any number of them), and whatever else
    differs from a plain function of one tensor without weights. Passes and checks read the traits below instead of
    testing for classes.
    """

    category: ClassVar[str] = "layer"

    function: ClassVar[str] = ""
    """The function or module that computes it (`nn.flatten`), for the default `code`."""
    input_count: ClassVar[tuple[int, int | None]] = (1, 1)
    """The minimum and maximum number of input tensors; None for no maximum (`concat`: 2 or more)."""
    reads_mask: ClassVar[int | None] = None
    """The index of the input whose padded steps the layer ignores; if that input has a mask, `masked_code` replaces
    `code`."""
    moves_steps: ClassVar[bool] = False
    """Reorders the steps of a sequence, so that a mask of padded steps no longer applies to its output."""
    is_identity: ClassVar[bool] = False
    """Does nothing."""
    training_only: ClassVar[bool] = False
    """Does nothing at inference."""
    cancels_bias: ClassVar[bool] = False
    """Subtracts the mean of each channel, and with it any bias added just before."""
    output_axis: ClassVar[int | None] = None
    """The axis of `kernel` that holds the output channels, for layers that compute a linear map plus `bias`: a pass may
    then fold a scale and an offset per channel into the two."""
    takes_rngs: ClassVar[bool] = True
    """Its module takes random keys, to initialize weights or to sample."""
    is_macro: ClassVar[bool] = False
    """Expands into other layers: `expand` is called instead of the rest."""

    borrows: ClassVar[str] = ""
    """The option that names a shared layer whose weights this layer uses too; `bind` returns the layer to build."""

    name: str | None = option(Identifier(), "the name of the layer, in the summary and in the weights", default=None)

    def before(self, *inputs: Any, **_: Any) -> tuple[Layer, ...]:
        """Layers that netspec inserts before this one for these inputs (`flatten` before `dense` on an image)."""
        return ()

    def infer(self, *inputs: Any, **_: Any) -> Shape:
        """The output shape.

        Raises:
            Unplaced: the layer cannot take these inputs.
        """
        raise TypeError(f"{type(self).__name__} declares no shape rule: override `infer`")

    def parameters(self, *inputs: Any, **_: Any) -> dict[str, tuple[int, ...]]:
        """Shapes of the trainable weights by their names in the module; `query.kernel` belongs to an inner module."""
        return {}

    def state(self, *inputs: Any, **_: Any) -> dict[str, tuple[int, ...]]:
        """Shapes of the non-trainable state, such as running means; names as in `parameters`."""
        return {}

    def macs(self, output: Shape, *inputs: Any, **_: Any) -> Size:
        """Multiply-adds of one forward pass of one example; only products with weights count, as in the literature."""
        return 0

    def module(self, *inputs: Any, **_: Any) -> PythonCall | None:
        """The constructor of the module that holds the weights, without `rngs`; None for a plain function."""
        return None

    def arguments(self) -> dict[str, Code]:
        """Keyword arguments for `function`: by default the options that differ from their defaults."""
        return changed_options(self)

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        """The expression that applies the layer to tensors of these shapes; `module` is the attribute that holds
        `module()`."""
        if module is not None:
            return PythonCall(module.text, tensors)
        assert self.function, f"{type(self).__name__} has none of `function`, module() and code()"
        return call(self.function, *tensors, **self.arguments())

    def masked_code(self, module: PythonName | None, tensors: Names, mask: PythonName, shapes: Shapes) -> Code:
        """Like `code`, with a mask of the steps, batch x T, false for padding: by default the last argument."""
        return self.code(module, (*tensors, mask), shapes)

    def applied(self, module: PythonName | None, tensors: Names, mask: PythonName | None, shapes: Shapes) -> Code:
        """`code`, or `masked_code` if there is a mask."""
        if mask is None:
            return self.code(module, tensors, shapes)
        return self.masked_code(module, tensors, mask, shapes)

    def expand(self, apply: Apply, *tensors: Any) -> Any:
        """For macros: build the layers that this one expands into."""
        raise TypeError(f"{type(self).__name__} is not a macro: override `expand`")

    def bind(self, lender: Layer | None, shapes: Shapes) -> Layer:
        """For layers that borrow weights: the layer to build, given the layer that holds the weights and its inputs.

        `lender` is None if the option does not name a single shared layer that was used before.

        Raises:
            Unplaced: its weights cannot be borrowed.
        """
        raise TypeError(f"{type(self).__name__} does not borrow weights: override `bind`")

    # what the rest of the compiler reads; the defaults suit layers without the options in question

    @property
    def activation_word(self) -> Activation | None:
        return getattr(self, "activation", None)

    @property
    def has_bias(self) -> bool:
        return bool(getattr(self, "bias", False))

    @property
    def is_frozen(self) -> bool:
        return bool(getattr(self, "frozen", False))


layer = Declares("layer")
"""The decorator that declares a layer: `@layer("name")`."""


# ---------------------------------------------------------------- shared options


class BiasInit(OneWord):
    """An initializer for a vector, which has no fan-in and fan-out."""

    of: str = "init"

    def accept(self, value: object) -> Any:
        init = super().accept(value)
        if init.needs_fans:
            raise Mismatch(self.describe(), value)
        return init

    def describe(self) -> str:
        return "an initializer that does not depend on fan-in, such as `zeros`, `constant(0.1)` or `normal(0.01)`"


PRECISIONS = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}
"""The values of `dtype`, and their names in NumPy and JAX."""


def precision(dtype: str | None) -> dict[str, Code]:
    """The keyword argument of a module for `dtype`."""
    return {} if dtype is None else {"dtype": PythonName(f"jnp.{PRECISIONS[dtype]}")}


DTYPE: Any = option(
    Choice(tuple(PRECISIONS)),
    "the dtype of the computation and of the output; weights are stored in f32 (none: that of the training)",
    default=None,
    aliases=("precision", "compute_dtype"),
)
FROZEN: Any = option(
    Flag(), "do not train the weights: they keep their initial values", default=False, aliases=("trainable",)
)
BIAS_INIT: Any = option(
    BiasInit(), "initializer of the bias (none: `zeros`)", default=None, aliases=("bias_initializer",)
)


def init_option(doc: str, default: Initializer | None = None) -> Any:
    """An initializer for a kernel or a table."""
    aliases = ("kernel_initializer", "kernel_init", "initializer", "embeddings_initializer")
    return option(OneWord("init"), doc, default=default, aliases=aliases)


def activation_option(position: int) -> Any:
    """The option `activation` of layers with weights; it may be the last positional argument."""
    return option(OneWord("activation"), "applied to the output", default=None, position=position, aliases=("act",))


def bias_option(*more_aliases: str) -> Any:
    """The option `bias`."""
    return option(Flag(), "add a trainable bias", default=True, aliases=("use_bias", "bias_term", *more_aliases))


def dropout_option(doc: str, **more: Any) -> Any:
    """A probability of dropping something during training; `more` as for `option`."""
    return option(Number(0, 1, open_high=True), doc, **more)


def weight_arguments(layer: Any, constant: Code = None) -> dict[str, Code]:
    """The keyword arguments of a module for `bias`, `dtype`, `init` (or a `constant` kernel) and `bias_init`."""
    return given(
        use_bias=None if layer.bias else False,
        **precision(layer.dtype),
        kernel_init=layer.init.code() if layer.init is not None and constant is None else constant,
        bias_init=layer.bias_init.code() if layer.bias and layer.bias_init is not None else None,
    )


class Regularized(Layer):
    """The options of layers with kernels or tables."""

    frozen: bool = FROZEN
    l1: float = option(Number(0), "L1 penalty: l1 * sum(|w|), biases excluded, is added to the loss", default=0.0)
    l2: float = option(Number(0), "L2 penalty: l2 * sum(w * w), biases excluded, is added to the loss", default=0.0)
    dtype: str | None = DTYPE

    def implied_defaults(self) -> dict[str, str]:
        return {"activation": "linear", "init": "lecun_normal", "bias_init": "zeros"}


class WithKernels(Regularized):
    """The options of layers with several kernels and biases."""

    bias: bool = bias_option("qkv_bias")
    init: Initializer | None = init_option("initializer of each kernel (none: `lecun_normal`)")
    bias_init: Initializer | None = BIAS_INIT


class Weighted(Regularized):
    """What layers with one kernel and one bias share: they compute a linear map."""

    bias: bool = bias_option()
    init: Initializer | None = init_option("initializer of the kernel (none: `lecun_normal`)")
    bias_init: Initializer | None = BIAS_INIT
    weights: Any = option(Constant(), "the kernel as nested lists of numbers; `frozen` keeps it constant", default=None)

    def kernel_shape(self, x: Shape) -> tuple[int, ...]:
        """The shape of the kernel for an input of this shape."""
        raise TypeError(f"{type(self).__name__} declares no kernel: override `kernel_shape`")

    @property
    def kernel_axes(self) -> str:
        """The order of the kernel's axes, for messages."""
        return "inputs, outputs"

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        kernel = self.kernel_shape(x)
        assert self.output_axis is not None
        return {"kernel": kernel, "bias": (kernel[self.output_axis],)} if self.bias else {"kernel": kernel}

    def weight_arguments(self, kernel: tuple[int, ...]) -> dict[str, Code]:
        """The keyword arguments of the module for `bias`, `dtype`, `init`, `weights` and `bias_init`."""
        self.check_weights(kernel)
        return weight_arguments(self, None if self.weights is None else call("nn.fixed", self.weights))

    def check_weights(self, kernel: tuple[int, ...]) -> None:
        """Whether constant weights have the kernel's shape, of which trailing sizes of 1 may be omitted.

        Raises:
            Unplaced: they do not.
        """
        if self.weights is None:
            return
        shape = nested_shape(self.weights)
        short = kernel
        while short and short[-1] == 1 and short != shape:
            short = short[:-1]
        if shape not in (kernel, short):
            levels = len(shape or ())
            rest_is_one = levels > 1 and all(n == 1 for n in kernel[levels:])
            needed = "x".join(map(str, kernel[:levels] if rest_is_one else kernel))
            advice = f"give {len(kernel)} levels of lists, in the order {self.kernel_axes}"
            if rest_is_one and levels == 2:
                order = "row by row" if len(kernel) > levels else f"in the order {self.kernel_axes}"
                advice = f"give {kernel[0]} lists of {kernel[1]} numbers, {order}"
            given = "x".join(map(str, shape or ()))
            raise Unplaced(WeightsShape, option="weights", found=given, needed=needed, advice=advice)


# ---------------------------------------------------------------- checks of inputs


def known(layer: Layer, size: Size, shape: Shape, what: str = "a fixed number of input features") -> int:
    """A size as a number.

    Raises:
        Unplaced: it is symbolic.
    """
    if isinstance(size, Dim):
        advice = "use `gap` before it, or write sizes as numbers in the `input` line"
        if shape.rank != 1:
            advice = "write sizes as numbers in the `input` line"
        raise Unplaced(NeedsKnownSize, word=layer.word, what=what, size=str(size), shape=str(shape), advice=advice)
    return size


def check_groups(groups: int, *counts: tuple[int, str]) -> None:
    """Whether the groups divide each count of channels; the words say what is counted.

    Raises:
        Unplaced: they do not.
    """
    for count, what in counts:
        if count % groups:
            divisors = [g for g in range(1, counts[0][0] + 1) if all(n % g == 0 for n, _ in counts)]
            *most, last = map(str, divisors[:12])
            valid = f"{', '.join(most)} or {last}" if most else last
            raise Unplaced(GroupsDoNotDivide, option="groups", groups=groups, channels=count, what=what, valid=valid)


def check_rank(layer: Layer, shape: Shape, ranks: Sequence[int], advice: str, *, input: int = 0) -> None:
    """Whether a tensor has one of the ranks and holds numbers, not token ids; `input` is its index among the inputs.

    Raises:
        Unplaced: it does not.
    """
    if shape.rank in ranks and not shape.is_tokens:
        return
    names = {1: "a vector", 2: "a sequence", 3: "an image", 4: "a volume"}
    wanted = [names[r] for r in ranks]
    wants = " or ".join([", ".join(wanted[:-1]), wanted[-1]]) if len(wanted) > 1 else wanted[0]
    if shape.rank > 4:
        advice = "a volume is depth x height x width x channels, without other sizes; the batch size is never written"
    raise wrong_rank(layer, shape, wants, EMBED_FIRST if shape.is_tokens else advice, at_input=input)


EMBED_FIRST = "first turn the ids into vectors with `embedding(64)`"


def wrong_rank(layer: Layer, shape: Shape, wants: str, advice: str, **where: Any) -> Unplaced:
    """The error for a tensor that a layer cannot take; `where` is `option` or `at_input`."""
    word = layer.to_source() if "option" in where else layer.to_source().partition("(")[0]
    return Unplaced(WrongRank, word=word, wants=wants, kind=shape.kind, shape=str(shape), advice=advice, **where)


def check_numbers(layer: Layer, *shapes: Shape) -> None:
    """Whether the tensors hold numbers, not token ids.

    Raises:
        Unplaced: one of them does not.
    """
    for index, shape in enumerate(shapes):
        if shape.is_tokens:
            raise wrong_rank(layer, shape, "numbers", EMBED_FIRST, at_input=index)


class Elementwise(Layer):
    """Base class of layers whose output has the shape of their input; they take numbers of any rank."""

    def infer(self, x: Shape) -> Shape:
        check_numbers(self, x)
        return x


def per_axis(value: int | tuple[int, ...], shape: Shape, name: str) -> tuple[int, ...]:
    """An option such as `kernel` or `stride`, expanded to one number per spatial axis.

    Raises:
        Unplaced: the extent has a different number of axes.
    """
    axes = shape.rank - 1
    if isinstance(value, int):
        return (value,) * axes
    if len(value) != axes:
        advice = "x".join(["3"] * axes) if axes > 1 else "a single number"
        if axes == 1 and len(value) == shape.rank:  # probably an image that was declared without its channels
            advice += f"; if {shape} is an image, write its channels too: `input {shape}x1`"
        raise extent_rank(name, "x".join(map(str, value)), f"{len(value)} numbers", shape, advice)
    return value


def extent_rank(option: str, extent: str, count: str, x: Shape, advice: str) -> Unplaced:
    """The error for an extent that has more or fewer entries than the tensor has spatial axes."""
    axes = "one axis" if x.rank == 2 else f"{x.rank - 1} axes"
    return Unplaced(
        ExtentRank, option=option, extent=extent, count=count, kind=x.kind, axes=axes, shape=str(x), advice=advice
    )
