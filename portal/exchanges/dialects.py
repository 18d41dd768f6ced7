"""The names under which ccxt knows the sites of one exchange that speak alike. Where one of them differs, the
table in question has an entry for it."""

BINANCE = ("binance", "binanceusdm", "binancecoinm")
BYBIT = ("bybit", "bybiteu", "bybitid")
GATE = ("gate", "gateeu")
KUCOIN = ("kucoin", "kucoinfutures")
OKX = ("okx", "myokx", "okxus")
