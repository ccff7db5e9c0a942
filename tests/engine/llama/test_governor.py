"""Threads that fit what else the machine does, told by a clock that the tests turn."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from jupyter_localllm.engine.llama.governor import Governor, SwitchInterval, main_thread_clock, process_clock
from tests.contracts import wait_for


class Machine:
    """Two cores, a neighbour, other programs, and a model that takes 8 ms a token with two threads."""

    def __init__(self, most: int = 2, cores: int = 2, plain_s: float = 0.008, knows: bool = True) -> None:
        self.now = self.cpu = 0.0
        self.share = 0.0  # of a core, for the neighbour
        self.others = False
        self.plain_s = plain_s
        self.used: list[int] = []
        self.cores = cores
        busy = (lambda: self.cpu) if knows else None
        self.governor = Governor(most, busy=busy, clock=lambda: self.now, cores=cores)

    def rest(self, seconds: float) -> None:
        self.now += seconds
        self.cpu += self.share * seconds

    def takes(self, threads: int, n_tokens: int) -> float:
        alone = self.plain_s * self.cores / threads * (1 + (n_tokens - 1) * 0.4)
        crowded = threads + (self.share > 0.5) + self.others > self.cores
        return alone * (12 if crowded else 1)

    def step(self, n_tokens: int = 1) -> int:
        threads = self.governor.before_step()
        seconds = self.takes(threads, n_tokens)
        self.rest(seconds)
        self.governor.after_step(n_tokens, seconds)
        self.used.append(threads)
        return threads

    def run(self, seconds: float, n_tokens: int = 1) -> list[int]:
        begun, end = len(self.used), self.now + seconds
        while self.now < end:
            self.step(n_tokens)
        return self.used[begun:]


def test_alone_all_threads_are_used() -> None:
    """Nobody there: nothing changes, at the beginning, later, and over many answers."""
    machine = Machine(most=4, cores=4)
    for _ in range(5):
        assert set(machine.run(2.0)) == {4}
        machine.rest(3.0)


@pytest.mark.parametrize("n_tokens", [1, 64])
def test_a_busy_neighbour_lowers_them_within_two_steps(n_tokens: int) -> None:
    """At the beginning of an answer, in the middle of one, and in a prompt."""
    machine = Machine()
    machine.share = 1.0
    assert [machine.step(n_tokens) for _ in range(4)][2:] == [1, 1]
    machine = Machine()
    machine.run(1.0)
    machine.share = 1.0
    assert [machine.step(n_tokens) for _ in range(4)][2:] == [1, 1]
    assert set(machine.run(20.0)) == {1}


def test_a_quiet_neighbour_gives_them_back() -> None:
    """Soon after it is quiet, but not in the first pause."""
    machine = Machine()
    machine.share = 1.0
    machine.run(1.0)
    machine.share = 0.0
    assert set(machine.run(0.15)) == {1}
    machine.run(0.2)
    assert set(machine.run(1.0)) == {2}


def test_a_neighbour_that_shows_the_answer_is_not_busy() -> None:
    """A third of a core, as for drawing text, is no reason."""
    machine = Machine()
    machine.share = 0.35
    assert set(machine.run(3.0)) == {2}


def test_what_was_done_between_two_answers_does_not_count() -> None:
    """A cell that worked for a minute and then asks gets all threads; a neighbour that rested gave them back."""
    machine = Machine()
    machine.run(1.0)
    machine.share = 1.0
    machine.rest(60.0)
    machine.share = 0.0
    assert set(machine.run(1.0)) == {2}
    machine.share = 1.0
    machine.run(1.0)
    machine.share = 0.0
    machine.rest(5.0)
    assert set(machine.run(1.0)) == {2}


def test_bursts_do_not_make_it_swing() -> None:
    """A neighbour that works every now and then makes the pause longer, so changes become few."""
    machine = Machine()
    for _ in range(100):
        machine.share = 1.0
        machine.run(0.15)
        machine.share = 0.0
        machine.run(0.4)
    late = machine.used[len(machine.used) // 2 :]
    assert changes(late) <= 8


def test_with_a_core_left_the_neighbour_has_it() -> None:
    """Two threads on four cores leave room enough: they stay, and only the switch interval has to follow."""
    machine = Machine(most=2, cores=4)
    machine.share = 1.0
    assert set(machine.run(1.0)) == {2}
    assert machine.governor.neighbour_busy


@pytest.mark.parametrize("most", [1, 0, -3])
def test_one_thread_stays_one(most: int) -> None:
    """There is no less than one."""
    machine = Machine(most=most)
    machine.share, machine.others = 1.0, True
    assert set(machine.run(3.0)) == {1}
    assert machine.governor.neighbour_busy


@pytest.mark.parametrize("knows", [True, False])
def test_another_program_is_noticed_by_the_steps(knows: bool) -> None:
    """Steps that have become many times slower: one thread fewer, and all again when the program is gone."""
    machine = Machine(knows=knows)
    machine.run(1.0)
    machine.others = True
    machine.run(2.0)
    beside = machine.run(120.0)
    assert beside.count(2) <= 10
    assert not any(a == b == c == 2 for a, b, c in zip(beside, beside[1:], beside[2:], strict=False))
    machine.others = False
    machine.run(61.0)
    assert set(machine.run(5.0)) == {2}


def test_a_program_that_comes_and_goes_does_not_make_it_swing() -> None:
    """Each change is followed by a pause."""
    machine = Machine(knows=False)
    machine.run(1.0)
    for _ in range(60):
        machine.others = not machine.others
        machine.run(1.5)
    assert changes(machine.used) <= 60


@pytest.mark.parametrize("slower", [2.0, 4.0, 20.0])
def test_a_slow_machine_is_not_throttled(slower: float) -> None:
    """Slow from the beginning, or slower from now on with any number of threads: all threads but for short trials."""
    machine = Machine(plain_s=0.008 * slower)
    assert set(machine.run(5.0)) == {2}
    machine = Machine()
    machine.run(1.0)
    machine.plain_s *= slower
    used = machine.run(20.0)
    assert used.count(1) <= 8
    assert set(machine.run(20.0)) == {2}


def test_an_answer_that_grows_slower_is_not_throttled() -> None:
    """Attention costs more with every token; so do single steps of any length that are slow by chance."""
    machine = Machine(knows=False)
    chance = random.Random(1)
    for n in range(4_000):
        machine.plain_s = 0.008 * (1 + n / 500) * (10 if chance.random() < 0.05 else 1)
        assert machine.step() == 2


def test_prompts_do_not_confuse_it() -> None:
    """Steps with many tokens take long, and nobody is blamed for it."""
    machine = Machine(knows=False)
    for _ in range(20):
        for _ in range(6):
            assert machine.step(256) == 2
        for _ in range(30):
            assert machine.step() == 2


def test_batches_get_all_threads_back() -> None:
    """What single steps taught is not held against a map that never makes any."""
    machine = Machine(knows=False)
    machine.run(1.0)
    machine.others = True
    machine.run(2.0)
    assert machine.step() == 1
    machine.others = False
    machine.run(4.0, n_tokens=8)
    assert set(machine.run(5.0, n_tokens=8)) == {2}


def test_a_busy_neighbour_is_not_taken_for_another_program() -> None:
    """The steps that it slows before it is noticed start no trial that goes on afterwards."""
    machine = Machine()
    machine.run(1.0)
    for _ in range(10):
        machine.share = 1.0
        machine.run(0.5)
        machine.share = 0.0
        machine.run(3.0)
        assert set(machine.run(2.0)) == {2}


def test_the_main_threads_clock() -> None:
    """It moves while the main thread works, and hardly while another one does."""
    clock = main_thread_clock()
    if clock is None:
        assert not hasattr(time, "pthread_getcpuclockid")
        return
    found: list[float] = []

    def elsewhere() -> None:
        before, own = clock(), time.thread_time()
        while time.thread_time() - own < 0.05:
            pass
        found.append(clock() - before)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found[0] < 0.04
    before = clock()
    wait_for(lambda: sum(range(10_000)) > 0 and clock() > before)


def test_another_process_clock() -> None:
    """It tells the CPU time of a process, and stands still when that has ended; there is none for no process."""
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    now = [0.0]
    clock = process_clock(child.pid, lambda: now[0])
    assert clock is not None
    child.communicate()
    known = clock()
    now[0] += 1.0
    assert clock() == known
    assert process_clock(child.pid) is None
    mine = process_clock(os.getpid())
    assert mine is not None
    assert mine() > 0


def test_another_process_is_asked_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most every 100 ms, however short the steps are."""
    import psutil

    asked: list[int] = []
    real = psutil.Process.cpu_times
    monkeypatch.setattr(psutil.Process, "cpu_times", lambda self: (asked.append(1), real(self))[1])
    now = [0.0]
    clock = process_clock(os.getpid(), lambda: now[0])
    assert clock is not None
    for _ in range(100):
        now[0] += 0.009
        clock()
    assert len(asked) <= 10


