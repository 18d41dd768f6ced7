"""What is asked of each venue about a key, over the wire of the installed ccxt, and how answers are read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.exchanges.ccxt_facts import read_facts
from portal.exchanges.ccxt_keys import READERS
from portal.exchanges.ccxt_keys.words import after_days, bound, flag, iso_moment, moment, words
from portal.trading.orders import AccountFacts
from portal.trading.types import MarginMode, PositionMode
from tests.exchanges.captured import RecordingWire, captured_exchange
from tests.exchanges.key_answers import CASES, KEY, _binance, _gate, _htx, _mexc

REFUSED = (403, {"code": "-2015", "msg": "refused"})


def learn(name: str, answers: dict[str, Any], *, swap: bool = False) -> tuple[AccountFacts, RecordingWire]:
    exchange, wire = captured_exchange(name, swap=swap)
    wire.answers = answers
    wire.order_answer = REFUSED
    return read_facts(exchange.session, ()), wire


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_trading_key_reads_as_one_that_may_not_withdraw(name: str) -> None:
    case = CASES[name]
    facts, wire = learn(name, dict(case.safe))

    assert (facts.can_trade, facts.can_withdraw) == (True, False)
    assert facts.permissions == case.permissions
    assert facts.ip_restricted is case.ip_restricted
    assert facts.key_unknown == ""
    if name != "mexc":
        assert facts.key_expires_at == case.expires_at
    for part in case.safe:
        assert [sent.method for sent in wire.sent if part in sent.url] == [case.method], part


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_key_that_may_withdraw_is_recognised(name: str) -> None:
    case = CASES[name]
    facts, _ = learn(name, {**case.safe, **case.unsafe})

    assert (facts.can_trade, facts.can_withdraw) == (True, True)


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_venue_that_refuses_the_question_leaves_everything_unknown_with_a_reason(name: str) -> None:
    facts, wire = learn(name, {})

    assert (facts.can_trade, facts.can_withdraw, facts.ip_restricted) == (None, None, None)
    assert facts.permissions == ()
    assert facts.key_unknown
    assert KEY not in facts.key_unknown
    assert wire.sent


@pytest.mark.parametrize("name", sorted(CASES))
def test_an_answer_in_unknown_words_is_no_permission_and_no_innocence(name: str) -> None:
    ok = {"retCode": 0, "code": "200000", "error": [], "status": "ok"}
    if name in ("okx", "bingx"):
        ok["code"] = "0"
    if name == "bitget":
        ok["code"] = "00000"
    if name == "htx":
        ok["code"] = "200"
    facts, _ = learn(name, dict.fromkeys(CASES[name].safe, ok))

    assert facts.can_withdraw is None
    assert facts.can_trade is None


def test_the_table_asks_every_venue_that_the_samples_cover() -> None:
    assert {name for name in READERS if name in CASES} == set(CASES)


def test_a_venue_without_such_a_question_says_so_and_is_not_asked() -> None:
    facts, wire = learn("phemex", {})

    assert "cannot be asked" in facts.key_unknown
    assert not facts.ask_key_again
    assert not [sent for sent in wire.sent if "key" in sent.url.lower()]


def test_a_question_that_times_out_is_asked_again_soon() -> None:
    exchange, _ = captured_exchange("kraken")

    facts = read_facts(exchange.session, ())

    assert facts.ask_key_again
    assert facts.can_withdraw is None


def test_a_futures_only_account_needs_the_futures_permission() -> None:
    spot_only = {"/sapi/v1/account/apiRestrictions": _binance(enableFutures=False)}

    assert learn("binanceusdm", spot_only, swap=True)[0].can_trade is False
    assert learn("binance", spot_only)[0].can_trade is True


@pytest.mark.parametrize("read_only", [1, "1", True])
def test_a_read_only_bybit_key_may_neither_trade_nor_withdraw(read_only: object) -> None:
    answer = CASES["bybit"].unsafe["/v5/user/query-api"]
    changed = {**answer, "result": {**answer["result"], "readOnly": read_only, "expiredAt": ""}}
    facts, _ = learn("bybit", {"/v5/user/query-api": changed})

    assert (facts.can_trade, facts.can_withdraw) == (False, False)
    assert facts.key_expires_at is None


def test_a_writable_wallet_at_gate_is_not_called_safe() -> None:
    answers = {**CASES["gate"].safe, "/account/main_keys": _gate("spot!", "wallet!")}

    assert learn("gate", answers)[0].can_withdraw is None


def test_a_gate_sub_account_still_tells_its_addresses() -> None:
    refusal = {"label": "FORBIDDEN", "message": "Sub-accounts have no permission for this"}
    detail = CASES["gate"].safe["/account/detail"]
    facts, _ = learn("gate", {"/account/detail": detail, "/account/main_keys": refusal})

    assert (facts.can_withdraw, facts.ip_restricted) == (None, True)


def test_generic_words_of_an_older_bitget_key_prove_nothing_about_withdrawals() -> None:
    answer = {"code": "00000", "data": {"ips": "", "authorities": ["trade", "readonly"]}}
    facts, _ = learn("bitget", {"/api/v2/spot/account/info": answer})

    assert (facts.can_trade, facts.can_withdraw, facts.ip_restricted) == (True, None, False)


def test_the_older_kucoin_word_transfer_counts_as_a_right_to_withdraw() -> None:
    def answer(permission: str) -> dict[str, Any]:
        return {"/api/v1/user/api-key": {"code": "200000", "data": {"permission": permission}}}

    assert learn("kucoin", answer("General,Trade,Transfer"))[0].can_withdraw is True
    inner, _ = learn("kucoin", answer("General,Spot,InnerTransfer"))
    assert (inner.can_withdraw, inner.ip_restricted) == (False, False)


def test_a_right_of_unknown_name_at_htx_or_mexc_is_not_called_harmless() -> None:
    htx = CASES["htx"].safe | {"/v2/user/api-key": _htx("readOnly,trade,transfer")}
    mexc = {"/api/v3/apiKeyInfo": _mexc("SPOT_DEAL_WRITE,SPOT_TRANSFER_WRITE")}

    assert [learn(name, dict(each))[0].can_withdraw for name, each in (("htx", htx), ("mexc", mexc))] == [
        None,
        None,
    ]


def test_bingx_flags_read_like_its_numbers() -> None:
    flags = {"code": 0, "data": _binance(enableWithdrawals=True, ipRestrict=False)}
    facts, _ = learn("bingx", {"/account/apiPermissions": flags})

    assert (facts.can_withdraw, facts.ip_restricted) == (True, False)


def test_a_mexc_key_dies_after_its_remaining_days() -> None:
    facts, wire = learn("mexc", dict(CASES["mexc"].safe))

    assert facts.key_expires_at is not None
    assert timedelta(days=80) < facts.key_expires_at - datetime.now(UTC) <= timedelta(days=82)
    assert f"accessKey={KEY}" in wire.sent[0].text


def test_secrets_in_the_answer_of_deribit_stay_there() -> None:
    facts, _ = learn("deribit", dict(CASES["deribit"].safe))

    assert "secret-of" not in repr(facts)


def test_position_and_margin_mode_and_leverage_are_learnt_where_one_read_tells() -> None:
    positions = [{"positionIdx": 1, "leverage": "7"}, {"positionIdx": 2, "leverage": "7"}]
    bybit = {
        "/v5/user/query-api": CASES["bybit"].safe["/v5/user/query-api"],
        "/v5/position/list": {"retCode": 0, "result": {"list": positions}},
        "/v5/account/info": {"retCode": 0, "result": {"marginMode": "ISOLATED_MARGIN"}},
    }
    row = {"posMode": "one_way_mode", "marginMode": "crossed", "crossedMarginLeverage": 20}
    bitget = {"/v2/mix/account/account": {"code": "00000", "data": row}}
    binance = {
        "/positionSide/dual": {"dualSidePosition": True},
        "/symbolConfig": [{"symbol": "BTC-USDT-SWAP", "marginType": "ISOLATED", "leverage": 11}],
    }
    found = {
        name: learn(name, answers, swap=True)[0]
        for name, answers in {"bybit": bybit, "bitget": bitget, "binanceusdm": binance}.items()
    }

    assert {
        name: (facts.position_mode, facts.margin_mode, int(facts.leverage or 0), facts.setup_symbol)
        for name, facts in found.items()
    } == {
        "bybit": (PositionMode.HEDGE, MarginMode.ISOLATED, 7, "BTC/USDT:USDT"),
        "bitget": (PositionMode.ONE_WAY, MarginMode.CROSS, 20, "BTC/USDT:USDT"),
        "binanceusdm": (PositionMode.HEDGE, MarginMode.ISOLATED, 11, "BTC/USDT:USDT"),
    }


def test_okx_tells_the_position_mode_with_the_permissions() -> None:
    facts, wire = learn("okx", dict(CASES["okx"].safe), swap=True)

    assert facts.position_mode is PositionMode.HEDGE
    assert len(wire.sent) == 1


@pytest.mark.parametrize(
    ("value", "meant"),
    [(True, True), ("true", True), (1, True), ("0", False), (False, False), (None, None), ("maybe", None)],
)
def test_flags_are_read_and_never_guessed(value: object, meant: bool | None) -> None:
    assert flag(value) is meant


@pytest.mark.parametrize(
    ("value", "meant"),
    [(None, None), ([], False), ("", False), (["*"], False), (["0.0.0.0/0"], False), ("192.0.2.1", True)],
)
def test_a_list_of_addresses_binds_only_when_it_leaves_somebody_out(
    value: object, meant: bool | None
) -> None:
    assert bound(value) is meant


@pytest.mark.parametrize("value", [None, 0, "0", "never", -1, 10**20, "NaN"])
def test_moments_that_mean_never_are_none(value: object) -> None:
    assert moment(value) is None
    assert iso_moment(value) is None


def test_days_and_words_are_read() -> None:
    now = datetime(2029, 1, 1, 13, tzinfo=UTC)
    assert after_days(now, "14") == datetime(2029, 1, 15, tzinfo=UTC)
    assert after_days(now, -1) is None
    assert words("a, b c") == {"a", "b", "c"}
    assert words(7) == frozenset()
