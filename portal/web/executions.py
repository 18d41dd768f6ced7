"""What became of each signal on a person's accounts, step by step."""

import sqlalchemy as sa
from flask import render_template, request

from portal.db import db
from portal.models import Execution, ExecutionPosition, Order
from portal.services import stories
from portal.trading.types import ExecutionStatus
from portal.web import doubt_words
from portal.web.access import me, pages
from portal.web.orders import summaries, summarise
from portal.web.paging import page_of
from portal.web.scoping import one, owned_by

executions = pages("executions", __name__, "/executions")


@executions.get("")
def index() -> str:
    query = owned_by(me(), Execution)
    status = request.args.get("status", "")
    if status in set(ExecutionStatus):
        query = query.where(Execution.status == ExecutionStatus(status))
    page = page_of(query, Execution)
    return render_template(
        "web/executions.html",
        page=page,
        orders=summaries([execution.id for execution in page.rows]),
        status=status,
        statuses=list(ExecutionStatus),
    )


@executions.get("/<row_id:execution_id>")
def show(execution_id: int) -> str:
    user = me()
    execution = one(owned_by(user, Execution), Execution, execution_id)
    opened = owned_by(user, ExecutionPosition).where(ExecutionPosition.execution_id == execution.id)
    # Orders have no owner of their own: they are those of an execution that was found to be mine.
    orders = sa.select(Order).where(Order.execution_id == execution.id).order_by(Order.id)
    found = list(db.session.scalars(orders))
    return render_template(
        "web/execution.html",
        execution=execution,
        summary=summarise(found) if found else None,
        doubt_words=doubt_words,
        orders=found,
        position=db.session.scalars(opened).one_or_none(),
        story=stories.story(execution, reader=user),
    )
