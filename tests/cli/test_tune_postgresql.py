"""Four workers on one PostgreSQL database, one of them killed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_cli import Call, read_json, stars, write_csv
from small_tune import Killer, assert_retried

from exojax.cli import tune

pytestmark = pytest.mark.postgresql


def program(name: str) -> str:
    places = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ.get("PATH", "")]))
    if found is None:
        pytest.skip(f"PostgreSQL is not installed (no {name}); on Debian: apt-get install postgresql")
    return found


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """URL of a server of our own on the loopback, gone afterwards."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    initdb, server = program("initdb"), program("postgres")
    # It refuses to run as root.
    who = None
    if os.geteuid() == 0:
        try:
            who = pwd.getpwnam("postgres").pw_name
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        if who:
            shutil.chown(folder, who)
        where = {"user": who, "cwd": "/", "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        made = f"{folder}/db"
        subprocess.run([initdb, "-D", made, "-A", "trust", "-U", "tester", "-N"], check=True, **where)
        options = ["-D", made, "-h", "127.0.0.1", "-p", str(port), "-k", folder, "-F"]
        with subprocess.Popen([server, *options], **where) as process:
            try:
                yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
            finally:
                process.send_signal(signal.SIGINT)  # it ends although clients are connected


def connect(url: str, *, wait: float = 0.0):
    import psycopg

    limit = time.monotonic() + wait
    while True:
        try:
            return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        except psycopg.OperationalError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.2)


def test_one_of_four_workers_is_killed(database: str, call: Call) -> None:
    source = write_csv(Path("some.csv"), stars(60, 20, seed=4))
    command = ("--data", source, "--out", "out", "--model", "svc", "--trials", 12, "--workers", 4)
    with connect(database, wait=60) as base:

        def read() -> list[tuple[int, str, str]]:
            question = (
                "SELECT number, state::text, value_json FROM trials JOIN trial_user_attributes USING (trial_id) "
                "WHERE key = 'worker'"
            )
            return [(number, state, worker.strip('"')) for number, state, worker in base.execute(question).fetchall()]

        with Killer(read) as killer:
            ran = call(tune.main, *command, "--storage", database)
    assert ran.code == 0, ran.err
    (killed,) = killer.killed
    assert_retried(database, read_json(Path("out/tune.json"))["study"], killed, wanted=12)
