"""The API says of each position who watches its stop, and why."""

import pytest

from portal.models import User
from portal.trading.types import Protection
from tests import world
from tests.api.conftest import Caller


@pytest.mark.parametrize(
    ("protection", "note"),
    [
        (Protection.NATIVE, "The stop rests at the exchange"),
        (Protection.LOCAL, "Portico watches the stop every minute: no stop may rest at this exchange"),
        (Protection.FAILED, "The exchange did not take the stop: Insufficient balance"),
    ],
)
def test_position_shows_who_protects_it_and_why(
    as_admin: Caller, admin: User, protection: Protection, note: str
) -> None:
    world.make_position(world.make_connection(admin, "House"), protection=protection, protection_note=note)
    answer = as_admin.get("/api/v1/positions?status=open")
    assert answer.status_code == 200
    (shown,) = answer.json["items"]
    assert (shown["protection"], shown["protection_note"]) == (protection.value, note)
