"""What people give to the Python functions as in Keras and scikit-learn: the error says what to give here."""

from __future__ import annotations

from typing import Any

import numpy as np
import optax
import pytest

import netspec
from netspec.sklearn import Classifier

SPEC = "input 4\n\ndense(3, softmax)\n"
X, Y = np.zeros((20, 4), np.float32), np.zeros(20, int)

MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"validation_data": (X, Y)}, '`params={"data.val": 0.2}`'),
    ({"validation_data": [X, Y]}, '`params={"data.val": 0.2}`'),
    ({"params": {"data.val": X}}, '`params={"data.val": 0.2}`'),
    ({"optimizer": optax.adam(1e-3)}, 'cannot be an object of Optax: write it as a string, `optimizer="adam(1e-3)"`'),
    ({"optimizer": ("adam", 0.01)}, 'cannot be a tuple: write it as a string, `optimizer="adam(1e-3)"`'),
    ({"loss": np.mean}, '`loss="cross_entropy"`'),
    ({"metrics": {"age": "mae", "sex": "f1"}}, """`metrics='of("age", mae) -> of("sex", f1)'`"""),
    ({"class_weight": {1: 2, 0: 1}}, 'cannot be a dict: write `params={"data.class_weights": "[1, 2]"}`'),
    ({"sample_weight": X}, "`sample_weight` is a number, a bool, a str"),
    ({"x": X, "y": Y}, "data are one argument, a tuple of arrays: `netspec.train(…, (x, y))`"),
    ({"callbacks": ["early_stopping"]}, 'not "early_stopping"; write `stop="early"`'),
    ({"callbacks": "ModelCheckpoint"}, '`keep="best"`'),
    ({"callbacks": [3]}, "objects derived from netspec.Callback), not an int"),
]


@pytest.mark.parametrize(("arguments", "hint"), MISTAKES, ids=[repr([*row[0]]) for row in MISTAKES])
def test_a_value_of_another_library_has_a_hint(arguments: dict[str, Any], hint: str) -> None:
    with pytest.raises(TypeError) as caught:
        netspec.train(SPEC, (X, Y), **arguments)
    assert hint in str(caught.value) and len(str(caught.value)) < 200


def test_words_in_a_tuple_are_a_chain() -> None:
    with pytest.raises(netspec.CompileError, match='write `metrics="accuracy -> f1"`'):
        netspec.train(SPEC, (X, Y), metrics=("accuracy", "f1"))


def test_arguments_of_compile_and_evaluate_say_where_they_are_given() -> None:
    with pytest.raises(TypeError, match=r"`netspec.train\(model, \(x, y\), optimizer='adam', loss='mse'\)`") as caught:
        netspec.compile(SPEC, optimizer="adam", loss="mse")
    assert "`optimizer` and `loss` are settings of the training" in str(caught.value)
    with pytest.raises(TypeError, match=r'`netspec.compile\(…, params=\{"width": 16\}\)`'):
        netspec.compile(SPEC, width=16)
    with pytest.raises(TypeError, match=r"a tuple of arrays: `model.evaluate\(\(x, y\)\)`"):
        netspec.compile(SPEC).evaluate(X, Y)


def test_estimators_refuse_arrays_as_settings() -> None:
    with pytest.raises(TypeError, match=r'`optimizer="adam\(1e-3\)"`'):
        Classifier("dense(2, softmax)", optimizer=optax.adam(1e-3)).fit(X, [0, 1] * 10)
