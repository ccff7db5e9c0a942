"""What every index over passages promises.

A test module makes a class of it, with a fixture ``index`` that gives an empty one.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import pytest

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.select import PassageIndex
from jupyter_localllm.types import Locator, Passage

NOTES = (
    "Berlin has 3,769,495 inhabitants.",
    "Nicholas T. Kane was born in Ireland on 5 May 1846.",
    "Nicholas Smith was a judge.",
    "Kane Brown sings.",
    "Die Bevölkerung von Köln wächst.",
    "La población de Perú es de 34 millones.",
    "東京の人口は1400万人です。",
    "Средняя зарплата в Москве растёт.",
    "unit_price of Q3Revenue2024: 12.40",
    "The price of apples rose. Apples are dear.",
)


def passages(texts: tuple[str, ...] | list[str]) -> list[Passage]:
    return [
        Passage("notes", "text", text, Locator(lines=(n, n), label=f"line {n}"), f"{n:064}")
        for n, text in enumerate(texts, 1)
    ]


def many(count: int) -> Iterator[Passage]:
    """So many passages that differ, one by one."""
    pick = random.Random(7)
    syllables = ["ba", "ko", "ri", "tu", "le", "ma", "so", "ni", "du", "fe"]
    for row in range(count):
        name = "".join(pick.choice(syllables) for _ in range(5)).title()
        text = f"Population of {name} {row}: {pick.randint(1, 10**6):,}"
        yield Passage("cities", "cell", text, Locator(rows=(row,), columns=("Population",)))


class IndexContract:
    """Subclass it with a fixture ``index`` that gives an empty index."""

    @pytest.mark.parametrize(
        ("question", "first"),
        [
            ("How many people live in berlin?", 0),
            ("When was Nicholas Kane born?", 1),
            ("When was Nicolas Kane born?", 1),  # one letter is missing
            ("5/5/1846", 1),
            ("May 1846", 1),
            ("Wie groß ist die Bevölkerungszahl von Koeln?", 4),
            ("¿Cuál es la poblacion del Peru?", 5),
            ("東京の人口は何人ですか", 6),
            ("Какая средняя зарплата в Москве?", 7),
            ("unitPrice", 8),
            ("revenue in Q3 of 2024", 8),
            ("12.4", 8),
            ("apple prices", 9),
            ("3769495", 0),
        ],
    )
    def test_finds_in_other_spellings_and_languages(self, index: PassageIndex, question: str, first: int) -> None:
        """The passage that speaks of it comes first, whatever the wording and the language."""
        index.add(passages(NOTES))
        assert index.search(question, 3)[0].order == first

    def test_gives_passages_back_as_they_were(self, index: PassageIndex) -> None:
        """Everything of a passage survives: lone surrogates, NUL, places, shown rows."""
        one = Passage(
            "s\udcff",
            "cell",
            "apple \x00 \ud800 \U0001f34e",
            Locator((3, 4), ("a", "b"), (1, 2), 5, "/x/0", "mean(x)", "row 3 \udc80"),
            "f" * 64,
            "va\ud800lue",
            (("h", "i"), ("1", "2\ud800")),
        )
        index.add([one])
        assert index.search("apple", 1)[0].passage == one
        assert list(index.everything()) == [(0, one)]

    def test_equal_passages_stand_in_their_order(self, index: PassageIndex) -> None:
        """Ties are broken by the order of the source, and nothing else."""
        index.add(passages(["same words here"] * 50))
        assert [found.order for found in index.search("words", 20)] == list(range(20))

    def test_says_which_words_are_held(self, index: PassageIndex) -> None:
        """Terms are informative words of the question, in its order; the share is of the question's information."""
        index.add(passages(NOTES))
        best = index.search("Where was the judge Kane born?", 5)
        kane = next(found for found in best if found.order == 1)
        assert kane.terms == ("kane", "born")
        assert 0 < kane.share < 1

    def test_rare_words_count_more(self, index: PassageIndex) -> None:
        """One word that stands in one passage outweighs one that is everywhere."""
        index.add(passages([*["the population of a town"] * 30, "a town with a zeppelin"]))
        assert index.search("population zeppelin", 1)[0].order == 30

    def test_both_words_come_before_one_twice(self, index: PassageIndex) -> None:
        """What holds two words of the question comes before what repeats one."""
        index.add(passages(["Town of Dubai Open: Dubai", "Type of Dubai Open: Premier Five", "Type of Rome Open: x"]))
        assert index.search("What is the Type of Dubai Open?", 1)[0].order == 1

    def test_more_of_the_question_comes_before_more_of_one_word(self, index: PassageIndex) -> None:
        """A passage with all words of the question, one of them common, comes before one that repeats the rare one."""
        index.add(passages(["zoo zoo zoo zoo", "zoo in this town", *["a town"] * 11, *["a road"] * 9]))
        assert index.search("town zoo", 1)[0].order == 1

    def test_the_best_one_may_stand_far_behind(self, index: PassageIndex) -> None:
        """Of a thousand passages with the word, the one that says hardly anything else comes first."""
        index.add(
            passages([*[f"town {n} has streets, squares, parks, a church and a school" for n in range(999)], "town"])
        )
        assert index.search("town", 1)[0].order == 999

    def test_numbers_beside_each_other_belong_together(self, index: PassageIndex) -> None:
        """Words that follow each other in question and passage count more than the same words apart."""
        index.add(passages(["Points of October 5: Kaman (14)", "Points of October 14: Griffin (24)"]))
        assert index.search("Points of October 14?", 1)[0].order == 1

    @pytest.mark.parametrize(
        "question",
        [
            '"',
            '""" OR *',
            "NEAR(berlin kane, 2)",
            "terms: berlin",
            "{terms}: berlin",
            "^berlin AND NOT kane",
            "berlin*",
            "-berlin +kane",
            "'; DROP TABLE passage; --",
            "berlin\x00kane",
            "\ud800",
            "(" * 5000,
            "berlin OR " * 3000,
            " ".join(f"word{n}" for n in range(3000)),
            "%_\\",
            "",
            "   ",
        ],
    )
    def test_a_question_is_never_syntax(self, index: PassageIndex, question: str) -> None:
        """Whatever the question looks like, it is words; the index is as good as before."""
        index.add(passages(NOTES))
        index.search(question, 5)
        assert index.size == len(NOTES)
        assert index.search("berlin", 1)[0].order == 0

    def test_a_hundred_thousand_passages(self, index: PassageIndex) -> None:
        """Many passages are indexed as they come, and the one that was meant is found among them."""
        index.add(many(100_000))
        assert index.size == 100_000
        wanted = next(passage for n, passage in enumerate(many(50_001)) if n == 50_000)
        name = wanted.text.split()[2]
        found = index.search(f"What is the population of {name} 50000?", 3)
        assert found[0].passage == wanted
        assert len(index.search("population", 10)) == 10

    def test_stops_between_batches(self, index: PassageIndex) -> None:
        """`until` ends the index early; what is in it can be searched, and the rest was not made."""
        made = 0

        def source() -> Iterator[Passage]:
            nonlocal made
            for passage in many(10_000):
                made += 1
                yield passage

        seen: list[tuple[int, int | None]] = []
        added = index.add(source(), lambda: index.size >= 1000, lambda done, total: seen.append((done, total)), 10_000)
        assert added == index.size == made == 1000
        assert seen == [(500, 10_000), (1000, 10_000)]
        assert index.search("population", 1)

    @pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
    def test_what_goes_wrong_closes_it(self, index: PassageIndex, error: type[BaseException]) -> None:
        """An interrupt, or a source that fails, is passed on; half an index is never searched."""

        def source() -> Iterator[Passage]:
            yield from many(700)
            raise error

        with pytest.raises(error):
            index.add(source())
        with pytest.raises(SourceError, match="closed"):
            index.search("population", 1)
        index.close()

    def test_closing_twice_is_harmless(self, index: PassageIndex) -> None:
        """The second time does nothing."""
        index.close()
        index.close()

    def test_counts_and_vocabulary(self, index: PassageIndex) -> None:
        """Frequencies are of passages, unknown terms are left out, a prefix gives the terms that begin so."""
        index.add(passages(["apple apple", "apple pie", "Apfel", "ápple"]))
        assert index.frequency(["apple", "pie", "none", "apple"]) == {"apple": 3, "pie": 1}
        assert index.vocabulary("ap", 10) == {"apfel": 1, "apple": 3}
        assert list(index.vocabulary("ap", 1)) == ["apfel"]
        assert index.length > 0
        assert index.bytes > 0

    def test_an_empty_index_and_no_results(self, index: PassageIndex) -> None:
        """Nothing in it, or nothing asked for, gives nothing."""
        assert index.search("berlin", 5) == []
        index.add([])
        assert index.search("berlin", 5) == []
        index.add(passages(NOTES))
        assert index.search("berlin", 0) == []

    def test_several_threads_may_ask(self, index: PassageIndex) -> None:
        """Questions from several threads at once are each answered rightly."""
        index.add(passages(NOTES))
        results: list[int] = []

        def ask() -> None:
            results.extend(index.search("Where was Nicholas Kane born?", 1)[0].order for _ in range(20))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [1] * 80
