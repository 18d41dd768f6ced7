"""The verbs. The only code that writes. A public function owns its transaction, unless its docstring says
that it joins the caller's. To start a job a service changes a row and calls `db.request_job`; it never
imports `jobs`."""
