"""Questions for the most and the least are answered rightly, or the readings are listed; never wrongly for certain."""

from __future__ import annotations

import pandas as pd
import pytest

from jupyter_localllm.compute.reading import CERTAIN, Reading, read
from jupyter_localllm.sources.frame_snapshot import FrameSnapshot
from tests.compute.superlatives import QUESTIONS, TABLES, answer, normal
from tests.compute.tables import snapshot

SNAPSHOTS: dict[str, FrameSnapshot] = {name: snapshot(table, name) for name, table in TABLES.items()}


def best(question: str, data: pd.DataFrame) -> Reading:
    """How a question is read."""
    return read(question, [snapshot(data)])[0]


@pytest.mark.parametrize(("table", "question", "told", "expected"), QUESTIONS)
def test_no_superlative_is_answered_wrongly(table: str, question: str, told: str, expected: str) -> None:
    """What is taken for the answer is what pandas gives, ties and all; where it is open what is meant, nothing is."""
    readings = read(question, [SNAPSHOTS[table]])
    certain = [reading for reading in readings[:1] if reading.certainty >= CERTAIN]
    assert bool(certain) is (expected == "answered"), [(one.words, one.certainty) for one in readings]
    for reading in certain:
        assert {normal(text) for text in reading.outcome.texts} == answer(TABLES[table], told), reading.words


def test_ties_do_not_choose_a_reading() -> None:
    """The table's cells say nothing of how a question is meant: with and without ties it is read alike."""
    tied = TABLES["weather"]
    free = tied.assign(night=[-3.0, -5.5, -5.4, -1.0, None, -2.0])
    for question in (
        "Which day had the coldest night?",
        "the day with the lowest night",
        "When was the coldest night?",
    ):
        assert best(question, tied).words == best(question, free).words


def test_near_readings_are_listed() -> None:
    """The total of an order, or of all orders of a customer: both are told, and neither is the answer."""
    orders = pd.DataFrame({"customer": ["Ash", "Ash", "Elm", "Fir"], "total": [5, 6, 9, 2], "mean": [1, 9, 8, 7]})
    readings = read("Which customer has the highest total?", [snapshot(orders)])
    assert {one.code for one in readings[:2]} == {"customer with max(total)", "customer with max(sum(total))"}
    assert all(reading.certainty < CERTAIN for reading in readings)
    games = pd.DataFrame({"game": ["a", "b", "c"], "played": ["2020-01-01", "2021-01-01", "2020-06-01"]})
    games["printed"] = ["2022-01-01", "2020-05-05", "2023-07-07"]
    first, second = read("What was the last game?", [snapshot(games)])[:2]
    assert {first.words, second.words} == {"game with the highest played", "game with the highest printed"}
    assert max(first.certainty, second.certainty) < CERTAIN


def test_a_superlative_is_no_column_beside_another_name() -> None:
    """ "highest" is not the column "high" where the wind is named; where nothing else is, it is."""
    days = TABLES["weekdays"]
    assert best("highest wind", days).code == "max(wind)"
    assert best("Which day was the highest?", days).code == "day with max(high)"
    named = pd.DataFrame({"day": ["Mon", "Tue"], "warmest": [9, 12], "coldest": [3, 1]})
    assert best("Which day was the warmest?", named).code == "day with max(warmest)"
    assert best("What was the coldest day?", named).code == "day with min(coldest)"


