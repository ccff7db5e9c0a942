"""Names whose values are not sent to a model unless the person named them.

Only the name is looked at, never the value: a test of values would have to guess, and would read secrets to do so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from jupyter_localllm.types import Note

__all__ = ["looks_secret", "secret_notes"]

_HUMPS = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORDS = re.compile(r"[^\W\d_]+")

# Words that stand for a secret wherever they stand in a name, in some languages.
_SECRET = frozenset(
    {
        *("password", "passwords", "passwd", "passphrase", "passcode", "pwd", "secret", "secrets"),
        *("credential", "credentials", "apikey", "apikeys", "authtoken", "accesstoken", "refreshtoken"),
        *("bearertoken", "secretkey", "privatekey", "accesskey", "passwort", "passworte", "passwörter"),
        *("kennwort", "kennwörter", "contraseña", "contraseñas", "contrasena", "senha", "senhas"),
        *("motdepasse", "wachtwoord", "hasło", "haslo", "lösenord", "пароль", "пароли", "密码", "密碼", "パスワード"),
        *("비밀번호",),
    }
)
_ENDINGS = ("password", "passwd", "passwort", "kennwort", "apikey", "secretkey", "privatekey", "accesskey")
# Words that stand for one only where the name ends with them.
_LAST = frozenset({"token", "cookie", "authorization", "bearer"})
_KEYS = frozenset({"api", "access", "private", "secret", "encryption", "signing", "ssh", "master", "auth", "account"})
# A name that ends in one of these speaks about a secret and does not hold it.
_ABOUT = frozenset(
    {
        *("count", "counts", "length", "len", "size", "type", "types", "policy", "strength", "required"),
        *("enabled", "date", "at", "url", "uri", "index", "idx", "limit", "usage", "min", "max", "age"),
    }
)
_ASKING = frozenset({"has", "is", "num", "n", "needs", "requires", "uses"})
# Tokens of a text or a tokenizer, not those of a login.
_OF_TEXT = frozenset(
    {
        *("eos", "bos", "pad", "unk", "mask", "sep", "cls", "next", "first", "last", "stop", "end", "start"),
        *("special", "per", "new", "current", "previous", "prev", "prompt", "completion", "input", "output"),
        *("begin", "image"),
    }
)


def looks_secret(name: str) -> bool:
    """Whether a name is one under which people keep secrets.

    Parameters
    ----------
    name : str
        A key, a field or a column, in any spelling: ``snake_case``, ``camelCase``, ``With-Dashes``.

    Returns
    -------
    bool

    Examples
    --------
    >>> looks_secret("dbPassword"), looks_secret("X-API-Key"), looks_secret("access_token")
    (True, True, True)
    >>> looks_secret("max_tokens"), looks_secret("keyboard"), looks_secret("secretary"), looks_secret("token_count")
    (False, False, False, False)
    """
    words = _WORDS.findall(_HUMPS.sub(" ", unicodedata.normalize("NFKC", name)).lower())
    if not words or words[-1] in _ABOUT or words[0] in _ASKING:
        return False
    if any(word in _SECRET or word.endswith(_ENDINGS) for word in words):
        return True
    if words[-1] in _LAST:
        return not (words[-1] == "token" and len(words) > 1 and words[-2] in _OF_TEXT)
    pairs = list(pairwise(words))
    if any(first in _KEYS and second in ("key", "keys") for first, second in pairs):
        return True
    if ("mot", "de") in pairs and ("de", "passe") in pairs:
        return True
    return words == ["cookies"] or ("session", "cookies") in pairs


def secret_notes(name: str, places: Sequence[str]) -> tuple[Note, ...]:
    """Tell which values were left out because of their names; nothing where none were.

    Parameters
    ----------
    name : str
        How the person calls the variable.
    places : sequence of str
        Where they stand: JSON pointers, or names of columns.
    """
    if not places:
        return ()
    some = ", ".join(places[:5]) + (f" and {len(places) - 5:,} more" if len(places) > 5 else "")
    subject = (
        "1 value of a name that looks like a secret is"
        if len(places) == 1
        else (f"{len(places):,} values of names that look like secrets are")
    )
    return (Note("secret", f"{subject} left out of {name}: {some}; name the value itself to send it"),)
