"""The one place where the version stands (``labextension/package.json`` is tested to agree)."""

__version__ = "0.1.0"
