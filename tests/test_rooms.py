"""The rooms of docs/architecture.md: imports point downward only, and each heavy library lives in one place."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "exojax"
MODULES = sorted(PACKAGE.rglob("*.py"))

BASE = {"announce", "errors", "config", "lightcurve", "folded", "columns", "streams"}
# Each room, and the rooms below that it may import. A room that is not named here may not exist.
BELOW = {
    "announce": set(),
    "errors": set(),
    "config": {"errors"},
    "lightcurve": set(),
    "folded": set(),
    "columns": set(),
    "streams": set(),
    "io": BASE,
    "simulate": BASE,
    "loops": {"announce", "io"},
    "photometry": BASE | {"loops"},
    "search": BASE | {"loops"},
    "features": BASE | {"search", "loops"},
    "evaluation": {"errors", "config", "streams"},
    "models": {"errors", "config", "folded", "columns", "streams"},
    "training": {"announce", "errors", "config", "folded", "models", "evaluation", "streams"},
    "reasons": set(),
    "probabilities": {"errors", "evaluation", "models"},
    "stored": {"errors"},
    "runs": BASE | {"models", "evaluation", "training", "inputs", "probabilities", "stored"},
    "fitting": BASE | {"models", "evaluation", "training", "inputs", "probabilities", "runs", "stored", "twins"},
    "scoring": BASE | {"features", "evaluation", "training", "folding", "inputs", "probabilities", "runs"},
    "nested": BASE | {"models", "evaluation", "training", "probabilities", "runs", "fitting", "twins"},
    "comparing": BASE | {"models", "evaluation", "training", "inputs", "runs", "fitting", "nested", "stored", "twins"},
    "tuning": BASE | {"models", "evaluation", "training", "inputs", "runs", "fitting", "stored"},
    "hunt": BASE | {"loops", "photometry", "search"},
    "batching": BASE | {"io", "photometry", "search"},
    "parts": {"errors"},
    "ranking": BASE | {"io", "search", "parts"},
    "searching": BASE | {"io", "photometry", "search", "hunt", "batching", "folding", "stored", "parts", "ranking"},
    "teaching": BASE | {"simulate", "training", "folding", "runs", "stored"},
    "folding": BASE | {"io", "photometry", "search", "features", "hunt", "batching"},
    "inputs": BASE | {"features", "evaluation", "folding"},
    "planting": BASE | {"photometry", "simulate"},
    "twins": BASE | {"simulate", "evaluation", "models", "folding", "inputs", "planting"},
    "injecting": BASE
    | {"photometry", "search", "planting", "evaluation", "models", "training", "runs", "hunt", "batching", "stored"},
    "report": BASE | {"reasons", "features", "models", "evaluation", "training", "runs", "scoring"},
}
TOP = {"cli", "__init__"}
# Library -> the only places that may import it.
HOMES = {
    "orbax": {"training/checkpoint.py"},
    "matplotlib": {"report/"},
    "numba": {"loops/"},
    "llvmlite": {"loops/"},
    "lightkurve": {"io/"},
    "astropy": {"io/", "cli/bench_"},
    "kagglehub": {"io/"},
    "pyarrow": {"io/"},
    "tyro": {"cli/"},
    "rich": {"cli/"},
    "jaxoplanet": {"simulate/"},
    "tinygp": {"simulate/"},
    "tensorboardX": {"training/log.py"},
    "optuna": {"training/study.py", "training/tune.py"},
    "sqlalchemy": {"training/study.py"},
    "torch": {"cli/"},
    "wotan": {"cli/bench_"},
    "gerbls": {"cli/bench_"},
    "transitleastsquares": {"cli/bench_"},
    "xgboost": {"models/boosting.py"},
    "tsfresh": {"cli/bench_"},
    "pickle": set(),
    "joblib": set(),
}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it, in full."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_downward(path):
    room = room_of(path)
    if room in TOP:
        return
    assert room in BELOW, f"{room} is no room of the design; give it a place here and in docs/architecture.md"
    for module in imports(path):
        parts = module.split(".")
        if parts[0] == "exojax" and parts[1] != room:
            assert parts[1] in BELOW[room], f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_each_library_in_its_home(path):
    for module in imports(path):
        homes = HOMES.get(module.split(".")[0])
        assert homes is None or any(name_of(path).startswith(home) for home in homes), f"{name_of(path)}: {module}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_small_and_have_a_purpose(path):
    assert len(path.read_text().splitlines()) <= 600
    assert not {part.removesuffix(".py") for part in path.parts} & {
        "utils",
        "util",
        "helpers",
        "helper",
        "common",
        "misc",
    }
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_executes_from_data(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else None
            assert called not in {"eval", "exec", "__import__"}, f"{name_of(path)}:{node.lineno}"
            for argument in node.keywords:
                unpickles = argument.arg == "allow_pickle" and getattr(argument.value, "value", True) is not False
                assert not unpickles, f"{name_of(path)}:{node.lineno}"


# Rooms that need neither JAX nor what imports it: a search on a CPU must not wait for them.
PLAIN = {"announce", "batching", "folding", "folded", "hunt", "io", "lightcurve", "loops", "parts", "photometry"}
PLAIN |= {"ranking", "search", "searching", "stored", "features/views.py", "features/candidate_inputs.py"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_search_on_a_cpu_needs_no_jax(path):
    if name_of(path) == "search/accelerator.py" or not {room_of(path), name_of(path)} & PLAIN:
        return
    tops = {node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)}
    names = {alias.name for node in tops if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in tops if isinstance(node, ast.ImportFrom)}
    heavy = {"jax", "flax", "optax", "orbax", "sklearn", "xgboost", "matplotlib"}
    assert not {name.split(".")[0] for name in names} & heavy


def test_the_walk_sees_the_package():
    assert {"training/checkpoint.py", "models/layers.py", "lightcurve.py"} <= {name_of(path) for path in MODULES}
    assert "exojax.training.state.TrainState" in imports(PACKAGE / "training" / "checkpoint.py")
    assert "orbax.checkpoint" in imports(PACKAGE / "training" / "checkpoint.py")
    assert "pickle" in sys.stdlib_module_names
