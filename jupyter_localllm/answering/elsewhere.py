"""Addresses outside of this machine that were asked on the way to an answer, told by what it ends with."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from jupyter_localllm.answering.evidence import Limits
from jupyter_localllm.types import AskEvent, Cited, Done, Result, Status, united

__all__ = ["asked_elsewhere", "telling_addresses"]


def telling_addresses(events: Generator[AskEvent, None, None]) -> Generator[AskEvent, None, None]:
    """The same events; their `Cited` and `Done` tell all addresses that any of those before them did."""
    remote = ""
    try:
        for event in events:
            if isinstance(event, Status):
                remote = united(remote, event.remote)
            if isinstance(event, Done):
                yield Done(_told(event.result, remote))
            elif isinstance(event, Cited):
                yield Cited(replace(event.answer, result=_told(event.answer.result, remote)))
            else:
                yield event
    finally:
        events.close()


def asked_elsewhere(limits: Limits) -> Generator[Status, None, None]:
    """Tell that passages were embedded on another machine, if they were."""
    if remote := str(getattr(limits.embed, "asked_elsewhere", "")):
        yield Status("sources", remote=remote)


def _told(result: Result, remote: str) -> Result:
    provenance = result.provenance
    return replace(result, provenance=replace(provenance, remote=united(remote, provenance.remote)))
