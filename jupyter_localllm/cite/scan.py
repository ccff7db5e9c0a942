"""Reading an answer byte by byte, as far as it decides which mark may come about.

Two things are followed: where code stands, and what stands in an open bracket. Where Markdown cannot tell yet whether
something is code, the narrower reading counts: then only right marks can be written, though code might take any index.
So a mark outside of code is right in our own reading (`parse`) and in CommonMark's, whatever a model writes.
"""

from __future__ import annotations

import re

from jupyter_localllm.cite.parse import as_numbers

__all__ = ["Scan"]

_INDENT, _RUN, _INFO, _TEXT = range(4)  # where a line stands; inside a fence _INFO is what follows a closing run
_NEWLINES = b"\r\n"
_CONTAINERS = frozenset(b" \t>-*+0123456789.)")  # what may stand before a fence that is in a list or a quotation
_TICK, _TILDE, _OPEN, _CLOSE, _BACKSLASH, _BAR, _LESS = b"`~[]\\|<"
_DIGITS = frozenset(b"0123456789")
_BLANKS = frozenset(b" \t\r\n\v\f\x1c\x1d\x1e\x1f")  # what ``\s`` of a regular expression takes
_IN_MARK = _DIGITS | _BLANKS | frozenset(b",;-^&\\")
_STRICT = re.compile(rb"\^?(?:[1-9]\d*, ?)*(?:[1-9]\d*)?")
_LONGEST = 64
_PATIENCE = 80  # bytes after which code that holds an index must end


