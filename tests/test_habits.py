"""Tests are as ``docs/development/tests.md`` says: fixed seeds, no time asserted, skips with a sentence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
PRIVATE = {"_score", "_grow", "_stored", "_FEW", "_IN_FLIGHT", "_is_residual", "_modules"}
"""private names that tests still replace; to be emptied"""
CLOCKS = {"time", "monotonic", "perf_counter", "process_time"}


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    """Yield each call in a test's file: its place, the call, and the name of what is called."""
    for path in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                yield f"{path.relative_to(TESTS)}:{node.lineno}", node, name


def test_every_skip_has_a_sentence() -> None:
    for place, call, name in calls():
        if name in ("importorskip", "skipif"):
            assert any(word.arg == "reason" for word in call.keywords), place
        elif name == "skip":
            assert call.args, place


def test_every_seed_is_fixed() -> None:
    for place, call, name in calls():
        assert name not in ("SystemRandom", "urandom", "token_bytes"), place
        if name in ("default_rng", "Random", "SeedSequence"):
            assert call.args or call.keywords, place


def test_no_time_is_asserted() -> None:
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assert):
                called = {getattr(one.func, "attr", "") for one in ast.walk(node) if isinstance(one, ast.Call)}
                assert not called & CLOCKS, f"{path.name}:{node.lineno}"


def test_no_private_name_is_replaced() -> None:
    for place, call, name in calls():
        words = [word.value for word in call.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
        if name == "setattr" and words and re.match(r"_[a-zA-Z]", words[0]):
            assert words[0] in PRIVATE, f"{place}: {words[0]}"
