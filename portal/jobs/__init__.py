"""What RQ runs: the queues, one thin module per family of jobs, the schedule and the worker.

Only this package imports rq and rq_scheduler. A queue entry is a hint; the row in the database is the truth.
"""
