"""How often the faults that are counted strike: a sample in the whole suite, all of it with `make faults`."""

import os

import pytest

#: Environment variable: 1 for the counts that the catalogue asks for.
FULL = "PORTICO_FULL_FAULTS"
_full = os.environ.get(FULL) == "1"
#: F58: connections cut in COMMIT.
CUTS = 1_000 if _full else 60
#: F9: rows that four claimers and four relays go over, so few at a time that no claim runs out meanwhile.
ROWS_AT_A_TIME = 50
ROWS = 10_000 if _full else 200
#: F23: hours of the job that runs every minute.
HOURS = 24 if _full else 2
#: Minutes instead of seconds.
takes_long = pytest.mark.timeout(3600 if _full else 120)
