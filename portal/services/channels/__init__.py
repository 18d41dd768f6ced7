"""Telling people outside the portal: channels, when they are written to, what they read, and sending it.
Never in the way of trading: rows first, messages by jobs of the least urgent queue."""
