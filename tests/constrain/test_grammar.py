"""Regular expressions and grammars."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pytest

from jupyter_localllm.constrain import Grammar, Regex, as_constraint
from jupyter_localllm.errors import UsageError
from tests.constrain.contract import ConstraintContract, Sample, allowed_by_mask
from tests.constrain.vocabularies import TINY, token_of

pytest.importorskip("llguidance")

PATTERNS = (
    "[0-9]{4}-[0-9]{2}",
    "(yes|no)( and (yes|no))*",
    "é+日?[a-c]/\"'",
    r"\d{1,3}\.\d",
    r"\w{2} \W",
    r"\D[\D\d][^\D]",
    r"[\w-]{1,4}[^\W]",
    "(?i)paris",
    ".{3}",
    r"a|ab|abc\n",
    "^[abc]+$",
    r"[]a\[]{2}",
)
SUMS = 'start: number (op number)*\nop: "+" | " and "\nnumber: /[0-9]{1,2}/\n'
GBNF = 'root ::= item ("," item)*\nitem ::= "yes" | [a-c]+ "é" # a comment\n'


def matches(pattern: str) -> Callable[[str], object]:
    """As Python says; but llguidance may know characters of a newer Unicode, of which it cannot tell."""
    return lambda text: re.fullmatch(pattern, text) or any(unicodedata.category(c) == "Cn" for c in text)


class TestRegex(ConstraintContract):
    samples = tuple(
        Sample(lambda p=pattern: as_constraint(re.compile(p)), matches(pattern))  # type: ignore[misc]
        for pattern in PATTERNS
    )


class TestGrammar(ConstraintContract):
    samples = (
        Sample(lambda: Grammar(SUMS), re.compile(r"[0-9]{1,2}((\+| and )[0-9]{1,2})*").fullmatch),
        Sample(lambda: Grammar(GBNF), re.compile("(yes|[a-c]+é)(,(yes|[a-c]+é))*").fullmatch),
    )


def test_digits_are_plain() -> None:
    """`\\d` is 0 to 9: a model asked for digits does not write those of another script."""
    for constraint in (Regex(r"\d"), as_constraint(re.compile(r"\d"))):
        left = {TINY.tokens[t] for t in allowed_by_mask(constraint.start(TINY), TINY)}
        assert left == {bytes([digit]) for digit in b"0123456789"}


def test_flags_of_python_are_kept() -> None:
    """A compiled expression means the same as in Python, with its flags."""
    matcher = as_constraint(re.compile("yes", re.IGNORECASE)).start(TINY)
    assert {TINY.tokens[t] for t in allowed_by_mask(matcher, TINY)} >= {b"y", b"Y", b"ye", b"yes"}
    matcher = as_constraint(re.compile(".", re.DOTALL)).start(TINY)
    assert matcher.allows(token_of(b"\n"))
    assert not Regex(".").start(TINY).allows(token_of(b"\n"))


@pytest.mark.parametrize("pattern", ["[a[b]c]", "[a&&b]", "[a--b]", "[[:alpha:]]", "a*+a", "a{2}+", "[ab]++"])
def test_what_python_reads_in_another_way_is_refused(pattern: str) -> None:
    """Where Rust's syntax would silently mean something else, the error says which characters."""
    try:
        with pytest.warns() if pattern[:2] == "[[" or pattern[2:4] in ("&&", "--") else _nothing():
            compiled = re.compile(pattern)
    except re.error:  # Python 3.10 has no possessive quantifiers
        pytest.skip("no expression in this Python")
    with pytest.raises(UsageError, match="means something else"):
        as_constraint(compiled)


class _nothing:
    def __enter__(self) -> None: ...
    def __exit__(self, *exc: object) -> None: ...


