"""`python -m portal`: the console script without an installation."""

from portal.cli import main

if __name__ == "__main__":
    main()
