"""Measurements of Portico, each beside a baseline from the same run. See `python -m bench --help`."""
