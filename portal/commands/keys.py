"""`portal rotate-keys`."""

import click

from portal.commands.context import json_option, portal_app, report
from portal.commands.progress import counting


@click.command("rotate-keys")
@json_option
def rotate_keys(as_json: bool) -> None:
    """Encrypt all credentials with the first of PORTAL_CREDENTIAL_KEYS. Works while everything runs."""
    from portal.services import rotation

    with portal_app(), counting("Encrypting again") as progress:
        changed = rotation.rotate_keys(progress)
    report(
        as_json,
        {"changed": changed},
        f"Encrypted {changed} rows with the first key."
        if changed
        else "Everything is encrypted with the first key already.",
    )
