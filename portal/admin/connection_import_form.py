"""The form that brings a file of connections, and the rows in it. Keeps nothing of what was sent."""

from collections.abc import Sequence

import sqlalchemy as sa
from flask import request
from flask_admin.form import BaseForm
from wtforms import FileField, TextAreaField

from portal.admin.fields import RowField
from portal.models import User
from portal.services.importing_files import read_content, read_pasted
from portal.services.importing_rows import FileError, Row

#: More would keep a web server busy for longer than it may be; the command line has no such limit.
MOST_ROWS = 1000


class ImportForm(BaseForm):  # type: ignore[misc]
    owner_id = RowField(
        "Owner", lambda: sa.select(User.id, User.email).where(User.active).order_by(User.email),
        empty="the only administrator",
        description="Whose the accounts are. Rows with is_admin_owned go to an administrator in any case.",
    )  # fmt: skip
    file = FileField(
        "File",
        description=f"CSV or JSON in UTF-8, up to {MOST_ROWS:,} rows and 1 MB.",
        render_kw={"accept": ".csv,.json"},
    )
    # The word in the name keeps the text out of everything that keeps forms.
    credentials_text = TextAreaField(
        "Or pasted text", description="CSV with its header line, or a JSON list.",
        render_kw={"rows": 5, "spellcheck": "false", "autocomplete": "off"},
    )  # fmt: skip


def rows_of(form: BaseForm) -> Sequence[Row]:
    """The rows of the file or of the pasted text. Raises FileError, which says why there are none."""
    sent = request.files.get("file")
    text = form.credentials_text.data or ""
    if sent is not None and sent.filename and text.strip():
        raise FileError("There is a file and a pasted text. Nothing was imported; send one of them.")
    if sent is not None and sent.filename:
        rows = read_content(sent.read(), sent.filename)
    elif text.strip():
        rows = read_pasted(text)
    else:
        raise FileError(
            "No file was sent and no text was pasted. Choose the file (again), or paste its text."
        )
    if not rows:
        raise FileError("There is no row in it. Nothing was imported.")
    if len(rows) > MOST_ROWS:
        raise FileError(
            f"It has {len(rows):,} rows, and this page takes {MOST_ROWS:,} at once. Nothing was imported; "
            "split it, or use `portal import-connections` on the server."
        )
    return rows
