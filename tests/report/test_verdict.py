"""The three sentences on top of a report say what the figures say."""

import pytest

from exojax.report.verdict import verdict


def interval(value, low, high):
    return {"value": value, "low": low, "high": high}


def made(**changes):
    return {"n": 100, "n_positive": 10, "average_precision": interval(0.5, 0.3, 0.7), "threshold": 0.4,
            "confusion": [[85, 5], [4, 6]]} | changes  # fmt: skip


@pytest.mark.parametrize(
    ("found", "begins"),
    [
        (interval(0.5, 0.3, 0.7), "Better than chance"),
        (interval(0.15, 0.08, 0.3), "Not distinguished from chance"),
        (interval(0.05, 0.03, 0.08), "Worse than chance"),
        (None, "Whether it is better than chance cannot be known"),
    ],
)
def test_chance(found, begins):
    assert verdict(made(average_precision=found))[0].startswith(begins)


def test_controls_that_rank_hosts_first_are_named():
    good = {"control": "masked", "against": "others", "roc_auc": interval(0.5, 0.4, 0.6)}
    bad = {"control": "coverage", "against": "others", "roc_auc": interval(0.7, 0.6, 0.8)}
    none = {"control": "inverted", "roc_auc": None}
    assert "at chance" in verdict(made(), [good, none])[1]
    assert "“coverage” against others has a ROC AUC of 0.700" in verdict(made(), [good, bad])[1]
    assert "none could be measured" in verdict(made(), [none])[1]


def test_the_threshold_is_counted():
    assert verdict(made())[2] == (
        "At the threshold 0.4, 6 of 10 hosts are found, and 5 of the 11 rows called hosts are none."
    )
    assert "nothing is called a host: all 10" in verdict(made(confusion=[[90, 0], [10, 0]]))[2]
    assert verdict({}) == []
