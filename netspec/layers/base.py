"""What a layer is: its options, its shape rule, its weights, and the code that stands for it.

A layer is declared once, by a class under `@layer("word")`; everything else in netspec asks the declaration.
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
from netspec.layers.code import Code, Names, PythonCall, PythonName, Shapes, call
from netspec.layers.errors.shapes import ExtentRank, NeedsKnownSize, WeightsShape, WrongRank
from netspec.layers.initializers import Init


class Tensor(Protocol):
    """What `Layer.expand` works with: a tensor of known shape."""

    @property
    def shape(self) -> Shape: ...


class Apply(Protocol):
    """Feeds tensors to a layer, inside `Layer.expand`."""

    def __call__(self, layer: Layer | LayerValue, *inputs: Any) -> Any: ...


class Layer(Word):
    """Base of every layer.

    Subclasses override `infer`, with one parameter for each input (`*inputs` when there are many), and what else
    differs from a plain function of one tensor without weights. The traits are read by passes and checks instead of
    asking for types.
    """

    category: ClassVar[str] = "layer"

    input_count: ClassVar[tuple[int, int | None]] = (1, 1)
    """The fewest and the most tensors that it takes; None for any number (`concat`: 2 or more)."""
    reads_mask: ClassVar[int | None] = None
    """The input whose padded steps it leaves out; where that one has a mask, `masked_code` stands for `code`."""
    moves_steps: ClassVar[bool] = False
    """Puts the steps of a sequence into another order, so that a mask of padded steps ends at it."""
    is_identity: ClassVar[bool] = False
    """Does nothing."""
    training_only: ClassVar[bool] = False
    """Does nothing outside training."""
    cancels_bias: ClassVar[bool] = False
    """Takes the mean of each channel away, and with it a bias in front."""
    output_axis: ClassVar[int | None] = None
    """For layers that sum products with a `kernel` and add a `bias`, so that a factor and an offset for each channel of
    the result can be worked into the two: the kernel's axis that has these channels."""
    takes_rngs: ClassVar[bool] = True
    """Its module wants random keys, for its first weights or for drawing."""
    is_macro: ClassVar[bool] = False
    """Stands for other layers: `expand` is called instead of the rest."""

    borrows: ClassVar[str] = ""
    """The option that names a shared layer whose weights it uses too; `bind` then gives what stands in the net."""

    name: str | None = option(Identifier(), "the name of the layer, in the summary and in the weights", default=None)

    def before(self, *inputs: Any, **_: Any) -> tuple[Layer, ...]:
        """Layers that netspec puts in front for these inputs (`flatten` before `dense` on an image)."""
        return ()

    def infer(self, *inputs: Any, **_: Any) -> Shape:
        """The shape that comes out.

        Raises:
            Unplaced: the inputs do not go with the layer.
        """
        raise TypeError(f"{type(self).__name__} declares no shape rule: override `infer`")

    def parameters(self, *inputs: Any, **_: Any) -> dict[str, tuple[int, ...]]:
        """Shapes of the trainable weights by their names in the module; `query.kernel` is one of an inner module."""
        return {}

    def state(self, *inputs: Any, **_: Any) -> dict[str, tuple[int, ...]]:
        """Shapes of what the module remembers and does not train, such as running means; names as in `parameters`."""
        return {}

    def macs(self, output: Shape, *inputs: Any, **_: Any) -> Size:
        """Multiply-adds of one forward pass of one example; counted for products with weights only, as papers do."""
        return 0

    def module(self, *inputs: Any, **_: Any) -> PythonCall | None:
        """The constructor of the module that holds the weights, without `rngs`; None for a plain function."""
        return None

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        """The expression that applies the layer to tensors of these shapes; `module` is where `module()` was kept."""
        assert module is not None, f"{type(self).__name__} has neither module() nor code()"
        return PythonCall(module.text, tensors)

    def masked_code(self, module: PythonName | None, tensors: Names, mask: PythonName, shapes: Shapes) -> Code:
        """As `code`, with a mask of the steps: batch x T, false for those that only fill up."""
        raise TypeError(f"{type(self).__name__} reads masks: override `masked_code`")

    def applied(self, module: PythonName | None, tensors: Names, mask: PythonName | None, shapes: Shapes) -> Code:
        """`code`, or `masked_code` where there is a mask."""
        if mask is None:
            return self.code(module, tensors, shapes)
        return self.masked_code(module, tensors, mask, shapes)

    def expand(self, apply: Apply, *tensors: Any) -> Any:
        """For macros: build what the layer stands for."""
        raise TypeError(f"{type(self).__name__} is no macro: override `expand`")

    def bind(self, lender: Layer | None, shapes: Shapes) -> Layer:
        """For layers that borrow: what stands in the net, given the layer that holds the weights and its inputs.

        `lender` is None when the option names no single shared layer that was used before.

        Raises:
            Unplaced: its weights are not to be had.
        """
        raise TypeError(f"{type(self).__name__} borrows no weights: override `bind`")

    # what the rest of the compiler asks; the defaults suit layers without the options in question

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


class BiasInit(OneWord):
    """An init that works on a vector, which has no fan_in and fan_out."""

    of: str = "init"

    def accept(self, value: object) -> Any:
        found = super().accept(value)
        if found.needs_fans:
            raise Mismatch(self.describe(), value)
        return found

    def describe(self) -> str:
        return (
            "an init that does not depend on the number of inputs, such as `zeros`, `constant(0.1)` or `normal(0.01)`"
        )


PRECISIONS = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}
"""What `dtype` takes, and the names in NumPy and JAX."""


