"""Whether a Redis is one that jobs may be kept in: it must take writes, and never throw keys away by itself.
Reads only."""

from redis import Redis, RedisError

NEVER_EVICTS = "noeviction"


def eviction_policy(client: Redis) -> str | None:
    """What Redis does when its memory is full; None where CONFIG is forbidden. Raises RedisError when it is
    away."""
    return setting(client, "maxmemory-policy")


def unfit(client: Redis) -> str | None:
    """A sentence when jobs must not be kept there; None when they may. Raises RedisError when it is away."""
    client.ping()
    if is_read_only(client):
        return "Redis is a read-only replica: no job can be queued. REDIS_URL must name the primary"
    policy = eviction_policy(client)
    if policy not in (None, NEVER_EVICTS):
        return (
            f"Redis forgets keys when its memory is full (maxmemory-policy {policy}). "
            "Set maxmemory-policy to noeviction, and give Portico a Redis of its own"
        )
    return None


def is_read_only(client: Redis) -> bool:
    """Whether it is a replica that refuses writes. Raises RedisError when it is away."""
    try:
        found = client.info("replication")
    except RedisError:
        client.ping()  # away, or only INFO is forbidden?
        return False
    return found.get("role") == "slave" and int(found.get("slave_read_only", 1)) == 1


def setting(client: Redis, name: str) -> str | None:
    """One setting of the server; None where CONFIG is forbidden, as managed services do."""
    try:
        values = client.config_get(name)
    except RedisError:
        return None
    return {_text(key): _text(value) for key, value in values.items()}.get(name)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
