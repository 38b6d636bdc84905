"""``python scripts/evaluate.py ...``, the same as ``exojax evaluate ...``."""

from exojax.cli.process import as_program

if __name__ == "__main__":
    from exojax.cli.evaluate import main

    as_program("evaluate.py", main)
