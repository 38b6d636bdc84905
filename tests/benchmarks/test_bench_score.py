"""PyTorch is timed on the same network: with our weights it gives our logits."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from benchmarks import score as bench_score
from benchmarks.torch import transit
from exojax.folded_events import SCALARS, VIEWS, WIDE_VIEWS
from exojax.models.layers import ABSENT
from exojax.models.transit import MODEL
from exojax.runs.run import PRETRAINED, load
from exojax.training.step import logits
from exojax.training.weights import weights_of


def folds(n: int = 12) -> dict[str, np.ndarray]:
    """Make views with empty bins and some without; one row has no candidate, some numbers are unknown."""
    rng = np.random.default_rng(0)
    made = {}
    for name in VIEWS:
        view = rng.normal(0, 0.5, (n, 41 if name in WIDE_VIEWS else 21, 3)).astype(np.float32)
        view[..., 1:] = np.abs(view[..., 1:])
        view *= rng.random((*view.shape[:2], 1)) > 0.1
        view *= (rng.random((n, 1, 1)) > 0.2) | (name == "global_view")
        made[name] = view
    made["global_view"][0] = 0
    made["scalars"] = rng.normal(0, 1, (n, len(SCALARS))).astype(np.float32)
    made["scalars"][rng.random(made["scalars"].shape) < 0.2] = np.nan
    return made


def test_torch_network_with_our_weights_gives_our_logits() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[bench]'")
    state, given = load(PRETRAINED).scorer.states[0], folds()
    ours = np.asarray(jax.jit(logits)(state, {name: given[name][:, None] for name in MODEL.inputs}))
    theirs = transit(weights_of(state))({name: torch.from_numpy(x) for name, x in given.items()}).detach().numpy()
    assert theirs[0] == ABSENT
    assert np.ptp(theirs[1:]) > 1
    np.testing.assert_allclose(theirs, ours, rtol=1e-3, atol=1e-3)


def test_rows_are_milliseconds_a_candidate_and_a_missing_peer_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer:
        stdout = '{"fold": 0.2, "network": 0.1, "both": 0.25}\n'

    started: list[str] = []
    monkeypatch.setattr(bench_score.subprocess, "run", lambda command, **_: started.append(command[3]) or Answer)
    for version, theirs, ratio in ((None, "not measured", "not measured"), ("2.13", 0.1, 1.0)):
        monkeypatch.setattr(bench_score, "torch_version", lambda version=version: version)
        fold, network, both = bench_score.measure(repeats=2)
        assert (fold["ours"], network["ours"], both["ours"]) == (0.2, 0.1, 0.25)
        assert (network["theirs"], network["ratio"]) == (theirs, ratio)
        assert both["theirs"] == "not measured"
    assert started == ["ours", "ours", "ours", "theirs", "ours", "theirs"]
