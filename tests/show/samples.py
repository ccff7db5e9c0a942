"""Events and results that several tests share."""

from __future__ import annotations

from dataclasses import replace

from jupyter_localllm.types import (
    Answer,
    Citation,
    Done,
    Event,
    Locator,
    Note,
    Passage,
    Provenance,
    Result,
    Sampling,
    Status,
    Timings,
    Token,
    Usage,
)

MODEL = "smollm2-135m-instruct"
TEXT = "The capital of France is **Paris**."
RESULT = Result(
    TEXT,
    usage=Usage(prompt_tokens=31, cached_prompt_tokens=5, completion_tokens=9),
    timings=Timings(ttft_ms=80.0, latency_ms=1500.0, tokens_per_second=118.4),
    model=MODEL,
    provenance=Provenance(
        model=MODEL,
        model_sha256="ab" * 32,
        sampling={"temperature": Sampling().temperature, "seed": 1},
        max_tokens=1024,
        stop=("###",),
        prompt_sha256="cd" * 32,
        sources={"df": "ef" * 32},
        key="12" * 32,
        versions={"jupyter_localllm": "0.1"},
    ),
)
WORDS = tuple(Token(word) for word in ("The capital", " of France", " is **Par", "is**."))
EVENTS: tuple[Event, ...] = (Status("loading", "loading", 0.45), *WORDS, Done(RESULT))


def result(text: str = TEXT, **values: object) -> Result:
    """Another result with the same figures."""
    return replace(RESULT, text=text, **values)  # type: ignore[arg-type]


def note(code: str) -> Note:
    return Note(code, f"this is {code}")


# ---------------------------------------------------------------------------------------------------------------------
# From sources

CITED_TEXT = (
    "Berlin had **3,677,472** people in 2021 [1], and the mean of the four cities is 1.99 million [2]. "
    "The notes call its growth *slow but steady* [3][1]. It is the largest city of Europe [?]."
)

BERLIN = Passage(
    "cities",
    "cell",
    "population of Berlin: 3677472",
    Locator(rows=(0,), columns=("population",), label="row 1 (Berlin), column population"),
    "ab" * 32,
    "3677472",
    (("row", "city", "country", "population"), ("1", "Berlin", "Germany", "3677472")),
)
MEAN = Passage(
    "cities",
    "computed",
    "mean(population) where country == 'Germany' = 1,987,118 (n = 4)",
    Locator(
        rows=(0, 1, 2, 3),
        columns=("population",),
        operation="mean(population) where country == 'Germany'",
        label="mean(population) where country == 'Germany'",
    ),
    "cd" * 32,
    "1,987,118",
    (
        ("row", "city", "population"),
        ("1", "Berlin", "3677472"),
        ("2", "Hamburg", "1853935"),
        ("3", "Munich", "1487708"),
        ("4", "Cologne", "1073096"),
    ),
)
NOTES = Passage(
    "notes",
    "text",
    "The growth of Berlin is slow but steady: 0.3 % a year since 2015, most of it from abroad.\n"
    "The office counts people on 31 December.",
    Locator(lines=(12, 13), label="lines 12 to 13"),
    "ef" * 32,
)


def claim(text: str, number: int, words: str, **values: object) -> Citation:
    """A citation whose claim is these words of the text."""
    start = text.index(words)
    return Citation(number, start=start, end=start + len(words), **values)  # type: ignore[arg-type]


def cited(passage: Passage, number: int, words: str, **values: object) -> Citation:
    """A citation of a passage."""
    return claim(
        CITED_TEXT, number, words, source=passage.source, locator=passage.locator, quote=passage.text, **values
    )


FIRST = "Berlin had **3,677,472** people in 2021 [1]"
MIDDLE = "the mean of the four cities is 1.99 million [2]"
SLOW = "The notes call its growth *slow but steady* [3][1]."
LARGEST = "It is the largest city of Europe [?]."

ANSWER = Answer(
    CITED_TEXT,
    (
        cited(BERLIN, 1, FIRST, status="supported"),
        cited(MEAN, 2, MIDDLE, status="supported", reason="1.99 million is 1,987,118, rounded"),
        cited(NOTES, 3, SLOW, status="supported"),
        cited(BERLIN, 1, SLOW, status="stale", reason="cities has changed since"),
        claim(CITED_TEXT, 0, LARGEST, status="unsupported", reason="no passage holds Europe"),
    ),
    (BERLIN, MEAN, NOTES),
    result("Berlin had **3,677,472** people."),
    value=1987118,
    reading="mean of population where country is Germany",
)
ABSTAINED = Answer("Not in the sources.", (), (BERLIN, NOTES), result("Not in the sources."), abstained=True)
