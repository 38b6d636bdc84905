"""``python -m exojax COMMAND ...``, the same as ``exojax COMMAND ...``."""

from exojax.cli.main import main

if __name__ == "__main__":
    main()
