"""Which exchanges can be named, learnt without importing ccxt: the web process needs the list, not the 94
MB.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

#: Ids of ours. They speak a ccxt dialect but always to a URL of the operator's.
OWN_EXCHANGES = frozenset({"sandbox", "sandboxusdm"})


@cache
def known_exchanges() -> frozenset[str]:
    """All exchange names that a connection may use with the installed ccxt, and our own."""
    spec = find_spec("ccxt")
    found: set[str] = set()
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        # Each exchange is a module with a file of the same name under abstract/; nothing else has that.
        modules = {path.stem for path in Path(folder).glob("*.py")}
        found |= modules & {path.stem for path in Path(folder, "abstract").glob("*.py")}
    return frozenset(found - {"__init__"}) | OWN_EXCHANGES
