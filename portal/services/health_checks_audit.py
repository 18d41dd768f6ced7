"""The check that nobody touched the audit trail. Reads only."""

from collections.abc import Iterator

from portal.config import Settings
from portal.services import audit_chain, audit_orders
from portal.services.health_checks_finding import Finding


def check_audit(settings: Settings) -> Iterator[Finding]:
    """E009 the chain of audit entries is broken, or orders are not what was sealed."""
    problem = audit_chain.verify().problem or audit_orders.find_changed_orders()
    if problem:
        yield Finding(
            "portal.E009",
            f"The audit trail was changed: {problem}.",
            "Somebody wrote to the database past Portico. Keep a copy of it, and compare with a backup.",
        )
