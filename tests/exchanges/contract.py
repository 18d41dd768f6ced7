"""The conformance suite of exchange adapters. A new adapter subclasses `ExchangeContract`, gives it a
`stand` fixture, and is done when every case passes; cases of things an adapter does not claim in its
Capabilities assert that it refuses them.

Orders are counted in the venue's own ledger, never in the adapter's answers.
"""

from tests.exchanges.contract_account import AccountCases
from tests.exchanges.contract_faults import FaultCases
from tests.exchanges.contract_guards import GuardCases
from tests.exchanges.contract_orders import OrderCases
from tests.exchanges.contract_queries import QueryCases


class ExchangeContract(OrderCases, GuardCases, FaultCases, QueryCases, AccountCases):
    """All cases, EX-01 to EX-74."""
