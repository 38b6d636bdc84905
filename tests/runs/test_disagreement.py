"""Disagreement of an ensemble's members, in every file with probabilities; absent for a single model."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from exojax.candidates import Candidates
from exojax.cli.outputs import write_predictions
from exojax.cli.search_outputs import lines
from exojax.evaluation.calibration import Calibrator
from exojax.runs.evaluate import Evaluation, disagreement_of
from exojax.runs.probabilities import Calibration, apply
from exojax.runs.ranked_candidates import ranked
from exojax.runs.run import PRETRAINED, Run, load
from exojax.runs.survey_parts import write_part
from exojax.training.scorer import Scorer
from exojax.vetting.all_tests import NUMBERS, VERDICTS

HOW = Calibration(0.3, Calibrator("platt", 1.0, 0.0), 0.5, "validation", None)
LOGITS = np.array([[0.0, 2.0, -1.0], [0.0, -2.0, 1.0]])
FEATURES = {"global_view": np.ones((3, 1, 20, 3), np.float32)}


@pytest.fixture
def ensemble(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Two members that agree on the first of three rows; the last has no candidate."""
    run = load(PRETRAINED)
    monkeypatch.setattr(Scorer, "members", lambda self, features: LOGITS)
    return replace(run, scorer=replace(run.scorer, states=run.scorer.states * 2), calibration=HOW)


def test_rows_that_cannot_be_judged_have_none_and_neither_has_a_single_model(ensemble: Run) -> None:
    features = {"global_view": FEATURES["global_view"].copy()}
    features["global_view"][2, ..., 2] = 0
    found = disagreement_of(ensemble, features)
    low, high = apply("transit", HOW, LOGITS[:, 1])
    assert found == pytest.approx([0, abs(high - low) / np.sqrt(2), np.nan], nan_ok=True)
    assert np.isnan(disagreement_of(ensemble, features, np.array([True, False, True]))[1:]).all()
    assert disagreement_of(load(PRETRAINED), features) is None


class Curves:
    """The attributes of the scored rows that are read."""

    id = np.array(["a", "b", "c"])

    def __init__(self, label: np.ndarray | None) -> None:
        self.label = label


@pytest.mark.parametrize("labelled", [True, False])
def test_predictions_have_a_last_column_of_it(ensemble: Run, labelled: bool, tmp_path: Path) -> None:
    curves, everything = Curves(np.array([0, 1, 1]) if labelled else None), np.ones(3, bool)
    differ = np.array([0.25, 0.0, np.nan])
    for name, given in (("several", differ), ("single", None)):
        scored = Evaluation(curves, np.array([0.2, 0.6, 0.3]), np.arange(3), everything, None, [], (), given)  # type: ignore[arg-type]
        write_predictions(tmp_path / name, ensemble, scored)
    several, single = (list(csv.reader((tmp_path / name).read_text().splitlines())) for name in ("several", "single"))
    assert [line[:-1] for line in several] == single
    assert [line[-1] for line in several] == ["disagreement", "0.25", "0", ""]
    assert single[0] == ["id", "probability", "prediction"] + ["label"] * labelled


def test_candidates_have_a_column_of_it_where_there_are_members(tmp_path: Path) -> None:
    row = dict.fromkeys(Candidates.__dataclass_fields__, 1.0) | {"id": "a", "aliases": "", "matches": "", "rank": 1}
    row |= dict.fromkeys(("radius", "mass", "teff", "mag", "shape"), float("nan"))
    row |= {"time_system": "BKJD", "absolute": True, "single": False, "n_transits": 9}
    row |= {"vetting": dict.fromkeys(NUMBERS, 0.0), "verdicts": dict.fromkeys((*VERDICTS, "shared"), "pass")}
    for differ, expected in ((0.1, [0.1, None]), (float("nan"), [])):
        rows = [row | {"disagreement": differ}, row | {"id": "b", "disagreement": float("nan")}]
        part = {"stars": ["a", "b"], "skipped": [], "rows": rows, "warnings": {}}
        found = ranked([write_part(tmp_path / str(differ), part)])
        assert [line["disagreement"] for line in lines(found, None) if "disagreement" in line] == expected
