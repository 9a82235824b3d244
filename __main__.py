"""`python -m capmix`: the command line."""

from .reports.start import main

if __name__ == "__main__":
    raise SystemExit(main())
