"""One program finds and judges what the stages do, can be differentiated in the folded flux, and exported."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from exojax import compiled
from exojax.config import FoldConfig, SearchConfig
from exojax.errors import InputError
from exojax.evaluation.calibration import Calibrator
from exojax.folding import of_batch
from exojax.hunt import hunt
from exojax.lightcurve import LightCurves, Stars
from exojax.photometry.grid import to_even
from exojax.probabilities import Calibration, apply, at_rate
from exojax.rounds import protected
from exojax.runs import PRETRAINED, Run, from_logits, load
from exojax.shown import Detection

CADENCE, CADENCES, START = 0.05, 500, 200.0
# Right is enough: a fast program takes twice as long to compile.
HASTY = {"xla_backend_optimization_level": 0}
# One octave and few bins: little to compile.
SEARCH = SearchConfig(period_min=2.0, period_max=4.0, duration_max=0.2, max_candidates=2, batch=4)
PLANETS = {0: [(2.9, 0.7, 3e-3)], 1: [(2.3, 1.1, 3e-3), (3.1, 0.4, 6e-3)], 2: [(np.inf, 11.3, 2e-2)], 3: None}


def stars() -> LightCurves:
    """A planet, two planets, an event with nothing else, and a star that was never measured; a gap in the middle."""
    rng = np.random.default_rng(2)
    time = START + np.tile(np.arange(CADENCES) * CADENCE, (len(PLANETS), 1))
    flux = 1 + rng.normal(0, 3e-4, time.shape) + 1e-3 * np.sin(time / 2.1)
    valid = np.ones(time.shape, bool)
    valid[:, 240:260] = False  # longer than a segment may miss, shorter than a window
    for star, planets in PLANETS.items():
        valid[star] &= planets is not None
        for period, t0, depth in planets or ():
            late = time[star] - START - t0
            late -= 0.0 if np.isinf(period) else np.rint(late / period) * period
            flux[star] -= depth * (np.abs(late) < 0.1)
    unknown = np.full(len(PLANETS), np.nan)
    about = Stars(np.array([1.0, 0.8, np.nan, 1.0]), np.array([1.0, 0.8, np.nan, 1.0]), unknown, 12 + unknown * 0)
    return LightCurves(
        id=np.array([f"s{k}" for k in PLANETS]),
        time=time,
        flux=np.where(valid, flux, 0).astype(np.float32),
        valid=valid,
        label=None,
        kind=None,
        catalogued=False,
        absolute=True,
        cadence=CADENCE,
        time_system="BTJD",
        source="a test",
        sha256="",
        stars=about,
    )


@pytest.fixture(scope="module")
def run() -> Run:
    """The shipped one, with smaller views."""
    found = load(PRETRAINED)
    return replace(found, config=replace(found.config, fold=FoldConfig(global_bins=40, local_bins=20)))


def given(curves: LightCurves, run: Run) -> tuple:
    even, about = to_even(curves, shortest=SEARCH.duration_min), curves.stars
    assert about is not None
    star = {name: np.asarray(getattr(about, name), np.float32) for name in ("radius", "mass", "mag")}
    return compiled.weights(run), even.flux, even.weight > 0, np.float32(CADENCE), star


@pytest.fixture(scope="module")
def exported(run: Run) -> bytes:
    _, flux, *_ = given(stars(), run)
    return compiled.export(run, compiled.Layout(*flux.shape, CADENCE, search=SEARCH))


def test_the_exported_program_finds_and_judges_what_the_stages_do(run: Run, exported: bytes) -> None:
    program = jax.export.deserialize(exported)
    assert program.platforms == ("cpu", "cuda")
    curves = stars()
    found, probability = jax.jit(program.call, compiler_options=HASTY)(*given(curves, run))
    # A search, and then its folds as training sees them, candidate by candidate.
    staged, trace = hunt(curves, SEARCH)
    folds = of_batch(curves, staged, trace, run.config.fold)
    judged = from_logits(run, run.scorer({name: folds[name][:, None] for name in run.inputs}))
    assert staged.single.any()
    assert not staged.single.all()
    assert np.asarray(found["there"]).sum(axis=1).tolist() == np.bincount(staged.star, minlength=4).tolist()
    assert np.bincount(staged.star).tolist()[1] == 2
    for row in range(len(staged)):
        star, slot = staged.star[row], staged.rank[row] - 1
        got = {name: np.asarray(x)[star, slot].item() for name, x in found.items()}
        assert got["single"] == staged.single[row]
        assert got["t0"] == pytest.approx(staged.t0[row] - trace.even.start[star], abs=1e-3)
        for name in ("period", "period_min", "duration", "depth", "snr", "snr_red", "sde", "odd_even_sigma"):
            assert got[name] == pytest.approx(getattr(staged, name)[row], rel=2e-3, nan_ok=True), name
        for name in ("period_error", "t0_error", "depth_error", "secondary_phase", "n_transits"):
            assert got[name] == pytest.approx(getattr(staged, name)[row], rel=2e-2, nan_ok=True), name
        # A cadence on the very edge of a bin may fall to either side.
        assert got["probability"] == pytest.approx(judged[row], abs=0.03)
    best = [judged[(staged.star == k) & (staged.rank <= SEARCH.max_candidates)].max() for k in range(3)]
    assert np.asarray(probability) == pytest.approx([*best, run.calibration.share], abs=0.03)
    assert np.ptp(best) > 0.1


def folds() -> tuple:
    """Arguments of a score: the flat curves of two candidates, one of them a single transit."""
    rng, size = np.random.default_rng(4), 300
    flux = rng.normal(0, 1e-3, (2, size))
    flux[0] -= 4e-3 * (np.abs((np.arange(size) - 12.0 + 20) % 40 - 20) < 3)
    flux[1, 140:150] -= 5e-3
    row = lambda *values: jnp.asarray(values, jnp.float32)  # noqa: E731
    values = {name: row(2.0, 1.5) for name in Detection._fields}
    values |= {"period": row(40.0, np.nan), "period_min": row(np.nan, 200.0), "t0": row(12.0, 145.0)}
    values |= {"duration": row(6.0, 10.0), "depth": row(4e-3, 5e-3), "secondary_phase": row(0.5, np.nan)}
    told = Detection(**values)
    flat = jnp.asarray(flux, jnp.float32)
    return flat, jnp.ones((2, size)), row(1e-3, 1e-3), told, row(1.0, np.nan), row(12.0, np.nan), jnp.float32(0.02)


def test_the_score_has_the_right_gradient_in_the_folded_flux(run: Run) -> None:
    flux, *rest = folds()
    plain = compiled.scorer(run, compiled.Layout(2, flux.shape[1], 0.02, search=SEARCH))
    score, params = jax.jit(plain, compiler_options=HASTY), compiled.weights(run)
    by_flux = jax.jit(jax.grad(lambda x: plain(params, x, *rest).sum()), compiler_options=HASTY)
    slope = np.asarray(by_flux(flux), np.float64)
    assert np.isfinite(slope).all()
    assert (np.abs(slope).max(axis=1) > 0).all()
    rng = np.random.default_rng(0)
    for _ in range(4):
        way = rng.normal(0, 1, flux.shape)
        changes = []
        for step in (1e-7, 3e-7):  # of a scatter of 1e-3
            ends = (flux + np.float32(sign * step) * way.astype(np.float32) for sign in (1, -1))
            up, down = (np.asarray(score(params, end, *rest), np.float64) for end in ends)
            changes.append((up - down) / (2 * step))
        expected = (slope * way).sum(axis=1)
        # The score bends where a bin changes places with another, on one of the two steps at most; and it is rounded.
        off = np.abs(np.array(changes) - expected[None]).min(axis=0)
        assert (off < 20 + 0.03 * np.abs(expected)).all()


@pytest.mark.parametrize(
    "curve",
    [
        Calibrator("temperature", 0.7, 0.0),
        Calibrator("platt", 1.3, -0.4),
        Calibrator("isotonic", 1e-3, 0.1, (-2.0, 0.0, 3.0), (-3.0, -1.0, 2.5)),
    ],
)
def test_the_calibration_is_that_of_the_run(curve: Calibrator) -> None:
    how = Calibration(0.2, curve, 0.5, "validation", None)
    logits = np.linspace(-9, 9, 50)
    for stated in (how, at_rate(how, 0.01)):
        found = compiled._probability("transit", stated, jnp.asarray(logits, jnp.float32))
        np.testing.assert_allclose(np.asarray(found), apply("transit", stated, logits), rtol=2e-4)


def test_weights_are_plain_arrays_of_every_member_and_other_models_are_refused(run: Run) -> None:
    arrays = compiled.weights(run)
    assert all(isinstance(x, np.ndarray) and x.dtype == np.float32 for x in arrays.values())
    assert {name.split("/")[1] for name in arrays} == {"params", "batch_stats"}
    series = replace(run, config=replace(run.config, model="svc"))
    with pytest.raises(InputError, match="looks at folds"):
        compiled.weights(series)


def test_a_star_in_transit_all_the_time_keeps_a_trend() -> None:
    weight = np.ones((3, 100), np.float32)
    weight[2] = 0
    taken = np.zeros((3, 100), bool)
    taken[0, :90] = taken[1, :50] = taken[2] = True
    for kind in (np.asarray, jnp.asarray):
        kept = np.asarray(protected(kind(taken), kind(weight)))
        assert kept.sum(axis=1).tolist() == [0, 50, 100]
