"""Made film reviews: `specs/sentiment.net` beside TF-IDF with logistic regression, on the same test examples.

    python -m benchmarks.texts [--seeds 3] [--quick] [--out benchmarks/results/texts.txt]

The seed draws the splits, the initial weights and the order of the examples. TF-IDF learns from the training and the
validation examples; the strength of its penalty is chosen by five-fold cross-validation on them.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import netspec
from netspec.spec.experiment import prepare

SPEC = Path(__file__).parents[1] / "specs" / "sentiment.net"
WORDS = {"words": (1, 1), "words and pairs": (1, 2)}


def of_tfidf(texts: np.ndarray, labels: np.ndarray, test: np.ndarray, grams: tuple[int, int]) -> float:
    """The test accuracy of a linear model on weighted counts of words."""
    known = np.setdiff1d(np.arange(len(texts)), test)
    pipeline = make_pipeline(TfidfVectorizer(ngram_range=grams), LogisticRegression(max_iter=1000))
    model = GridSearchCV(pipeline, {"logisticregression__C": np.logspace(-2, 3, 11)}, cv=5)
    model.fit(texts[known], labels[known])
    return float(model.score(texts[test], labels[test]))


def measured(seed: int, epochs: int | None) -> dict[str, float]:
    """The test accuracies of all three."""
    text = SPEC.read_text("utf-8").replace("val    = 10%", f"val    = 10%\n    seed   = {seed}")
    with SPEC.with_name("reviews.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts, labels = (np.array([row[name] for row in rows], object) for name in ("review", "sentiment"))
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "sentiment.net"
        spec.write_text(text.replace('"reviews.csv"', f'"{SPEC.with_name("reviews.csv")}"'), encoding="utf-8")
        settings = {"seed": seed} | ({"epochs": epochs} if epochs is not None else {})
        result = netspec.train(spec, runs=Path(folder), verbose=0, **settings)
        test = prepare(result.model.compilation, None).splits.test_index
    found = {"netspec": float(result.metrics["test_accuracy"])}
    return found | {name: of_tfidf(texts, labels.astype(str), test, grams) for name, grams in WORDS.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one seed, one epoch: fails only when something fails")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "texts.txt")
    options = parser.parse_args()
    names = ("netspec", *WORDS)
    rows = ["seed  netspec  TF-IDF of words  of words and pairs"]
    for seed in range(1 if options.quick else options.seeds):
        found = measured(seed, 1 if options.quick else None)
        rows.append(
            f"{seed:4}" + "".join(f"{found[name]:{width}.1%}" for name, width in zip(names, (9, 17, 20), strict=True))
        )
        print(rows[-1], flush=True)
    if not options.quick:
        head = "Test accuracy on 400 made film reviews (specs/reviews.csv)"
        options.out.write_text("\n".join([head, "", *rows]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
