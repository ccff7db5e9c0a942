"""The subcommands of ``%llm``."""

from __future__ import annotations

import pytest

from jupyter_localllm.magics.subcommands import FORMS, Subcommand, near_subcommand, parse_subcommand


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("status", Subcommand("status")),
        ("models", Subcommand("models")),
        ("unload", Subcommand("unload")),
        ("explain", Subcommand("explain")),
        ("fix", Subcommand("fix")),
        ("help", Subcommand("help")),
        ("use m", Subcommand("use", value="m")),
        ("cache", Subcommand("cache", "show")),
        ("cache show", Subcommand("cache", "show")),
        ("cache clear", Subcommand("cache", "clear")),
        ("cache prune", Subcommand("cache", "prune")),
        ("cache prune --days 30", Subcommand("cache", "prune", options={"days": 30.0})),
        ("cache prune --days=0.5", Subcommand("cache", "prune", options={"days": 0.5})),
        ("cache export answers.jsonl", Subcommand("cache", "export", "answers.jsonl")),
        ('cache import "my answers.jsonl"', Subcommand("cache", "import", "my answers.jsonl")),
        ("config", Subcommand("config")),
        ("config temperature", Subcommand("config", value="temperature")),
        ("config --file a.toml", Subcommand("config", options={"file": "a.toml"})),
        ("config temperature --file a.toml", Subcommand("config", value="temperature", options={"file": "a.toml"})),
        ("config --file a.toml temperature", Subcommand("config", value="temperature", options={"file": "a.toml"})),
        ("history", Subcommand("history")),
        ("history trip", Subcommand("history", value="trip")),
        ("history --clear", Subcommand("history", options={"clear": True})),
        ("history trip --save t.json", Subcommand("history", value="trip", options={"save": "t.json"})),
        ("history --load t.json", Subcommand("history", options={"load": "t.json"})),
        ("pull", None),
        ("pull m", Subcommand("pull", value="m")),
        ("pull owner/name:Q8_0 --force", Subcommand("pull", value="owner/name:Q8_0", options={"force": True})),
        ("pull the other leg", None),
        ("models qwen3-4b", Subcommand("models", value="qwen3-4b")),
        ("models of cars", None),
        ("unload m", Subcommand("unload", value="m")),
        ("bench", Subcommand("bench")),
        ("bench a,b --n 3 --quality", Subcommand("bench", value="a,b", options={"n": 3, "quality": True})),
        ("bench --file x.yaml --out=y.json", Subcommand("bench", options={"file": "x.yaml", "out": "y.json"})),
        ("doctor", Subcommand("doctor")),
        ("doctor --quick", Subcommand("doctor", options={"quick": True})),
        ("panel", Subcommand("panel")),
        ("panel trip", Subcommand("panel", value="trip")),
    ],
)
def test_a_whole_line_parses(line: str, expected: Subcommand) -> None:
    """Each subcommand of the contract is read, with its argument and its option."""
    assert parse_subcommand(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "",
        "statuses",
        "status please",
        "status?",
        "use",
        "use the force",
        'use ""',
        'use "open',
        "models on this machine",
        "unload the dishwasher",
        "cache money",
        "cache clear now",
        "cache export",
        "cache export a b",
        "cache prune --days",
        "cache prune --days soon",
        "cache prune --days -1",
        "cache prune --days nan",
        "cache --days 3",
        "config a b",
        "config --file",
        "config --bogus x",
        "history of France",
        "history --clear --save x",
        "history --clear=yes",
        "history --save --clear",
        "help me",
        "explain this",
        "bench --n 0",
        "bench --n many",
        "bench --quality --quality",
        "bench press or squat",
        "doctor who",
    ],
)
def test_anything_else_is_no_subcommand(line: str) -> None:
    """A line that does not parse as a whole is left to be a prompt."""
    assert parse_subcommand(line) is None


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("use", "use MODEL"),
        ("cache export", "cache export FILE"),
        ("cache prune --days soon", "cache prune [--days N]"),
        ("history --save", "history [NAME] [--clear|--save FILE|--load FILE]"),
        ("bench --n", "bench [MODEL] [--n N] [--quality] [--file FILE] [--out FILE]"),
        ("status", ""),
        ("use the force", ""),
        ("help me", ""),
        ("history of France", ""),
        ("What is a cache?", ""),
        ("", ""),
    ],
)
def test_a_near_miss_is_named(line: str, near: str) -> None:
    """A line that lacks only its end, or has a wrong option, is told what it nearly was; plain prompts are not."""
    assert near_subcommand(line) == near


def test_the_contract_is_covered() -> None:
    """The table has every subcommand of the contract."""
    contract = "status|use|models|pull|unload|cache|config|history|explain|fix|bench|doctor|panel|help"
    assert {form.name for form in FORMS} == set(contract.split("|"))
