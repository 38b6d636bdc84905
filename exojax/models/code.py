"""Compute a fingerprint of a model's code, in the package, a script or a notebook, to detect stored scores of old
code."""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import sys
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from exojax.models.base import Classical, Model, Network

_INSTALLED = {"site-packages", "dist-packages"}
_LIBRARIES = {"builtins", "flax", "jax", "numpy", "optax"}
_CONSTANTS = (bool, int, float, complex, str, bytes, type(None), tuple, frozenset)

Code = dict[Any, str]
"""module name, class or function -> its code, in the order of the search"""


def fingerprint(model: Model) -> str:
    """Return 16 hex digits of a model's settings and code; comments and docstrings do not count.

    The fingerprint covers the files that define the model, and the files of the same folder that they import. For a
    model in a script or a notebook it covers its classes and functions, and those that they use.
    """
    code: Code = {}
    for part in model.parts:
        code[part] = f"{part.inputs}" + (f" {part.module} {part.train}" if isinstance(part, Network) else "")
        for piece in _pieces(part):
            _add(piece, code)
    # Remove the addresses in the texts of functions, because they differ between processes.
    text = re.sub(r" at 0x[0-9a-f]+", "", "\n".join(code.values()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _pieces(part: Network | Classical) -> list[Any]:
    """Return the classes and functions that a model is made of."""
    if isinstance(part, Classical):
        return [part.fit, part.logits, part.remarks, part.space]
    attributes = [getattr(part.module, name, None) for name in part.module.__dataclass_fields__ if name != "parent"]
    return [part.module, *attributes, part.augment, part.settle, part.space]


def _add(piece: Any, code: Code) -> None:
    while isinstance(piece, partial):
        piece = piece.func
    if not callable(piece):
        return
    home = inspect.unwrap(piece) if hasattr(piece, "__qualname__") else type(piece)
    module = sys.modules.get(home.__module__)
    if home.__module__.partition(".")[0] in _LIBRARIES:
        return
    if home.__module__ == "__main__" or module is None or getattr(module, "__file__", None) is None:
        _add_object(home, code)
    else:
        _add_file(module, _folder_of(module), code)


def _folder_of(module: ModuleType) -> Path | None:
    """Return the folder whose files belong to a model; None for a single file among installed packages."""
    folder = Path(str(module.__file__)).parent
    return None if folder.name in _INSTALLED else folder


def _add_file(module: ModuleType, folder: Path | None, code: Code) -> None:
    """Add a module's file, and those in ``folder`` that its names come from."""
    code[module.__name__] = _plain(Path(str(module.__file__)))
    for value in vars(module).values():
        name = getattr(value, "__module__", None) or getattr(value, "__name__", None)
        needed = sys.modules.get(name) if isinstance(name, str) and name not in code else None
        if needed is not None and folder is not None and _is_in(folder, getattr(needed, "__file__", None)):
            _add_file(needed, folder, code)


def _is_in(folder: Path, file: str | None) -> bool:
    if file is None or not Path(file).is_relative_to(folder) or not file.endswith(".py"):
        return False
    return not _INSTALLED & set(Path(file).relative_to(folder).parts)


def _plain(path: Path) -> str:
    """Return a file's code without comments and docstrings; the unchanged text if it cannot be parsed."""
    try:
        text = path.read_text()
        tree = ast.parse(text)
    except OSError:
        return ""
    except SyntaxError:
        return text
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            statements = [one for one in node.body if not _is_text(one)]
            node.body[:] = statements or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _add_object(home: Any, code: Code) -> None:
    """Add the compiled code of a class or a function, and of the objects of its module that it uses."""
    if home in code:
        return
    code[home] = ""
    for function in (
        [home] if isinstance(home, FunctionType) else map(inspect.unwrap, filter(callable, vars(home).values()))
    ):
        if not isinstance(function, FunctionType) or function.__module__ != home.__module__:
            continue
        code[home] += f"{function.__name__} {function.__defaults__} {_compiled(function.__code__, function.__doc__)}"
        for name in sorted(_names(function.__code__) & function.__globals__.keys()):
            value = function.__globals__[name]
            if isinstance(value, _CONSTANTS):
                code[home] += f" {name} {_constant(value)}"
            elif callable(value) and getattr(value, "__module__", None) == home.__module__:
                _add_object(inspect.unwrap(value), code)
    for base in getattr(home, "__bases__", ()):
        if base.__module__ == home.__module__:
            _add_object(base, code)


def _compiled(code: CodeType, doc: str | None = None) -> str:
    constants = [_constant(x) for x in code.co_consts if x is None or x != doc]
    return f"{code.co_code.hex()} {constants} {code.co_names} {code.co_varnames}"


def _constant(value: Any) -> str:
    if isinstance(value, CodeType):
        return _compiled(value)
    return repr(sorted(map(repr, value)) if isinstance(value, frozenset) else value)


def _names(code: CodeType) -> set[str]:
    return set(code.co_names).union(*(_names(x) for x in code.co_consts if isinstance(x, CodeType)))