@pytest.fixture
def interval() -> Iterator[Callable[[], float]]:
    own = sys.getswitchinterval()
    sys.setswitchinterval(0.004)
    yield lambda: round(sys.getswitchinterval(), 6)
    sys.setswitchinterval(own)


def test_the_switch_interval_follows_the_neighbour(interval: Callable[[], float]) -> None:
    """Short while it is busy, the person's own otherwise and afterwards, errors included."""

    def fail(switch: SwitchInterval) -> None:
        switch.follow(True)
        raise KeyboardInterrupt

    with SwitchInterval() as switch:
        assert interval() == 0.004
        for busy, expected in ((True, 0.0005), (True, 0.0005), (False, 0.004), (True, 0.0005)):
            switch.follow(busy)
            assert interval() == expected
    assert interval() == 0.004
    with pytest.raises(KeyboardInterrupt), SwitchInterval() as switch:
        fail(switch)
    assert interval() == 0.004


@pytest.mark.parametrize("theirs", [0.02, 0.0001])
def test_a_switch_interval_that_somebody_set_meanwhile_stays(interval: Callable[[], float], theirs: float) -> None:
    """It is theirs: not given back, and not fought over within a step."""
    with SwitchInterval() as switch:
        switch.follow(True)
        sys.setswitchinterval(theirs)
        switch.follow(True)
        assert interval() == theirs
    assert interval() == theirs


def test_a_shorter_switch_interval_is_left_alone(interval: Callable[[], float]) -> None:
    """Whoever chose less knows why."""
    sys.setswitchinterval(0.0001)
    with SwitchInterval() as switch:
        switch.follow(True)
        assert interval() == 0.0001
    assert interval() == 0.0001


def test_two_of_them_give_it_back_together(interval: Callable[[], float]) -> None:
    """Two models at a time: whoever is last to leave, the person's own value is back."""
    first, second = SwitchInterval(), SwitchInterval()
    for switch in (first, second):
        switch.follow(True)
    first.follow(False)
    second.follow(True)
    assert interval() == 0.0005
    second.follow(False)
    assert interval() == 0.004


def changes(used: list[int]) -> int:
    return sum(a != b for a, b in itertools.pairwise(used))
