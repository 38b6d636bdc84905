"""Train a network on simulated stars only: compute folded events of whole populations, and write its weights."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from exojax.config import RunConfig, TeachConfig
from exojax.folded_events import VIEWS, FoldedEvents
from exojax.runs.fold_stars import folded_events
from exojax.runs.run import SCORES, Run
from exojax.simulate.teaching import teach
from exojax.storage.announce import ReportStage
from exojax.storage.array_files import save_arrays
from exojax.storage.json_files import read_checked, write_checked
from exojax.training.fit import WEIGHTS
from exojax.training.weights import weights_of


def pretraining_events(sizes: Mapping[str, int], config: RunConfig, report: ReportStage | None = None) -> FoldedEvents:
    """Return simulated stars of several missions, searched and folded as real stars are; one row per star.

    Args:
        sizes: mission to number of stars, with missions as in :class:`exojax.config.TeachConfig`.
        config: settings of the run: ``seed`` of the stars, ``search`` and ``fold``.
        report: receives the progress.

    Returns:
        One mission after another; the label is 1 for a star with a planet whose transits can be seen, and ``kind`` is
        the simulated class of the star.
    """
    parts, ids, labels, kinds = [], [], [], []
    for mission, n in sizes.items():
        curves, _ = teach(TeachConfig(mission=mission, n_stars=n, seed=config.seed))
        say = None if report is None else lambda done, of, mission=mission: report(f"searching {mission}", done, of)
        parts.append(folded_events(curves, config.search, config.fold, report=say))
        assert curves.label is not None  # simulated stars have labels and kinds
        assert curves.kind is not None
        ids.append(curves.id)
        labels.append(curves.label)
        kinds.append(curves.kind)
    settings = json.dumps([dict(sizes), config.seed, asdict(config.search), asdict(config.fold)])
    return FoldedEvents(
        id=np.concatenate(ids),
        views={name: np.concatenate([part[name] for part in parts]) for name in VIEWS},
        scalars=np.concatenate([part["scalars"] for part in parts]),
        vetting=np.concatenate([part["vetting"] for part in parts]),
        label=np.concatenate(labels),
        kind=np.concatenate(kinds),
        source="simulated populations",
        sha256=hashlib.sha256(settings.encode()).hexdigest(),
        warnings=("these stars are simulated: metrics measured on them do not hold for real stars",),
        catalogued=False,
    )


def ship(run: Run, out: Path) -> None:
    """Write a run with its weights as plain arrays instead of checkpoints; ``out`` can be loaded like any run.

    The lists of ``split.json`` are empty, because no file of a user contains a simulated star of this run.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "calibration.json", SCORES):
        shutil.copyfile(run.folder / name, out / name)
    split = read_checked(run.folder / "split.json")
    write_checked(out / "split.json", {name: [] for name in split})
    for member, state in enumerate(run.scorer.states):
        home = out / "members" / str(member) if member else out
        save_arrays(home / WEIGHTS, weights_of(state))
