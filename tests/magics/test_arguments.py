"""The line of ``%%llm`` and ``%llm``."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_localllm.config import Settings
from jupyter_localllm.errors import UsageError
from jupyter_localllm.magics.arguments import CellArguments, Prompt, Subcommand, parse_cell, parse_line
from jupyter_localllm.magics.options import OPTIONS


def given(arguments: CellArguments) -> dict[str, Any]:
    """The fields that differ from the defaults."""
    plain = CellArguments()
    fields = {field.name: getattr(arguments, field.name) for field in dataclasses.fields(arguments)}
    return {name: value for name, value in fields.items() if value != getattr(plain, name)}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", {}),
        ("  ", {}),
        ("answer <<", {"target": "answer"}),
        ("answer<<", {"target": "answer"}),
        ("  _x1 <<  --seed 7 ", {"target": "_x1", "options": {"seed": 7}}),
        ("größe << --raw", {"target": "größe", "raw": True}),
        ("match << --raw", {"target": "match", "raw": True}),
        ("--model smollm2", {"model": "smollm2"}),
        (r'--model "C:\my models\x.gguf"', {"model": r"C:\my models\x.gguf"}),
        (r"--model C:\models\x.gguf --raw", {"model": r"C:\models\x.gguf", "raw": True}),
        ("--model=backend:name", {"model": "backend:name"}),
        ("--system 'You're kind.'", {"system": "You're kind."}),
        ('--system ""', {"system": ""}),
        ("--system What's", {"system": "What's"}),
        ('--system "--x"', {"system": "--x"}),
        ("--system=--x", {"system": "--x"}),
        ("--system -", {"system": "-"}),
        ("--format json", {"format": "json"}),
        ("--cite df", {"cite": ("df",)}),
        ("--cite df,notes --seed 1", {"cite": ("df", "notes"), "options": {"seed": 1}}),
        ("--cite df notes --seed 1", {"cite": ("df", "notes"), "options": {"seed": 1}}),
        ("--cite df --cite 'df[df.a > 1]' notes", {"cite": ("df", "df[df.a > 1]", "notes")}),
        ("--cite dear=f(df,2) In[3]", {"cite": ("dear=f(df,2)", "In[3]")}),
        ("--cite=df,notes --raw", {"cite": ("df", "notes"), "raw": True}),
        ("--cite In[3],Out[3],df", {"cite": ("In[3]", "Out[3]", "df")}),
        ('--cite="df[df.a > 1, 2]"', {"cite": ("df[df.a > 1, 2]",)}),
        ("--temperature 0", {"options": {"temperature": 0.0}}),
        ("--temperature=1.5 --top-p 0.9", {"options": {"temperature": 1.5, "top_p": 0.9}}),
        ("--top-k 0 --min-p 0.05", {"options": {"top_k": 0, "min_p": 0.05}}),
        ("--repeat-penalty 1.1", {"options": {"repeat_penalty": 1.1}}),
        ("--max-tokens 200", {"options": {"max_tokens": 200}}),
        ("--max_tokens 200", {"options": {"max_tokens": 200}}),
        ("--seed -1", {"options": {"seed": -1}}),
        ("--stop END", {"options": {"stop": ("END",)}}),
        (r'--stop "\n" --stop "### "', {"options": {"stop": ("\n", "### ")}}),
        (r"--stop \\n", {"options": {"stop": (r"\n",)}}),
        ("--option n_ctx 4096", {"options": {"n_ctx": 4096}}),
        ("--option n-ctx 4096", {"options": {"n_ctx": 4096}}),
        ("--option a true --option b None --option c x:y", {"options": {"a": True, "b": None, "c": "x:y"}}),
        ('--option a "12" --option b [1,2]', {"options": {"a": "12", "b": [1, 2]}}),
        ("--option temperature 0.2", {"options": {"temperature": 0.2}}),
        ("--option stop a --stop b", {"options": {"stop": ("a", "b")}}),
        ("--option model m --option cache off", {"model": "m", "cache": "off"}),
        ("--continue", {"continue_": True}),
        ('--chat "my trip"', {"chat": "my trip"}),
        ("--over df --column text", {"over": "df", "column": "text"}),
        ('--over "df.head(3)" --column "unit price"', {"over": "df.head(3)", "column": "unit price"}),
        ("--adapter a.gguf", {"adapter": "a.gguf"}),
        ("--cache require", {"cache": "require"}),
        ("--tools price,weather shop.left --yes", {"tools": ("price", "weather", "shop.left"), "yes": True}),
        ("--on-error record", {"on_error": "record"}),
        ("--dry-run --no-stream --raw --yes", {"dry_run": True, "stream": False, "raw": True, "yes": True}),
        ("--help", {"help": True}),
        ("-h", {"help": True}),
        ("--seed 1 --help --bogus", {"help": True, "options": {"seed": 1}}),
    ],
)
def test_a_cell_line_is_read(line: str, expected: dict[str, Any]) -> None:
    """Every option of the contract fills its field; what is not given stays as it was."""
    assert given(parse_cell(line)) == expected


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("2x << --raw", "bound to 2x: it is not a plain name", "answer <<"),
        ("my-name <<", "bound to my-name", "answer <<"),
        ("df.x <<", "bound to df.x", "answer <<"),
        ("class <<", "it is a word of Python", "answer <<"),
        ("a, b <<", "name << stands first", "answer <<"),
        ("--seed 7 answer <<", "name << stands first", "answer <<"),
        ("gpt2", "gpt2 on the line of %%llm is no option", "after --model"),
        ("--seed 7 hello", "hello on the line of %%llm is no option", "lines below"),
        ("-- hello", "hello on the line", "lines below"),
        ("--temprature 0.5", "Unknown option --temprature", "Did you mean --temperature?"),
        ("--max_token=5", "Unknown option --max_token", "Did you mean --max-tokens?"),
        ("-m x", "Unknown option -m", "Did you mean --model?"),
        ("--zzz", "Unknown option --zzz", "%llm? lists"),
        ("--temperature", "--temperature needs T", "likeliest"),
        ("--temperature --raw", "--temperature needs T", '--temperature="-x"'),
        ("--system --", "--system needs TEXT", ""),
        ("--option n_ctx", "--option needs VALUE", "KEY VALUE"),
        ("--temperature hot", "--temperature hot: it must be a number from 0 to 100", "--temperature T"),
        ("--temperature -0.1", "it must be a number from 0 to 100", ""),
        ("--temperature nan", "it must be a number from 0 to 100", ""),
        ("--temperature inf", "it must be a number from 0 to 100", ""),
        ("--top-p 1.5", "it must be a number from 0 to 1", ""),
        ("--min-p -1", "it must be a number from 0 to 1", ""),
        ("--top-k 2.5", "it must be a whole number of 0 or more", ""),
        ("--repeat-penalty 0", "it must be a number from 0.01 to 10", ""),
        ("--max-tokens 0", "it must be a whole number of 1 or more", ""),
        ("--seed 4294967296", "it must be a whole number from -1 to 4294967294", ""),
        ('--stop ""', "it must not be empty", ""),
        ('--model ""', "it must not be empty", ""),
        ("--cache reuse", "--cache reuse is unknown", "One of use, refresh, off, require. Did you mean use?"),
        ("--format xml", "--format xml is unknown", "markdown, text, json, code"),
        ("--on-error ignore", "--on-error ignore is unknown", "raise, record"),
        ("--raw=1", "--raw takes no value", "alone"),
        ("--seed 1 --seed 2", "--seed is given twice", ""),
        ("--seed 1 --option seed 2", "--seed is given twice", ""),
        ("--option a 1 --option a 2", "--option a is given twice", ""),
        ("--option raw true", "raw is an option of its own", "Write --raw"),
        ("--option top_p 2", "it must be a number from 0 to 1", ""),
        ("--continue --chat a", "exclude each other", ""),
        ("--chat a --continue", "exclude each other", ""),
        ("--column text", "--column needs --over", ""),
        ('--system "You are', "does not close", "double quotes"),
        ("--system 'You are", "does not close", "double quotes"),
        ("--cite", "--cite needs VAR", "--cite VAR"),
        ("--cite ,", "it must name a variable", ""),
        ("--cite df --over df", "--cite does not go with --over", ""),
        ("--cite df --schema int", "--schema does not go with --cite", ""),
        ("--tools", "--tools needs FN", "functions"),
        ("--tools f --over df", "--tools does not go with --over", ""),
        ("--tools f --schema int", "--schema does not go with --tools", ""),
    ],
)
def test_a_wrong_line_is_a_sentence(line: str, message: str, hint: str) -> None:
    """Every mistake is a UsageError that says what is wrong and what to do, and nothing else escapes."""
    with pytest.raises(UsageError) as caught:
        parse_cell(line)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.hint


def test_settings_are_checked_where_they_are_known() -> None:
    """A wrong ``--option`` KEY is named with its close match, if the caller says which keys there are."""
    assert parse_cell("--option n_ctx 1", settings={"n_ctx", "n_threads"}).options == {"n_ctx": 1}
    with pytest.raises(UsageError, match=r"no setting n_cxt") as caught:
        parse_cell("--option n_cxt 1", settings={"n_ctx", "n_threads"})
    assert caught.value.hint == "Did you mean n_ctx?"


@pytest.mark.parametrize(
    ("line", "text", "expected"),
    [
        ("What is the capital of France?", "What is the capital of France?", {}),
        ("What's up?", "What's up?", {}),
        ("'tis the season", "'tis the season", {}),
        ('"What is X?" he said', '"What is X?" he said', {}),
        (r"Why \n and C:\x ?", r"Why \n and C:\x ?", {}),
        ("two  blanks   stay ", "two  blanks   stay ", {}),
        ("--chat a --temperature 0.5 What is --raw?", "What is --raw?", {"chat": "a", "options": {"temperature": 0.5}}),
        ("x << What's 2+2?", "What's 2+2?", {"target": "x"}),
        ("x << status", "status", {"target": "x"}),
        ("what does << mean?", "what does << mean?", {}),
        ("<< means what?", "<< means what?", {}),
        ("f(x) << 2 is what?", "f(x) << 2 is what?", {}),
        ("-- status", "status", {}),
        ("-- --raw is what?", "--raw is what?", {}),
        ("--raw -- -x?", "-x?", {"raw": True}),
        ("-5 + 3 = ?", "-5 + 3 = ?", {}),
        ("-rw-r--r-- means?", "-rw-r--r-- means?", {}),
        ("- explain", "- explain", {}),
        ("--- what?", "--- what?", {}),
        ("status please", "status please", {}),
        ("status?", "status?", {}),
        ("models?", "models?", {}),
        ("use the force", "use the force", {}),
        ("help me write a poem", "help me write a poem", {}),
        ("explain this error", "explain this error", {}),
        ("cache or cash?", "cache or cash?", {}),
        ("--seed 3 status", "status", {"options": {"seed": 3}}),
        ("Status", "Status", {}),
    ],
)
def test_a_line_is_a_prompt(line: str, text: str, expected: dict[str, Any]) -> None:
    """Options may lead; the rest of the line is the prompt, to the letter."""
    prompt = parse_line(line)
    assert isinstance(prompt, Prompt)
    assert prompt.text == text
    assert given(prompt.arguments) == expected
    assert prompt.near == ""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", Subcommand("help")),
        ("?", Subcommand("help")),
        ("--help", Subcommand("help")),
        ("--seed 1 -h", Subcommand("help")),
        ("help", Subcommand("help")),
        (" status ", Subcommand("status")),
        ("use smollm2", Subcommand("use", value="smollm2")),
        (r'use "C:\my models\x.gguf"', Subcommand("use", value=r"C:\my models\x.gguf")),
    ],
)
def test_a_line_is_a_subcommand(line: str, expected: Subcommand) -> None:
    """A whole line that is a subcommand is one; no line at all is a request for help."""
    assert parse_line(line) == expected


@pytest.mark.parametrize("line", ["--chat a", "x <<", "--raw --"])
def test_a_prompt_must_be_there(line: str) -> None:
    """Options without a prompt are told so."""
    with pytest.raises(UsageError, match="prompt is missing"):
        parse_line(line)


def test_an_unknown_option_before_a_prompt_tells_the_way_out() -> None:
    """A prompt that begins with a dash is told how to be one."""
    with pytest.raises(UsageError) as caught:
        parse_line("--what does this flag do?")
    assert "%llm -- --what" in caught.value.hint


def test_ranges_and_choices_are_those_of_the_traits() -> None:
    """The line takes what the setting takes: its bounds and its choices, and nothing beyond."""
    traits = Settings.class_traits(config=True)
    compared = 0
    for option in OPTIONS:
        trait = traits.get(option.dest)
        if trait is None:
            continue
        if option.choices:
            assert list(option.choices) == list(trait.values), option.name
            compared += 1
        for bound, step in ((getattr(trait, "min", None), -1), (getattr(trait, "max", None), 1)):
            if bound is not None:
                compared += 1
                assert parse_cell(f"{option.name} {bound}").options == {option.dest: bound}
                with pytest.raises(UsageError):
                    parse_cell(f"{option.name} {bound + step}")
    assert compared >= 13


def test_every_option_is_read() -> None:
    """No entry of the table leads nowhere: each fills a field or a setting."""
    fields = {field.name for field in dataclasses.fields(CellArguments)}
    for option in OPTIONS:
        if option.name != "--option":
            assert option.setting or option.dest in fields, option.name
            if not option.setting:
                assert isinstance(option.flag, bool) or option.values


def test_any_text_is_a_prompt_a_subcommand_or_a_sentence() -> None:
    """Nothing but UsageError ever escapes, whatever stands on the line."""
    generator = random.Random(3)
    pieces = [
        "--model",
        "--option",
        "--stop",
        "x",
        "<<",
        "'",
        '"',
        "\\",
        "=",
        "--",
        "-h",
        "cache",
        "prune",
        "--days",
        "1",
    ]
    pieces += ["use", "?", "{{", "}}", "%", "é", "\t", "history", "--clear", "--save"]
    outcomes = set()
    for _ in range(5000):
        line = generator.choice(["", " "]).join(generator.choice(pieces) for _ in range(generator.randrange(7)))
        outcomes |= {outcome(parse_cell, line), outcome(parse_line, line)}
    assert outcomes == {"CellArguments", "Prompt", "Subcommand", "a sentence and a hint"}


def outcome(parse: Callable[[str], object], line: str) -> str:
    try:
        return type(parse(line)).__name__
    except UsageError as error:
        return "a sentence and a hint" if error.message and error.hint else f"not enough said about {line}"
