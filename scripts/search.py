"""``python scripts/search.py ...``, the same as ``exojax search ...``."""

from exojax.cli.process import as_program

if __name__ == "__main__":
    from exojax.cli.search import main

    as_program("search.py", main)
