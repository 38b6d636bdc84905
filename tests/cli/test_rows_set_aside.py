"""``--rows``: training and choices never read the stars that are set aside; one command scores them."""

from pathlib import Path

import numpy as np
import pytest
from small_cli import CADENCES, Call, assert_refused, read_json, read_rows, stars, write_csv

from exojax.cli import compare, evaluate, train, tune
from exojax.config import DataConfig, RunConfig
from exojax.errors import InputError
from exojax.io import npz
from exojax.io.set_aside import is_set_aside
from exojax.runs.fit import fit

pytestmark = pytest.mark.usefixtures("_no_plots")
N = 150


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 stars with catalogue numbers, 60 of them hosts."""
    flux, label = stars(N, 60, seed=6)
    path = tmp_path_factory.mktemp("source") / "numbered.npz"
    arrays = {"flux": 1 + flux / 1e4, "n_points": np.full(N, CADENCES), "label": (label == 2).astype(int)}
    np.savez(path, kepid=np.arange(2000, 2000 + N), **arrays)
    return path


def test_a_run_on_the_rest_and_its_last_score(source: Path, call: Call) -> None:
    ran = call(train.main, "--data", source, "--model", "tiny", "--run", "r", "--rows", "rest")
    assert ran.code == 0, ran.err
    run = Path("checkpoints/r")
    split, config = read_json(run / "split.json"), read_json(run / "config.json")
    known = [star for part in ("train", "validation", "test", "seen") for star in split[part]]
    aside = is_set_aside(np.arange(2000, 2000 + N)).sum()
    assert not is_set_aside(np.array(known)).any()
    assert config["config"]["data"]["rows"] == "rest"
    assert config["data"]["n"] == N - aside
    warnings = read_json(run / "metrics.json")["warnings"]
    assert any(f"{aside} of {N} rows are of stars that are set aside" in text for text in warnings)
    assert "set aside" in (run / "report.html").read_text()
    # The run remembers it: the same command goes on, and its own source is its own test stars.
    assert call(train.main, "--run", "r").code == 0
    assert call(evaluate.main, "--run", "r", "--data", source, "--out", "own").code == 0
    assert Path("own/predictions.csv").read_bytes() == (run / "predictions.csv").read_bytes()
    # Every star that is set aside is scored, and no other.
    ran = call(evaluate.main, "--run", "r", "--data", source, "--rows", "set-aside")
    assert ran.code == 0, ran.err
    scored = np.array([row["id"] for row in read_rows(run / "evaluation-numbered-set-aside" / "predictions.csv")])
    assert len(scored) == aside
    assert is_set_aside(scored).all()
    metrics = read_json(run / "evaluation-numbered-set-aside" / "metrics.json")
    assert metrics["n"] == aside
    assert any("--rows set-aside" in text for text in metrics["warnings"])
    # All rows hold those that it was trained on.
    assert_refused(call(evaluate.main, "--run", "r", "--data", source, "--rows", "all"), "trained")


def test_no_choice_sees_them(source: Path, call: Call) -> None:
    for main, options in (
        (train.main, ("--model", "tiny", "--run", "x")),
        (compare.main, ("--models", "tiny")),
        (tune.main, ("--model", "svc")),
    ):
        args = ("--data", source, "--rows", "set-aside", *options)
        assert_refused(call(main, *args), "give rest or all", "exojax evaluate")
    ran = call(
        compare.main, "--data", source, "--rows", "rest", "--models", "tiny", "--folds", 2, "--inner", 0, "--out", "c"
    )
    assert ran.code == 0, ran.err
    found = read_json(Path("c/compare.json"))
    assert found["plan"]["rows"] == "rest"
    assert any("set aside" in text for text in found["warnings"])
    # Another part of the rows is another comparison.
    ran = call(compare.main, "--data", source, "--models", "tiny", "--folds", 2, "--inner", 0, "--out", "c")
    assert_refused(ran, "another comparison")


def test_first_weights_that_know_them_are_refused(source: Path, call: Call) -> None:
    flux, label = stars(90, 30, seed=7)
    arrays = {"flux": 1 + flux / 1e4, "n_points": np.full(90, CADENCES), "label": (label == 2).astype(int)}
    np.savez("others.npz", kepid=np.arange(5000, 5090), **arrays)
    assert call(train.main, "--data", "others.npz", "--model", "tiny", "--run", "all").code == 0
    assert call(train.main, "--data", "others.npz", "--model", "tiny", "--run", "rest", "--rows", "rest").code == 0
    command = ("--data", source, "--model", "tiny", "--rows", "rest", "--run", "next")
    assert_refused(call(train.main, *command, "--init", "all"), "--init all", "set aside", "--rows rest")
    assert call(train.main, *command, "--init", "rest").code == 0
    ran = call(compare.main, "--data", source, "--rows", "rest", "--models", "tiny", "--init", "all", "--out", "c")
    assert_refused(ran, "--init all", "set aside")


def test_what_cannot_be_set_aside(source: Path, data: Path, call: Call) -> None:
    assert_refused(call(train.main, "--data", data, "--rows", "rest"), "--rows rest", "test file of its own")
    alone = write_csv(Path("alone.csv"), stars(40, 20, seed=1))
    assert_refused(call(train.main, "--data", alone, "--model", "tiny", "--rows", "rest"), "no catalogue numbers")
    curves = npz.read(source)
    config = RunConfig(model="svc", data=DataConfig(rows="rest"))
    with pytest.raises(InputError, match="holds stars that are set aside"):
        fit(config, curves, Path("lib"))
