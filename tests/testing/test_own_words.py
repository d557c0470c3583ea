"""A word that a program declares has everything that a built-in one has."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import jax.numpy as jnp
import numpy as np
import pytest

import netspec
from netspec import extend
from netspec.compiler.backend.emit import emit_source
from netspec.language.kinds import Choice, Number
from netspec.language.reference.entries import explain, find_words, word_json, word_page
from netspec.language.shape import Shape
from netspec.language.source import Source
from netspec.language.vocabulary import temporary_words, words
from netspec.layers.activations import Activation, activation
from netspec.layers.base import Layer, check_numbers
from netspec.layers.code import call
from netspec.layers.initializers import Initializer, init
from netspec.spec.compilation import Compilation
from netspec.testing import check_activation, check_docs, check_init, check_layer

HERE = Path(__file__).parents[2]

TRAINED = """
input 1
dense(32, squareplus) -> dense(8, threshold, init = sparse(0.5)) -> around(dense(8)) -> running_mean -> dense(1)
data {
    source = waves(300)
    val    = 20%
}
train {
    optimizer = sign(0.01)
    schedule  = halving
    loss      = log_cosh
    metrics   = within(0.2) -> mae
    stop      = after_progress
    epochs    = 2
}
"""


@pytest.fixture
def own() -> Iterator[Any]:
    """The words of tests/testing/own_words, for one test."""
    with temporary_words():
        module = importlib.import_module("tests.testing.own_words.words")
        yield importlib.reload(module) if "film" not in words("layer") else module


def layer_class(name: str) -> type[Layer]:
    return cast("type[Layer]", words("layer")[name])


# ---------------------------------------------------------------- the public checks


@pytest.mark.parametrize("name", ["film", "running_mean", "largest", "blend", "around"])
def test_layers_pass_the_checks_of_built_in_ones(own: Any, name: str) -> None:
    check_layer(layer_class(name))


def test_other_words_pass_the_checks_of_built_in_ones(own: Any) -> None:
    for name in ("squareplus", "threshold"):
        check_activation(cast("type[Activation]", words("activation")[name]))
    check_init(cast("type[Initializer]", words("init")["sparse"]))
    names = ["log_cosh", "within", "sign", "halving", "after_progress", "waves"]
    for name, category in zip(names, ["loss", "metric", "optimizer", "schedule", "stop", "source"], strict=True):
        check_docs(words(category)[name])


def test_words_are_forgotten_again(own: Any) -> None:
    assert "film" in words("layer")
    layers = words("layer")
    with temporary_words():

        @extend.layer("brief")
        class Brief(extend.Layer):
            """Is there for a moment."""

        assert "brief" in words("layer")
    assert "brief" not in words("layer") and words("layer") is layers


def test_a_changed_word_brings_its_new_choices() -> None:
    """As when a cell of a notebook runs again."""
    for choice in ("first_way", "second_way"):
        with temporary_words():

            @extend.layer("by_choice")
            class ByChoice(extend.Layer):
                """Does nothing, in one of several ways.

                Shape: any -> the same
                Example: by_choice
                """

                way: str = extend.option(Choice((choice,)), "the way", default=choice)

                def infer(self, x: Shape) -> Shape:
                    return x

                def code(self, module: Any, tensors: Any, shapes: Any) -> Any:
                    return tensors[0]

            text = f"input 4\ndef block(way) = by_choice(way = way)\nblock({choice}) -> dense(2)"
            assert netspec.check(text) == []


@pytest.mark.parametrize("name", ["conv", "input", "if", "classes", "Big", "two words", "a-b"])
def test_names_that_are_taken_or_are_none(name: str) -> None:
    with temporary_words(), pytest.raises(ValueError, match=r"already declared|cannot be a word"):

        @extend.layer(name)
        class Own(extend.Layer):
            """Never comes to be."""


def declare(**methods: Any) -> type[Layer]:
    """A layer with one mistake, or none."""
    body: dict[str, Any] = {
        "__module__": __name__,
        "__qualname__": "Mistaken",
        "__doc__": "Scales every channel.\n\nShape: any -> the same\nExample: mistaken",
        "infer": lambda self, x: x,
        "parameters": lambda self, x: {"kernel": (x.channels, 3), "bias": (3,)},
        "module": lambda self, x: call("nn.Linear", x.channels, 3),
        **methods,
    }
    return extend.layer("mistaken")(type("Mistaken", (extend.Layer,), body))


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({}, r"mistaken on 12: gives \[\(2, 3\)\], declared \[\(2, 12\)\]"),
        ({"infer": lambda self, x: x.with_channels(3), "parameters": lambda self, x: {}}, "do not declare"),
        (
            {
                "infer": lambda self, x: x.with_channels(3),
                "parameters": lambda self, x: {"kernel": (x.channels, 3), "bias": (3,), "scale": (3,)},
            },
            "the module does not have",
        ),
        (
            {
                "infer": lambda self, x: x.with_channels(3),
                "parameters": lambda self, x: {"kernel": (x.channels, 4), "bias": (3,)},
            },
            "mistaken.kernel is",
        ),
        ({"__doc__": "Scales"}, "is a sentence"),
        ({"__doc__": "Scales.\n\nExample: mistaken"}, "no line `Shape:`"),
        ({"__doc__": "Scales.\n\nShape: any\nExample: dense(3)"}, "does not show it"),
        ({"__doc__": "Scales.\n\nShape: any\nExample: mistaken(3)"}, "compiles for none"),
    ],
)
def test_the_checks_find_mistakes(methods: dict[str, Any], message: str) -> None:
    with temporary_words(), pytest.raises(AssertionError, match=message):
        check_layer(declare(**methods), inputs=("12",))


def test_a_layer_that_reads_padded_steps_is_found(own: Any) -> None:
    class Forgetful(layer_class("largest")):  # type: ignore[misc]
        """The largest number of each channel over all steps.

        Shape: T x C -> C
        Example: forgetful
        """

        def masked_code(self, module: Any, tensors: Any, mask: Any, shapes: Any) -> Any:
            return self.code(module, tensors, shapes)

    with pytest.raises(AssertionError, match="padded steps change the result"):
        check_layer(extend.layer("forgetful")(Forgetful))


def test_an_option_of_a_kind_of_ones_own_gets_its_values() -> None:
    with temporary_words():

        @extend.layer("tenfold")
        class Tenfold(extend.Layer):
            """Multiplies by a multiple of ten.

            Shape: any -> the same
            Example: tenfold(10)
            """

            by: float = extend.option(Number(10), "the factor", position=0)

            def infer(self, x: Shape) -> Shape:
                check_numbers(self, x)
                return Shape((*x.space, x.channels * 2)) if self.by == 30 else x

            def code(self, module: Any, tensors: Any, shapes: Any) -> Any:
                return call("nn.scale", *tensors, factor=self.by, offset=0.0)

        check_layer(Tenfold)
        with pytest.raises(AssertionError, match=r"tenfold\(30\)"):
            check_layer(Tenfold, values={"by": (20, 30)})


def test_a_layer_of_different_inputs_is_checked_in_a_net_of_its_own(own: Any) -> None:
    check_layer(layer_class("film"), inputs=("9x7x4", "7x4"), net="(identity | gap -> dense(5)) -> {call}")


# ---------------------------------------------------------------- messages and docs


def test_a_misspelt_word_gets_the_nearest(own: Any) -> None:
    (found,) = netspec.check("input 3\nrunning_men(0.5)")
    assert "did you mean `running_mean`?" in found.hint_text
    (found,) = netspec.check("input 3x4\n(identity | gap) -> FiLM")
    assert "did you mean `film`?" in found.hint_text
    (found,) = netspec.check("input 3x4\n(identity | gap) -> film(shift = false)")
    assert found.code == "NS202" and "did you mean `offset`?" in found.hint_text
    (found,) = netspec.check("input 3x4\ndense(3, square_plus)")
    assert "did you mean `squareplus`?" in found.hint_text


def test_limits_and_shapes_are_checked(own: Any) -> None:
    (found,) = netspec.check("input 3\nrunning_mean(1.5)")
    assert found.code == "NS206" and "must be a number in [0, 1)" in found.message
    (found,) = netspec.check("input 4\n(identity | identity) -> film")
    assert found.code == "NS302"
    (found,) = netspec.check("input 5x4\nblend")
    assert "blend" in found.message


def test_an_error_of_ones_own_has_its_page(own: Any) -> None:
    (found,) = netspec.check("input 5x4\n(identity | identity) -> film")
    assert (found.code, found.message) == ("OWN301", "`film` is conditioned on a sequence (5x4)")
    assert explain("own301") is own.ConditionRank


def test_the_page_of_a_word(own: Any) -> None:
    (film,) = find_words("film")
    page = word_json(word_page(film))
    assert page["formula"] == "y = x * (c W + b) + (c V + d)"
    assert page["category"] == "layer" and page["signature"] == "film(activation = none, offset = true, name = none)"


def test_figures_of_the_summary(own: Any) -> None:
    model = netspec.compile("input 5x4\n(identity | gap -> dense(3)) -> film -> running_mean -> largest -> dense(2)")
    summary = model.summary()
    assert "film" in summary and "running_mean" in summary
    assert model.cost.trainable == 4 * 3 + 3 + 2 * (3 * 4 + 4) + 4 * 2 + 2


# ---------------------------------------------------------------- numbers


def test_film_by_hand(own: Any) -> None:
    model = netspec.compile("input 5x4\n(identity | gap) -> film")
    x = np.random.default_rng(0).normal(size=(2, 5, 4)).astype(np.float32)
    params = model.init(seed=1)["params"]["film"]
    condition = x.mean(axis=1)
    gain, offset = (condition @ params[n]["kernel"] + params[n]["bias"] for n in ("gain", "offset"))
    expected = x * gain[:, None] + offset[:, None]
    np.testing.assert_allclose(model.apply(model.init(seed=1), x), expected, rtol=1e-5, atol=1e-6)


def test_state_follows_the_batches_in_training_only(own: Any) -> None:
    model = netspec.compile("input 2\nrunning_mean(0.5)")
    variables = model.init(seed=0)
    x = jnp.array([[1.0, 2.0], [3.0, 6.0]])
    y, state = model.apply(variables, x, train=True)
    assert y.tolist() == [[-1.0, -2.0], [1.0, 2.0]]
    assert state["running_mean"]["mean"].tolist() == [1.0, 2.0]
    assert model.apply({**variables, "state": state}, x).tolist() == [[0.0, 0.0], [2.0, 4.0]]


def test_padded_steps_are_left_out(own: Any) -> None:
    model = netspec.compile("input 4 tokens(9, pad = 0)\nembedding(3) -> largest")
    table = np.asarray(model.init(seed=0)["params"]["embedding"]["embedding"])
    ids = jnp.array([[4, 2, 0, 0]])
    np.testing.assert_array_equal(model.apply(model.init(seed=0), ids)[0], table[[4, 2]].max(axis=0))


def test_functions_stand_where_a_function_is_wanted(own: Any) -> None:
    """An own activation inside a recurrent layer is no call but a name, which is imported too."""
    model = netspec.compile("input 4x3\nrnn(5, squareplus) -> last")
    assert "from tests.testing.own_words.functions import squareplus" in model.source
    assert model(jnp.zeros((1, 4, 3))).shape == (1, 5)


# ---------------------------------------------------------------- training, the command line, standalone source


def test_training_with_words_of_every_category(own: Any, tmp_path: Path) -> None:
    result = netspec.train(netspec.compile(TRAINED), runs=tmp_path)
    assert {"test_within", "test_mae", "test_loss"} <= set(result.metrics)
    again = netspec.load(result.run)
    x = np.linspace(-3, 3, 7, dtype=np.float32)[:, None]
    assert np.all(np.isfinite(np.asarray(again(x))))


def run(*arguments: str, folder: Path, path: Path = HERE) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(path), str(HERE)])}
    command = [sys.executable, "-m", "netspec", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_command_line_imports_words(tmp_path: Path) -> None:
    (tmp_path / "mine.net").write_text(TRAINED)
    without = run("check", "mine.net", folder=tmp_path)
    assert without.returncode == 1 and "NS201" in without.stdout + without.stderr
    done = run("--import", "tests.testing.own_words.words", "check", "mine.net", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    done = run("--import", "tests.testing.own_words.words", "words", "film", "--json", folder=tmp_path)
    page = json.loads(done.stdout)
    assert page["word"] == "film" and [o["name"] for o in page["options"]] == ["activation", "offset", "name"]


def test_the_reference_pages_have_words_of_ones_own(tmp_path: Path) -> None:
    done = run("--import", "tests.testing.own_words.words", "words", "--write", ".", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    layers, others, errors = ((tmp_path / f"{n}.md").read_text() for n in ("layers", "words", "errors"))
    assert "## The declarations\n\n### film\n\n`film(activation = none, …)`" in layers and "### squareplus" in layers
    assert all(f"### {word}\n" in others for word in ("sparse", "log_cosh", "within", "sign", "halving", "waves"))
    assert "## Other packages\n\n### OWN301" in errors
    done = run("--import", "tests.testing.own_words.words", "words", "film", "--markdown", folder=tmp_path)
    assert done.stdout.startswith("# film\n")
    done = run("--import", "tests.testing.own_words.words", "explain", "OWN301", folder=tmp_path)
    assert "What `film` is conditioned on" in done.stdout


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("nothing", None, "no module named `nothing`"),
        ("nothing.words", None, "no module named `nothing`"),
        ("mine", "import numpoo\n", "ModuleNotFoundError: No module named 'numpoo'"),
        ("mine", "import netspec\n\n1 / 0\n", "mine.py:3"),
        (
            "mine",
            "from netspec.extend import *\n@layer('dense')\nclass D(Layer): pass\n",
            "already declared by",
        ),
    ],
)
def test_modules_that_cannot_be_imported(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "mine.py").write_text(text)
    done = run("--import", name, "words", folder=tmp_path, path=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr and "internal error" not in done.stderr


def test_a_mistake_in_a_layer_of_ones_own_is_not_taken_for_one_of_netspec(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from netspec.extend import Layer, layer\n\n@layer('hollow')\nclass Hollow(Layer):\n"
        "    def infer(self, x):\n        return x.nothing\n"
    )
    (tmp_path / "x.net").write_text("input 3\nhollow\n")
    done = run("--import", "mine", "check", "x.net", folder=tmp_path, path=tmp_path)
    assert done.returncode == 1
    assert "no attribute 'nothing'" in done.stderr and "the error is in an imported module" in done.stderr


def test_standalone_source_imports_the_package_of_the_word(own: Any, tmp_path: Path) -> None:
    text = (
        "input 6x4\n(identity | gap -> dense(3, squareplus)) -> film(relu) -> running_mean -> dense(8, mish)"
        "\n-> dense(5, threshold, init = sparse(0.2)) -> largest"
    )
    spec = Compilation(Source("own.net", text, Path("own.net")))
    source = emit_source(spec.optimized, standalone=True)
    assert (
        "from tests.testing.own_words.functions import Film, RunningMean, Threshold, largest, sparse, squareplus"
        in source
    )
    program = (
        "import sys\nclass Hidden:\n    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'netspec':\n            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hidden())\nimport model, jax\nfrom flax import nnx\n"
        "net = lambda x: model.Own(rngs=nnx.Rngs(0))(x)\n"
        "print(jax.eval_shape(net, jax.numpy.ones((2, 6, 4))).shape)\n"
    )
    (tmp_path / "model.py").write_text(source)
    (tmp_path / "run.py").write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    command = [sys.executable, "run.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "(2, 5)", done.stderr


def test_words_of_the_program_itself() -> None:
    """A word that is declared in a script or a notebook, with its function beside it."""
    with temporary_words():

        @activation("cubed")
        class Cubed(Activation):
            """The third power.

            Example: dense(3, cubed)
            """

            function = f"{__name__}:cube"

        @init("rows")
        class Rows(Initializer):
            """Ones.

            Example: dense(3, init = rows)
            """

            def code(self) -> Any:
                return call(f"{__name__}:ones")

        check_activation(Cubed)
        check_init(Rows)
        model = netspec.compile("input 2\ndense(1, cubed, init = rows)")
        assert model(jnp.array([[1.0, 2.0]])).tolist() == [[27.0]]


def cube(x: Any) -> Any:
    return x**3


def ones() -> Any:
    return lambda key, shape, dtype=None, out_sharding=None: jnp.ones(shape, dtype)
