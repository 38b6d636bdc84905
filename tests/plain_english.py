"""Find slips from plain English in docstrings, comments, messages, names and pages.

``python tests/plain_english.py`` prints each slip with its place (``--all``: the allowed ones too); ``--allow`` writes
today's numbers, file by file, into ``plain_english_allowed.txt``. A file may have no more slips than that
list says, and the list is there to be emptied.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ALLOWED = ROOT / "tests" / "plain_english_allowed.txt"
CODE = ("exojax", "benchmarks", "scripts", "examples", "docs", "tests")
PAGES = ("*.md", "docs/**/*.md", "benchmarks/*.md", ".github/**/*.md")
NOT_READ = {"tests/plain_english.py", "tests/test_plain_english.py"}

WORDS = {
    r"told": "reported, recorded, stated, distinguished",
    r"said": "stated",
    r"asked": "requested",
    r"twins?": "copies",
    r"(?<!-)hunts?": "search",
    r"taught": "trained",
    r"crew": "workers",
    r"what is left": "the remaining",
    r"one that": "name the thing",
    r"for company's sake": "to fill the batch",
    r"(?:is|are|was|were) shown (?:a|what|the|of)": "receives, reads",
    r"missed its mark|the same evening": "give the number",
}
"""words and phrases (regular expressions between word boundaries) -> what to write"""
PAGE_WORDS = {
    r"(?:\d{1,2} )?(?:January|February|April|June|July|August|September|October|November|December)(?: 20\d\d)?": (
        "dates stand in benchmarks/RESULTS.md and CHANGELOG.md"
    ),
}
"""the same in pages for users alone"""
RIDDLES = {"ahead", "rounds", "shown", "twins", "twin", "asked", "told", "taught", "crew", "hunt", "planted"}
"""words that no name of a function, an argument or a variable has among its parts"""
OPENINGS = {"of", "by", "what", "that", "which", "whether", "how"}
"""words that no docstring begins with"""
VERBS = set((ROOT / "tests" / "plain_english_verbs.txt").read_text().split())
"""first words of a function's docstring; add a verb that is missing"""


@dataclass(frozen=True)
class Slip:
    """One slip: its file, relative to the repository, its line, and what is wrong."""

    file: str
    line: int
    wrong: str

    def __str__(self) -> str:
        """Return ``file:line: what is wrong``."""
        return f"{self.file}:{self.line}: {self.wrong}"


def slips_of_text(text: str, line: int, file: str, words: dict[str, str] = WORDS) -> Iterator[Slip]:
    """Yield the forbidden words of a text that begins at a line."""
    for pattern, instead in words.items():
        for found in re.finditer(rf"\b(?:{pattern})\b", text, re.I):
            number = line + text[: found.start()].count("\n")
            yield Slip(file, number, f"{found[0]!r}: {instead}")


def slips_of_code(source: str, file: str) -> Iterator[Slip]:
    """Yield the slips of a Python file."""
    tree = ast.parse(source)
    docstrings = {}
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for before, statement in zip([None, *body], body) if isinstance(body, list) else ():
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                docstrings[id(value)] = node if before is None else before
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in docstrings:
                yield from slips_of_docstring(node, docstrings[id(node)], file)
            elif len(node.value.split()) > 1:
                yield from slips_of_text(node.value, node.lineno, file)
        yield from slips_of_name(node, file)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield from slips_of_text(token.string, token.start[0], file)


def slips_of_docstring(node: ast.Constant, owner: ast.AST, file: str) -> Iterator[Slip]:
    """Yield the slips of a docstring, or of the text below a constant or a field."""
    text = str(node.value)
    yield from slips_of_text(text, node.lineno, file)
    first = (re.findall(r"[\w`'-]+", text) or [""])[0]
    if first.lower() in OPENINGS:
        yield Slip(file, node.lineno, f"begins with {first!r}")
    elif isinstance(owner, ast.FunctionDef | ast.AsyncFunctionDef):
        called = [one.func if isinstance(one, ast.Call) else one for one in owner.decorator_list]
        names = {getattr(one, "id", getattr(one, "attr", "")) for one in called}
        is_noun = names & {"property", "cached_property", "fixture"} or owner.name.startswith("test_")
        if not is_noun and first.lower() not in VERBS:
            yield Slip(file, node.lineno, f"{owner.name}: begins with {first!r}, no verb")
        elif is_noun and text.strip()[:1].islower():
            yield Slip(file, node.lineno, f"{owner.name}: begins with a lower-case letter")
    elif isinstance(owner, ast.ClassDef | ast.Module) and text.strip()[:1].islower():
        yield Slip(file, node.lineno, "begins with a lower-case letter")


def slips_of_name(node: ast.AST, file: str) -> Iterator[Slip]:
    """Yield a slip where a function, an argument, an attribute or a variable has the name of a riddle."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        name, line = node.name, node.lineno
    elif isinstance(node, ast.arg):
        name, line = node.arg, node.lineno
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        name, line = node.id, node.lineno
    else:
        return
    parts = set(re.findall(r"[a-z]+|[A-Z][a-z]*", name))
    if riddles := {part.lower() for part in parts} & RIDDLES:
        yield Slip(file, line, f"the name {name!r} holds {', '.join(sorted(riddles))}")


def slips_of_page(text: str, file: str) -> Iterator[Slip]:
    """Yield the slips of a Markdown page, its code left out."""
    blank = re.compile(r"```.*?```|`[^`\n]*`", re.S)
    prose = blank.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), text)
    yield from slips_of_text(prose, 1, file)
    if file.startswith("docs/"):
        yield from slips_of_text(prose, 1, file, PAGE_WORDS)


def slips() -> list[Slip]:
    """Return the slips of the whole repository."""
    found: list[Slip] = []
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            file = path.relative_to(ROOT).as_posix()
            if file not in NOT_READ:
                found += slips_of_code(path.read_text(), file)
    for pattern in PAGES:
        for path in sorted(ROOT.glob(pattern)):
            found += slips_of_page(path.read_text(), path.relative_to(ROOT).as_posix())
    return found


def allowed() -> dict[str, int]:
    """Return how many slips each file may still have."""
    rows = (line.split() for line in ALLOWED.read_text().splitlines() if line and not line.startswith("#"))
    return {file: int(number) for file, number in rows}


def too_many(found: list[Slip], limits: dict[str, int]) -> list[Slip]:
    """Return the slips of the files that have more of them than they may have."""
    counts = Counter(slip.file for slip in found)
    return [slip for slip in found if counts[slip.file] > limits.get(slip.file, 0)]


def main() -> int:
    """Print what is wrong, or write the list; return the exit code."""
    found = slips()
    if "--allow" in sys.argv[1:]:
        counts = sorted(Counter(slip.file for slip in found).items())
        head = "# Slips that a file may still have: python tests/plain_english.py --allow. To be emptied.\n"
        ALLOWED.write_text(head + "".join(f"{file} {number}\n" for file, number in counts))
    chosen = found if "--all" in sys.argv[1:] else too_many(found, allowed())
    print("\n".join(map(str, chosen)))
    print(
        f"{len(chosen)} slips to mend; {len(found)} in all, {sum(allowed().values())} of them allowed", file=sys.stderr
    )
    return int(bool(chosen))


if __name__ == "__main__":
    sys.exit(main())
