"""Indexes that are kept, and the bounds of indexing."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

import pytest

from jupyter_localllm.sources.select import Bounds, Kept
from jupyter_localllm.sources.select.kept import index_snapshot
from jupyter_localllm.types import Passage
from tests.sources.select.fakes import Lines

TEXT = [f"line number {n} about word{n}" for n in range(1200)]


def test_the_same_content_is_indexed_once() -> None:
    """A second question reads nothing; other content under the same name is read."""
    kept = Kept()
    notes = Lines("notes", TEXT)
    first = kept.get(notes)
    again = Lines("notes", list(TEXT))
    assert kept.get(again) is first
    assert (notes.read, again.read) == (1200, 0)
    changed = Lines("notes", [*TEXT, "one more"])
    assert kept.get(changed) is not first
    assert len(kept) == 2


def test_another_name_has_passages_of_its_own() -> None:
    """Passages bear the name of the variable that was asked about, even if two hold the same."""
    kept = Kept()
    for name in ("one", "two"):
        assert kept.get(Lines(name, TEXT)).index.search("word7", 1)[0].passage.source == name


def test_the_least_recently_used_goes_first() -> None:
    """Beyond its bytes it drops what was not asked for the longest; who still searches it is not disturbed."""
    kept = Kept(most_bytes=1)
    held = kept.get(Lines("one", TEXT))
    kept.get(Lines("two", TEXT))
    assert len(kept) == 1
    assert held.index.search("word7", 1)
    size = kept.bytes
    roomy = Kept(most_bytes=2 * size + size // 2)
    one, two, three = Lines("one", TEXT), Lines("two", TEXT), Lines("three", TEXT)
    for asked in (one, two, one, three, one):
        roomy.get(asked)
    assert one.read == two.read == three.read == 1200
    roomy.get(two)
    assert two.read == 2400


def test_clear_forgets() -> None:
    """After it the content is read again."""
    kept = Kept()
    notes = Lines("notes", TEXT)
    kept.get(notes)
    kept.clear()
    assert (len(kept), kept.bytes) == (0, 0)
    kept.get(notes)
    assert notes.read == 2400


def test_two_threads_build_one_index() -> None:
    """Who asks for what is just being built waits for it."""
    kept = Kept()
    notes = Lines("notes", TEXT)
    threads = [threading.Thread(target=kept.get, args=(notes,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert notes.read == 1200


def test_a_failure_is_not_kept() -> None:
    """After an interrupt the next question begins anew."""

    class Broken(Lines):
        fails = True

        def passages(self) -> Iterator[Passage]:
            yield from super().passages()
            if self.fails:
                raise KeyboardInterrupt

    kept = Kept()
    notes = Broken("notes", TEXT)
    with pytest.raises(KeyboardInterrupt):
        kept.get(notes)
    assert len(kept) == 0
    notes.fails = False
    assert kept.get(notes).index.size == 1200


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (None, "notes: only the first 700 passages were searched (at most 700 are indexed)"),
        (1200, "notes: only the first 700 of about 1,200 passages were searched (at most 700 are indexed)"),
    ],
)
def test_a_bound_of_passages_is_said(count: int | None, told: str) -> None:
    """The note tells exactly how much was indexed; it is the beginning, not a sample."""
    indexed = index_snapshot(Lines("notes", TEXT, count), Bounds(passages=700))
    assert [(note.code, note.text) for note in indexed.notes] == [("index", told)]
    assert [order for order, _ in indexed.index.everything()] == list(range(700))


def test_a_bound_of_time_is_said() -> None:
    """When time is up the index ends at that batch, and the note says so."""
    ticks = iter(range(100))
    indexed = index_snapshot(Lines("notes", TEXT, 1200), Bounds(seconds=2), clock=lambda: float(next(ticks)))
    assert indexed.index.size == 1000
    assert indexed.notes[0].text == (
        "notes: only the first 1,000 of about 1,200 passages were searched (indexing is given 2 seconds)"
    )


def test_no_note_when_all_is_in() -> None:
    """A bound that is reached exactly cuts nothing."""
    assert index_snapshot(Lines("notes", TEXT), Bounds(passages=1200)).notes == ()


def test_other_bounds_are_another_index() -> None:
    """An index that was cut is not given to one who asks for more."""
    kept = Kept()
    notes = Lines("notes", TEXT)
    assert kept.get(notes, Bounds(passages=10)).index.size == 10
    assert kept.get(notes).index.size == 1200


def test_progress_is_told() -> None:
    """Passages so far and in all; None where the source does not know."""
    seen: list[tuple[int, int | None]] = []
    index_snapshot(Lines("notes", TEXT), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(500, None), (1000, None), (1200, None)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python warns of a fork beside threads")
def test_a_forked_child_begins_anew() -> None:
    """The parent's connections are not used in a child."""
    kept = Kept()
    notes = Lines("notes", TEXT)
    kept.get(notes)
    child = os.fork()
    if child == 0:
        try:
            good = bool(kept.get(notes).index.search("word7", 1)) and notes.read == 2400
            os._exit(0 if good else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert kept.get(notes).index.search("word7", 1)
