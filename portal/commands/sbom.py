"""`portal sbom`: what this installation is made of, for vulnerability scanners. Reads what is installed, asks
nobody."""

import json
from importlib import metadata

import click


@click.command()
def sbom() -> None:
    """Print the installed packages as a CycloneDX document (JSON)."""
    click.echo(json.dumps(document(), indent=2))


def document() -> dict[str, object]:
    """CycloneDX 1.6: every installed distribution with its version and package URL, in alphabetical order."""
    found = {each.name.lower().replace("_", "-"): each.version for each in metadata.distributions()}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": "portico", "version": found.get("portico")}
        },
        "components": [
            {"type": "library", "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"}
            for name, version in sorted(found.items())
            if name != "portico"
        ],
    }