def test_another_kind_is_no_answer() -> None:
    """Who is no number, when is no place, and how many is no name."""
    staff, prices = TABLES["staff"], TABLES["prices"]
    assert best("Who left last?", staff).code == "name with max(left)"
    assert best("When was volume the lowest?", prices).code == "date with min(volume)"
    trips = pd.DataFrame({"ship": ["Astra", "Borea"], "captain": ["Ann Lee", "Tom Ito"], "days": [8, 3]})
    assert best("Who had the fewest days?", trips).certainty < CERTAIN
    assert best("How many sensors have the highest max?", TABLES["sensors"]).certainty < CERTAIN


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("Which car has the fastest speed?", "car with max(speed)"),
        ("Which car has the slowest speed?", "car with min(speed)"),
        ("Which car has the fastest lap time?", "car with min(lap time)"),
        ("Which car has the slowest lap time?", "car with max(lap time)"),
        ("Which car has the best rank?", "car with min(rank)"),
        ("Which car has the worst rank?", "car with max(rank)"),
        ("Which car has the best lap time?", "car with min(lap time)"),
        ("Which car has the worst lap time?", "car with max(lap time)"),
        ("Which car has the best error?", "car with min(error)"),
        ("Which car has the worst error rate?", "car with max(error)"),
        ("Which car has the best score?", "car with max(score)"),
        ("Which car was built most recently?", "car with max(built)"),
        ("Which car is the oldest?", "car with max(age)"),
        ("Which car is the youngest?", "car with min(age)"),
    ],
)
def test_the_end_depends_on_what_is_compared(question: str, code: str) -> None:
    """The fastest lap takes the least time, the best rank is the first, and the oldest has most years."""
    cars = pd.DataFrame(
        {
            "car": ["a", "b", "c"],
            "speed": [80, 95, 70],
            "lap time": [61.5, 58.25, 70.0],
            "rank": [2, 1, 3],
            "error": [0.1, 0.2, 0.05],
            "score": [9, 7, 8],
            "age": [4, 2, 7],
            "built": ["2019-03-04", "2021-05-06", "2022-07-08"],
        }
    )
    reading = best(question, cars)
    assert reading.code == code
    assert reading.certainty >= CERTAIN


@pytest.mark.parametrize(
    "question",
    [
        "Which car has the best price?",
        "What is the worst price?",
        "What is the quickest car's price?",
        "Which car was open the longest?",
        "Which maker has the fastest car?",
        "Which car has the least dull price?",
        "Which car was opened most quickly?",
        "Which car has the largest price increase?",
        "Which car has almost the highest price?",
        "What percentage of cars has the highest price?",
        "Which car came after the one with the highest price?",
        "What was the price two cars before the one with the highest opened?",
        "Which car has the highest price in February?",
        "Which maker is the warmest?",
        "Which car has the deepest price?",
        "What was the highest price or opened?",
        "Is b the car with the highest price?",
        "What is the price of the largest order?",
        "Which was the first car with price?",
        "Which car has the largest price in 1990?",
        "Which car has the highest price of all but b?",
        "What was the next highest price?",
        "What is the sum of the highest and the lowest price?",
        "Which car was sold the most?",
        "Who has the highest price of opened?",
        "Which car had the highest price on Monday?",
        "What was the highest price this week?",
        "What was the highest price at noon?",
        "What is the mean price during winter?",
    ],
)
def test_what_nobody_can_say_is_open(question: str) -> None:
    """Which price is good, how long a year is, what a car's speed is where none stands here: readings are listed."""
    cars = pd.DataFrame(
        {"car": ["a", "b", "c"], "maker": ["N", "S", "N"], "price": [9, 7, 8], "opened": [1990, 2005, 1970]}
    )
    cars["order"], cars["sold"] = [101, 102, 103], pd.date_range("2024-01-01", periods=3)
    assert best(question, cars).certainty < CERTAIN


def test_a_limit_is_of_a_column_that_is_named() -> None:
    """ "The lowest population below 50,000" limits no area."""
    assert best("Which name has the lowest population below 50000?", TABLES["cities"]).certainty < CERTAIN
    runs = pd.DataFrame(
        {"run": ["a", "b", "c"], "accuracy": [0.9, 0.6, 0.8], "latency": [10, 5, 20], "cost": [3, 1, 2]}
    )
    assert best("Which run has the highest accuracy under 10 latency?", runs).certainty < CERTAIN
    assert best("Which run has the highest accuracy for less than 3 cost?", runs).certainty >= CERTAIN
    assert best("Which name has the lowest population with top above 100?", TABLES["cities"]).certainty >= CERTAIN


def test_what_in_german_asks_no_yes_or_no() -> None:
    """ "Was ist" is answered, "Was it" is not."""
    assert best("Was ist der höchste wind?", TABLES["weather"]).certainty >= CERTAIN
    assert best("Was it the highest wind?", TABLES["weather"]).certainty < CERTAIN
    assert best("Did Ida or Jon have the highest age?", TABLES["staff"]).certainty >= CERTAIN
