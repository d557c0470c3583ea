"""Estimators of scikit-learn: its own checks, pipelines, grid searches over `param`s, and scores."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import netspec
from netspec.sklearn import Classifier, Regressor

SPEC = """
param width = 4
dense(width, relu) -> dense(classes, softmax)
data { normalize = standard }
train {
    epochs = 2
    optimizer = adam(0.03)
}
"""

QUICK = (
    "check_estimator_cloneable", "check_estimator_tags_renamed", "check_valid_tag_types", "check_estimator_repr",
    "check_no_attributes_set_in_init", "check_get_params_invariance", "check_set_params", "check_estimators_unfitted",
    "check_do_not_raise_errors_in_init_or_set_params", "check_n_features_in_after_fitting", "check_estimators_pickle",
    "check_mixin_order", "check_fit1d", "check_parameters_default_constructible", "check_estimators_nan_inf",
)  # fmt: skip
"""Those that each run of the suite makes; with `--long` all are made. None is expected to fail."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "check" in metafunc.fixturenames:
        metafunc.parametrize(("estimator", "check"), checks(all_of_them=metafunc.config.getoption("--long")))


def checks(all_of_them: bool) -> list[Any]:
    made = []
    for estimator, check in [pair for one in (Classifier(), Regressor()) for pair in estimator_checks_generator(one)]:
        name = check.func.__name__ if hasattr(check, "func") else check.__name__
        if name == "check_array_api_input":
            continue  # scikit-learn skips it itself without SCIPY_ARRAY_API
        if all_of_them or name in QUICK:
            made.append(pytest.param(estimator, check, id=f"{type(estimator).__name__}-{name}-{len(made)}"))
    return made


def test_scikit_learn_checks_it(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def iris() -> tuple[pd.DataFrame, np.ndarray]:
    data = load_iris(as_frame=True)
    return data.data, data.target_names[data.target]


def test_a_classifier(iris: tuple[pd.DataFrame, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    X, y = iris
    classifier = Classifier(SPEC, epochs=40, width=16, random_state=0).fit(X, y)
    assert classifier.score(X, y) > 0.93
    assert [*classifier.classes_] == ["setosa", "versicolor", "virginica"] and classifier.n_features_in_ == 4
    assert [*classifier.feature_names_in_] == [*X.columns]
    probabilities = classifier.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(classifier.classes_[probabilities.argmax(axis=1)], classifier.predict(X))
    np.testing.assert_allclose(
        classifier.model_.predict(X.to_numpy()).probabilities, probabilities, rtol=1e-4, atol=1e-6
    )
    twin = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(twin.predict_proba(X), probabilities)
    again = clone(classifier).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), probabilities)
    assert [*tmp_path.iterdir()] == [], "no run folder"
    with pytest.raises(TypeError, match="unexpected keyword argument 'sample_weight'"):
        classifier.fit(X, y, sample_weight=np.ones(len(y)))


def test_pipelines_and_grid_searches_over_params(iris: tuple[pd.DataFrame, np.ndarray]) -> None:
    X, y = iris
    pipeline = make_pipeline(StandardScaler(), Classifier(SPEC, epochs=20, random_state=0))
    scores = cross_val_score(pipeline, X, y, cv=2)
    assert scores.shape == (2,) and scores.min() > 0.7
    search = GridSearchCV(Classifier(SPEC, random_state=0), {"width": [1, 8], "epochs": [15]}, cv=2).fit(X, y)
    assert search.best_params_["width"] == 8
    assert search.best_estimator_.model_.module.dense.kernel.shape == (4, 8)


def test_arguments_that_the_spec_does_not_have(iris: tuple[pd.DataFrame, np.ndarray]) -> None:
    X, y = iris
    with pytest.raises(ValueError, match="Invalid parameter 'widht' for estimator Classifier; did you mean `width`"):
        Classifier(SPEC).set_params(widht=3)
    with pytest.raises(TypeError, match="`epoch` is neither a `param` of the spec nor a setting of `train`"):
        Classifier(SPEC, epoch=3).fit(X, y)
    assert Classifier(SPEC, width=3).get_params()["width"] == 3
    with pytest.raises(ValueError, match="NS201") as caught:
        Classifier("dens(3)").fit(X, y)
    assert isinstance(caught.value, netspec.CompileError)
    with pytest.raises(ValueError, match="the data have one class"):
        Classifier(SPEC).fit(X, np.zeros(len(X)))


def test_yes_or_no(iris: tuple[pd.DataFrame, np.ndarray]) -> None:
    X, y = iris
    spec = SPEC.replace("dense(classes, softmax)", "dense(1, sigmoid)")
    classifier = Classifier(spec, epochs=40, random_state=0).fit(X, y == "setosa")
    assert classifier.score(X, y == "setosa") > 0.98 and classifier.predict_proba(X).shape == (150, 2)


def test_a_regressor() -> None:
    X, y = make_regression(200, 5, n_informative=5, random_state=0)
    regressor = Regressor(random_state=0).fit(X, y * 1000)
    assert regressor.score(X, y * 1000) > 0.95, "targets are scaled"
    both = Regressor("dense(32, relu) -> dense(2)\ndata { normalize = standard }", epochs=3, random_state=0)
    assert both.fit(X, np.stack([y, -y], axis=1)).predict(X).shape == (200, 2)
