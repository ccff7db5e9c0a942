"""``%%llm`` may belong to someone else: notice it, say so, and give it back.

Other projects own a ``%%llm`` too (CellMage, LLMKernel). IPython lets whoever registers last have the name, in silence.
So `take` names the one it displaces, `lost` names the one that displaced us, and `release` puts everything back.
``%%localllm`` stays ours in any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["lost", "owned", "owner", "release", "take"]

Kind = Literal["line", "cell"]
_ESCAPE = {"line": "%", "cell": "%%"}
_KEPT = "localllm"
"""The name that is told as the one which always reaches us."""


@dataclass(frozen=True)
class _Claim:
    """What one shell's names were before us, and what we made of them. Keys are (kind, name)."""

    magics: Any
    ours: dict[tuple[Kind, str], Any]
    theirs: dict[tuple[Kind, str], Any]


# By shell and for as long as it lives: unloading an extension is a call with nothing but the shell.
_claims: WeakKeyDictionary[Any, _Claim] = WeakKeyDictionary()


def owner(shell: InteractiveShell, name: str, kind: Kind) -> str:
    """Name who has a magic now.

    Parameters
    ----------
    shell : InteractiveShell
    name : str
        Without percent signs.
    kind : {"line", "cell"}

    Returns
    -------
    str
        Distribution, version and module, as far as they are known: ``"cellmage 0.9.7 (cellmage.magics)"``. Empty if
        nobody has it. Nothing is imported or called to find out.
    """
    manager = shell.magics_manager
    present = manager.magics[kind].get(name)
    if present is not None:
        return _describe(present)
    # Declared in IPython's configuration, to be imported on first use.
    return str(getattr(manager, "lazy_magics", {}).get(name, ""))


def owned(shell: InteractiveShell, name: str, kind: Kind = "line") -> bool:
    """Whether a magic is ours at this moment."""
    claim = _claims.get(shell)
    return claim is not None and _is_ours(shell, claim, kind, name)


def take(shell: InteractiveShell, magics: Any) -> tuple[str, ...]:
    """Register our magics, over whoever has their names.

    Parameters
    ----------
    shell : InteractiveShell
    magics : IPython.core.magic.Magics
        An instance.

    Returns
    -------
    tuple of str
        A sentence for each other owner: who it is, how to reach us always, how to give the name back. Mostly empty.
    """
    release(shell)
    table = shell.magics_manager.magics
    ours: dict[tuple[Kind, str], Any] = {}
    theirs: dict[tuple[Kind, str], Any] = {}
    owners: dict[str, list[str]] = {}
    kinds: tuple[Kind, ...] = ("line", "cell")
    for kind in kinds:
        for name, function in magics.magics[kind].items():
            ours[kind, name] = function
            theirs[kind, name] = table[kind].get(name)
            if before := owner(shell, name, kind):
                owners.setdefault(before, []).append(_ESCAPE[kind] + name)
    shell.register_magics(magics)
    _claims[shell] = _Claim(magics, ours, theirs)
    return tuple(
        f"{_join(names)} belonged to {before}, and now to jupyter_localllm. {_always(names)}"
        "%unload_ext jupyter_localllm gives the name back."
        for before, names in owners.items()
    )


def lost(shell: InteractiveShell) -> str | None:
    """Tell who took a name of ours after us.

    Returns
    -------
    str or None
        A sentence that names the new owner and how to reach us; `None` if all names are ours still, or none ever was.
    """
    claim = _claims.get(shell)
    if claim is None:
        return None
    owners: dict[str, list[str]] = {}
    for kind, name in claim.ours:
        if not _is_ours(shell, claim, kind, name):
            owners.setdefault(owner(shell, name, kind) or "nobody", []).append(_ESCAPE[kind] + name)
    sentences = [
        f"{_join(names)} now belong{'' if len(names) > 1 else 's'} to {now}. {_always(names)}".rstrip()
        for now, names in owners.items()
    ]
    return " ".join((*sentences, "%reload_ext jupyter_localllm takes the name back.")) if sentences else None


def release(shell: InteractiveShell) -> None:
    """Undo `take`: who had our names before has them again; who took them since keeps them."""
    claim = _claims.pop(shell, None)
    if claim is None:
        return
    manager = shell.magics_manager
    for (kind, name), before in claim.theirs.items():
        if not _is_ours(shell, claim, kind, name):
            continue
        if before is None:
            del manager.magics[kind][name]
        else:
            manager.magics[kind][name] = before
    # IPython keeps the object in two more places; a reload would leave one more in each.
    registered = type(claim.magics).__name__
    if registered in manager.registry and manager.registry[registered] is claim.magics:
        del manager.registry[registered]
    shell.configurables[:] = [item for item in shell.configurables if item is not claim.magics]


def _is_ours(shell: InteractiveShell, claim: _Claim, kind: Kind, name: str) -> bool:
    function = claim.ours.get((kind, name))
    return function is not None and shell.magics_manager.magics[kind].get(name) == function


def _describe(magic: Any) -> str:
    if type(magic).__name__ == "LazyMagic":
        # IPython's stand-in for a magic not imported yet; any attribute but this one would import it.
        return str(magic.spec)
    if type(magic).__name__ == "MagicAlias":
        return f"an alias of {_ESCAPE.get(magic.magic_kind, '%')}{magic.magic_name}"
    holder = getattr(magic, "__self__", None)
    plain = getattr(magic, "func", magic)
    module = getattr(type(holder) if holder is not None else plain, "__module__", None) or type(magic).__module__
    if module == "__main__":
        return "a magic defined in this notebook"
    distribution = _distribution(module.partition(".")[0])
    return f"{distribution} ({module})" if distribution else f"the module {module}"


def _distribution(package: str) -> str:
    """Name the distribution that installed a package, with its version; empty if unknown."""
    from importlib import metadata

    try:
        names = metadata.packages_distributions().get(package, ())
        return f"{names[0]} {metadata.version(names[0])}" if names else ""
    except Exception:
        # Half-removed packages leave metadata that cannot be read; a name is not worth a failing %load_ext.
        return ""


def _join(names: list[str]) -> str:
    return " and ".join(sorted(names))


def _always(names: list[str]) -> str:
    """Say how to reach us always, unless that is what was taken."""
    kept = {_ESCAPE["line"] + _KEPT, _ESCAPE["cell"] + _KEPT} - set(names)
    return f"{_join(list(kept))} always {'reach' if len(kept) > 1 else 'reaches'} us. " if kept else ""
