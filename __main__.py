"""`python -m capmix`: the command line."""

from .reports.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
