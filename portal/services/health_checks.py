"""The start-up checks behind `portal check`: findings with an id, a sentence and a hint. Reads only."""

from collections.abc import Callable, Iterator

from portal.config import Settings
from portal.db import end_read
from portal.services.health_checks_audit import check_audit
from portal.services.health_checks_data import (
    check_connections,
    check_credentials,
    check_people,
    check_switches,
)
from portal.services.health_checks_finding import Finding, Level
from portal.services.health_checks_keys import check_clocks, check_keys
from portal.services.health_checks_servers import (
    check_database,
    check_redis,
    check_schema,
    check_secret_files,
    check_traffic,
)

__all__ = ["Finding", "Level", "run_checks"]

_Check = Callable[[Settings], Iterator[Finding]]
#: They need no table.
_SERVERS: tuple[_Check, ...] = (check_secret_files, check_redis, check_database)
#: They need the tables of this version.
_DATA: tuple[_Check, ...] = (
    check_audit,
    check_credentials,
    check_connections,
    check_keys,
    check_clocks,
    check_people,
    check_switches,
    check_traffic,
)


def run_checks(settings: Settings) -> list[Finding]:
    """Every finding, the most urgent first. Checks that rest on something broken are left out. May be
    repeated."""
    found = [finding for check in _SERVERS for finding in check(settings)]
    if not _broken(found, "portal.E001"):
        found += check_schema(settings)
        if not _broken(found, "portal.E002"):
            found += [finding for check in _DATA for finding in check(settings)]
        end_read()
    return sorted(found, key=lambda finding: (finding.level is not Level.ERROR, finding.id))


def _broken(found: list[Finding], finding_id: str) -> bool:
    return any(finding.id == finding_id for finding in found)
