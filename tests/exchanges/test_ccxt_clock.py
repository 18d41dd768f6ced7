"""Measuring the offset of a venue's clock: the quickest answer counts, whole seconds are centred."""

from collections.abc import Iterator

import pytest

from portal.exchanges.ccxt_clock import measure


class Client:
    """A ccxt client as far as clocks go. Each answer: how long it takes, what the venue then says."""

    def __init__(self, *answers: tuple[int, int | None | Exception], venue: str = "bybit") -> None:
        self.id = venue
        self.has = {"fetchTime": True}
        self.now = 1_000_000
        self.asked = 0
        self._answers: Iterator[tuple[int, int | None | Exception]] = iter(answers)

    def milliseconds(self) -> int:
        return self.now

    def fetch_time(self) -> int | None:
        self.asked += 1
        took, said = next(self._answers)
        if isinstance(said, Exception):
            raise said
        middle = self.now + took // 2
        self.now += took
        return None if said is None else middle + said


def test_a_quick_answer_is_believed_at_once() -> None:
    client = Client((40, -250))

    assert measure(client) == 250
    assert client.asked == 1


def test_of_slow_answers_the_quickest_counts() -> None:
    client = Client((3_000, 900), (600, 20), (2_000, -700))

    assert measure(client) == -20
    assert client.asked == 3


def test_an_answer_after_a_slow_one_ends_the_questions_when_it_is_quick() -> None:
    client = Client((3_000, 900), (40, 20))

    assert measure(client) == -20
    assert client.asked == 2


def test_a_slow_answer_is_better_than_the_failure_after_it() -> None:
    assert measure(Client((3_000, 900), (0, TimeoutError()))) == -900


def test_a_failure_without_any_answer_is_raised() -> None:
    with pytest.raises(TimeoutError):
        measure(Client((0, TimeoutError())))


@pytest.mark.parametrize("venue", ["kraken", "coinbase"])
def test_a_venue_that_tells_whole_seconds_is_taken_to_be_in_the_middle_of_one(venue: str) -> None:
    for passed in (0, 499, 999):
        offset = measure(Client((0, -passed), venue=venue))
        assert offset is not None
        assert abs(offset) <= 500


def test_a_venue_that_does_not_say_has_no_offset() -> None:
    client = Client((40, None))
    assert measure(client) is None
    client.has["fetchTime"] = False
    assert measure(client) is None
