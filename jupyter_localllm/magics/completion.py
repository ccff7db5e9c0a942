"""Tab completion of ``%%llm`` and ``%llm`` in IPython, in a terminal and in a kernel.

One matcher of IPython's second API hands the text before the cursor to `suggestions.suggest`. Where that finds
something, other matchers are silenced (Jedi would offer Python's names among options), except the one for files where
a file's name fits too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jupyter_localllm.magics.suggestions import Known, Suggestions, suggest

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Known", "install", "remove"]

_IDENTIFIER: Final = "jupyter_localllm.magics"


def install(shell: InteractiveShell, known: Known | None = None) -> None:
    """Let a shell complete our magics; a second call replaces the first.

    Parameters
    ----------
    shell : InteractiveShell
    known : Known, optional
        Where the names of models, conversations and settings come from, and whether a magic is ours.
    """
    from IPython.core.completer import context_matcher

    completer = shell.Completer
    if completer is None:
        return
    names = known or Known()

    @context_matcher(identifier=_IDENTIFIER)  # type: ignore[untyped-decorator]
    def matcher(context: CompletionContext) -> SimpleMatcherResult:
        try:
            return _result(_ask(shell, context, names))
        except Exception:
            # A key pressed is no moment for a stack of frames; nothing fits then.
            return _result(Suggestions())

    remove(shell)
    completer.custom_matchers.append(matcher)


def remove(shell: InteractiveShell) -> None:
    """Undo `install`."""
    if shell.Completer is not None:
        matchers = shell.Completer.custom_matchers
        matchers[:] = [matcher for matcher in matchers if getattr(matcher, "matcher_identifier", "") != _IDENTIFIER]


def _ask(shell: InteractiveShell, context: CompletionContext, known: Known) -> Suggestions:
    earlier = context.full_text.split("\n")[: context.cursor_line]
    before = "\n".join((*earlier, context.text_until_cursor))
    found = suggest(before, shell.user_ns, known, hidden=shell.user_ns_hidden)
    # IPython asserts that a fragment ends the text; one in quotes that go over a continued line would not.
    return found if context.text_until_cursor.endswith(found.fragment) else Suggestions()


def _result(found: Suggestions) -> SimpleMatcherResult:
    from IPython.core.completer import SimpleCompletion

    return {
        "completions": [SimpleCompletion(text, type=found.kind) for text in found.texts],
        "matched_fragment": found.fragment,
        "ordered": True,
        "suppress": bool(found.texts),
        "do_not_suppress": {"IPCompleter.file_matcher"} if found.files else set(),
    }
