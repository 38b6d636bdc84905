"""The rooms of docs/development/rooms.md: no loose modules, a heavy library in one room alone, imports in order."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "exojax"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Library -> the only places that may import it.
HOMES = {
    "orbax": {"training/checkpoint.py"},
    "matplotlib": {"report/", "runs/notebook.py"},
    "numba": {"loops/"},
    "llvmlite": {"loops/"},
    "lightkurve": {"io/"},
    "astropy": {"io/"},
    "kagglehub": {"io/"},
    "pyarrow": set(),
    "tyro": {"cli/"},
    "rich": {"cli/"},
    "jaxoplanet": {"simulate/"},
    "tinygp": {"simulate/"},
    "tensorboardX": {"training/log.py"},
    "optuna": {"training/study.py", "training/trials.py"},
    "sqlalchemy": {"training/study.py"},
    "torch": set(),
    "wotan": set(),
    "gerbls": set(),
    "transitleastsquares": set(),
    "xgboost": {"models/boosting.py"},
    "tsfresh": set(),
    "pickle": set(),
    "joblib": set(),
}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Return every module that a file imports, wherever in it, in full."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_nothing_is_loose_but_the_containers():
    loose = {path.name for path in PACKAGE.glob("*.py")}
    wanted = {"config.py", "errors.py", "light_curves.py", "candidates.py", "folded_events.py"}
    assert loose <= wanted | {"__init__.py", "__main__.py", "ephemeris.py", "robust.py"}


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


# Rooms and modules that need neither JAX nor what imports it: a search on a CPU must not wait for them.
PLAIN = {
    "candidates",
    "detection",
    "ephemeris",
    "folded_events",
    "io",
    "light_curves",
    "loops",
    "photometry",
    "robust",
    "storage",
    "vetting",
}
PLAIN |= {f"runs/{name}.py" for name in ("survey", "survey_parts", "ranked_candidates", "fold_stars")}
PLAIN |= {"features/views.py", "features/candidate_inputs.py"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_search_on_a_cpu_needs_no_jax(path):
    if name_of(path) == "detection/accelerator.py" or not {room_of(path), name_of(path)} & PLAIN:
        return
    tops = {node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)}
    names = {alias.name for node in tops if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in tops if isinstance(node, ast.ImportFrom)}
    heavy = {"jax", "flax", "optax", "orbax", "sklearn", "xgboost", "matplotlib"}
    assert not {name.split(".")[0] for name in names} & heavy


def test_the_walk_sees_the_package():
    assert {"training/checkpoint.py", "models/layers.py", "light_curves.py"} <= {name_of(path) for path in MODULES}
    assert "exojax.training.state.TrainState" in imports(PACKAGE / "training" / "checkpoint.py")
    assert "orbax.checkpoint" in imports(PACKAGE / "training" / "checkpoint.py")
    assert "pickle" in sys.stdlib_module_names
