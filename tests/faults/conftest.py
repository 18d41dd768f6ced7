"""The desk of tests/services, for faults of what Portico runs on."""

from tests.services.conftest import desk, migrated_app, sandbox_server

__all__ = ["desk", "migrated_app", "sandbox_server"]
