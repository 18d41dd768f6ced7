"""What the installation is made of and how it is put into a container: pinned, listed, without rights."""

import json
import re
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

from portal.cli import main

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_s42_every_package_is_pinned_to_one_version_with_hashes(name: str) -> None:
    entries = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    assert len(entries) > 20
    for entry in filter(None, entries):
        assert re.match(
            r"^[\w.-]+(\[[\w,-]+\])?==[\w.!+]+( *;[^#]+?)?( +--hash=sha256:[0-9a-f]{64})+ *$", entry
        ), entry


def test_s42_makefile_and_image_install_nothing_without_its_hash() -> None:
    for name in ("Makefile", "Dockerfile"):
        text = (ROOT / name).read_text(encoding="utf-8")
        installs = re.findall(r"(?:pip install|\(PIP\)) .*", text)
        assert installs, name
        for line in installs:
            ours = "--no-deps" in line and "--editable ." in line
            assert "--require-hashes" in line or ours or line.startswith("pip install --quiet"), line


def test_s42_list_of_what_is_installed_names_every_package_and_version() -> None:
    printed = json.loads(CliRunner().invoke(main, ["sbom"]).output)
    assert (printed["bomFormat"], printed["specVersion"]) == ("CycloneDX", "1.6")
    listed = {each["name"]: each for each in printed["components"]}
    for name in ("ccxt", "flask", "sqlalchemy", "rq", "cryptography"):
        assert listed[name]["version"] == metadata.version(name)
        assert listed[name]["purl"] == f"pkg:pypi/{name}@{metadata.version(name)}"
    assert len(listed) >= 40


def test_s43_image_runs_without_root_and_holds_no_history_data_or_secret() -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    users = re.findall(r"^USER (\w+)$", image, re.MULTILINE)
    assert users
    assert users[-1] != "root"
    assert image.index("USER ") < image.index("ENTRYPOINT")
    assert not re.search(r"^(ENV|ARG) .*(SECRET|KEY|PASSWORD|TOKEN)", image, re.MULTILINE)
    assert not re.search(r"apt-get install|build-essential|gcc", image)
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".git", ".env", "var", "tests"} <= set(left_out)


def test_s43_containers_gain_no_rights_and_secrets_have_no_default() -> None:
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert "no-new-privileges:true" in compose
    assert re.search(r"cap_drop: \[ALL\]", compose)
    for name in ("POSTGRES_PASSWORD", "PORTAL_SECRET_KEY", "PORTAL_CREDENTIAL_KEYS"):
        assert re.search(rf"\$\{{{name}:\?", compose), f"{name} must have no default"
    assert "privileged: true" not in compose
    assert not re.search(r'ports: \["(?!127\.0\.0\.1)', compose)
