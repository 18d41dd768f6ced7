"""Which addresses a channel may have. The only place that knows Apprise's; opens no connection."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from apprise import Apprise, AppriseAsset

from portal.errors import ValidationError
from portal.services.channels.guard import is_public

#: Services of the internet, and those that people run themselves: name, Apprise's module, an example.
#: Nothing that runs a program, writes a file or talks to this machine.
_SERVICES = (
    ("Discord", "discord", "discord://webhook-id/webhook-token"),
    ("E-Mail", "email", "mailtos://user:password@smtp.example.org?to=you@example.org"),
    ("Google Chat", "google_chat", "gchat://workspace/key/token"),
    ("Gotify", "gotify", "gotifys://gotify.example.org/token"),
    ("IFTTT", "ifttt", "ifttt://webhook-id@event"),
    ("JSON", "custom_json", "jsons://example.org/path"),
    ("Join", "join", "join://api-key/device"),
    ("Line", "line", "line://token/user"),
    ("Matrix", "matrix", "matrixs://user:password@matrix.example.org/#room"),
    ("Mattermost", "mattermost", "mmosts://mattermost.example.org/webhook-key"),
    ("Microsoft Teams", "workflows", "workflows://host/workflow/signature"),
    ("ntfy", "ntfy", "ntfys://ntfy.sh/your-topic"),
    ("Opsgenie", "opsgenie", "opsgenie://api-key"),
    ("PagerDuty", "pagerduty", "pagerduty://integration-key@api-key"),
    ("Prowl", "prowl", "prowl://api-key"),
    ("Pushbullet", "pushbullet", "pbul://access-token"),
    ("Pushover", "pushover", "pover://user-key@token"),
    ("Rocket.Chat", "rocketchat", "rockets://webhook-a/webhook-b@chat.example.org/#channel"),
    ("SIGNL4", "signl4", "signl4://secret"),
    ("Simplepush", "simplepush", "spush://api-key"),
    ("Slack", "slack", "slack://token-a/token-b/token-c/#channel"),
    ("Telegram", "telegram", "tgram://bot-token/chat-id"),
    ("Twilio", "twilio", "twilio://account:token@from-number/to-number"),
    ("Webex", "webexteams", "webex://token"),
    ("Zulip", "zulip", "zulip://bot@organisation/token/stream"),
)
EXAMPLES = {name: example for name, _module, example in _SERVICES}
_NAME_OF = {module: name for name, module, _example in _SERVICES}
_LONGEST = 2000
#: Seconds to connect, and for an answer.
_CONNECT, _ANSWER = 3.0, 5.0
#: Options of an address that would let one message hold a worker, and where Apprise keeps them.
_WAITS = {"cto": "socket_connect_timeout", "rto": "socket_read_timeout", "retry": "retry", "wait": "wait"}


@dataclass(frozen=True, slots=True)
class Address:
    """An address that may be written to."""

    service: str
    #: Without its secrets.
    shown_as: str


def check(url: str, private_hosts: Sequence[str] = ()) -> Address:
    """What `url` names. Raises ValidationError (field `url`) when it is not an address of a known service, or
    is one of this machine or its network; a name is looked at again when it is connected to."""
    plugin = _instantiate(url)
    asked = [option for option, attribute in _WAITS.items() if _is_set(plugin, attribute)]
    if asked:
        raise ValidationError({
            "url": f"must not have {' and '.join(f'{each}=' for each in asked)}: Portico decides itself how "
            "long it waits and how often it tries. Take that out of the address; nothing was stored"
        })  # fmt: skip
    host = _server(plugin)
    if host and _is_inside(host) and host not in private_hosts:
        raise ValidationError({
            "url": f"{host} is an address of this machine or its network, which is not written to. An "
            "operator can allow it with PORTAL_NOTIFY_PRIVATE_HOSTS"
        })  # fmt: skip
    service = service_of(type(plugin)) or ""
    scheme = urlsplit(plugin.url(privacy=True)).scheme
    return Address(service, f"{scheme}://{host or '…'}")


def open_plugin(url: str) -> Any:
    """Apprise's object for `url`, which follows no redirect and waits no longer than Portico lets it.
    Raises ValidationError (field `url`)."""
    return _limited(_instantiate(url))


def _instantiate(url: str) -> Any:
    text = url.strip()
    if not text or len(text) > _LONGEST or not text.isprintable():
        raise ValidationError({"url": "must be an address such as ntfys://ntfy.sh/your-topic"})
    asset = AppriseAsset(http_redirects=False)
    plugin = Apprise.instantiate(text, asset=asset)
    if plugin is None or service_of(type(plugin)) is None:
        raise ValidationError({
            "url": "is not an address of a service that Portico writes to; it was not stored. The list below "
            "shows how each one looks"
        })  # fmt: skip
    return plugin


def _is_set(plugin: Any, attribute: str) -> bool:
    unset = getattr(plugin.asset, f"default_service_{attribute}", getattr(type(plugin), attribute, None))
    return bool(getattr(plugin, attribute, unset) != unset)


def place_of(plugin: Any) -> str:
    """Where its messages go, without secrets: one name for all channels that share a server."""
    return f"{service_of(type(plugin))}:{_server(plugin)}:{getattr(plugin, 'port', None) or ''}"


def _server(plugin: Any) -> str:
    """The server that the address names; empty for services that have one of their own, whose addresses have
    a key in that place."""
    names_one = any("{host}" in template for template in type(plugin).templates)
    return str(getattr(plugin, "host", None) or "") if names_one else ""


def _limited(plugin: Any) -> Any:
    """Whatever the address asked for itself."""
    plugin.redirects = False
    plugin.retry, plugin.wait = 0, 0.0
    # E-mail has one limit for every answer of the server, and servers greet slowly.
    plugin.socket_connect_timeout = _ANSWER if service_of(type(plugin)) == "E-Mail" else _CONNECT
    plugin.socket_read_timeout = _ANSWER
    return plugin


def service_of(plugin: type[Any]) -> str | None:
    """The service that a class of Apprise's writes to; None for one that Portico does not use."""
    parts = plugin.__module__.split(".")
    return _NAME_OF.get(parts[2]) if parts[:2] == ["apprise", "plugins"] and len(parts) > 2 else None


def _is_inside(host: str) -> bool:
    """A literal address that is not public, or a name that never leaves the house."""
    name = host.strip("[]").rstrip(".").lower()
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        numeric = name.replace(".", "").replace("x", "").isalnum() and name.split(".")[-1].isdigit()
        return (
            numeric
            or "." not in name
            or name.endswith((".localhost", ".local", ".internal", ".lan", ".home"))
        )
    return not is_public(name)
