"""The practice exchange: a local HTTP server that speaks Binance's REST dialect and keeps the ledger that judges tests.

It knows nothing of the rest of the portal, so that what is rehearsed against it is the real adapter and nothing else.
"""
