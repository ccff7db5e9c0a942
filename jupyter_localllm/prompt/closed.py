"""What the sandbox of `jupyter_localllm.prompt.sandbox` keeps closed: the tables, and the questions asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping, MutableSequence, MutableSet
from types import BuiltinFunctionType, ModuleType
from typing import Any

from jinja2.exceptions import SecurityError

__all__ = ["MAX_BITS", "MAX_ITEMS", "changes", "check_arguments", "check_size", "forbidden", "leaves_package"]

MAX_ITEMS = 10_000_000
"""Most items or characters that a repetition (``"x" * n``) may make."""

MAX_BITS = 1_000_000
"""Most bits of a power of integers."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Methods that change what they belong to, by the kind of the object. Jinja's own table lacks some of them.
_CHANGING_KINDS: tuple[tuple[type, frozenset[str]], ...] = (
    (
        MutableSet,
        _names("add clear difference_update discard intersection_update pop remove symmetric_difference_update update"),
    ),
    (MutableMapping, _names("clear move_to_end pop popitem setdefault subtract update")),
    (
        MutableSequence,
        _names(
            "append appendleft byteswap clear extend extendleft frombytes fromfile fromlist fromunicode insert pop "
            "popleft remove reverse rotate sort"
        ),
    ),
)
# The same, by the package of the object's class; with them methods whose only work is to write.
_CHANGING_PACKAGES: dict[str, frozenset[str]] = {
    "pandas": _names(
        "insert isetitem pop putmask update to_clipboard to_excel to_feather to_gbq to_hdf to_iceberg to_orc "
        "to_parquet to_pickle to_sql to_stata"
    ),
    "polars": _names(
        "append drop_in_place extend insert_column replace_column scatter write_avro write_clipboard write_database "
        "write_delta write_excel write_iceberg write_ipc write_ipc_stream write_parquet"
    ),
    "numpy": _names("byteswap dump fill itemset partition put resize setfield setflags sort tofile"),
    "pathlib": _names(
        "chmod copy copy_into hardlink_to lchmod link_to mkdir move move_into open rename replace rmdir symlink_to "
        "touch unlink write_bytes write_text"
    ),
}
# Methods that give a text, or write it if they get a file.
_TEXT_WRITERS = _names("to_csv to_html to_json to_latex to_markdown to_string to_xml write_csv write_json write_ndjson")
_FILES = _names("buf file path path_or_buf path_or_buffer")
_BY_NAME = _names("agg aggregate apply transform")  # pandas' methods that take the name of another
_NOT_BY_NAME = _CHANGING_PACKAGES["pandas"] | _TEXT_WRITERS | _BY_NAME | _names("eval query")

# Functions of these modules run code, start programs, or reach files and the network.
_CLOSED = _names(
    "IPython _ctypes _interpreters _io _operator _pickle _posixsubprocess _socket aiohttp annotationlib asyncio "
    "cloudpickle code codeop compression concurrent.interpreters ctypes dill ftplib gc http httpx importlib inspect io "
    "ipykernel joblib marshal multiprocessing nt operator os pickle posix pty requests runpy shelve shutil signal "
    "smtplib socket subprocess sys tempfile threading types urllib urllib3 webbrowser"
)
# The same for these functions: hints that are texts are run as code; Python 3.14 has the openers in `compression`, too.
_CLOSED_FUNCTIONS = _names(
    "bz2.BZ2File bz2.open gzip.GzipFile gzip.open lzma.LZMAFile lzma.open typing.evaluate_forward_ref "
    "typing.get_type_hints typing_extensions.evaluate_forward_ref typing_extensions.get_type_hints"
)
# The same for functions of these packages whose names begin so.
_DATA_PACKAGES = _names("numpy pandas polars pyarrow torch")
_READERS = ("fromfile", "genfromtxt", "load", "memmap", "read_", "save", "scan_")
_OPEN = _names("inspect.cleandoc inspect.getdoc inspect.getsource inspect.signature")
_OPEN_BUILTINS = _names(
    "abs all any bin bool bytes callable chr complex dict divmod enumerate filter float format frozenset hash hex int "
    "isinstance issubclass iter len list map max min next oct ord pow print range repr reversed round set slice sorted "
    "str sum tuple zip"
)


