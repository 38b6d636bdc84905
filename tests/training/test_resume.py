"""Killed anywhere and started again, a training ends with the same bits as an undisturbed one."""

import os
import signal

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from small_training import STOPPING, differing, made_up, newest, run_apart, small_fit

from exojax.storage.stop_signal import Interrupted
from exojax.training.fit import Examples
from exojax.training.log import read_metrics


def assert_same_run(one, other, *, stopping=False):
    (arrays, facts), (wanted, wanted_facts) = newest(one, stopping=stopping), newest(other, stopping=stopping)
    assert differing(arrays, wanted) == []
    assert facts == wanted_facts
    assert facts["done"]
    assert (one / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("stopping", [False, True])
def test_sigkill_at_random_moments_changes_no_bit(tmp_path, stopping, seed):
    assert run_apart(tmp_path / "whole", stopping=stopping) == 0
    # Within a step and between two: steps, saves and log lines are hit alike.
    rng, kills = np.random.default_rng(seed), 0
    for _ in range(2):
        code = run_apart(
            tmp_path / "killed", stopping=stopping, at_step=int(rng.integers(25)), delay=0.08 * rng.random()
        )
        kills += code == -signal.SIGKILL
    assert kills, "the training ended before it could be killed"
    assert run_apart(tmp_path / "killed", stopping=stopping) == 0
    assert_same_run(tmp_path / "killed", tmp_path / "whole", stopping=stopping)


def kill_at(step, signum):
    def report(record):
        if record["step"] == step:
            os.kill(os.getpid(), signum)

    return report


@pytest.mark.parametrize("stopping", [False, True])
def test_sigterm_and_ctrl_c_save_where_they_arrive(tmp_path, stopping):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    scores = small_fit(whole, stopping=stopping)
    # 3 and 13 lie between two validations, 10 on one.
    for step, signum in ((3, signal.SIGTERM), (10, signal.SIGINT), (13, signal.SIGINT)):
        with pytest.raises(Interrupted, match=f"step {step}; run the same command again") as end:
            small_fit(stopped, stopping=stopping, report=kill_at(step, signum))
        assert end.value.exit_code == 128 + signum
        assert newest(stopped, stopping=stopping)[0]["['step']"] == step
    flux = {"flux": made_up()[0]}
    assert np.array_equal(small_fit(stopped, stopping=stopping)(flux), scores(flux))
    assert_same_run(stopped, whole, stopping=stopping)


def test_sigterm_from_outside_saves_and_exits(tmp_path):
    assert run_apart(tmp_path, at_step=7, signum=signal.SIGTERM) == 128 + signal.SIGTERM
    reached = int(newest(tmp_path)[0]["['step']"])
    assert 7 <= reached < 60
    assert [record["step"] for record in read_metrics(tmp_path / "metrics.jsonl")] == list(range(5, reached + 1, 5))


def test_signals_act_as_before_once_training_is_over(tmp_path):
    small_fit(None)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_a_run_that_stopped_early_stays_stopped(tmp_path):
    scores = small_fit(tmp_path, stopping=True)
    arrays, facts = newest(tmp_path, stopping=True)
    assert facts["done"]
    assert facts["stale"] == STOPPING.patience
    assert arrays["['step']"] == facts["best_step"] + STOPPING.patience * STOPPING.evaluate_every < STOPPING.steps
    log, seen = (tmp_path / "metrics.jsonl").read_bytes(), []
    again = small_fit(tmp_path, stopping=True, report=lambda record: seen.append(record["step"]))
    assert seen == [int(arrays["['step']"])]
    assert (tmp_path / "metrics.jsonl").read_bytes() == log
    # And it is the best weights that are used, then as now.
    flux, labels = made_up()
    assert np.array_equal(again({"flux": flux}), scores({"flux": flux}))
    best = max(read_metrics(tmp_path / "metrics.jsonl"), key=lambda record: record["val_average_precision"])
    assert best["step"] == facts["best_step"]
    found = average_precision_score(labels[1::2], scores({"flux": flux[1::2]}))
    assert found == pytest.approx(best["val_average_precision"])


def test_the_best_weights_survive_later_ones_that_are_as_good(tmp_path):
    """A validation score of 1 is reached again and again; the first is the best and must not be cleared away."""
    flux, _ = made_up()
    alike = Examples(
        {"flux": flux[:8] * 0}, np.array([0, 1] * 4), np.arange(8), np.arange(8).astype(str)
    )  # the same score for every star, whatever the weights
    kept = small_fit(tmp_path, validation=alike)
    assert newest(tmp_path)[1]["best_step"] == 5
    records = read_metrics(tmp_path / "metrics.jsonl")
    assert len(records) > 4
    unkept = small_fit(None, validation=alike)
    assert np.array_equal(kept({"flux": flux}), unkept({"flux": flux}))


def test_records_after_the_restored_step_and_half_a_line_are_cut(tmp_path):
    small_fit(tmp_path)
    path = tmp_path / "metrics.jsonl"
    whole = path.read_text()
    path.write_text(whole + '{"step": 65, "loss": 1.0}\n{"step": 70, "lo')
    small_fit(tmp_path)
    assert path.read_text() == whole