@pytest.mark.parametrize("compiled", [re.compile(b"a"), re.compile("a b", re.VERBOSE), re.compile("a", re.ASCII)])
def test_other_expressions_of_python_are_refused(compiled: re.Pattern[str]) -> None:
    """Bytes, and flags that the engine does not have."""
    with pytest.raises(UsageError):
        as_constraint(compiled)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(", "unclosed group"),
        ("a(?=b)", "look-around"),
        (r"(a)\1", "backreference"),
        (r"\bword", "lookaround"),
        ("(?-u:\\xff)", "UTF-8"),
        ("[^\\s\\S]", "no text fulfils it"),
        ("[ab]{0,3}" * 2000, "increase|too many|too large"),
        ("(" * 5000 + "a" + ")" * 5000, "nest"),
    ],
    ids=lambda value: value[:20],
)
def test_wrong_expressions(pattern: str, says: str) -> None:
    """What llguidance cannot compile is refused in its words, without its state and without the whole text."""
    with pytest.raises(UsageError, match=says) as caught:
        Regex(pattern).start(TINY)
    assert "<state>" not in caught.value.message
    assert len(caught.value.message) < 1000


@pytest.mark.parametrize("pattern", [3, "a" * 20_001, "\udc80"])
def test_no_text_for_an_expression(pattern: object) -> None:
    """What is no text, too long, or no Unicode is refused where it is given."""
    with pytest.raises(UsageError):
        Regex(pattern)  # type: ignore[arg-type]


def test_an_empty_answer_can_be_right() -> None:
    """An expression that matches nothing but the empty text: the answer ends at once."""
    matcher = Regex("").start(TINY)
    assert allowed_by_mask(matcher, TINY) == TINY.ends
    assert {t for t in range(len(TINY.tokens)) if matcher.allows(t)} == TINY.ends


def test_too_complex_in_the_midst_ends_the_answer() -> None:
    """Where llguidance gives up during an answer, nothing raises: the answer ends, and the reason is there."""
    matcher = Regex("(.{0,9}a){0,300}" * 40 + "b").start(TINY)
    for _ in range(3000):
        if matcher.finished:
            break
        matcher.advance(token_of(b"a"))
    else:
        pytest.skip("this llguidance gets through")
    assert matcher.trouble
    assert allowed_by_mask(matcher, TINY) == TINY.ends


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no rule 'start:'"),
        ("hello", "no rule 'start:'"),
        ("start: foo", "unknown name"),
        ("start: /(/", "unclosed group"),
        ("start: " + "(" * 5000 + '"a"' + ")" * 5000, "nested"),
        ("root ::= " + "(" * 5000 + '"a"' + ")" * 5000, "cannot be read|nested"),
        ("start: a\na: a", "no text fulfils it"),
        ('start: "a" <|im_start|> "b"', "control tokens"),
        ('start: "a" <[1]>', "control tokens"),
        ("start: <think>", "control tokens"),
        ('start: %json {"type": "string", "format": "foo"}', "Unknown format: foo"),
        ('start: %json {"x-guidance": {"lenient": true}, "type": "string", "format": "foo"}', "honoured in full"),
    ],
    ids=lambda value: value[:30],
)
def test_wrong_grammars(text: str, says: str) -> None:
    """A grammar that cannot be honoured is refused, and says why."""
    with pytest.raises(UsageError, match=says):
        Grammar(text).start(TINY)


def test_quoted_names_of_control_tokens_are_text() -> None:
    """In quotes or expressions, the characters of a control token's name are plain characters."""
    matcher = Grammar('start: "<|x|>" /<[a-z]/ // <|comment|>\n').start(TINY)
    assert matcher.allows(token_of(b"<"))


def test_a_long_chain_of_rules_does_not_crash() -> None:
    """Rules that go deeper than a native stack are compiled, or refused."""
    rules = "".join(f'a{i}: "x" a{i + 1}?\n' for i in range(6000))
    matcher = Grammar(f'start: a0\n{rules}a6000: "x"').start(TINY)
    assert matcher.allows(token_of(b"x"))


def test_errors_name_the_line_that_was_given() -> None:
    """Line numbers in errors are those of the grammar as it was written."""
    with pytest.raises(UsageError, match="unknown name"):
        Grammar('start: "a"\n  | foo\n').start(TINY)
