"""Adapters: they know the vendor, not the database. Use `portal.exchanges.registry.open_exchange`."""
