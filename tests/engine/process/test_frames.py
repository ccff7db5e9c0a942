"""Frames come out as they went in, whatever the pipe makes of them."""

from __future__ import annotations

import os
import threading

import pytest

from jupyter_localllm.engine.process.frames import HELLO, BadFrame, Frame, FrameReader, Kind, frame, write_all


def reader_of(data: bytes) -> FrameReader:
    source, sink = os.pipe()

    def feed() -> None:
        write_all(sink, data)
        os.close(sink)

    threading.Thread(target=feed, daemon=True).start()
    return FrameReader(source)


def test_frames_in_order() -> None:
    """Small, empty and large frames arrive whole and in order."""
    sent = [Frame(Kind.EVENT, 1, b"abc"), Frame(Kind.VALUE, 2**40, b""), Frame(Kind.ROWS, 3, bytes(300_000))]
    reader = reader_of(b"".join(frame(Kind(one.kind), one.number, one.payload) for one in sent))
    assert [reader.next(), reader.next(), reader.next(), reader.next()] == [*sent, None]


@pytest.mark.parametrize("cut", [1, 16, 17, 19])
def test_a_cut_frame_is_the_end(cut: int) -> None:
    """Whoever dies in the middle of a frame has said nothing."""
    assert reader_of(frame(Kind.EVENT, 1, b"abc")[:cut]).next() is None


def test_what_was_printed_before_is_passed_over() -> None:
    """Words that Python's start writes to stdout do no harm."""
    reader = reader_of(b"Welcome to my computer\n" + HELLO + frame(Kind.VALUE, 1, b"1"))
    assert reader.hello()
    assert reader.next() == Frame(Kind.VALUE, 1, b"1")


def test_no_greeting() -> None:
    """A program that never greets is not waited for: neither a short one nor one that talks without end."""
    assert not reader_of(b"hello").hello()
    with pytest.raises(BadFrame):
        reader_of(bytes(3 << 20)).hello()


def test_too_much_is_refused_before_it_is_read() -> None:
    """A length beyond what there is room for takes no memory."""
    with pytest.raises(BadFrame, match="bytes"):
        reader_of(b"\xff" * 17).next(lambda kind, number: 1000)
