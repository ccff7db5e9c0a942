"""Settings: every one a trait, and the layers their values come from."""

from jupyter_localllm.config.filed import FileSettings
from jupyter_localllm.config.settings import DEFAULT_MODEL, Settings
from jupyter_localllm.config.telling import setting_table

__all__ = ["DEFAULT_MODEL", "FileSettings", "Settings", "setting_table"]
