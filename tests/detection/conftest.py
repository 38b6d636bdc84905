"""The loops that these tests call are compiled before the first of them."""

import pytest

from exojax.loops import compiled


@pytest.fixture(autouse=True, scope="session")
def _loops_ready(_own_cache):
    compiled.ready()