def leaves_package(module: ModuleType, value: Any) -> bool:
    """Whether a module's attribute is a module of somebody else, as ``json.codecs``: the usual way out."""
    return isinstance(value, ModuleType) and _package(value.__name__) != _package(module.__name__)


def _package(name: str) -> str:
    return name.partition(".")[0]


def changes(obj: Any, attr: str) -> bool:
    """Whether a method of this name changes the object, asked of the object or of its class."""
    kind = obj if isinstance(obj, type) else type(obj)
    if any(issubclass(kind, known) and attr in names for known, names in _CHANGING_KINDS):
        return True
    return any(attr in _CHANGING_PACKAGES.get(_package(base.__module__), ()) for base in kind.__mro__)


def forbidden(value: Any) -> bool:
    """Whether a function or class is closed to expressions, called or handed on."""
    if isinstance(value, ModuleType) or not callable(value):
        return False
    if isinstance(value, BuiltinFunctionType) and not isinstance(value.__self__, (ModuleType, type(None))):
        return False  # a method of a builtin value, as "a".upper
    owner = getattr(value, "__module__", None)
    module = owner if isinstance(owner, str) else type(value).__module__
    root, name = _package(module), str(getattr(value, "__qualname__", ""))
    if root == "builtins":
        return _forbidden_builtin(value, name)
    if root == "string":  # str.format again, without a guard
        return name.startswith("Formatter.")
    if root in _DATA_PACKAGES:
        return name.startswith(_READERS)
    named = f"{root}.{name}"
    return named in _CLOSED_FUNCTIONS or (not _CLOSED.isdisjoint((root, module)) and named not in _OPEN)


def _forbidden_builtin(value: Any, name: str) -> bool:
    if isinstance(value, type):
        return name not in _OPEN_BUILTINS and not issubclass(value, BaseException)
    return isinstance(value, BuiltinFunctionType) and name not in _OPEN_BUILTINS


MAX_WIDTH = 1_000_000  # characters that a text may be padded to
_WIDTHS = {"center", "expandtabs", "ljust", "rjust", "zfill"}


def check_arguments(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Refuse the arguments which make a reading method of a frame write, or run text as code."""
    name = getattr(function, "__name__", "")
    if name in _WIDTHS and any(isinstance(width, int) and width > MAX_WIDTH for width in (*args, *kwargs.values())):
        raise SecurityError(f"`{name}` to more than {MAX_WIDTH:,} characters")
    if kwargs.get("inplace") or kwargs.get("in_place"):
        raise SecurityError(f"`{name}` with inplace would change the notebook's data; without it, it gives a copy")
    if kwargs.get("eval_str"):
        raise SecurityError(f"`{name}` with eval_str would run hints as code")
    if str(getattr(function, "__module__", "")).partition(".")[0] not in ("pandas", "polars"):
        return
    if name in _TEXT_WRITERS and (args or kwargs.keys() & _FILES):
        raise SecurityError(f"`{name}` with a file would write it; without one, it gives the text")
    if name in ("eval", "query") and any("@" in text or "__" in text for text in _texts([*args, *kwargs.values()])):
        raise SecurityError(f"`{name}` with @ or __ reaches the interpreter; join values in with ~ instead")
    for text in _texts([*args, *kwargs.values()]) if name in _BY_NAME else ():
        if text.startswith("_") or text in _NOT_BY_NAME:
            raise SecurityError(f"`{text}` is closed to templates")


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _texts(value)
        elif isinstance(value, dict):
            yield from _texts(value.values())


def check_size(operator: str, left: Any, right: Any) -> None:
    """Refuse a power or a repetition whose result could end the kernel."""
    if operator == "**" and isinstance(left, int) and isinstance(right, int):
        if left.bit_length() * max(right, 0) > MAX_BITS:
            raise SecurityError(f"a power of more than {MAX_BITS:,} bits")
        return
    for many, count in ((left, right), (right, left)):
        if isinstance(many, (str, bytes, list, tuple)) and isinstance(count, int) and len(many) * count > MAX_ITEMS:
            raise SecurityError(f"a repetition to more than {MAX_ITEMS:,} items")
