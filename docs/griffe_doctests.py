"""Show the examples of docstrings (``>>> ...``) as code on the site, without the directives of doctest."""

from __future__ import annotations

import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\n).*)*", re.M)


class Doctests(griffe.Extension):
    """Fence every run of lines that begins with a prompt."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of a loaded object."""
        if obj.docstring is not None:
            obj.docstring.value = EXAMPLE.sub(_fenced, obj.docstring.value)


def _fenced(example: re.Match[str]) -> str:
    return f"```pycon\n{re.sub(r' *# doctest:.*', '', example[0])}\n```"
