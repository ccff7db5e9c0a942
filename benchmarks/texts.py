"""What the models are asked: stories, sources, texts to copy, JSON Schemas."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

__all__ = ["ANSWERS", "COPIES", "COPY", "SCHEMAS", "STORIES", "SUBJECTS", "report", "sources"]

STORIES = (
    "Write a very long story about the sea, in a hundred chapters.",
    "Tell me a very long story about the sea and all its fish.",
    "Write the numbers from 1 to 1000, separated by commas.",
)
"""Questions with long answers, for greedy decoding: the first one that a model answers at length is used."""

ANSWERS = (
    "Explain how a bicycle works.",
    "What are the differences between a whale and a shark?",
    "Write a poem about autumn in four stanzas.",
    "Give ten tips for a good presentation.",
    "Tell me a story about a lighthouse keeper and her dog.",
)
"""Questions whose answers copy nothing."""

COPY = "Copy the following text exactly, word for word, and write nothing else.\n\n"

COPIES = (
    "Dear Ms. Walker,\n\nThank you for your letter of 3 May. We are sorry to hear that the kettle which you bought "
    "in our shop stopped working after only nine days. Please send it back to us in the box in which it came; you "
    "do not have to pay for the parcel. As soon as it is here, our workshop will look at it, and you will receive "
    "either a repaired kettle or a new one within two weeks. If you would rather have your money back, please tell "
    "us the number of your account, which you will find on the front of your bank card. We enclose a voucher for "
    "five pounds, which you may use in any of our shops until the end of the year.\n\nYours sincerely,\nThomas Reed",
    "Dear Mr. Novak,\n\nThank you for your order of 12 June. The two garden chairs left our warehouse this morning "
    "and will reach you on Thursday or Friday. The table, however, is not in stock at the moment. Our supplier has "
    "promised to deliver it by the end of the month, and we will send it to you on the same day. You do not have "
    "to pay for the second delivery. If you do not want to wait for so long, you may cancel this part of your "
    "order at any time, or choose another table from our catalogue at the same price. We apologise for the delay "
    "and hope that you will enjoy your new chairs.\n\nYours sincerely,\nAnna Lindqvist",
    "Dear Mr. and Mrs. Evans,\n\nThank you for choosing our hotel. We are pleased to confirm your reservation for "
    "a double room with a view of the lake from 5 August to 12 August. Breakfast is served every day from seven to "
    "ten in the morning. You can use the swimming pool and the garden free of charge. Please let us know when you "
    "will arrive, so that we can meet you at the station. If you need to cancel your reservation, please tell us "
    "at least three days before the day of your arrival. We are looking forward to seeing you.\n\nKind "
    "regards,\nSofia Rossi",
    "Dear Ms. Brown,\n\nThank you for your interest in our flat. We are pleased to invite you to see it on "
    "Tuesday, 9 October, at five in the afternoon. The flat has three rooms, a kitchen, and a small balcony with a "
    "view of the park. The rent is 850 pounds a month, and the heating is included. You can keep your bicycle in "
    "the cellar free of charge. Please let us know if you would like to bring somebody with you. If you cannot "
    "come on that day, please tell us at least one day before. We are looking forward to meeting you.\n\nKind "
    "regards,\nPeter Hall",
)
"""Texts of more than 120 tokens which even a small model copies for the most part."""

SUBJECTS = tuple(
    f"a {kind} {animal}"
    for kind in ("brave", "lazy", "clever", "hungry", "lonely", "tiny", "golden", "singing")
    for animal in ("fox", "whale", "goat", "robin", "turtle", "mouse", "horse", "bear")
)
"""64 different ends of one prompt."""

_WHO = ("The council", "A farmer", "The new bridge", "The old school", "A group of students", "The river", "The mayor")
_DID = ("was praised in", "was moved to", "cost the people of", "made visitors remember", "brought work to", "left")
_WHERE = ("Aldbury", "Norwick", "the northern valley", "Port Elsin", "the market town", "Greywater", "Fernhill")


def sources(seed: int, tokens: int, count: Callable[[str], int]) -> str:
    """Sentences of about `tokens` tokens, different for each seed from the first word on."""
    rng = random.Random(seed)
    sentences = [f"Report {seed + 100} of the county."]
    while len(sentences) * 8 < tokens:  # a sentence has more than eight tokens
        year, share = rng.randrange(1800, 2000), rng.randrange(2, 99)
        sentences.append(
            f"{rng.choice(_WHO)} {rng.choice(_DID)} {rng.choice(_WHERE)} in {year}, {share} percent more than before."
        )
    keep = round(len(sentences) * tokens / count(" ".join(sentences)))
    return " ".join(sentences[:keep])


def report(subject: str) -> str:
    """A question whose answer fits a schema and is long without one, too."""
    return f"Write a long, detailed report about {subject}, in JSON."


def _object(properties: dict[str, Any], *optional: str, **more: Any) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False, **more}


def _list(items: dict[str, Any], least: int, most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


_TEXT: dict[str, Any] = {"type": "string", "minLength": 20, "maxLength": 120}
_NAME: dict[str, Any] = {"type": "string", "minLength": 3, "maxLength": 30}
_PLACE = _object({"city": _NAME, "country": _NAME, "about": _TEXT})

SCHEMAS: dict[str, tuple[str, dict[str, Any]]] = {
    "flat": (
        report("a famous ship"),
        _object(dict.fromkeys(("name", "builder", "history", "crew", "voyages", "fate"), _TEXT)),
    ),
    "nested objects": (
        report("a large company"),
        _object({"name": _NAME, "seat": _PLACE, "boss": _object({"name": _NAME, "born": _PLACE, "career": _TEXT})}),
    ),
    "arrays of objects": (
        report("five animals of the forest"),
        _object({"animals": _list(_object({"name": _NAME, "food": _NAME, "about": _TEXT}), 4, 6)}),
    ),
    "enums": (
        report("the weather of a week"),
        _object(
            {
                "days": _list(
                    _object(
                        {
                            "day": {"enum": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]},
                            "sky": {"enum": ["clear", "cloudy", "overcast", "foggy"]},
                            "wind": {"enum": ["calm", "breeze", "gale", "storm"]},
                        }
                    ),
                    6,
                    7,
                )
            }
        ),
    ),
    "numbers with bounds": (
        report("the measurements of a weather station"),
        _object(
            {
                "station": _NAME,
                "hours": _list(
                    _object(
                        {
                            "hour": {"type": "integer", "minimum": 0, "maximum": 23},
                            "celsius": {"type": "number", "minimum": -40, "maximum": 50},
                            "humidity": {"type": "integer", "minimum": 0, "maximum": 100},
                        }
                    ),
                    6,
                    8,
                ),
            }
        ),
    ),
    "optional fields, anyOf": (
        report("three inventions and the people who made them"),
        _object(
            {
                "inventions": _list(
                    _object(
                        {
                            "name": _NAME,
                            "year": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 2030}, {"type": "null"}]},
                            "inventor": {"anyOf": [_NAME, _object({"first": _NAME, "last": _NAME})]},
                            "note": _TEXT,
                            "use": _TEXT,
                        },
                        "note",
                    ),
                    3,
                    4,
                )
            }
        ),
    ),
    "$ref": (
        report("a family over three generations"),
        {
            **_object({"grandmother": {"$ref": "#/$defs/person"}, "children": _list({"$ref": "#/$defs/person"}, 3, 4)}),
            "$defs": {"person": _object({"name": _NAME, "work": _TEXT, "home": {"$ref": "#/$defs/place"}}),
                      "place": _PLACE},
        },
    ),
}  # fmt: skip
"""Seven questions, each with the schema of its answer."""
