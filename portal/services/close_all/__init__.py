"""Closing everything in a scope: what it would close, the wish, and what became of it. Each position is
closed by a worker for itself, so that a venue that is down holds up nobody else's."""
