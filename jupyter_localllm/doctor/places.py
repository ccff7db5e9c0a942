"""The cache's health, the settings, and every address that could be contacted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

from jupyter_localllm import offline
from jupyter_localllm.cache.health import examine_databases
from jupyter_localllm.config import setting_table
from jupyter_localllm.config.masked import masked
from jupyter_localllm.doctor.report import Finding
from jupyter_localllm.doctor.subject import Subject
from jupyter_localllm.errors import LocalLLMError
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.pull.hub import Hub

__all__ = ["check_cache", "check_network", "check_settings"]

_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
_MODELS = ("model", "draft_model", "embedding_model")


def check_cache(subject: Subject) -> Iterator[Finding]:
    """Whether it can be used, what is in it, whether it is whole, and whether the disk has room."""
    cache, settings = subject.cache, subject.settings
    if settings.cache == "off":
        text = f"the answer cache is off ({settings.origin('cache')}): every cell asks the model again"
        yield Finding("cache", "note", text, '%config LocalLLM.cache = "use"')
    folder = cache.directory
    elsewhere = f"%config LocalLLM.cache_dir = {os.path.expanduser('~/llm-cache')!r}"
    if not cache.usable:
        text = f"{folder} cannot be used: it is somebody else's, held, or forbidden; answers are not kept"
        yield Finding("cache", "problem", text, elsewhere)
        return
    stats = cache.stats()
    yield Finding(
        "cache",
        "ok",
        f"{stats.entries:,} answers, {size_text(stats.size_bytes)} of at most {size_text(settings.cache_size)}, "
        f"in {folder}",
    )
    if stats.read_only:
        text = f"{folder} is read-only: the answers in it are used, and new ones are not kept"
        yield Finding("cache", "warning", text, elsewhere)
    for name, trouble in examine_databases(folder, read_only=stats.read_only):
        yield Finding("cache", "warning", f"{name}: {trouble}", elsewhere if stats.read_only else "%llm cache clear")
    if stats.read_only:
        return
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return
    if free < 1 << 30:
        text = f"the disk of {folder} has {size_text(free)} left"
        yield Finding("cache", "warning", text, f"%llm cache prune --days 30, or {elsewhere}")


def check_settings(subject: Subject) -> Iterator[Finding]:
    """What is not as it comes, and where it was set."""
    told = [
        f"{name} = {value!r} ({origin})" if len(repr(value)) < 60 else f"{name} ({origin})"
        for name, value, origin, _ in masked(list(setting_table(subject.settings)))
        if origin != "default"
    ]
    yield Finding("settings", "ok", f"set: {', '.join(told)}" if told else "all are the defaults")


def check_network(subject: Subject) -> Iterator[Finding]:
    """Every address that a setting would allow to be contacted; nothing is contacted to find out."""
    settings, named = subject.settings, False
    yield from _guard(settings)
    for name in _MODELS:
        model = str(getattr(settings, name, "") or "")
        if model and subject.is_served(model):
            named = True
            try:
                yield Finding("network", "ok", f"{name} = {masked(model)}: {masked(subject.find(model))}")
            except LocalLLMError as error:
                yield Finding("network", "warning", f"{name} = {masked(model)}: {masked(error.message)}", error.hint)
    if endpoint := str(getattr(settings, "endpoint", "") or ""):
        named = True
        yield Finding("network", "ok", f"endpoint = {masked(endpoint)} ({settings.origin('endpoint')})")
    if not named:
        text = "no setting names an address: answers need no network, and nothing leaves this machine"
        yield Finding("network", "ok", text)
    if getattr(settings, "allow_remote", False):
        elsewhere = ", ".join(masked(list(getattr(settings, "elsewhere", tuple)())))
        where = f"prompts leave this machine, to {elsewhere}" if elsewhere else "prompts may go to other machines"
        text = f"allow_remote is on ({settings.origin('allow_remote')}): {where}"
        yield Finding("network", "note", text, "%config LocalLLM.allow_remote = False")
    hub = Hub(forbidden=bool(getattr(settings, "offline", None)))
    proxies = [f"{name}={_proxy(value)}" for name in _PROXIES if (value := _variable(name))]
    text = (
        f"%llm pull, and nothing else, asks {masked(hub.endpoint)} and the hosts that it redirects to, or the address "
        "that is named, and only for what is named"
    )
    text = "%llm pull asks nobody: HF_HUB_OFFLINE forbids it" if hub.offline else text
    text = "%llm pull asks nobody: offline forbids it" if hub.forbidden else text
    yield Finding("network", "note", text + (f"; through {', '.join(proxies)}" if proxies else ""))


def _guard(settings: Any) -> Iterator[Finding]:
    """How the guard of the offline promise stands, and what it refused."""
    wish, guard = getattr(settings, "offline", None), offline.state()
    if wish:
        text = f"offline is on ({settings.origin('offline')}): servers, clusters and %llm pull are refused"
        yield Finding("network", "ok", text)
    if not guard.stands and wish is not False:
        text = "no guard watches this package's own connections: another tool has put its own functions into `socket`"
        yield Finding("network", "warning", text, "Make a handle after it, as LocalLLM(): the guard stands anew.")
        return
    if not guard.stands:
        text = f"offline = {wish} ({settings.origin('offline')}): no guard watches this package's own connections"
        yield Finding("network", "note", text, "%config LocalLLM.offline = None")
        return
    if not guard.refused:
        yield Finding("network", "ok", "the guard stands: this package's own work contacts nobody, and did not try to")
        return
    last = guard.refused[-1]
    times = f"{guard.count:,} times" if guard.count > 1 else "once"
    text = f"the guard refused a connection {times}, the last one to {masked(last.where)} ({last.who})"
    yield Finding("network", "warning", text, "Please report it: this package's own work needs no connection.")


def _variable(name: str) -> str:
    return os.environ.get(name) or os.environ.get(name.lower()) or ""


def _proxy(value: str) -> str:
    """A proxy as people may see it; it may be named without a scheme."""
    return str(masked(value if "://" in value else f"http://{value}"))
