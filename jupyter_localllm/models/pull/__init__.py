"""Fetching models by name: over the hub or from an address, gone on with, checked, and named only when whole."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar
from urllib.request import getproxies

from jupyter_localllm.config.reach import reachable
from jupyter_localllm.errors import ModelFileError, PullError
from jupyter_localllm.models.checks import check_model
from jupyter_localllm.models.found import stem
from jupyter_localllm.models.identity import sha256_of
from jupyter_localllm.models.kinds import kind_of
from jupyter_localllm.models.parts import parts_of
from jupyter_localllm.models.pull import by_hub, copied
from jupyter_localllm.models.pull.elsewhere import already
from jupyter_localllm.models.pull.fetch import Patience, Tell, check_offer, fetch, is_there
from jupyter_localllm.models.pull.hub import Hub, HubFile, choose, quantization_in
from jupyter_localllm.models.pull.partial import Partial
from jupyter_localllm.models.pull.room import check_all
from jupyter_localllm.models.pull.target import Target
from jupyter_localllm.models.pull.trouble import CONNECTION, Broken, tries_of
from jupyter_localllm.models.pull.wanted import Wanted, read
from jupyter_localllm.types import Status

__all__ = ["Hub", "HubFile", "Patience", "Pulled", "choose", "pull", "quantization_in"]

T = TypeVar("T")


@dataclass(frozen=True)
class Pulled:
    """A model that is here now.

    Parameters
    ----------
    name : str
        What it can be called.
    path : Path
        Its file; of a model in several files the first.
    size_bytes : int
        Of all its files.
    sha256 : str
        As `jupyter_localllm.models.sha256_of` gives it.
    kind : str
        What it is for (`jupyter_localllm.models.kinds.Kind`).
    promised : bool
        Whether its sha256 is the one that the catalog or the hub promised.
    fetched : bool
        False if it was here before.
    note : str
        What a person should know of it; empty if nothing.
    place : str
        Whose folder it lies in, where it was found there and need not be fetched; empty for ours.
    """

    name: str
    path: Path
    size_bytes: int
    sha256: str
    kind: str
    promised: bool
    fetched: bool
    note: str = ""
    place: str = ""


def pull(
    wanted: str,
    folder: str | os.PathLike[str],
    memo: MutableMapping[str, str],
    *,
    tell: Tell = lambda _status: None,
    hub: Hub | None = None,
    search: Sequence[str | os.PathLike[str]] = (),
    force: bool = False,
    by_huggingface_hub: bool | None = None,
    patience: Patience | None = None,
) -> Pulled:
    """Fetch a model.

    Nothing but the named model is fetched: all of its parts if there are several; and nothing where another folder has
    it. It is resumed where an earlier call
    stopped, and has its name only once size, sha256 (where one is promised) and header were checked.

    Parameters
    ----------
    wanted : str
        See `jupyter_localllm.models.pull.wanted.read`.
    folder : path
        Where it goes, in a folder of its repository's name.
    memo : MutableMapping
        Where hashes are remembered.
    tell : callable
        Is called with a `Status` of the stage ``"pulling"`` about ten times a second.
    hub : Hub, optional
        The environment's if not given.
    search : sequence of paths
        Folders that may have it, and words of `jupyter_localllm.models.found.PLACES`.
    force : bool
        Whether it is fetched although another folder has it, and another file of the same name is replaced.
    by_huggingface_hub : bool, optional
        Whether files of the hub come over huggingface_hub; if it is installed, unless this says otherwise.
    patience : Patience, optional
        How long a broken connection is tried again.

    Raises
    ------
    ModelNotFound
        Nothing is called that.
    PullError
        It cannot be had, finds no room, or is not what was promised.
    ModelFileError
        A file on this machine that is to be taken is no model.
    """
    hub, patience, root = hub or Hub(), patience or Patience(), Path(folder).expanduser().absolute()
    if "\0" in str(root):
        raise PullError(f"{str(root)!r} holds a zero character, which no folder's name can", "Name another (pull_dir).")
    if not reachable(root):
        raise PullError(f"{root} does not answer.", "See to the mount, or name another folder (pull_dir).")
    over_hub = find_spec("huggingface_hub") is not None if by_huggingface_hub is None else by_huggingface_hub
    asked: Wanted = _patiently(lambda: read(wanted, root, hub), patience, tell)
    missing = [target for target in asked.targets if force or not is_there(target, memo)]
    if missing and not force and (spot := already(asked.targets, search, memo, tell)) is not None:
        name = asked.name if spot.name.casefold() == stem(asked.targets[0].path).casefold() else spot.name
        return _judged(replace(asked, name=name), parts_of(spot.path)[0], memo, fetched=False, place=spot.place)
    check_all(missing, hub, patience.silence_s)
    fetched = False
    for target in missing:
        with Partial(target.path) as partial:
            if not force and is_there(target, memo):  # another process has just brought it, and may use it
                continue
            fetched = True
            if target.source is not None:
                copied.fetch(target, partial, tell, memo)
            elif not (over_hub and target.repository and _by_hub(target, partial, tell, memo, hub, patience)):
                fetch(target, partial, tell, memo, token=hub.token_for(target.url), patience=patience)
    return _judged(asked, asked.targets[0].path, memo, fetched=fetched)


def _by_hub(  # noqa: PLR0917
    target: Target, partial: Partial, tell: Tell, memo: MutableMapping[str, str], hub: Hub, patience: Patience
) -> bool:
    """Whether huggingface_hub brought it."""
    if target.noted:
        try:
            check_offer(target, hub.token, patience)
        except Broken as broken:
            # Its client would go on trying for half a minute; it knows one way more than ours, the proxy for all.
            if broken.absent and "all" not in getproxies():
                return False
    try:
        by_hub.fetch(target, partial, tell, memo, hub=hub)
        return True
    except by_hub.Unable as error:  # a mirror that its client does not take for a hub, a broken install
        tell(Status("pulling", f"huggingface_hub: {error} Trying plain HTTPS."))
        return False


def _judged(asked: Wanted, path: Path, memo: MutableMapping[str, str], *, fetched: bool, place: str = "") -> Pulled:
    """Look at the whole, once all of it is here."""
    note = ""
    header = check_model(path, known_architecture=lambda _name: True)
    try:
        check_model(path)
    except ModelFileError as error:  # of an architecture that the installed llama.cpp does not know yet
        note = str(error)
    kind = kind_of(header)
    promised = all(target.sha256 for target in asked.targets)
    return Pulled(asked.name, path, header.size_bytes, sha256_of(path, memo), kind, promised, fetched, note, place)


def _patiently(action: Callable[[], T], patience: Patience, tell: Tell) -> T:
    """Do what asks a server, again if the way breaks."""
    met = False
    for failures in range(1, patience.tries + 1):
        try:
            return action()
        except Broken as broken:
            met = met or not broken.absent
            if failures >= tries_of(broken, patience.tries, met=met):
                raise PullError(f"The hub cannot be reached: {broken.what}.", CONNECTION) from None
            tell(Status("pulling", f"{broken.what}; trying again"))
            time.sleep(min(broken.wait_s or patience.pause_s * 2 ** (failures - 1), 60.0))
    raise AssertionError("unreachable")
