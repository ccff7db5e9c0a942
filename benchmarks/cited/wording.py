"""The same questions in many wordings and languages. They are for measuring; nothing in the product may know them."""

# ruff: noqa: RUF001 (other languages, and characters that look like others, are what this is about)

from __future__ import annotations

import random
import re
from collections.abc import Iterable

__all__ = ["FILTERS", "LANGUAGES", "PARAPHRASES", "PLAIN", "STATISTICS", "misspelt", "shortened"]

PLAIN = "What is the {column} of {key}?"

PARAPHRASES: dict[str, str] = {
    "colon": "{key}: which {column}?",
    "possessive": "tell me {key}'s {column}",
    "need": "I need to know the {column} for {key}",
    "for-was": "For {key}, what was the {column}?",
    "how": "How does the {column} read where you see {key}?",
    "keywords": "{key} {column}",
    "keywords-turned": "{column} {key}?",
    "polite": "Could you look up which {column} is listed for {key}?",
    "under": "Look at {key}. What does it say under {column}?",
    "unfinished": "The {column} belonging to {key} is",
    "have": "Which {column} does {key} have?",
    "chatty": "hi, quick one - do you happen to know {key}'s {column}? thanks!",
    "row": "In the row where {key_column} is {key}, what stands in {column}?",
    "dashes": "{key} - {column} - ?",
    "and": "I am reading about {key} and wonder about the {column}.",
    "lower": "what is the {column} of {key}?",
    "upper": "WHAT IS THE {column} OF {key}?",
    "typo": "What is the {column} of {key}?",
    "short-key": "What is the {column} of {key}?",
    "short-column": "What is the {column} of {key}?",
}

LANGUAGES: dict[str, tuple[str, ...]] = {
    "German": ("Wie lautet {column} von {key}?", "Was steht bei {key} unter {column}?"),
    "French": ("Quel est le {column} de {key} ?", "Pour {key}, je cherche le {column}."),
    "Spanish": ("¿Cuál es el {column} de {key}?", "Dime el {column} para {key}"),
    "Italian": ("Qual è il {column} di {key}?", "Mi serve il {column} per {key}"),
    "Portuguese": ("Qual é o {column} de {key}?", "Para {key}, quanto é o {column}?"),
    "Dutch": ("Wat is de {column} van {key}?", "Welke {column} hoort bij {key}?"),
    "Polish": ("Jaki jest {column} dla {key}?", "Podaj {column}: {key}"),
    "Swedish": ("Vad är {column} för {key}?",),
    "Turkish": ("{key} için {column} nedir?",),
    "Russian": ("Какое значение {column} у {key}?",),
    "Chinese": ("{key}的{column}是什么？", "请告诉我{key}的{column}"),
    "Japanese": ("{key}の{column}は何ですか？", "{key}について、{column}を教えてください。"),
    "Korean": ("{key}의 {column}은 무엇입니까?",),
    "Arabic": ("ما هو {column} الخاص بـ {key}؟",),
}

# kind -> language -> wordings; a filter is put in by its own wording
STATISTICS: dict[str, dict[str, tuple[str, ...]]] = {
    "mean": {
        "English": (
            "What is the mean {column}{where}?",
            "average {column}{where}",
            "On average, how much is the {column}{where}?",
        ),
        "German": ("Wie hoch ist der Durchschnitt von {column}{where}?",),
        "French": ("Quelle est la moyenne de {column}{where} ?",),
        "Spanish": ("¿Cuál es el promedio de {column}{where}?",),
    },
    "max": {
        "English": (
            "What is the maximum {column}{where}?",
            "What is the highest {column}{where}?",
            "largest {column}{where}",
        ),
        "German": ("Was ist der größte Wert von {column}{where}?",),
        "French": ("Quel est le maximum de {column}{where} ?",),
        "Spanish": ("¿Cuál es el máximo de {column}{where}?",),
    },
    "min": {
        "English": (
            "What is the minimum {column}{where}?",
            "What is the lowest {column}{where}?",
            "smallest {column}{where}",
        ),
        "German": ("Was ist der kleinste Wert von {column}{where}?",),
        "French": ("Quel est le minimum de {column}{where} ?",),
        "Spanish": ("¿Cuál es el mínimo de {column}{where}?",),
    },
    "sum": {
        "English": (
            "What is the sum of {column}{where}?",
            "total {column}{where}",
            "How much {column} is it altogether{where}?",
        ),
        "German": ("Was ist die Summe von {column}{where}?",),
        "French": ("Quelle est la somme de {column}{where} ?",),
        "Spanish": ("¿Cuál es la suma de {column}{where}?",),
    },
    "count": {
        "English": (
            "How many rows are there{where}?",
            "number of rows{where}",
            "How many entries does the table have{where}?",
        ),
        "German": ("Wie viele Zeilen gibt es{where}?",),
        "French": ("Combien de lignes y a-t-il{where} ?",),
        "Spanish": ("¿Cuántas filas hay{where}?",),
    },
    "distinct": {
        "English": (
            "How many different values of {column} are there{where}?",
            "number of distinct {column}{where}",
            "How many unique {column} occur{where}?",
        ),
        "German": ("Wie viele verschiedene {column} gibt es{where}?",),
        "French": ("Combien de {column} différents y a-t-il{where} ?",),
        "Spanish": ("¿Cuántos {column} distintos hay{where}?",),
    },
    "most": {
        "English": ("Which {key_column} has the most {column}?", "{key_column} with the highest {column}"),
        "German": ("Bei welchem {key_column} ist {column} am höchsten?",),
        "French": ("Quel {key_column} a le plus de {column} ?",),
        "Spanish": ("¿Qué {key_column} tiene más {column}?",),
    },
}
FILTERS: dict[str, tuple[str, ...]] = {
    "English": (" where {by} is {value}", " for {value}", " when the {by} is {value}", " among {value}"),
    "German": (" für {value}", ", wenn {by} {value} ist"),
    "French": (" pour {value}", " où {by} est {value}"),
    "Spanish": (" para {value}", " donde {by} es {value}"),
}


def misspelt(text: str, rng: random.Random) -> str:
    """One letter of the longest word wrong: left out, doubled, changed, or turned with the next one."""
    words = sorted(re.findall(r"[^\W\d_]{4,}", text), key=len)
    if not words:
        return text
    word = words[-1]
    at = rng.randrange(1, len(word) - 1)
    other = rng.choice([c for c in "aeinrst" if c != word[at].lower()])
    made = {
        "out": word[:at] + word[at + 1 :],
        "twice": word[:at] + word[at] + word[at:],
        "changed": word[:at] + other + word[at + 1 :],
        "turned": word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    }
    return text.replace(word, rng.choice(sorted(v for v in made.values() if v != word)), 1)


def shortened(key: str, others: Iterable[str]) -> str:
    """The shortest word of a key that stands in no other one, else the whole key."""
    taken = {word for other in others for word in re.findall(r"\w+", other.casefold())}
    own = [w for w in re.findall(r"[^\W\d_]{4,}", key) if w.casefold() not in taken]
    return min(own, key=len) if own else key
