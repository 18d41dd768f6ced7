"""JSON instead of pickle, for everything RQ, rq-scheduler and rq-dashboard read in this process.

A pickle in Redis is code that runs where it is read, and parts of those libraries ignore the serializer they
are given.
"""

from rq.serializers import DefaultSerializer, JSONSerializer


def refuse_pickle() -> None:
    """From now on RQ's default serializer is JSON in this process. May be repeated."""
    # `staticmethod`, because the originals are looked up on the class and called without an instance.
    setattr(DefaultSerializer, "dumps", staticmethod(JSONSerializer.dumps))  # noqa: B010 - mypy refuses a plain assignment
    setattr(DefaultSerializer, "loads", staticmethod(JSONSerializer.loads))  # noqa: B010