def dtype_option() -> Any:
    """The option `dtype` of layers with weights."""
    return option(
        Choice(tuple(PRECISIONS)),
        "the precision it computes in, and that of the result; weights are kept in f32 (none: that of the training)",
        default=None,
        aliases=("precision", "compute_dtype"),
    )


def precision(dtype: str | None) -> dict[str, Code]:
    """The keyword argument of a module for `dtype`."""
    return {} if dtype is None else {"dtype": PythonName(f"jnp.{PRECISIONS[dtype]}")}


class Weighted(Layer):
    """The common options of layers with a kernel and a bias."""

    bias: bool = option(Flag(), "add a trainable vector to the result", default=True)
    init: Init | None = option(
        OneWord("init"),
        "how the kernel begins (none: `lecun_normal`)",
        default=None,
        aliases=("kernel_initializer", "kernel_init"),
    )
    bias_init: Init | None = option(
        BiasInit(),
        "how the bias begins (none: `zeros`)",
        default=None,
        aliases=("bias_initializer",),
    )
    weights: Any = option(Constant(), "the kernel as numbers, in lists; `frozen` keeps them so", default=None)
    frozen: bool = option(
        Flag(), "keep the weights as they begin: they are not trained", default=False, aliases=("trainable",)
    )
    l1: float = option(Number(0), "L1 penalty on the kernel: l1 * sum(|w|) is added to the loss", default=0.0)
    l2: float = option(Number(0), "L2 penalty on the kernel: l2 * sum(w * w) is added to the loss", default=0.0)
    dtype: str | None = dtype_option()

    def implied_defaults(self) -> dict[str, str]:
        return {"activation": "linear", "init": "lecun_normal", "bias_init": "zeros"}

    def initializers(self, kernel: tuple[int, ...]) -> dict[str, Code]:
        """The keyword arguments of the module for `init`, `bias_init`, `weights` and `dtype`."""
        found = precision(self.dtype)
        if self.weights is not None:
            self.check_weights(kernel)
            found["kernel_init"] = call("nn.fixed", self.weights)
        elif self.init is not None:
            found["kernel_init"] = self.init.code()
        if self.bias and self.bias_init is not None:
            found["bias_init"] = self.bias_init.code()
        return found

    def check_weights(self, kernel: tuple[int, ...]) -> None:
        """Constant weights have the kernel's shape, in which sizes of 1 at the end may be left out.

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
            found = "x".join(map(str, shape or ()))
            raise Unplaced(WeightsShape, option="weights", found=found, needed=needed, advice=advice)

    @property
    def kernel_axes(self) -> str:
        """The order of the kernel's axes, for messages."""
        return "inputs, outputs"


def activation_option(position: int) -> Any:
    """The option `activation` of layers with weights; it may stand as the last positional argument."""
    return option(OneWord("activation"), "applied to the result", default=None, position=position)


def known(layer: Layer, size: Size, shape: Shape, what: str = "its inputs") -> int:
    """The size as a number.

    Raises:
        Unplaced: it is symbolic.
    """
    if isinstance(size, Dim):
        advice = "use `gap` before it, or write a number in the `input` line"
        if shape.rank != 1:
            advice = "write a number in the `input` line"
        raise Unplaced(NeedsKnownSize, word=layer.word, what=what, size=str(size), shape=str(shape), advice=advice)
    return size


def check_rank(layer: Layer, shape: Shape, ranks: Sequence[int], advice: str, *, input: int = 0) -> None:
    """The tensor, the one of that index among the inputs, has one of the ranks and holds numbers, not token ids.

    Raises:
        Unplaced: it does not.
    """
    if shape.rank in ranks and not shape.is_tokens:
        return
    names = {1: "vectors", 2: "sequences", 3: "images", 4: "volumes"}
    wanted = [names[r] for r in ranks]
    wants = " and ".join([", ".join(wanted[:-1]), wanted[-1]]) if len(wanted) > 1 else wanted[0]
    if shape.rank > 4:
        advice = "a volume is depth x height x width x channels, and has no further sizes; the batch is never written"
    if shape.is_tokens:
        advice = "turn the ids into vectors with `embedding(64)` first"
    raise Unplaced(
        WrongRank, at_input=input, word=layer.word, wants=wants, kind=shape.kind, shape=str(shape), advice=advice
    )


def check_numbers(layer: Layer, *shapes: Shape) -> None:
    """The tensors hold numbers, not token ids.

    Raises:
        Unplaced: they do not.
    """
    for index, shape in enumerate(shapes):
        if shape.is_tokens:
            word = layer.to_source().partition("(")[0]
            advice = "turn the ids into vectors with `embedding(64)` first"
            raise Unplaced(
                WrongRank, at_input=index, word=word, wants="numbers", kind=shape.kind, shape=str(shape), advice=advice
            )


def per_axis(value: int | tuple[int, ...], shape: Shape, name: str) -> tuple[int, ...]:
    """An option such as `kernel` or `stride` with one number for each axis that windows slide over.

    Raises:
        Unplaced: the extent has another number of axes.
    """
    axes = shape.rank - 1
    if isinstance(value, int):
        return (value,) * axes
    if len(value) != axes:
        raise Unplaced(
            ExtentRank,
            option=name,
            extent="x".join(map(str, value)),
            count=len(value),
            kind=shape.kind,
            axes="one axis" if axes == 1 else f"{axes} axes",
            shape=str(shape),
            advice="x".join(["3"] * axes) if axes > 1 else f"a single number{_not_an_image(value, shape)}",
        )
    return value


def _not_an_image(value: tuple[int, ...], shape: Shape) -> str:
    """What to add when an image was probably declared without its channels."""
    return f"; if {shape} is an image, write its channels too: `input {shape}x1`" if len(value) == shape.rank else ""
