"""Guards of open positions that rest at their venues: wanted, placed, read back, replaced and taken off.

What shall rest is decided in `trading.guards`; here it meets rows and venues. The row says since when a
position waits for proof (`protection_due_since`); a job is only a hint."""
