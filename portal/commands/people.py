"""`portal create-user` and `portal create-token`."""

import sys

import click

from portal.commands.context import json_option, portal_app, report


@click.command("create-user")
@click.argument("email")
@click.option("--role", type=click.Choice(["admin", "trader"]), required=True, help="What the person may do.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@json_option
def create_user(email: str, role: str, password_stdin: bool, as_json: bool) -> None:
    """Create a person who can log in. Without --password-stdin a password is made up and printed once."""
    from portal.services import passwords, users
    from portal.services.audit import COMMAND_LINE

    password = None
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    with portal_app():
        # Whoever may run this decides; the pages hold people to more.
        user, generated = users.create_user(email, role, password, actor=COMMAND_LINE, insist=True)
        data: dict[str, object] = {"id": user.id, "email": user.email, "role": role}
        lines = [f"Created the {role} {user.email}."]
    if generated is not None:
        data["password"] = generated
        lines.append(f"Password (shown once): {generated}")
    report(as_json, data, *lines)
    weak = password and (
        passwords.length_fault(password, passwords.MIN_LENGTH) or passwords.weakness(password, email)
    )
    if weak:
        click.echo(f"Warning: the password {weak}. It was accepted because you said so.", err=True)


@click.command("create-token")
@click.argument("email")
@click.option("--scopes", required=True, help="Separated by commas: signals:write, read, positions:write.")
@click.option("--name", default="", help="What the token is for.")
@json_option
def create_token(email: str, scopes: str, name: str, as_json: bool) -> None:
    """Create an API token of the user EMAIL and print it, this once: nothing else is printed on stdout."""
    from portal.services import tokens, users
    from portal.services.audit import COMMAND_LINE

    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    with portal_app():
        user = users.find_user(email)
        address = user.email
        token = tokens.create_token(user, wanted, name, actor=COMMAND_LINE)
    report(as_json, {"token": token, "email": address, "scopes": wanted}, token)
    click.echo(f"This token of {address} is shown once. Send it as `Authorization: Bearer …`.", err=True)
