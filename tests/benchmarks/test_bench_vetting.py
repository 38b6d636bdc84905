"""Limits come from hosts that weigh the same in each population, and failures are shares of what is known."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import vetting


@pytest.fixture(scope="module")
def rows() -> list[vetting.Row]:
    return vetting.simulated_rows("tess", 128, 1)


def test_simulated_rows_have_both_labels_and_hosts_fail_less(rows: list[vetting.Row]) -> None:
    assert {row.label for row in rows} == {0, 1}
    lines = {line["test"]: line for line in vetting.failures(rows)}
    assert lines["secondary"]["false positives that fail"] > lines["secondary"]["hosts that fail"]
    assert lines["planet_radius"]["known"] < len(rows)


def test_a_limit_fails_one_in_a_hundred_hosts_of_the_mean_population(rows: list[vetting.Row]) -> None:
    numbers = vetting.numbers_of(rows)
    many = pd.concat([numbers] * 40, ignore_index=True)
    many["mes"] = 10.0
    many["planet_radius"] = np.linspace(0, 100, len(many))
    few = many.iloc[: 2 * len(numbers)].copy()
    few["planet_radius"] += 1000.0
    found = {line["test"]: line for line in vetting.limits({"many": many, "few": few})}
    # Half of the weight is above 1,000, so that the limits are among the few.
    assert found["planet_radius"]["in doubt from"] > 1000.0
    assert found["planet_radius"]["many: hosts"] == 0.0
