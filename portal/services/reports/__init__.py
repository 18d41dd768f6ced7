"""Figures over a period for pages: results by day and by what caused them, equity, quality of execution.
Reads only; everything is computed from closed positions, executions and the nightly figures."""
