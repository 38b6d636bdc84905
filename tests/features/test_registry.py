"""Features of a star do not depend on the other stars of its batch, so no scaler can leak."""

from dataclasses import replace

import numpy as np
import pytest

from exojax.errors import InputError
from exojax.features.registry import FEATURES, compute
from exojax.light_curves import LightCurves, shared_time


def curves(n=300, c=200, seed=0):
    rng = np.random.default_rng(seed)
    return LightCurves(
        id=np.arange(n).astype(str),
        time=shared_time(n, c, 0.05),
        flux=(rng.standard_normal((n, c)) * rng.lognormal(size=(n, 1))).astype(np.float32),
        valid=rng.random((n, c)) > 0.1,
        label=None,
        kind=None,
        catalogued=False,
        absolute=False,
        cadence=0.05,
        time_system="assumed",
        source="made up",
        sha256="0",
    )


@pytest.mark.parametrize("name", FEATURES)
def test_rows_do_not_see_each_other(name):
    """More than one batch, so that padding and position within it are tried as well."""
    stars = curves()
    whole = compute((name,), stars)[name]
    order = np.random.default_rng(1).permutation(300)
    assert np.array_equal(compute((name,), stars.take(order))[name], whole[order], equal_nan=True)
    assert np.array_equal(compute((name,), stars.take(np.array([7])))[name], whole[[7]], equal_nan=True)
    strange = stars.flux.copy()
    strange[1:] *= 1e6
    assert np.array_equal(compute((name,), replace(stars, flux=strange))[name][0], whole[0], equal_nan=True)


def test_names_shapes_and_no_stars_at_all():
    stars = curves(n=3)
    found = compute(("spectrum", "flux", "flux"), stars)
    assert {name: (x.shape, x.dtype) for name, x in found.items()} == {
        "flux": ((3, 200), np.dtype(np.float32)),
        "spectrum": ((3, 100), np.dtype(np.float32)),
    }
    assert compute(("flux",), stars.take(np.zeros(0, int)))["flux"].shape == (0, 200)


@pytest.mark.parametrize("name", FEATURES)
def test_what_stands_in_a_gap_does_not_matter(name):
    stars = curves(n=5)
    other = replace(stars, flux=np.where(stars.valid, stars.flux, np.float32(1e7)))
    assert np.array_equal(compute((name,), stars)[name], compute((name,), other)[name], equal_nan=True)


def test_an_unknown_name_offers_the_one_that_looks_like_it():
    with pytest.raises(InputError, match=r"'spectrun': did you mean 'spectrum'"):
        compute(("spectrun",), curves(n=2))
