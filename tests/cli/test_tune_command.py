"""``tune.py``: exactly the wanted number of trials, on inner rows alone, also where a worker is killed."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from documented import assert_columns_explained, assert_files_explained
from small_cli import TINY, Call, assert_refused, read_json, stars, write_csv
from small_tune import Killer, assert_retried

from exojax.cli import train, tune
from exojax.config import RunConfig
from exojax.errors import InputError
from exojax.light_curves import LightCurves, shared_time
from exojax.models import registry
from exojax.models.base import Choice
from exojax.runs import tune as tune_run
from exojax.storage.array_files import load_arrays
from exojax.training import study as studies
from exojax.training import trials

SVC = ("--model", "svc", "--trials", 5, "--folds", 2)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 stars, 20 of them hosts, dips hardly above the noise."""
    flux, label = stars(60, 20, seed=4)
    flux[label == 2] += np.where(flux[label == 2] < -20, 32, 0)
    return write_csv(tmp_path_factory.mktemp("source") / "some.csv", (flux, label))


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Path:
    out = tmp_path_factory.mktemp("tuned") / "out"
    assert tune.main([str(o) for o in ("--data", source, "--out", out, *SVC)]) == 0
    return out


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "trials.csv").open() as stream:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(stream)]


def test_what_it_leaves(tuned: Path) -> None:
    found = read_json(tuned / "tune.json")
    assert found["finished"] == len(rows(tuned)) == 5
    best = max((row for row in rows(tuned) if row["state"] == "complete"), key=lambda r: float(r["average_precision"]))
    assert found["inner"] == pytest.approx(float(best["average_precision"]), abs=1e-5)
    assert found["optimism"] == found["inner"] - found["outer"]["value"]
    assert found["outer"]["low"] <= found["outer"]["value"] <= found["outer"]["high"]
    options = read_json(tuned / "config.json")["options"]
    assert {k: str(v) for k, v in options.items()} == {k: best[k] for k in ("input", "c", "gamma")}
    assert_files_explained(tuned, "The folders of the other commands")
    assert_columns_explained(tuned / "tune.json")
    assert_columns_explained(tuned / "trials.csv", but=options)
    for name in ("history", "importances", "slices"):
        assert (tuned / f"{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("_no_plots")
def test_what_it_found_can_be_trained(tuned: Path, call: Call) -> None:
    assert call(train.main, "--config", tuned / "config.json", "--run", "best").code == 0
    stored = read_json(Path("checkpoints/best/config.json"))["config"]
    assert stored["options"] == read_json(tuned / "config.json")["options"]
    kept = load_arrays(Path("checkpoints/best/model.npz"))
    assert str(kept["input"]) == stored["options"]["input"]
    columns = kept["support"].shape[1]
    assert kept["gamma"] == pytest.approx(stored["options"]["gamma"] / columns, rel=1e-3)
    # Another model has other options.
    assert train.configure(train.Options(config=tuned / "config.json"), "tiny").options == {}


def test_it_goes_on_and_never_draws_the_same_points_again(
    tuned: Path, source: Path, call: Call, tmp_path: Path
) -> None:
    command = ("--data", source, "--out", tmp_path / "out", "--model", "svc", "--folds", 2)
    assert call(tune.main, *command, "--trials", 3).code == 0
    before = rows(tmp_path / "out")
    assert before == rows(tuned)[:3]
    ran = call(tune.main, *command, "--trials", 5)
    after = rows(tmp_path / "out")
    assert after[:3] == before
    assert len({row["c"] for row in after}) == len(after) == 5
    assert "5 finished trials" in ran.out
    assert_refused(call(tune.main, *command, "--trials", 5, "--seed", 1), "seed: 0 -> 1", "--out")


def curves(n: int = 80, hosts: int = 24, c: int = 96) -> LightCurves:
    rng = np.random.default_rng(0)
    flux = rng.standard_normal((n, c)).astype(np.float32)
    flux[:hosts, ::16] -= 1
    names = np.array([f"k{i}" for i in range(n)])
    label = (np.arange(n) < hosts).astype(np.int8)
    valid = np.ones((n, c), bool)
    return LightCurves(names, shared_time(n, c, 0.1), flux, valid, label, None, True, False, 0.1, "assumed", "x", "abc")


def test_rows_outside_the_inner_leave_no_trace_in_the_trials(tmp_path: Path) -> None:
    """Whatever stands in outer and test rows, every trial and the point chosen are the same to the bit."""
    data, found = curves(), []
    inner = np.zeros(0, int)
    for name in ("a", "b"):
        url = f"sqlite:///{tmp_path / name}.db"
        plan = tune_run.TuningPlan(RunConfig(model="svc"), 3, 2, 1, url, test_fraction=0.2)
        found.append(tune_run.tune(plan, data, tmp_path / name, lambda what, done, total: None))
        kept = load_arrays(tmp_path / name / "study" / "inner_rows.npz")
        if name == "a":
            # By their features, which are computed row by row.
            digests = {x.tobytes(): i for i, x in enumerate(trial_features(data))}
            inner = np.array([digests[x.tobytes()] for x in kept["input/flux"]])
            flux = 100 * np.random.default_rng(1).standard_normal(data.flux.shape).astype(np.float32)
            flux[inner] = data.flux[inner]
            data = replace(data, flux=flux)
    assert len(inner) == 48  # of 80, a fifth is for the test, a quarter of the rest outer
    scored = [[(t.score, t.params, t.state) for t in one.trials] for one in found]
    assert scored[0] == scored[1]
    assert found[0].config == found[1].config
    assert found[0].outer != found[1].outer


def trial_features(data: LightCurves) -> np.ndarray:
    from exojax.features.registry import compute

    return compute(("flux",), data)["flux"]


@pytest.fixture
def job(tmp_path: Path) -> studies.TuningJob:
    return studies.TuningJob(
        RunConfig(model="svc"), "s", f"sqlite:///{tmp_path}/s.db", tmp_path / "rows.npz", 0.1, trials=2
    )


@pytest.fixture
def study(job: studies.TuningJob) -> Iterator[Any]:
    with studies.connected(job.storage) as storage:
        yield studies.open_study(job, storage)


@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_trials_beyond_the_wanted_number_are_given_up(job: studies.TuningJob, study: Any) -> None:
    """Three workers ask at once for the last two: a count before asking would let all three through."""
    trials_of_study = [study.ask() for _ in range(3)]
    for trial in trials_of_study[:2]:
        trials.check_place(study, trial, job.trials)
    with pytest.raises(trials.SurplusTrialError):
        trials.check_place(study, trials_of_study[2], job.trials)
    study.tell(trials_of_study[2], state=studies_state("FAIL"))
    # One fails: its place is free again.
    study.tell(trials_of_study[0], state=studies_state("FAIL"))
    trials.check_place(study, study.ask(), job.trials)


def studies_state(name: str) -> object:
    import optuna

    return optuna.trial.TrialState[name]


@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_a_dead_workers_trial_waits_to_be_tried_again(study: Any) -> None:
    ours, theirs = study.ask(), study.ask()
    for trial, worker in ((ours, "here-1"), (theirs, "there-1")):
        trial.suggest_float("c", 0, 1)
        trial.set_user_attr("worker", worker)
    studies.give_back(study, "here-1")
    assert [t.state.name for t in study.get_trials()] == ["FAIL", "RUNNING", "WAITING"]
    assert study.get_trials()[2].params == ours.params


def test_points_that_cannot_be_trained_count_as_bad_ones(
    source: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def space(suggest):
        if suggest.suggest_categorical("what", ("works", "does not")) == "does not":
            raise InputError("it does not")
        return Choice(options={"input": "spectrum", "c": suggest.suggest_float("c", 1.0, 2.0)})

    monkeypatch.setitem(registry.MODELS, "svc", replace(registry.MODELS["svc"], space=space))
    command = ("--data", source, "--out", "out", "--model", "svc", "--folds", 2)
    assert call(tune.main, *command, "--trials", 6).code == 0
    found = rows(Path("out"))
    assert len(found) == 6
    bad = [row for row in found if row["what"] == "does not"]
    assert 0 < len(bad) < 6
    assert all((row["state"], row["reason"]) == ("pruned", "it does not") for row in bad)
    assert 1 <= read_json(Path("out/config.json"))["options"]["c"] <= 2


BAD: dict[str, tuple[tuple[object, ...], tuple[str, ...]]] = {
    "unknown model": (("--model", "svx"), ("--model svx", "did you mean svc")),
    "no space": (("--model", "tiny"), ("tiny", "no settings to tune")),
    "empty range": (("--model", "empty"), ("none of 100 random points", "from 2 to 1")),
    "no shape": (("--model", "shapeless"), ("none of 100 random points", "batch_size is 0")),
    "unknown option": (("--model", "stranger"), ("none of 100 random points", "'wings'")),
    "no database": (("--storage", "sqlite:////nowhere/at/all.db"), ("--storage sqlite:", "cannot be reached")),
    "no server": (("--storage", "postgresql+psycopg://me:secret@127.0.0.1:1/x"), ("me:***@", "cannot be reached")),
    "no driver": (("--storage", "mysql+nodriver://127.0.0.1/x"), ("--storage", "cannot be reached")),
    "no URL": (("--storage", "study"), ("--storage study", "URL of a database")),
    "fewer hosts than folds": (("--folds", 20), ("planet hosts cannot be shared among 20 folds",)),
    "one fold": (("--folds", 1), ("1 fold(s)",)),
    "no trials": (("--trials", 0), ("--trials 0",)),
    "no workers": (("--workers", 0), ("--workers 0",)),
    "no steps": (("--steps", 0), ("--steps 0",)),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_done_is_refused_before_any_training(
    case: str, source: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    spaces = {
        "empty": lambda suggest: Choice(train={"learning_rate": suggest.suggest_float("learning_rate", 2, 1)}),
        "shapeless": lambda suggest: Choice(train={"batch_size": suggest.suggest_int("batch_size", 0, 0)}),
        "stranger": lambda suggest: Choice(options={"wings": suggest.suggest_int("wings", 1, 2)}),
    }
    for name, space in spaces.items():
        monkeypatch.setitem(registry.MODELS, name, replace(TINY, space=space))
    for module in (trials, tune_run):
        monkeypatch.setattr(module, "fit_model", lambda *a, **b: pytest.fail("something was trained"))
    options, words = BAD[case]
    ran = call(tune.main, "--data", source, "--out", "out", *SVC, *options)
    assert_refused(ran, "tune.py: ", *words)
    assert "secret" not in ran.err


def test_one_of_two_workers_is_killed(source: Path, call: Call) -> None:
    def read() -> list[tuple[int, str, str]]:
        question = (
            "SELECT number, state, value_json FROM trials JOIN trial_user_attributes USING (trial_id) "
            "WHERE key = 'worker'"
        )
        with sqlite3.connect("file:out/study.db?mode=ro", uri=True, timeout=0.2) as base:
            found = base.execute(question).fetchall()
        base.close()
        return [(number, state, worker.strip('"')) for number, state, worker in found]

    command = ("--data", source, "--out", "out", "--model", "svc", "--trials", 8, "--workers", 2)
    with Killer(read) as killer:
        ran = call(tune.main, *command)
    assert ran.code == 0, ran.err
    (killed,) = killer.killed
    assert_retried("sqlite:///out/study.db", read_json(Path("out/tune.json"))["study"], killed, wanted=8)
    assert len(rows(Path("out"))) == 8
