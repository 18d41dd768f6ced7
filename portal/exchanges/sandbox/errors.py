"""Refusals in Binance's own words: a code, a message and an HTTP status."""


class VenueError(Exception):
    """The exchange refuses a request; nothing was accepted."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.status = status


def missing(name: str) -> VenueError:
    return VenueError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name: str, pattern: str) -> VenueError:
    return VenueError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")


def outside_window() -> VenueError:
    return VenueError(-1021, "Timestamp for this request is outside of the recvWindow.")


def unknown_symbol() -> VenueError:
    return VenueError(-1121, "Invalid symbol.")


def no_such_order() -> VenueError:
    return VenueError(-2013, "Order does not exist.")


def unknown_order() -> VenueError:
    return VenueError(-2011, "Unknown order sent.")


def bad_control(message: str) -> VenueError:
    """A control-plane request that cannot be carried out."""
    return VenueError(-1, message)
