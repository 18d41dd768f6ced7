"""The practice exchange: a local HTTP server in Binance's REST dialect, with the ledger that judges tests.

It knows nothing of the rest of the portal: what is rehearsed against it is the real adapter and nothing else.
"""
