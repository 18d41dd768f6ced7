"""Nightly jobs: statistics, and the proofs that the books balance and that the audit trail is whole."""

from portal.jobs.ticks import tick
from portal.services import analytics, audit_chain, books
from portal.services.reports import building


@tick
def update_analytics() -> None:
    analytics.update_analytics()
    building.build()


@tick
def verify_books() -> None:
    books.verify_books_nightly()


@tick
def verify_audit() -> None:
    audit_chain.verify_nightly()
