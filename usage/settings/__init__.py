"""Settings from the environment and from `.env`."""

from usage.settings.addresses import LOOPBACK
from usage.settings.reports import ReportSettings
from usage.settings.settings import (
    ARCHIVE_OFF,
    BASE_URLS,
    KEY_VARIABLES,
    Credential,
    NotionSettings,
    Settings,
    load_settings,
    missing_token,
    variable_of,
)

__all__ = [
    "ARCHIVE_OFF",
    "BASE_URLS",
    "KEY_VARIABLES",
    "LOOPBACK",
    "Credential",
    "NotionSettings",
    "ReportSettings",
    "Settings",
    "load_settings",
    "missing_token",
    "variable_of",
]
