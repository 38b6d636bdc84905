"""Draw rooms.svg: the rooms of the package in the order of the data, from the contract of imports in pyproject.toml.

``python docs/development/draw_rooms.py`` writes the picture anew; a test compares it with the contract.
"""

from __future__ import annotations

import tomllib
from html import escape
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

WALK = {
    "simulate": ("a seed to light curves with known truth", "LightCurves"),
    "io": ("files and tables to light curves", "LightCurves"),
    "photometry": ("even grid, trend, outliers", "EvenCurves"),
    "detection": ("periodogram, peaks, measurement", "Candidates"),
    "vetting": ("tests of a candidate, flags", "Candidates"),
    "features": ("folds, spectra, numbers", "model inputs"),
    "models": ("inputs to logits, one file a model", "logits"),
    "evaluation": ("splits, figures, calibration, controls", "probabilities"),
    "report": ("figures, sheets, pages", "HTML, PNG"),
}
"""rooms that the data pass, in this order: what happens there, and what comes out"""
BESIDE = {
    "storage": "reads and writes with checks; the cache",
    "loops": "loops over cadences, compiled by Numba",
    "injection": "planets put into measured curves",
    "training": "state, step, checkpoints, devices",
    "runs": "the rooms composed: fit, evaluate, survey",
    "cli": "one module a command",
}
"""rooms that serve the walk"""
WIDTH, ROW, TOP = 920, 52, 64
INK, SOFT, LINE, FILL, SIDE = "#1c2330", "#5b6472", "#8a94a3", "#e8eefb", "#f1f3f6"


def order() -> list[str]:
    """Return the rooms from the first, which imports none, to the last."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    names = [part.strip().removeprefix("exojax.") for layer in reversed(layers) for part in layer.split(":")]
    return [name for name in names if (ROOT / "exojax" / name).is_dir()]


def box(x: int, y: int, width: int, name: str, about: str, fill: str) -> str:
    """Return a box with a name and a line below it."""
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="40" rx="6" fill="{fill}" stroke="{LINE}"/>'
        f'<text x="{x + 12}" y="{y + 17}" font-weight="600" fill="{INK}">{escape(name)}/</text>'
        f'<text x="{x + 12}" y="{y + 33}" font-size="12" fill="{SOFT}">{escape(about)}</text>'
    )


def draw() -> str:
    """Return the picture as SVG text."""
    place = {name: number for number, name in enumerate(order(), 1)}
    height = TOP + ROW * len(WALK) + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui,sans-serif" '
        'font-size="14" role="img" aria-labelledby="t"><title id="t">The rooms in the order of the data</title>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="30" y="36" font-weight="600" fill="{INK}">The walk of the data</text>',
        f'<text x="560" y="36" font-weight="600" fill="{INK}">Rooms beside it</text>',
    ]
    for row, (name, (about, product)) in enumerate(WALK.items()):
        y = TOP + ROW * row
        parts.append(box(30, y, 300, f"{place[name]}  {name}", about, FILL))
        parts.append(f'<text x="344" y="{y + 25}" font-size="13" fill="{SOFT}">→ {escape(product)}</text>')
        if 0 < row < len(WALK) - 1:
            parts.append(f'<path d="M180 {y + 40}v12" stroke="{LINE}" stroke-width="2"/>')
    for row, (name, about) in enumerate(BESIDE.items()):
        parts.append(box(560, TOP + ROW * row, 330, f"{place[name]}  {name}", about, SIDE))
    notes = ("Numbers: the order of imports. A room imports", "smaller numbers only; lint-imports checks it.")
    for row, note in enumerate(notes):
        y = TOP + ROW * len(BESIDE) + 24 + 18 * row
        parts.append(f'<text x="560" y="{y}" font-size="13" fill="{SOFT}">{escape(note)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    (HERE / "rooms.svg").write_text(draw())
