"""The migrations and the models say the same, in both directions."""

import flask_migrate
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask import Flask

from portal.db import db


def test_migrations_have_one_head_and_words_for_names(app: Flask) -> None:
    scripts = ScriptDirectory.from_config(app.extensions["migrate"].migrate.get_config())
    assert len(scripts.get_heads()) == 1
    assert all(
        script.revision.isdigit() and script.path.endswith(".py") for script in scripts.walk_revisions()
    )


def test_models_when_compared_with_the_migrated_schema_have_no_drift(app: Flask) -> None:
    flask_migrate.check()


def test_migrations_when_run_down_and_up_again_leave_the_same_schema(app: Flask) -> None:
    before = _columns()
    db.session.remove()
    flask_migrate.downgrade(revision="base")
    assert _columns() == [("alembic_version", "version_num", "character varying")]
    db.session.remove()
    flask_migrate.upgrade()
    assert _columns() == before


def _columns() -> list[tuple[str, str, str]]:
    rows = db.session.execute(
        sa.text(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' ORDER BY 1, 2"
        )
    ).all()
    db.session.rollback()
    return [(row[0], row[1], row[2]) for row in rows]
