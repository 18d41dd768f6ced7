"""A venue of our own that fills orders against the prices of a real one. Nothing here can send an order
anywhere: all it knows of the real venue is `market.MarketData`."""
