"""FITS of the missions and of other pipelines: the right column, the right cadences, the right star, exact times."""

import gzip
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from small_fits import KEPLER, LONG, TESS, curve, write
from small_fits import fits as astropy

from exojax.errors import InputError
from exojax.io import fits, quality
from exojax.io.stitch import stitch

SHARED = Path(__file__).parents[2] / "../shared/data/lightcurves"


def message(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        fits.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_kepler_as_stored(tmp_path: Path) -> None:
    columns = curve()
    about = KEPLER | {"RADIUS": 1.2, "LOGG": 4.317, "TEFF": 5970, "KEPMAG": 13.804}
    read = fits.read(write(tmp_path / "kplr011442793-2009350155506_llc.fits", columns, about, BJDREFI=2454833))
    dated = np.isfinite(columns["TIME"])
    assert (read.id, read.catalogue, read.named, read.time_system) == ("11442793", "KIC", True, "BKJD")
    # Bit for bit: a time that went through float32 would be 1e-5 days off.
    np.testing.assert_array_equal(read.time, columns["TIME"][dated])
    flux = columns["PDCSAP_FLUX"][dated].astype(np.float64)
    np.testing.assert_allclose(read.flux[read.valid], (flux / np.nanmedian(flux))[read.valid], rtol=1e-12)
    assert read.valid.tolist() == np.isfinite(flux).tolist()
    assert read.cadence == pytest.approx(LONG)
    assert read.centroid is not None
    np.testing.assert_allclose(read.centroid[:, 1], columns["MOM_CENTR2"][dated], rtol=1e-6)
    assert read.properties["mag"] == 13.804
    # log g = 4.438 + log M - 2 log R
    assert read.properties["mass"] == pytest.approx(10 ** (4.317 - 4.438) * 1.44)
    assert read.warnings == ()
    assert read.absolute


@pytest.mark.parametrize(
    ("mission", "bad", "kept"),
    [
        (KEPLER, [1, 2, 4, 8, 32, 256, 16384, 65536, 1 << 20], [16, 128, 2048, 8192, 1 << 19, 1 << 24]),
        (KEPLER | {"MISSION": "K2"}, [1 << 20], [2048]),
        (TESS, [1, 2, 4, 8, 16, 32, 128, 16384], [64, 512, 1024, 2048, 4096, 1 << 30]),
        (TESS | {"ORIGIN": "MIT/QLP"}, [4096, 128], [512, 1 << 30]),
        (TESS | {"ORIGIN": "MIT/QLP", "SECTOR": 56}, [1 << 30], [4096, 512]),
    ],
)
def test_quality_flags(tmp_path: Path, mission: dict, bad: list[int], kept: list[int]) -> None:
    columns = curve(60)
    columns["SAP_QUALITY"][10 : 10 + len(bad)] = bad
    columns["SAP_QUALITY"][30 : 30 + len(kept)] = kept
    read = fits.read(write(tmp_path / "a.fits", columns, mission))
    expected = np.isfinite(columns["PDCSAP_FLUX"])
    expected[10 : 10 + len(bad)] = False
    assert read.valid.tolist() == expected[np.isfinite(columns["TIME"])].tolist()


@pytest.mark.parametrize("name", ["SYS_RM_FLUX", "KSPSAP_FLUX", "DET_FLUX", "FCOR", "FLUX", "PCA_FLUX", "sap_flux"])
def test_another_flux_column_is_named(tmp_path: Path, name: str) -> None:
    columns = curve()
    wanted = columns.pop("PDCSAP_FLUX")
    if name in ("PCA_FLUX", "sap_flux"):
        del columns["SAP_FLUX"]
    columns |= {"SAP_FLUX_ERR": wanted * 0, name: wanted}
    read = fits.read(write(tmp_path / "a.fits", columns))
    others = [other for other in ("SAP_FLUX",) if other in columns and other != name]
    assert read.warnings == tuple(f"flux: the column {name} is used (not used: {other})" for other in others)
    flux = wanted[np.isfinite(columns["TIME"])][read.valid]
    np.testing.assert_allclose(read.flux[read.valid] * np.nanmedian(wanted), flux, rtol=1e-5)


@pytest.mark.parametrize(
    ("file", "about", "expected"),
    [
        ("x.fits", TESS, ("100100827", "TIC", True)),
        ("x.fits", {"TELESCOP": "TESS", "OBJECT": "WASP-18", "TARGETID": 5}, ("5", "TIC", True)),
        ("x.fits", {"TELESCOP": "TESS", "OBJECT": "100100827"}, ("100100827", "TIC", True)),
        ("x.fits", {"TELESCOP": "TESS", "OBJECT": "WASP-18"}, ("WASP-18", "", True)),
        ("x.fits", KEPLER | {"MISSION": "K2", "KEPLERID": 201367065}, ("201367065", "EPIC", True)),
        ("x.fits", {}, ("x", "", False)),
        ("hlsp_qlp_tess_ffi_s0001-0000000100100827_tess_v01_llc.fits", {}, ("100100827", "TIC", True)),
        ("hlsp_tess-spoc_tess_phot_0000000100100827-s0001_tess_v1_lc.fits", {}, ("100100827", "TIC", True)),
        ("tess2018206045859-s0001-0000000100100827-0120-s_lc.fits", {}, ("100100827", "TIC", True)),
        ("hlsp_k2sff_k2_lightcurve_201367065-c01_kepler_v1_llc.fits", {}, ("201367065", "EPIC", True)),
        ("ktwo201367065-c01_llc.fits", {}, ("201367065", "EPIC", True)),
    ],
)
def test_the_star(tmp_path: Path, file: str, about: dict, expected: tuple) -> None:
    path = write(tmp_path / file, curve(50), about)
    read = fits.read(path)
    assert (read.id, read.catalogue, read.named) == expected
    assert fits.star_of(path) == expected


@pytest.mark.parametrize(
    ("about", "own", "units", "shift", "expected"),
    [
        (KEPLER, {"BJDREFI": 2454833}, {}, 0, "BKJD"),
        (TESS, {"BJDREFI": 2457000}, {}, 0, "BTJD"),
        (TESS, {}, {"TIME": "btjd"}, 0, "BTJD"),
        ({}, {}, {"TIME": "BJD - 2457000, days"}, 0, "BTJD"),
        (TESS, {}, {}, 2457000, "BJD"),
        ({}, {}, {}, 0, "file"),
    ],
)
def test_the_clock(tmp_path: Path, about: dict, own: dict, units: dict, shift: float, expected: str) -> None:
    path = write(tmp_path / "a.fits", curve(50, start=1354.0 + shift), about, units=units, **own)
    assert fits.read(path).time_system == expected


def test_gzipped_and_scaled_and_unsorted(tmp_path: Path) -> None:
    columns = curve()
    plain = write(tmp_path / "a.fits", columns)
    packed = tmp_path / "b.fits.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    np.testing.assert_array_equal(fits.read(packed).flux, fits.read(plain).flux)
    # Unsigned integers are stored with an offset, which a view of the bytes would not add.
    counts = np.where(np.arange(400) == 7, 2_700_000_000, 3_000_000_000).astype(np.uint32)
    flux = astropy.Column("FLUX", "J", bzero=2**31, array=counts)
    made = astropy.BinTableHDU.from_columns([astropy.Column("TIME", "D", array=columns["TIME"][::-1]), flux])
    astropy.HDUList([astropy.PrimaryHDU(), made]).writeto(tmp_path / "c.fits")
    read = fits.read(tmp_path / "c.fits")
    assert (np.diff(read.time) > 0).all()
    assert read.flux.min() == pytest.approx(0.9)
    assert "times are not in order (first at row 2); the rows were sorted" in read.warnings


def test_flux_without_a_scale(tmp_path: Path) -> None:
    columns = curve()
    columns["PDCSAP_FLUX"] -= 5000
    read = fits.read(write(tmp_path / "a.fits", columns))
    assert not read.absolute
    assert np.median(read.flux[read.valid]) == pytest.approx(0, abs=1e-6)
    assert "no absolute scale" in read.warnings[0]


def test_magnitudes_by_their_unit(tmp_path: Path) -> None:
    columns = {"TIME": curve()["TIME"], "FLUX": np.full(400, 12.0, np.float32)}
    columns["FLUX"][100:110] = 12.01
    read = fits.read(write(tmp_path / "a.fits", columns, units={"FLUX": "mag"}))
    # Fainter is a larger magnitude and a smaller flux.
    assert read.flux.min() == pytest.approx(10**-0.004, abs=1e-6)
    assert "FLUX is in magnitudes; it was converted to flux" in read.warnings


def test_bad_files_are_named(tmp_path: Path) -> None:
    good = write(tmp_path / "good.fits", curve()).read_bytes()
    for name, content, words in [
        ("empty.fits", b"", "is empty"),
        ("page.fits", b"<html>not found</html>", "is no FITS file"),
        ("cut.fits", good[: len(good) // 2], "truncated"),
        ("header.fits", good[:1000], "is truncated"),
        ("cut.fits.gz", gzip.compress(good)[:5000], "damaged or cut short"),
    ]:
        path = tmp_path / name
        path.write_bytes(content)
        assert words in message(path), name
    assert "no such file" in message(tmp_path / "missing.fits")
    cube = {"TIME": curve(20)["TIME"], "FLUX": np.ones((20, 3, 4), np.float32)}
    assert "target pixel file" in message(write(tmp_path / "a_tp.fits", cube, TESS, name="PIXELS"))
    assert "target pixel file" in message(write(tmp_path / "b.fits", cube, TESS))
    named = curve(50)
    assert "no time column" in message(write(tmp_path / "c.fits", {"WHEN": named["TIME"], "FLUX": named["SAP_FLUX"]}))
    assert "no flux column (TIME, CADENCENO)" in message(
        write(tmp_path / "d.fits", {key: named[key] for key in ("TIME", "CADENCENO")})
    )
    named["PDCSAP_FLUX"][:] = named["SAP_FLUX"][:] = np.nan
    assert "no row has both" in message(write(tmp_path / "e.fits", named))
    assert "has 2 measurements" in message(write(tmp_path / "f.fits", {k: v[5:7] for k, v in curve().items()}))
    flagged = curve(50)
    flagged["SAP_QUALITY"][:] = 1
    assert "marks every measurement as bad" in message(write(tmp_path / "g.fits", flagged))
    astropy.PrimaryHDU(np.ones((5, 5), np.float32)).writeto(tmp_path / "h.fits")
    assert "holds no table" in message(tmp_path / "h.fits")
    assert "no rows" in message(write(tmp_path / "i.fits", {k: v[:0] for k, v in curve().items()}))


def test_without_astropy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "astropy.io", None)
    with pytest.raises(InputError, match=r"pip install .astropy"):
        fits.read(tmp_path / "a.fits")


def test_the_masks_are_the_missions_without_the_flag_that_transits_carry() -> None:
    assert not quality.KEPLER_BAD & 2048
    assert not quality.TESS_BAD & 512
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lightkurve = pytest.importorskip("lightkurve", reason="lightkurve is not installed: pip install -e '.[fits]'")
    assert lightkurve.utils.KeplerQualityFlags.DEFAULT_BITMASK == quality.KEPLER_BAD
    assert lightkurve.utils.TessQualityFlags.DEFAULT_BITMASK == quality.TESS_BAD | 512


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the light curves of ../shared/data, which are not public")
def test_real_files() -> None:
    stars = stitch([fits.read(path) for path in sorted(SHARED.glob("kplr*.fits"))])
    assert (stars.id.tolist(), stars.time_system, stars.warnings) == (["11442793"], "BKJD", ())
    assert stars.stars is not None
    assert stars.stars.density[0] == pytest.approx(0.631, abs=1e-3)
    assert stars.flux.shape[1] > 9700
    # Kepler-90 g and h transit here, by 0.8 % and 0.5 %: each quarter is on its own scale, and no flag ate them.
    for middle, depth in ((357.5, 0.006), (472.1, 0.008)):
        inside = (abs(stars.time - middle) < 0.1) & stars.valid
        around = (abs(stars.time - middle) < 1.5) & (abs(stars.time - middle) > 0.6) & stars.valid
        assert inside.sum() >= 8
        assert 1 - np.median(stars.flux[inside]) / np.median(stars.flux[around]) == pytest.approx(depth, abs=0.003)
    tess = fits.read(SHARED / "wasp18b.fits")
    assert (tess.id, tess.catalogue, tess.time_system) == ("100100827", "TIC", "BTJD")
    assert tess.cadence * 1440 == pytest.approx(2, abs=1e-3)
