"""Which addresses a channel may have: what each service gives its people, and nothing that holds a worker."""

import pytest

from portal.errors import ValidationError
from portal.services.channels import addresses

_HEX = "0123456789abcdef" * 2

#: As the services hand them out, with keys that are nobody's.
GIVEN = {
    "Discord": "discord://1234567890123456789/" + "aB3_" * 17,
    "E-Mail": "mailtos://user:password@smtp.example.org?to=you@example.org",
    "Google Chat": f"gchat://AAAA1bCDEFG/{'k' * 39}/{'t' * 43}",
    "Gotify": "gotifys://gotify.example.org/AbCdEfGhIjKlMnO",
    "IFTTT": "ifttt://abcdefWebhook@event",
    "JSON": "jsons://example.org/path",
    "Join": f"join://{_HEX}/{_HEX}",
    "Line": f"line://{'aB3' * 57}/U{_HEX}",
    "Matrix": "matrixs://user:password@matrix.example.org/#room",
    "Mattermost": "mmosts://mattermost.example.org/3ccdd113474722377935511fc85d3dd4",
    "Microsoft Teams": f"workflows://prod-01.logic.example.org:443/{_HEX}/{'s' * 43}",
    "ntfy": "ntfys://ntfy.sh/your-topic",
    "Opsgenie": "opsgenie://01234567-89ab-cdef-0123-456789abcdef",
    "PagerDuty": f"pagerduty://{_HEX}@{_HEX[:20]}",
    "Prowl": f"prowl://{_HEX}01234567",
    "Pushbullet": f"pbul://o.{_HEX}",
    "Pushover": f"pover://{'u' * 30}@{'t' * 30}",
    "Rocket.Chat": f"rockets://{'w' * 17}/{'k' * 43}@chat.example.org/#channel",
    "SIGNL4": "signl4://abcdef1234",
    "Simplepush": "spush://HuxgkBbhCb",
    "Slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#channel",
    "Telegram": "tgram://123456789:AAbcdefghijklmnopqrstuvwxyz_123456/12315544/",
    "Twilio": f"twilio://AC{_HEX}:{_HEX}@15551233456/15551233457",
    "Webex": "webex://" + "a" * 80,
    "Zulip": f"zulip://bot@organisation/{_HEX}/stream",
}


def test_services_when_offered_then_each_has_an_address_in_these_tests() -> None:
    assert GIVEN.keys() == addresses.EXAMPLES.keys()


@pytest.mark.parametrize("service", GIVEN)
def test_address_when_given_by_its_service_then_is_taken_and_shown_without_its_keys(service: str) -> None:
    found = addresses.check(GIVEN[service])
    assert found.service == service
    place = addresses.place_of(addresses.open_plugin(GIVEN[service]))
    for shown in (found.shown_as, place):
        for key in ("123456789", "0123456789abcdef", "AAAA1b", "aB3", "abcdef", "tttt", "T1JJ3T3L2",
                    "aaaa", "AbCdEf", "Huxgk", "3ccdd", "password", "your-topic", "1555"):  # fmt: skip
            assert key not in shown, shown


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("rto=600", "rto="),
        ("RTO=600", "rto="),
        ("cto=600", "cto="),
        ("retry=5", "retry="),
        ("wait=60", "wait="),
        ("rto=nan", "rto="),
        ("cto=9&rto=9&retry=1&wait=1", "cto= and rto= and retry= and wait="),
    ],
)
@pytest.mark.parametrize("service", ["JSON", "ntfy", "Telegram"])
def test_address_when_it_says_how_long_to_wait_then_is_refused_by_the_name_of_the_option(
    service: str, options: str, named: str
) -> None:
    address = GIVEN[service]
    with pytest.raises(ValidationError) as refused:
        addresses.check(f"{address}{'&' if '?' in address else '?'}{options}")
    assert refused.value.errors["url"].startswith(f"must not have {named}: Portico decides")


@pytest.mark.parametrize("service", GIVEN)
def test_address_when_it_was_stored_with_such_options_before_then_they_are_overruled(service: str) -> None:
    """Those of earlier releases stay where they are, and are harmless."""
    address = GIVEN[service]
    plain = addresses.open_plugin(address)
    greedy = addresses.open_plugin(
        f"{address}{'&' if '?' in address else '?'}cto=600&rto=600&retry=9&wait=60"
    )
    for plugin in (plain, greedy):
        assert plugin.socket_connect_timeout <= 5
        assert plugin.socket_read_timeout == 5
        assert (plugin.retry, plugin.wait) == (0, 0)
