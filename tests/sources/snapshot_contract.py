"""What every snapshot must keep, whatever kind of variable it holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from jupyter_localllm.sources.snapshot import Snapshot, take_snapshot
from jupyter_localllm.types import Locator, Passage

__all__ = ["Case", "SnapshotContract"]

_KINDS = {"schema", "cell", "row", "rows", "statistic", "computed", "text", "value", "code"}
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Case:
    """A variable for the contract.

    ``make`` gives a fresh one each time, ``change`` changes it in place and gives it back, or gives another one.
    ``stale`` is in the text of the passages, and only of those, that the change must make stale.
    """

    name: str
    make: Callable[[], Any]
    change: Callable[[Any], Any]
    stale: str


class SnapshotContract:
    """Subclasses give the fixture ``case``."""

    @pytest.fixture
    def case(self) -> Case:
        raise NotImplementedError

    @pytest.fixture
    def snapshot(self, case: Case) -> Snapshot:
        return take_snapshot(case.make(), "it")

    def test_it_says_what_it_is(self, snapshot: Snapshot) -> None:
        """Name, kind, size and hash are there."""
        assert snapshot.name == "it"
        assert snapshot.kind
        assert snapshot.size
        assert _HASH.fullmatch(snapshot.sha256)

    def test_passages_are_the_same_each_time(self, case: Case, snapshot: Snapshot) -> None:
        """Reading twice gives the same, and so does an equal variable."""
        first = list(snapshot.passages())
        assert first
        assert list(snapshot.passages()) == first
        again = take_snapshot(case.make(), "it")
        assert list(again.passages()) == first
        assert again.sha256 == snapshot.sha256
        assert again.notes == snapshot.notes

    def test_each_passage_can_be_read_and_shown(self, snapshot: Snapshot) -> None:
        """Text, kind, hash and label are never missing, and what a passage says is part of its text."""
        for passage in snapshot.passages():
            assert passage.source == "it"
            assert passage.kind in _KINDS
            assert passage.text.strip()
            assert passage.locator.label
            assert _HASH.fullmatch(passage.sha256)
            assert passage.value in passage.text

    def test_no_two_passages_share_a_place(self, snapshot: Snapshot) -> None:
        """A locator names one passage."""
        places = [passage.locator for passage in snapshot.passages()]
        assert len(set(places)) == len(places)

    def test_a_locator_leads_back_to_its_passage(self, snapshot: Snapshot) -> None:
        """What is cited can be found again."""
        for passage in snapshot.passages():
            assert snapshot.resolve(passage.locator) == passage

    def test_a_place_that_never_was_resolves_to_nothing(self, snapshot: Snapshot) -> None:
        """Lines, rows and paths beyond the end are no error and no passage."""
        for place in (
            Locator(lines=(10**6, 10**6)),
            Locator(rows=(10**6,), columns=("nothing",)),
            Locator(path="/no/such/path"),
            Locator(page=10**6, lines=(1, 1)),
        ):
            assert snapshot.resolve(place) is None

    def test_what_changed_is_stale_and_what_did_not_is_not(self, case: Case, snapshot: Snapshot) -> None:
        """The hash at a place tells whether the variable has changed there."""
        before = list(snapshot.passages())
        changed = take_snapshot(case.change(case.make()), "it")
        assert changed.sha256 != snapshot.sha256
        gone = [passage for passage in before if _is_stale(passage, changed)]
        assert gone == [passage for passage in before if case.stale in passage.text]
        assert gone

    def test_it_holds_still(self, case: Case) -> None:
        """A variable may change while the answer is written; the snapshot does not."""
        value = case.make()
        snapshot = take_snapshot(value, "it")
        case.change(value)
        still = take_snapshot(case.make(), "it")
        assert list(snapshot.passages()) == list(still.passages())
        assert snapshot.sha256 == still.sha256

    def test_the_variable_is_not_changed_by_reading(self, case: Case) -> None:
        """Reading is reading."""
        value = case.make()
        before = list(take_snapshot(value, "it").passages())
        assert list(take_snapshot(value, "it").passages()) == before


def _is_stale(passage: Passage, now: Snapshot) -> bool:
    found = now.resolve(passage.locator)
    return found is None or found.sha256 != passage.sha256
