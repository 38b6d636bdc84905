"""Time whole commands from files to candidates, and the reading of FITS files."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.peers import ABSENT, row
from exojax.config import SimulateConfig
from exojax.light_curves import LightCurves
from exojax.simulate.population import simulate

N_STARS, N_FILES = 1000, 200
_SEARCH = "import sys; from exojax.cli.search import main; sys.exit(main(sys.argv[1:]))"


def measure(seed: int = 0) -> list[dict[str, Any]]:
    """Return rows: stars a second of ``search.py`` from ``.npz`` and from FITS; CPU milliseconds to read a FITS file.

    The commands run as a user runs them, without sheets; their wall time includes the start of Python and compilation.
    """
    curves, _ = simulate(SimulateConfig(n_stars=N_STARS, seed=seed, population="benchmark"))
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_npz(folder / "stars.npz", curves)
        rows.append(
            _rate(f"search.py, .npz of {N_STARS} stars", ["--data", str(folder / "stars.npz")], N_STARS, folder / "a")
        )
        if find_spec("astropy") is None:
            return [*rows, row(f"read {N_FILES} FITS files", "astropy.io.fits", ABSENT, ABSENT, "ms a file")]
        (folder / "fits").mkdir()
        paths = [folder / "fits" / f"kplr{number:09d}_llc.fits" for number in range(1, N_FILES + 1)]
        for star, path in enumerate(paths):
            flux = np.where(curves.valid[star], curves.flux[star], np.nan)
            write_fits(path, star + 1, curves.time[star], flux)
        rows.append(_rate(f"search.py, {N_FILES} FITS files", [str(folder / "fits")], N_FILES, folder / "b"))
        rows.append(_reading(paths))
    return rows


def write_npz(path: Path, curves: LightCurves) -> None:
    """Write light curves in the layout that ``exojax.io.npz`` reads."""
    n, n_cadences = curves.flux.shape
    flux = np.where(curves.valid, curves.flux, np.nan).astype(np.float32)
    np.savez(path, time=curves.time, flux=flux, n_points=np.full(n, n_cadences), epic_id=np.arange(1, n + 1))


def write_fits(path: Path, number: int, time: np.ndarray, flux: np.ndarray) -> None:
    """Write a light curve file with the columns of Kepler's archive, flux in counts."""
    from astropy.io import fits

    n, counts = len(time), (1e4 * flux).astype(np.float32)
    doubles = {"TIME": time, "MOM_CENTR1": np.full(n, 512.0), "MOM_CENTR2": np.full(n, 256.0)}
    doubles |= {name: np.zeros(n) for name in ("PSF_CENTR1", "PSF_CENTR2")}
    singles = dict.fromkeys(("SAP_FLUX", "PDCSAP_FLUX"), counts)
    names = "TIMECORR SAP_FLUX_ERR SAP_BKG SAP_BKG_ERR PDCSAP_FLUX_ERR PSF_CENTR1_ERR PSF_CENTR2_ERR MOM_CENTR1_ERR"
    names += " MOM_CENTR2_ERR POS_CORR1 POS_CORR2"
    singles |= {name: np.ones(n, np.float32) for name in names.split()}
    whole = {"CADENCENO": np.arange(n, dtype=np.int32), "SAP_QUALITY": np.zeros(n, np.int32)}
    columns = [
        fits.Column(name, form, array=values)
        for form, group in (("D", doubles), ("E", singles), ("J", whole))
        for name, values in group.items()
    ]
    table = fits.BinTableHDU.from_columns(columns, name="LIGHTCURVE")
    table.header.update({"BJDREFI": 2454833, "BJDREFF": 0.0, "TIMEUNIT": "d"})
    main = fits.PrimaryHDU()
    main.header.update({"TELESCOP": "Kepler", "KEPLERID": number, "OBJECT": f"KIC {number}", "RADIUS": 1.0})
    fits.HDUList([main, table]).writeto(path)


def _rate(task: str, source: list[str], n: int, out: Path) -> dict[str, Any]:
    start = time.perf_counter()
    command = [sys.executable, "-c", _SEARCH, *source, "--out", str(out), "--sheets", "0"]
    subprocess.run(command, env=os.environ | {"JAX_PLATFORMS": "cpu"}, check=True, capture_output=True)
    return row(task, "none", n / (time.perf_counter() - start), ABSENT, "stars a second")


def _reading(paths: list[Path]) -> dict[str, Any]:
    """Return the median CPU time of one file, ours and astropy's in turn; the first file is not counted."""
    from exojax.io import fits as ours

    spent: dict[Callable[[Path], object], list[float]] = {ours.read: [], read_with_astropy: []}
    for path in paths:
        for read, times in spent.items():
            start = time.process_time()
            read(path)
            times.append(1e3 * (time.process_time() - start))
    mine, theirs = (median(times[1:]) for times in spent.values())
    return row(f"read {len(paths)} FITS files", "astropy.io.fits", mine, theirs, "ms a file")


def read_with_astropy(path: Path) -> tuple[np.ndarray, ...]:
    """Return the columns that a search needs, read as in astropy's manual."""
    from astropy.io import fits

    with fits.open(path) as parts:
        table = parts[1].data
        names = ("TIME", "PDCSAP_FLUX", "SAP_QUALITY", "MOM_CENTR1", "MOM_CENTR2")
        return tuple(np.array(table[name]) for name in names)
