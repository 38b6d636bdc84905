"""Files of single stars as the SOURCE of any command, and labels that come beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_cli import Call, assert_refused, files, read_json, read_rows, stars
from small_search import write_csv

from exojax.cli import compare, evaluate, explore, train
from exojax.config import SIMULATED, DataConfig, SimulateConfig
from exojax.evaluation import split
from exojax.io.simulated import population_of
from exojax.io.source import open_source

pytestmark = pytest.mark.usefixtures("_no_plots")

N, HOSTS = 42, 15


@pytest.fixture
def folder() -> Path:
    """A star a file, KIC 1000 on, all labelled but the last two; one file more is damaged."""
    flux, label = stars(N, HOSTS, seed=4)
    Path("many").mkdir()
    for k in range(N):
        write_csv(Path(f"many/KIC {1000 + k}.csv"), 1 + flux[k] / 1e4)
    Path("many/broken.csv").write_text("time,flux\n1,2\ncloudy,3\n")
    rows = [f"KIC {1000 + k},{int(label[k] == 2)}\n" for k in range(N - 2)]
    Path("labels.csv").write_text("id,label\n" + "".join(rows) + "77,1\n")
    return Path("many")


def test_train_and_evaluate_on_files_with_labels_beside_them(folder: Path, call: Call) -> None:
    command = ("--data", folder, "--model", "tiny", "--run", "k1")
    assert_refused(call(train.main, *command), "no labels", "many")
    ran = call(train.main, *command, "--labels", "labels.csv")
    assert ran.code == 0, ran.err
    assert "43 stars in 43 files" in ran.out
    run = Path("checkpoints/k1")
    metrics = read_json(run / "metrics.json")
    warnings = " ".join(metrics["warnings"])
    assert "2 stars without a label in labels.csv were dropped (the first: 1040)" in warnings
    assert "labels 1 stars without a light curve (the first: 77)" in warnings
    assert "1 file skipped (the first: broken.csv: line 3" in warnings
    data = read_json(run / "config.json")["data"]
    assert (data["n"], data["catalogued"], data["time_system"]) == (N - 2, True, "BKJD")
    # The run remembers its labels, to go on and to be evaluated on its own test stars.
    before = files(run)
    assert call(train.main, "--run", "k1").code == 0
    assert (run / "calibration.json").read_bytes() == before["calibration.json"]
    ran = call(evaluate.main, "--run", "k1", "--data", folder, "--out", "own")
    assert ran.code == 0, ran.err
    assert Path("own/predictions.csv").read_bytes() == before["predictions.csv"]
    # Stars that it was trained on are refused by name, as for any source.
    write_csv(Path("KIC 1000.csv"), 1 + stars(N, HOSTS, seed=4)[0][0] / 1e4)
    trained = set(read_json(run / "split.json")["train"])
    one = next(name for name in sorted(trained))
    Path("some").mkdir()
    for name in (one, "1041"):
        Path(f"some/KIC {name}.csv").write_bytes((folder / f"KIC {name}.csv").read_bytes())
    Path("two.csv").write_text(f"id,label\n{one},1\n1041,0\n")
    assert_refused(call(evaluate.main, "--run", "k1", "--data", "some", "--labels", "two.csv"), one)
    # Without labels all are scored.
    assert call(evaluate.main, "--run", "k1", "--data", "some/KIC *.csv", "--out", "scored").code == 0
    assert [row["id"] for row in read_rows(Path("scored/predictions.csv"))] == sorted([one, "1041"])


def test_one_star_a_glob_or_a_folder(folder: Path) -> None:
    whole = open_source(DataConfig(str(folder))).rows()
    assert whole.id.tolist() == [str(1000 + k) for k in range(N)]
    assert (whole.absolute, whole.catalogued, whole.source) == (True, True, "many")
    glob = open_source(DataConfig("many/KIC 100*.csv")).rows()
    assert glob.id.tolist() == [str(1000 + k) for k in range(10)]
    one = open_source(DataConfig("many/KIC 1003.csv")).rows()
    assert one.id.tolist() == ["1003"]
    assert np.array_equal(one.flux[0], glob.flux[3])
    assert len({whole.sha256, glob.sha256, one.sha256}) == 3


def test_explore_and_compare_take_labels(folder: Path, call: Call) -> None:
    ran = call(explore.main, "--data", folder, "--labels", "labels.csv", "--out", "seen")
    assert ran.code == 0, ran.err
    assert "40 stars" in ran.out
    options = ("--models", "tiny", "--folds", 2, "--steps", 2, "--out", "compared")
    assert call(compare.main, "--data", folder, "--labels", "labels.csv", *options).code == 0
    assert read_json(Path("compared/compare.json"))["n"] < N


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,label\n5,1\n", ("labels.csv", "none of the 42", "5 there", "1000 here")),
        ("id,label\n1000,2\n", ("labels.csv", "line 2", "label is '2'")),
        ("id,label\n1000,1\n1000,0\n", ("line 3", "another label above")),
        ("id,flux\n1000,1\n", ("label",)),
    ],
)
def test_labels_that_do_not_fit(content: str, words: tuple[str, ...], folder: Path, call: Call) -> None:
    Path("labels.csv").write_text(content)
    command = ("--data", folder, "--labels", "labels.csv", "--model", "tiny", "--run", "k1")
    assert_refused(call(train.main, *command), *words)
    assert not Path("checkpoints").exists()


def test_labels_beside_labels_are_refused(one_file: Path, call: Call) -> None:
    Path("labels.csv").write_text("id,label\nalone:0,1\n")
    ran = call(train.main, "--data", one_file, "--labels", "labels.csv", "--model", "tiny", "--run", "k1")
    assert_refused(ran, "labels of its own", "leave --labels out")


def test_stars_of_several_kinds_are_named(folder: Path, call: Call) -> None:
    flux = 1 + stars(1, 0, seed=0)[0][0] / 1e4
    write_csv(folder / "fast.csv", flux, 200 + np.arange(len(flux)) * 0.002)
    ran = call(explore.main, "--data", folder, "--out", "seen")
    assert_refused(ran, "several kinds", "42 of 72 minutes, BKJD", "1 of 2.88 minutes, file")


def test_two_simulated_sources_have_sizes_of_their_own() -> None:
    """``synthetic`` has some 60 test hosts; ``synthetic-kaggle`` the sizes and the imbalance of the Kaggle set."""
    for name, n, hosts, test_hosts in (("synthetic", 2000, 200, 60), ("synthetic-kaggle", 5657, 42, 5)):
        source, population = open_source(DataConfig(name)), population_of(name, SimulateConfig())
        assert (source.name, source.path, population.population) == (name, name, name)
        assert (population.n_stars, round(population.n_stars * population.host_fraction)) == (n, hosts)
        label = (np.arange(n) < hosts).astype(int)
        held = split.holdout(np.arange(n), label, fraction=source.test_fraction, seed=0)
        assert label[held].sum() == test_hosts
    # What is given stands, whichever it is of.
    assert population_of("synthetic-kaggle", SimulateConfig(), n_stars=50).n_stars == 50
    assert population_of("synthetic-kaggle", SimulateConfig(n_stars=50, seed=3)).n_stars == 50
    assert population_of("synthetic-kaggle", SimulateConfig(n_stars=50, seed=3)).seed == 3
    assert population_of("synthetic", SIMULATED["synthetic-kaggle"]) == SimulateConfig()
    assert population_of("stars.npz", SimulateConfig()) == SimulateConfig()


def test_auto_falls_back_to_synthetic(call: Call) -> None:
    source = open_source(DataConfig("auto"))
    assert (source.name, source.path, source.test_fraction) == ("synthetic", "synthetic", 0.3)
    for name, prefix in (("synthetic", "sim0:"), ("synthetic-kaggle", "synthetic-kaggle-sim0:")):
        run = f"{name}-tiny"
        small = ("--n-stars", 60, "--host-fraction", 0.4, "--model", "tiny")
        ran = call(train.main, "--data", name, *small)
        assert ran.code == 0, ran.err
        config = read_json(Path("checkpoints") / run / "config.json")["config"]["data"]
        assert (config["source"], config["simulate"]["population"], config["simulate"]["n_stars"]) == (name, name, 60)
        assert read_rows(Path("checkpoints") / run / "predictions.csv")[0]["id"].startswith(prefix)
