"""A reader of your own: any function that returns LightCurves; here one JSON object a star and line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import exojax
from exojax.config import RunConfig


def read(path: Path) -> exojax.LightCurves:
    """Return the stars of lines ``{"name": ..., "host": true, "time": [days], "flux": [relative or null]}``."""
    stars = [json.loads(line) for line in path.read_text().splitlines()]
    flux = np.array([star["flux"] for star in stars], np.float32)  # null becomes NaN
    time = np.array([star["time"] for star in stars], np.float64)
    return exojax.LightCurves(
        id=np.array([star["name"] for star in stars]),
        time=time,
        flux=np.nan_to_num(flux),
        valid=np.isfinite(flux),
        label=np.array([star["host"] for star in stars], np.int8),
        kind=None,
        catalogued=True,  # names mean the same star in another file
        absolute=True,
        cadence=float(np.median(np.diff(time))),
        time_system="BJD",
        source=str(path),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def main(n_stars: int = 200) -> float:
    """Write such a file, read it, train on it; return the average precision on the test stars."""
    rng = np.random.default_rng(0)
    time = 0.02 * np.arange(600)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "stars.jsonl"
        with path.open("w") as stream:
            for number in range(n_stars):
                flux = 1 + 1e-3 * rng.standard_normal(600)
                flux[(time - rng.random()) % 1.1 < 0.1] -= 3e-3 if number % 3 == 0 else 0.0
                star = {"name": f"S{number}", "host": number % 3 == 0, "time": time.tolist(), "flux": flux.tolist()}
                star["flux"][7] = None
                stream.write(json.dumps(star) + "\n")
        curves = read(path)
        run = exojax.fit(RunConfig(model="svc"), curves, Path(folder) / "run")
        found = exojax.evaluate(run, curves).metrics["average_precision"]["value"]
    print(f"{len(curves)} stars read; average precision {found:.3f}")
    return found


if __name__ == "__main__":
    main()
