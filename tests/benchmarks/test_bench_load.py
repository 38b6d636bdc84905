from pathlib import Path

import numpy as np
import pytest

from benchmarks import load as bench_load
from exojax.io import kaggle


def test_rows_of_a_small_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_load, "N_STARS", 60)
    monkeypatch.setattr(bench_load, "N_CADENCES", 20)
    bench_load.write_table(tmp_path / "a.csv")
    stars = kaggle.read(tmp_path / "a.csv")
    assert stars.flux.shape == (60, 20)
    assert stars.label is not None
    assert stars.label.sum() == 37
    assert len(np.unique(stars.flux)) > 1000
    rows = bench_load.measure(repeats=1)
    assert [(row["task"], row["unit"]) for row in rows] == [
        ("load", "s"),
        ("load cached", "s"),
        ("load peak memory", "MiB"),
    ]
    load = rows[0]
    assert load["ratio"] == pytest.approx(float(load["theirs"]) / float(load["ours"]))
