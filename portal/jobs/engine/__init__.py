"""The parts of the worker, one thought per file. `portal/jobs/worker.py` puts them together."""
