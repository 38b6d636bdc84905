"""Files of one star are joined, each on its own scale and no cadence twice; several stars are packed without loss."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from exojax.errors import InputError
from exojax.io.columns import Measured
from exojax.io.segment import Segment, make
from exojax.io.stitch import kind_of, pack, stitch

LONG = 30 / 1440


def segment(name: str, start: float, n: int, *, minutes: float = 30, level: float = 1.0, **changes: object) -> Segment:
    time = start + np.arange(n) * minutes / 1440
    flux = level * (1 + 1e-4 * np.random.default_rng(int(start)).normal(size=n))
    table = Measured(
        time=time,
        flux=flux,
        error=np.full(n, 1e-4 * level),
        good=np.ones(n, bool),
        centroid=np.full((n, 2), 3.0),
        clock="BTJD",
        unit="flux",
        stated=True,
        name="flux",
        star="",
        notes=(),
    )
    return replace(make(Path(name), table, star=("5", "TIC", True), sha256=name), **changes)


def test_segments_join_in_order_of_time_each_on_its_own_scale() -> None:
    star = stitch([segment("b", 1400, 300, level=2e4), segment("a", 1370, 200, level=5e3)])
    assert star.flux.shape == (1, 500)
    assert (np.diff(star.time) > 0).all()
    assert star.time.dtype == np.float64
    np.testing.assert_allclose([np.median(star.flux[0, :200]), np.median(star.flux[0, 200:])], 1, atol=1e-5)
    assert star.cadence == pytest.approx(LONG)
    assert any("a gap of" in text for text in star.warnings)
    again = stitch([segment("a", 1370, 200, level=5e3), segment("b", 1400, 300, level=2e4)])
    assert star.sha256 == again.sha256
    assert star.sha256 != stitch([segment("a", 1370, 200)]).sha256


def test_the_same_segment_twice_counts_once() -> None:
    one = segment("a", 1370, 200)
    star = stitch([one, replace(one, path=Path("b")), segment("c", 1375, 100)])
    assert star.flux.shape == (1, 300)
    assert "b overlaps a in time; the latter is used there" in star.warnings
    part = stitch([segment("a", 1370, 200), segment("b", 1372, 200)])
    # The rest of the second one is kept, and on either side of the first one it keeps its place.
    around = segment("b", 1370, 400, preferred=False)
    around = replace(around, flux=np.where(np.arange(400) < 200, 1.1, 1.2))
    flux = stitch([around, segment("a", 1373, 100)]).flux[0]
    np.testing.assert_allclose([flux[0], flux[-1]], [1.1, 1.2])
    np.testing.assert_allclose(np.median(flux[150:230]), 1, atol=1e-4)
    assert part.flux.shape[1] == pytest.approx(200 + 96, abs=2)
    assert (np.diff(part.time) > 0.9 * LONG).all()


def test_which_of_two_products_is_kept() -> None:
    corrected, raw = segment("pdc", 1370, 200), segment("ffi", 1370, 3000, minutes=2, preferred=False)
    assert stitch([raw, corrected]).flux.shape[1] == 200
    two, half = segment("2min", 1370, 3000, minutes=2), segment("30min", 1370, 200)
    assert stitch([half, two]).cadence == pytest.approx(2 / 1440)
    fast = segment("20s", 1370, 18000, minutes=1 / 3)
    assert stitch([fast, two]).cadence == pytest.approx(2 / 1440)


def test_mixed_cadences_are_binned_to_the_longest() -> None:
    short = segment("2min", 1400, 3000, minutes=2)
    flux = short.flux.copy()
    flux[300:330] = 0.99
    star = stitch([segment("30min", 1370, 200), replace(short, flux=flux)])
    assert "mixed cadences: from 2 to 30 minutes, binned to the longest" in star.warnings
    assert star.cadence == pytest.approx(LONG)
    assert star.flux.shape[1] == pytest.approx(400, abs=2)
    assert star.flux.min() == pytest.approx(0.99, abs=1e-3)
    assert star.centroid is not None
    np.testing.assert_array_equal(star.centroid, 3)


def test_what_cannot_be_joined() -> None:
    with pytest.raises(InputError, match="b: its clock differs from that of a"):
        stitch([segment("a", 1370, 50), segment("b", 1400, 50, time_system="file")])
    with pytest.raises(InputError, match="b: belongs to star 6, not 5"):
        stitch([segment("a", 1370, 50), segment("b", 1400, 50, id="6")])
    notes = stitch([segment("a", 1370, 50), segment("b", 1400, 50, absolute=False)])
    assert notes.flux.shape[1] == 50
    assert notes.absolute
    assert "files without an absolute flux scale were left out: b" in notes.warnings
    assert (
        "a: the header names star 5, the file's name 7; the latter is used"
        in stitch([segment("a", 1370, 50)], "7").warnings
    )
    assert stitch([segment("a", 1370, 50)], "TIC 5").warnings == ()


def test_two_clocks_become_one() -> None:
    later = segment("b", 1400, 50)
    full = replace(later, time=later.time + 2457000, time_system="BJD")
    star = stitch([segment("a", 1370, 50), full])
    assert star.time_system == "BTJD"
    np.testing.assert_allclose(star.time[0, 50:], later.time, atol=1e-8)
    assert "b: times were converted from BJD to BTJD" in star.warnings
    assert not any("8 minutes" in text for text in star.warnings)
    other = stitch([segment("a", 1370, 50), replace(full, time_system="JD")])
    assert any("8 minutes" in text for text in other.warnings)


def test_what_is_only_measured_where_another_is_kept() -> None:
    whole = segment("a", 1370, 200)
    later = segment("b", 1372, 400)
    seen = np.arange(400) < 90
    star = stitch([whole, replace(later, valid=seen)])
    assert star.valid.sum() == 200
    with pytest.raises(InputError, match="a search needs 10"):
        stitch([replace(whole, valid=np.arange(200) < 5), replace(later, valid=seen)])


def test_errors_are_joined_and_binned() -> None:
    star = stitch([segment("a", 1370, 200), segment("b", 1400, 300, error=None)])
    assert star.flux_err is not None
    np.testing.assert_allclose(star.flux_err[0, :200], 1e-4, rtol=1e-3)
    assert np.isnan(star.flux_err[0, 200:]).all()
    binned = stitch([segment("30min", 1370, 200), segment("2min", 1400, 3000, minutes=2)])
    assert binned.flux_err is not None
    np.testing.assert_allclose(binned.flux_err[0, 220:380], 1e-4 / np.sqrt(15), rtol=0.1)
    both = pack([star, stitch([segment("c", 1370, 20, error=None)])])
    assert both.flux_err is not None
    assert np.isnan(both.flux_err[1]).all()


def test_packing_pads_and_loses_nothing() -> None:
    one = stitch([segment("a", 1370, 200)], "5")
    two = stitch([segment("b", 1400, 300, centroid=None, properties={"radius": 0.5})], "6")
    both = pack([one, two])
    assert both.id.tolist() == ["5", "6"]
    assert both.flux.shape == (2, 300)
    np.testing.assert_array_equal(both.flux[0, :200], one.flux[0])
    np.testing.assert_array_equal(both.time[1], two.time[0])
    assert np.isnan(both.time[0, 200:]).all()
    assert not both.valid[0, 200:].any()
    assert (both.flux[0, 200:] == 0).all()
    assert both.centroid is not None
    assert np.isnan(both.centroid[0, 200:]).all()
    assert np.isnan(both.centroid[1]).all()
    assert both.stars is not None
    np.testing.assert_array_equal(both.stars.radius, [np.nan, 0.5])
    # pack is what take undoes.
    assert pack([both.take(np.array([row])) for row in range(2)]).id.tolist() == ["5", "6"]


def test_only_what_goes_together_is_packed() -> None:
    one = stitch([segment("a", 1370, 200)])
    for changes in ({"absolute": False}, {"time_system": "BKJD"}, {"label": np.array([1], np.int8)}):
        other = replace(one, **changes)
        assert kind_of(other) != kind_of(one)
        with pytest.raises(ValueError, match="must share flux scale"):
            pack([one, other])
    assert kind_of(one) != kind_of(replace(one, cadence=2 / 1440))
    assert kind_of(one) == kind_of(replace(one, cadence=one.cadence * 1.0001))
