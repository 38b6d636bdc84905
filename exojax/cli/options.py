"""Read the command line into a dataclass; report a wrong option on one line."""

from __future__ import annotations

import contextlib
import difflib
import io
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from exojax.errors import InputError

Options = TypeVar("Options")

SYNONYMS = {
    "-o": "--out",
    "-n": "--n",
    "-j": "--workers",
    "--batch-size": "--config",
    "--checkpoint": "--run",
    "--dataset": "--data",
    "--epochs": "--steps",
    "--file": "--data",
    "--fits": "--data",
    "--force": "--fresh",
    "--input": "--data",
    "--iterations": "--steps",
    "--jobs": "--workers",
    "--learning-rate": "--config",
    "--lr": "--config",
    "--max-steps": "--steps",
    "--n-trials": "--trials",
    "--name": "--run",
    "--num-workers": "--workers",
    "--output": "--out",
    "--output-dir": "--out",
    "--overwrite": "--fresh",
    "--planets": "--known",
    "--plot": "--sheets",
    "--random-state": "--seed",
    "--splits": "--folds",
    "--threshold": "--snr-min",
    "--tic": "--target",
    "--weights": "--init",
}
"""options of other software -> the corresponding option of exojax"""


def value(name: str) -> Any:
    """Return the annotation that names an option's value in the help, for ``Annotated[type, value("FILE")]``.

    The help leaves out a default of None, and rounds a default with many digits.
    """

    def hint(default: str) -> str:
        with contextlib.suppress(ValueError):
            default = f"{float(default):.3g}" if len(default) > 9 else default
        return "" if default in ("", "None") else f"(default: {default})"

    return tyro.conf.arg(metavar=name, help_behavior_hint=hint)


def parse(name: str, options: type[Options], argv: Sequence[str]) -> Options:
    """Return the options in ``argv`` as an instance of a dataclass, whose docstrings are the help.

    Args:
        name: name of the command in the help.
        options: the dataclass.
        argv: arguments without the program's name.

    Raises:
        InputError: an option is unknown, has no value or a value of a wrong type, or a required option is missing.
        SystemExit: after ``--help``, with code 0.
    """
    if not {"-h", "--help"} & set(argv):
        _check_names(options, argv)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            chosen, unknown = tyro.cli(
                options,
                args=argv,
                prog=name,
                config=(tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone),
                return_unknown_args=True,
                registry=_NUMBERS,
            )
    except _NotANumberError as error:
        raise InputError(
            f"{_option_of(error.text, argv)}: {error.text!r} is not {error.expected}; see --help"
        ) from None
    except SystemExit as end:
        if end.code in (0, None):
            raise
        raise InputError(f"{' '.join(argv)}: these options cannot be read; see --help") from None
    if unknown:
        raise InputError(f"{unknown[0]}: not an option; the command takes options only, see --help")
    seed = getattr(chosen, "seed", None)
    if seed is not None and not 0 <= seed < 2**31:
        raise InputError(f"--seed {seed}: give a number from 0 to {2**31 - 1}")
    return chosen


def _check_names(options: Any, argv: Sequence[str]) -> None:
    """Refuse options that do not exist, that have no value, or that are missing."""
    hints = get_type_hints(options, include_extras=True)
    named = [field for field in fields(options) if _POSITIONAL not in getattr(hints[field.name], "__metadata__", ())]
    known = {f"--{field.name.replace('_', '-')}": field for field in named}
    n_values = {option: _n_values(hints[field.name]) for option, field in known.items()}
    typed = [token.partition("=")[0].replace("_", "-") for token in argv]
    for at, option in enumerate(typed):
        if not _is_option(argv[at]):
            continue
        if option not in known:
            raise InputError(f"no such option: {option}{_nearest(option, list(known))}; see --help")
        following = [_is_option(token) for token in argv[at + 1 :]]
        given = 1 if "=" in argv[at] else (following.index(True) if True in following else len(following))
        if given < n_values[option]:
            raise InputError(f"{option} needs {'a value' if n_values[option] == 1 else 'two values'}; see --help")
    required = [option for option, field in known.items() if field.default is MISSING and option not in typed]
    if required:
        raise InputError(f"{' and '.join(required)} must be given; see --help")


def _n_values(hint: Any) -> int:
    """Return how many values an option of this type takes: 0 for a flag, 2 for a range, else 1."""
    hint = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    ranges = [part for part in (hint, *get_args(hint)) if get_origin(part) is tuple and Ellipsis not in get_args(part)]
    return 0 if hint is bool else len(get_args(ranges[0])) if ranges else 1


def _is_option(token: str) -> bool:
    """Return whether a token is an option rather than a word or a negative number."""
    return token.startswith("-") and token[1:2] not in tuple("0123456789.")


def _nearest(option: str, known: Sequence[str]) -> str:
    near = [SYNONYMS[option]] if SYNONYMS.get(option) in known else difflib.get_close_matches(option, known, n=2)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _option_of(text: str, argv: Sequence[str]) -> str:
    """Return the option that has ``text`` as its value."""
    option = ""
    for token in argv:
        name, _, joined = token.partition("=")
        option = name if _is_option(token) else option
        if text in (token, joined):
            break
    return option


@dataclass
class _NotANumberError(Exception):
    """The value of an option is no number. It is no ValueError, because tyro prints a page of help for those."""

    text: str
    expected: str


_NUMBERS = ConstructorRegistry()
_POSITIONAL = get_args(tyro.conf.Positional[int])[-1]


def _number(kind: type, expected: str) -> Callable[[PrimitiveTypeInfo], PrimitiveConstructorSpec[Any] | None]:
    """Return tyro's rule for numbers of a kind; ``expected`` names them in messages."""

    def read(texts: list[str]) -> Any:
        try:
            return kind(texts[0])
        except ValueError:
            raise _NotANumberError(texts[0], expected) from None

    def rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
        if info.type is not kind:
            return None
        return PrimitiveConstructorSpec(1, "NUMBER", read, lambda x: isinstance(x, kind), lambda x: [str(x)])

    return rule


_NUMBERS.primitive_rule(_number(int, "a whole number"))
_NUMBERS.primitive_rule(_number(float, "a number"))
