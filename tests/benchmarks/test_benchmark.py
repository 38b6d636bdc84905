"""The benchmark compares like with like, and says what it did not measure."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import run as benchmark
from benchmarks import train as bench_train
from exojax.errors import InputError
from exojax.models.cnn_original import MODEL

KEYS = ["task", "peer", "ours", "theirs", "unit", "ratio"]


def test_torch_network_with_our_weights_gives_our_logits() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[bench]'")
    n_cadences, rng = 1030, np.random.default_rng(1)
    flux = rng.normal(size=(5, n_cadences)).astype(np.float32)
    variables = MODEL.module.init(jax.random.key(0), {"flux": jnp.asarray(flux)}, train=False)
    # Nothing zero, nothing one, not all positive: a bias left out has to show, or a maximum before a negative scale.
    variables = jax.tree.map(lambda x: x + rng.uniform(0.1, 0.5, x.shape).astype(np.float32), variables)
    signs = jax.tree.map(lambda x: rng.choice(np.float32([-1, 1]), x.shape), variables["params"])
    variables["params"] = jax.tree.map(jnp.multiply, variables["params"], signs)
    ours = MODEL.module.apply(variables, {"flux": jnp.asarray(flux)}, train=False)

    params, stats = jax.tree.map(np.array, (variables["params"], variables["batch_stats"]))
    network = bench_train.torch_network(n_cadences)
    convolutions = [layer for layer in network if isinstance(layer, torch.nn.Conv1d)]
    norms = [layer for layer in network if isinstance(layer, torch.nn.BatchNorm1d)]
    dense = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    with torch.no_grad():
        for i, (convolution, norm) in enumerate(zip(convolutions, norms, strict=True)):
            for target, values in (
                (convolution.weight, params[f"Conv_{i}"]["kernel"].transpose(2, 1, 0)),
                (convolution.bias, params[f"Conv_{i}"]["bias"]),
                (norm.weight, params[f"BatchNorm_{i}"]["scale"]),
                (norm.bias, params[f"BatchNorm_{i}"]["bias"]),
                (norm.running_mean, stats[f"BatchNorm_{i}"]["mean"]),
                (norm.running_var, stats[f"BatchNorm_{i}"]["var"]),
            ):
                target.copy_(torch.from_numpy(values.copy()))
        for i, layer in enumerate(dense):
            kernel = params[f"Dense_{i}"]["kernel"]
            if i == 0:
                # Theirs flattens channel by channel, ours cadence by cadence.
                kernel = kernel.reshape(-1, 64, 64).swapaxes(0, 1).reshape(-1, 64)
            layer.weight.copy_(torch.from_numpy(kernel.T.copy()))
            layer.bias.copy_(torch.from_numpy(params[f"Dense_{i}"]["bias"]))
        theirs = network.eval()(torch.from_numpy(flux)[:, None])[:, 0].numpy()
    assert sum(x.size for x in jax.tree.leaves(params)) == sum(p.numel() for p in network.parameters())
    assert np.ptp(theirs) > 1e-3 * np.abs(theirs).max()
    np.testing.assert_allclose(ours, theirs, rtol=2e-4)


def test_what_is_missing_reads_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer:
        stdout = 'a warning\n{"train": [8.0, 7.0], "score": [2.0, 1.0]}\n'

    started: list[list[str]] = []
    monkeypatch.setattr(bench_train, "torch_version", lambda: None)
    monkeypatch.setattr(bench_train.subprocess, "run", lambda command, **_: started.append(command) or Answer)
    rows = bench_train.measure(repeats=2)
    assert {command[3] for command in started} == {"ours"}
    assert all(list(row) == KEYS for row in rows)
    assert {row["ratio"] for row in rows} == {"not measured"}
    assert [row["ours"] for row in rows[:4]] == [8.0, 7.0, 2.0, 1.0]
    assert rows[-1]["ours"] == "not measured"


def test_ratio_is_theirs_over_ours_on_the_same_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, str]] = []

    def answer(command: list[str], **_: object) -> object:
        who, cores, seed = command[3:]
        assert seed == "5"
        started.append((who, cores))
        scale = 3 if who == "theirs" else 1
        text = json.dumps({"train": [8.0 * scale, 7.0 * scale], "score": [2.0 * scale, 1.0 * scale]})
        return type("Answer", (), {"stdout": text})

    monkeypatch.setattr(bench_train, "torch_version", lambda: "2.13.0")
    monkeypatch.setattr(bench_train, "available_cores", lambda: 2)
    monkeypatch.setattr(bench_train.subprocess, "run", answer)
    rows = bench_train.measure(repeats=2, seed=5)
    assert started == [(who, cores) for cores in "21" for _ in range(2) for who in ("ours", "theirs")]
    assert len(rows) == 9
    assert {row["ratio"] for row in rows[:-1]} == {3.0}
    assert {row["peer"] for row in rows[:-1]} == {"PyTorch 2.13.0"}


def test_epochs_run_as_one_scan_each() -> None:
    assert bench_train.seconds_of_epochs(n_stars=64, n_cadences=300, epochs=2) > 0


def test_run_writes_machine_and_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"task": "t", "peer": "p", "ours": 1.0, "theirs": "not measured", "unit": "s", "ratio": "not measured"}
    monkeypatch.setattr(benchmark, "TASKS", {"one": lambda seed: [row], "two": lambda seed: [row | {"task": "u"}]})
    found = benchmark.run(["all"], tmp_path / "new")
    assert json.loads((tmp_path / "new" / "benchmark.json").read_text()) == found
    assert [r["task"] for r in found["rows"]] == ["t", "u"]
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["cpu"]
    assert "not measured" in capsys.readouterr().out
    assert len(benchmark.run(["two"], tmp_path)["rows"]) == 1
    with pytest.raises(InputError, match="three: no such benchmark; there are one, two and all"):
        benchmark.run(["three"], tmp_path)
