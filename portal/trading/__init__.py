"""The pure core: what an order is, how big it may be, what it earned. No Flask, SQLAlchemy, ccxt, clock or I/O."""
