"""Checking an answer again."""

from __future__ import annotations

from dataclasses import replace

from jupyter_localllm.cite.again import check_again
from jupyter_localllm.errors import SourceError
from jupyter_localllm.types import Answer, Citation, Locator, Passage
from tests.cite.cells import cell

BERLIN = replace(cell("Population", "Berlin", "3,769,495", row=3), sha256="a" * 64)
PARIS = replace(cell("Population", "Paris", "2,102,650"), sha256="b" * 64)
ANSWER = Answer(
    "Population of Berlin: 3,769,495 [1]. Rome: 12 [?]. Paris: 2,102,650 [2].",
    (
        Citation(1, "df", BERLIN.locator, BERLIN.text, 0, 31, "supported"),
        Citation(0, start=37, end=45, status="unsupported", reason="12 is not in the sources"),
        Citation(2, "df", PARIS.locator, PARIS.text, 51, 67, "supported", "rounded"),
    ),
    (BERLIN, PARIS),
)


def test_what_has_not_changed_is_supported() -> None:
    """Each place is looked up once; text and other claims stay as they are."""
    asked: list[tuple[str, Locator]] = []

    def resolve(source: str, locator: Locator) -> Passage:
        asked.append((source, locator))
        return BERLIN if locator == BERLIN.locator else PARIS

    assert check_again(replace(ANSWER, citations=ANSWER.citations * 2), resolve).citations == ANSWER.citations * 2
    assert len(asked) == 2


def test_what_has_changed_is_stale_and_says_what_it_is_now() -> None:
    """A changed cell makes its citation stale, in words, and the others stay."""
    changed = replace(BERLIN, text="Population of Berlin: 3,800,000", value="3,800,000", sha256="c" * 64)
    again = check_again(ANSWER, lambda _, locator: changed if locator == BERLIN.locator else PARIS)
    assert again.text == ANSWER.text
    assert [c.status for c in again.citations] == ["stale", "unsupported", "supported"]
    assert again.citations[0].reason == "df has changed: row 4 (Berlin), column Population now says 3,800,000"
    assert not again.supported
    back = check_again(again, lambda _, locator: BERLIN if locator == BERLIN.locator else PARIS)
    assert (back.citations[0].status, back.citations[0].reason) == ("supported", "")


def test_what_is_gone_is_stale() -> None:
    """A place that is no more, and a variable that cannot be read."""
    gone = check_again(ANSWER, lambda _, __: None).citations[0]
    assert (gone.status, gone.reason) == ("stale", "df: there is no row 4 (Berlin), column Population any more")

    def refuses(source: str, locator: Locator) -> Passage:
        raise SourceError("there is no variable df")

    assert check_again(ANSWER, refuses).citations[0].reason == "df: there is no variable df"


def test_without_a_hash_the_text_counts() -> None:
    """A passage that has no hash is compared by what it says; long texts are shortened in the reason."""
    bare = replace(BERLIN, sha256="")
    answer = replace(ANSWER, passages=(bare, PARIS))
    assert check_again(answer, lambda _, __: bare).citations[0].status == "supported"
    longer = replace(bare, text="x " * 500, value="")
    stale = check_again(answer, lambda _, __: longer).citations[0]
    assert stale.status == "stale"
    assert len(stale.reason) < 200


def test_a_citation_without_its_passage_stays() -> None:
    """An answer whose passages were not kept cannot be checked again, and says nothing new."""
    answer = replace(ANSWER, passages=())
    assert check_again(answer, lambda _, __: None) == answer