class Scan:
    """Where an answer stands.

    Parameters
    ----------
    count : int
        Marks hold 1 to `count`.
    can_close : bool
        Whether a single backtick can be written: without it, code on a line may not be ended, and takes no index.
    """

    def __init__(self, count: int, can_close: bool) -> None:
        self.count, self.can_close = count, can_close
        self.phase, self.indent, self.container = _INDENT, 0, True
        self.previous = 0
        self.dest = 0  # depth of parentheses in the target of a link
        self.fence, self.fence_length, self.fence_indent = 0, 0, 0
        self.run, self.run_char, self.run_leads, self.tildes = 0, 0, False, 0
        self.code = 0  # length of the run that has opened code on this line
        self.doubtful = False  # until the next blank line, code on a line cannot be told
        self.lost = False  # until the end, no code can be told
        self.owing = 0  # bytes left until code that holds an index must end; 0: it holds none
        self.inside: bytes | None = None  # what stands in the open bracket, as long as it may become a mark
        self.strict = False  # it began with a digit

    def copy(self) -> Scan:
        """The same, to be tried."""
        other = Scan.__new__(Scan)
        other.__dict__.update(self.__dict__)
        return other

    @property
    def in_code(self) -> bool:
        """Whether this stands in code, as far as can be told."""
        return self.fence > 0 or self.code > 0

    @property
    def may_end(self) -> bool:
        """Whether the answer may end here."""
        return not self.owing or self.run == self.code

    @property
    def missing(self) -> int:
        """How many backticks must come before anything else; 0 for none."""
        return max(0, self.code - self.run) if self.owing == 1 else 0

    def feed(self, data: bytes) -> bool:
        """Read what is written next; False if it may not be. The state is of no use after that."""
        if (missing := self.missing) and not data.startswith(b"`" * min(missing, len(data))):
            return False
        if self.owing:
            self.owing = max(1, self.owing - len(data))
        return all(map(self._byte, data))

    def _byte(self, byte: int) -> bool:
        if byte in _NEWLINES:
            good = self._newline(byte)
        elif self.fence:
            self._in_fence(byte)
            good = not self.lost or self._bracket(byte)
        else:
            good = self._outside(byte) and self._bracket(byte)
        self.previous = byte
        return good

    # Lines

    def _newline(self, byte: int) -> bool:
        if byte == 0x0A and self.previous == 0x0D:
            return True
        in_fence = bool(self.fence)
        if in_fence:
            closes = self.phase == _INFO or (self.phase == _RUN and self.run >= self.fence_length)
            self.fence = 0 if closes else self.fence
        elif self.phase == _INFO or (self.phase == _RUN and self.run >= 3):
            self.fence, self.fence_length, self.fence_indent = self.run_char, self.run, self.indent
            self.doubtful = False
        else:
            self._end_run()
            if self.owing:
                return False
            self.doubtful = self.phase != _INDENT and (self.doubtful or self.code > 0 or self.dest > 0)
        self.phase, self.indent, self.container = _INDENT, 0, True
        self.run = self.tildes = self.dest = self.code = 0
        return (in_fence and not self.lost) or self._bracket(byte)

    def _in_fence(self, byte: int) -> None:
        if self.phase == _INDENT:
            if byte in b" \t":
                self.indent += 1 if byte == 0x20 else 4
                return
            ticks = byte == self.fence
            # A fence in a list ends with its item, and then this is no code. Whether it is in a list was not followed.
            self.lost |= self.indent < self.fence_indent or (ticks and self.indent > 3 and self.fence_indent > 0)
            self.phase, self.run = (_RUN, 1) if ticks and self.indent <= 3 else (_TEXT, 0)
        elif self.phase == _RUN:
            if byte == self.fence:
                self.run += 1
            else:
                self.phase = _INFO if self.run >= self.fence_length and byte in b" \t" else _TEXT
        elif self.phase == _INFO and byte not in b" \t":
            self.phase = _TEXT

    def _outside(self, byte: int) -> bool:
        if self.phase == _INDENT:
            if byte in b" \t":
                self.indent += 1 if byte == 0x20 else 4
                return True
            if byte in b"`~" and self.indent <= 3:
                self.phase, self.run, self.run_char, self.run_leads = _RUN, 1, byte, False
                return True
            self.phase = _TEXT
        elif self.phase == _RUN:
            if byte == self.run_char:
                self.run += 1
                return True
            self.container = False
            self.phase = _INFO if self.run >= 3 else _TEXT
            if self.run_char == _TILDE:
                self.run = self.run if self.phase == _INFO else 0
        if self.phase == _INFO:
            if byte == _TICK == self.run_char:  # no fence, but code on a line
                self.phase, self.doubtful, self.run = _TEXT, True, 0
            return True
        return self._in_text(byte)

    def _in_text(self, byte: int) -> bool:
        if byte == _TICK:
            return self._tick()
        self._end_run()
        if byte == _BAR and self.code:  # in a table the cell ends here, and the code is none
            if self.owing:
                return False
            self.code, self.doubtful = 0, True
        if not self.code:
            self._link(byte)
            self.doubtful |= byte == _LESS
        if byte == _TILDE:
            self.tildes += self.container or self.tildes > 0
            self.lost |= self.tildes >= 3
        else:
            self.tildes = 0
        self.container = self.container and byte in _CONTAINERS
        return True

    def _tick(self) -> bool:
        if self.owing and self.run == self.code:
            return False  # it would not close any more
        if not self.run:
            self.run_leads = self.container
            self.container = False
            self.doubtful |= not self.code and (self.previous == _BACKSLASH or self.dest > 0)
        self.run += 1
        self.lost |= self.run >= 3 and self.run_leads  # a fence in a list or a quotation is not followed
        return True

    def _end_run(self) -> None:
        """A run of backticks is over: it closes code, or opens it."""
        if (self.run and self.phase == _TEXT) or (self.phase == _RUN and self.run_char == _TICK):
            if self.code == self.run:
                self.code = self.owing = 0
            elif not self.code and not self.doubtful:
                self.code = self.run
        self.run = 0

    def _link(self, byte: int) -> None:
        """A backtick in the target or title of a link opens no code."""
        if self.previous == _CLOSE:
            self.doubtful |= byte == 0x3A
            self.dest = 1 if byte == 0x28 else 0
        elif self.dest:
            self.doubtful |= byte in b"\"'"
            self.dest += (byte == 0x28) - (byte == 0x29)

    # Brackets

    def _bracket(self, byte: int) -> bool:
        if byte == _OPEN:
            self.inside, self.strict = b"", False
            return True
        if self.inside is None:
            return True
        if byte == _CLOSE:
            inside, self.inside = self.inside, None
            return self._close(inside)
        inside = self.inside + bytes((byte,))
        if not self.strict:
            self.strict = not self._in_free_code and byte in _DIGITS and self.inside in (b"", b"^")
        if self.strict:
            self.inside = inside
            return self._begins_a_mark(inside)
        if not (byte in _BLANKS and self.inside[-1:] in (b" ", b"\n")):  # much white space is as good as a little
            marklike = (byte in _IN_MARK or byte >= 0x80) and len(inside) <= _LONGEST
            self.inside = inside if marklike else None
        return True

    @property
    def _in_free_code(self) -> bool:
        """Whether a bracket may hold any number; a run of backticks that is not over cannot be code yet."""
        return self.can_close and self.code > 0 and not (self.doubtful or self.lost or self.run)

    def _close(self, inside: bytes) -> bool:
        numbers = as_numbers(inside.decode("utf-8", "replace"))
        if numbers is None or all(1 <= number <= self.count for number in numbers):
            return True
        if self._in_free_code and not self.owing:
            self.owing = _PATIENCE
        return self._in_free_code

    def _begins_a_mark(self, inside: bytes) -> bool:
        if len(inside) > _LONGEST or not _STRICT.fullmatch(inside):
            return False
        last = inside.lstrip(b"^").rpartition(b",")[2].strip()
        return not last or int(last) <= self.count
