"""Strict numerics for every test: no silent promotion, no silent broadcast; one device, eight where a test asks."""

import os
from collections.abc import Iterator
from importlib.metadata import version

# Read when JAX starts. Programs of tests run once or twice, and compile sooner without fusion emitters. Eight devices
# on two busy cores may wait long for each other. XLA ends a process that names a flag it does not know.
_FLAGS = [
    "--xla_cpu_collective_call_warn_stuck_timeout_seconds=300",
    "--xla_cpu_collective_call_terminate_timeout_seconds=900",
    "--xla_cpu_collective_timeout_seconds=900",
]
if tuple(int(part) for part in version("jaxlib").split(".")[:2]) < (0, 11):
    _FLAGS.append("--xla_cpu_use_fusion_emitters=false")
os.environ.setdefault("XLA_FLAGS", " ".join(_FLAGS))

import jax  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

_every_device = jax.devices
# A training takes all devices, and one program for eight of them compiles for several times as long as for one.
jax.devices = lambda *backend: _every_device(*backend)[:1]


@pytest.fixture
def _eight_devices() -> Iterator[None]:
    """All eight virtual devices, for a test that is about devices."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax, "devices", _every_device)
        yield


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache that neither the user nor the next test session sees.

    The processes of one session share it, so that the loops of the search are compiled once.
    """
    own = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXOJAX_CACHE", str((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "cache"))
        yield


@pytest.fixture(autouse=True, scope="session")
def _compile_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The same small networks are trained by many tests; one compiles, the others read what it compiled.

    Each process has a folder of its own: JAX may read what another process has written by half.
    """
    jax.config.update("jax_compilation_cache_dir", str(tmp_path_factory.getbasetemp() / "compiled"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


@pytest.fixture(autouse=True, scope="module")
def _let_programs_go() -> Iterator[None]:
    """A process that keeps a thousand compiled programs dies while it writes the next one to the cache."""
    yield
    jax.clear_caches()
