"""The four events of a fold are LEO-Vetter's, and their false-alarm levels exovetter's, on the same curves."""

import math

import numpy as np
import pytest
from sample_curves import again, leo, quietly, series

from exojax.vetting.model_shift import model_shift

NAMES = {
    "primary": "sig_pri",
    "secondary": "sig_sec",
    "tertiary": "sig_ter",
    "positive": "sig_pos",
    "red": "Fred",
    "secondary_depth": "dep_sec",
    "secondary_depth_error": "err_sec",
    "alarm_survey": "FA1",
    "alarm_fold": "FA2",
}


@pytest.mark.parametrize(
    ("period", "duration", "secondary", "red"), [(7.3, 0.17, 3e-4, 1e-4), (2.3, 0.11, 3e-4, 1e-4), (20.0, 0.17, 0, 0)]
)
def test_events_are_those_of_leo_vetter(period: float, duration: float, secondary: float, red: float) -> None:
    ours = series(period, duration, secondary=secondary, red=red)
    theirs = leo(ours)
    from leo_vetter import modshift

    quietly(modshift.uniqueness, theirs)
    found = model_shift(ours)
    for mine, name in NAMES.items():
        assert getattr(found, mine) == pytest.approx(theirs.metrics[name], rel=1e-4), mine
    phase = (theirs.metrics["phs_sec"] - theirs.metrics["phs_pri"]) % 1.0
    assert found.secondary_phase == pytest.approx(phase, abs=1e-3)


def test_false_alarm_level_and_secondary_are_where_exovetter_finds_them() -> None:
    theirs = pytest.importorskip("exovetter.modshift.modshift", reason="exovetter is not installed")
    ours = series(secondary=6e-4)
    found = model_shift(ours)
    model = np.where(ours.inside, -1e-3, 0.0)
    metrics, _ = theirs.compute_modshift_metrics(
        ours.time, ours.flux - ours.level, model, ours.period, ours.t0, 24 * ours.duration, show_plot=False
    )
    assert found.alarm_fold == pytest.approx(metrics["false_alarm_threshold"], rel=1e-9)
    phase = (metrics["phase_sec"] - metrics["phase_pri"]) / ours.period % 1.0
    assert found.secondary_phase == pytest.approx(phase, abs=0.3 * ours.duration / ours.period)


def test_a_secondary_fails_and_its_absence_passes() -> None:
    assert model_shift(series(secondary=8e-4)).verdict_secondary == "fail"
    assert model_shift(series(depth=2e-3)).verdict_secondary == "pass"
    assert model_shift(series(secondary=8e-4)).secondary_depth == pytest.approx(7e-4, rel=0.2)


def test_a_dip_among_many_as_deep_is_not_unique() -> None:
    rough = series(depth=4e-4, red=4e-4, seed=5)
    assert model_shift(rough).verdict_unique == "fail"
    assert model_shift(series()).verdict_unique == "pass"


def test_a_single_transit_and_a_fold_without_an_outside_are_not_known() -> None:
    for one in (again(series(), period=float("inf")), again(series(), period=0.3, duration=0.2)):
        found = model_shift(one)
        assert (found.verdict_unique, found.verdict_secondary) == ("not known", "not known")
        assert math.isnan(found.primary)
