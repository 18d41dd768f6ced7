"""The pure core: what an order is, how big it may be, what it earned. No web, database, clock or I/O."""
