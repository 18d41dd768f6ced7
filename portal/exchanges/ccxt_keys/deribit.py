"""Deribit: private/list_api_keys lists every key of the account, secrets included; only the scope of this one
is kept. Keys that may not read the account are refused the question, and nothing is known of them.
"""

from portal.exchanges.ccxt_keys.facts import KeyFacts, Question
from portal.exchanges.ccxt_keys.words import bound, words


def read(question: Question) -> KeyFacts:
    for row in question.ask("privateGetListApiKeys")["result"]:
        if row.get("client_id") == question.api_key:
            scope = words(row.get("max_scope"))
            return KeyFacts(
                can_trade="trade:read_write" in scope if scope else None,
                can_withdraw="wallet:read_write" in scope if scope else None,
                ip_restricted=bound(row.get("ip_whitelist")),
                permissions=tuple(sorted(scope)),
            )
    return KeyFacts()
