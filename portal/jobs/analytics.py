"""Nightly jobs: statistics, and the proof that the books balance."""

from portal.jobs.ticks import tick
from portal.services import analytics, books


@tick
def update_analytics() -> None:
    analytics.update_analytics()


@tick
def verify_books() -> None:
    books.verify_books_nightly()
