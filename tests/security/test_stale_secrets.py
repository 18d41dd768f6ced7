"""A form that comes back says that secrets were not kept where one was typed, and nowhere else."""

import pytest
from flask import Flask

from portal.models import User
from tests.security.test_stale_forms import OURS, end_session, link, log_in_again
from tests.visiting import Visitor, visit

LEFT_OUT = "Passwords and keys were not kept; enter them again."
#: A form without a place for a secret, one with an empty one, and one with a secret.
FORMS = {
    "/presets/new": ({"name": "Careful"}, False),
    "/connections/new": ({"name": "Desk", "exchange_name": "sandbox", "apiKey": "", "secret": ""}, False),
    "/connections/new?with=keys": (
        {"name": "Desk", "exchange_name": "sandbox", "apiKey": "canary", "secret": ""}, True,
    ),
    "/notifications/channels/new": ({"name": "phone", "url": "ntfys://ntfy.sh/canary"}, True),
}  # fmt: skip


def send(person: Visitor, path: str, token: str) -> tuple[str, str]:
    """The text of the answer, and where it leads."""
    typed, _ = FORMS[path]
    answer = person.post_bare(path.partition("?")[0], {"csrf_token": token, **typed}, headers=OURS)
    return answer.text, answer.location or ""


@pytest.mark.parametrize("path", FORMS)
def test_form_with_a_stale_token_when_it_comes_back_then_speaks_of_secrets_only_if_one_was_typed(
    app: Flask, alice: User, path: str
) -> None:
    person, secret = visit(app, alice), FORMS[path][1]
    text, _ = send(person, path, "old")
    assert "What you typed is kept for 15 minutes and comes back in the form" in text
    assert ("not passwords and keys" in text) is secret
    page = person.get(link(text, "Open the form again")).text
    assert "This is what you typed before. Nothing was done with it yet" in page
    assert (LEFT_OUT in page) is secret
    assert "canary" not in page


@pytest.mark.parametrize("path", FORMS)
def test_form_after_a_session_when_it_comes_back_then_speaks_of_secrets_only_if_one_was_typed(
    app: Flask, alice: User, path: str
) -> None:
    person, secret = visit(app, alice), FORMS[path][1]
    token = person.token()
    end_session(person)
    _, login = send(person, path, token)
    text = person.get(login).text
    assert "what you typed is kept for 15 minutes and comes back in its form" in text
    assert ("not passwords and keys" in text) is secret
    page = person.get(log_in_again(person, alice, login)).text
    assert "This is what you typed before. Nothing was done with it yet" in page
    assert (LEFT_OUT in page) is secret
