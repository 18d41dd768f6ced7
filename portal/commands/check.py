"""`portal check`."""

import click

from portal.commands.context import finish_with, json_option, portal_app, report


@click.command()
@json_option
def check(as_json: bool) -> None:
    """Check settings, services and data. Exit code 1 when something must be repaired; warnings alone are
    fine."""
    from portal.services.health_checks import Level, run_checks

    with portal_app() as app:
        findings = run_checks(app.extensions["portal_settings"])
    errors = [finding for finding in findings if finding.level is Level.ERROR]
    rows = [{"id": f.id, "level": f.level.value, "message": f.message, "hint": f.hint} for f in findings]
    lines = [f"{f.id} {f.level}: {f.message}\n    {f.hint}" for f in findings]
    summary = f"{len(errors)} errors, {len(findings) - len(errors)} warnings." if findings else "All is well."
    report(as_json, {"ok": not errors, "findings": rows}, *lines, summary)
    finish_with(1 if errors else 0)
