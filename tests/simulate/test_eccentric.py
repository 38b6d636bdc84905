"""Eccentric orbits against Winn (2010) and against batman."""

import batman
import numpy as np
import pytest

from exojax.simulate.eccentric import secondary_phase, transit_distance, transit_speed
from exojax.simulate.priors import system
from exojax.simulate.stars import N_STAR_UNIFORMS, draw_stars
from exojax.simulate.systematics import CADENCE
from exojax.simulate.tabulated import tabulated_events
from exojax.simulate.transits import find_events


def one(e: float, omega: float, impact: float = 0.3, period: float = 12.0, ratio: float = 0.1, light: float = 0.0):
    stars = draw_stars(np.full((1, N_STAR_UNIFORMS), 0.5))
    columns = [np.array([x]) for x in (period, 1.3, impact, ratio, e, omega, light, 1.0, 0.0, 0.0)]
    return stars, system(np.array([0]), stars, *columns)


@pytest.mark.parametrize("e", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("omega", [0.0, np.pi / 2, -np.pi / 2, 2.0])
def test_duration_ratio_is_winns(e: float, omega: float) -> None:
    """At the same impact parameter, sqrt(1 - e^2) / (1 + e sin w): longer at apastron, shorter at periastron."""
    circular, eccentric = one(0.0, omega)[1], one(e, omega)[1]
    ratio = eccentric.front.duration[0] / circular.front.duration[0]
    assert ratio == pytest.approx(np.sqrt(1 - e**2) / (1 + e * np.sin(omega)), rel=0.02)


@pytest.mark.parametrize(("e", "omega"), [(0.0, 0.4), (0.2, 0.0), (0.5, 1.0), (0.5, 4.0), (0.4, np.pi)])
def test_the_other_conjunction_is_where_batman_has_it(e: float, omega: float) -> None:
    params = batman.TransitParams()
    params.t0, params.per, params.rp, params.a, params.inc = 0.0, 10.0, 0.1, 20.0, 90.0
    params.ecc, params.w, params.limb_dark, params.u, params.fp = e, np.degrees(omega), "uniform", [], 0.1
    params.t_secondary = 0.0
    model = batman.TransitModel(params, np.linspace(0, 10, 10))
    expected = model.get_t_secondary(params) / params.per % 1.0
    assert float(secondary_phase(np.array(e), np.array(omega))) == pytest.approx(expected, abs=1e-6)
    if e == 0.2:
        assert expected == pytest.approx(0.5 + 2 * e / np.pi, abs=0.01)


def test_an_eccentric_transit_is_batmans() -> None:
    """The circular orbit that looks the same, within 3 % of the depth through ingress and egress."""
    e, omega = 0.4, 1.1
    stars, systems = one(e, omega)
    time = 1.3 + np.linspace(-0.4, 0.4, 300)
    events = find_events(systems.front, time, CADENCE)
    got = np.zeros(time.size)
    got[events.column] = events.deficit
    params = batman.TransitParams()
    orbit = systems.front
    axis = orbit.scaled_axis[0] / transit_speed(np.array(e), np.array(omega))
    cosine = orbit.impact[0] / (axis * transit_distance(np.array(e), np.array(omega)))
    params.t0, params.per, params.rp, params.a = 1.3, 12.0, 0.1, axis
    params.inc, params.ecc, params.w = np.degrees(np.arccos(cosine)), e, np.degrees(omega)
    params.limb_dark, params.u = "quadratic", list(stars.limb_darkening[0])
    model = batman.TransitModel(params, time, max_err=0.1, supersample_factor=11, exp_time=CADENCE * 10 / 11)
    np.testing.assert_allclose(got, 1 - model.light_curve(params), atol=0.03 * got.max())


def test_a_table_reads_like_every_transit_by_itself() -> None:
    time = np.arange(3000) * CADENCE
    for period, ratio, impact in ((0.8, 0.1, 0.2), (12.0, 0.01, 0.0), (30.0, 0.1, 1.02)):
        _, systems = one(0.0, 0.0, impact, period, ratio)
        events, middle = tabulated_events(systems.front, time, CADENCE)
        exact = find_events(systems.front, time, CADENCE)
        np.testing.assert_array_equal(events.column, exact.column)
        np.testing.assert_allclose(events.deficit, exact.deficit, atol=0.02 * exact.deficit.max())
        assert middle[0] == pytest.approx(exact.deficit.max(), rel=0.02)
