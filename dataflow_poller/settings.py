"""App settings, read once a run and checked all together."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .errors import SettingsError
from .master_keys import MasterKey, MasterKeys
from .policy import PollingPolicy
from .urls import PUBLIC_URL, is_https_or_loopback, split_url

KEY_SETTING = "BING_MAPS_MASTER_KEY"
MAX_POLLERS = 20

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_QUEUE_NAME = re.compile(r"(?=.{3,56}\Z)[a-z0-9]+(-[a-z0-9]+)*")
_TABLE_NAME = re.compile(r"(?!(?i:tables)\Z)[A-Za-z][A-Za-z0-9]{2,62}")
_KEY_NAME = re.compile(r"[A-Z0-9_]{1,64}")
_KEY_NAME_RULE = "a NAME of 1 to 64 of A-Z, 0-9 and _, other than DEFAULT"
_IDENTITY_PARTS = ("accountName", "queueServiceUri", "tableServiceUri")


@dataclass(frozen=True)
class StorageAccount:
    """How to reach the queues and the table: by connection string, or by URIs and an identity."""

    connection_string: str = field(default="", repr=False)
    queue_uri: str = ""
    table_uri: str = ""
    managed_identity: bool = False
    client_id: str | None = None


@dataclass(frozen=True)
class Settings:
    """Checked app settings. Durations are in seconds."""

    account: StorageAccount
    job_queue: str
    table: str
    master_keys: MasterKeys = field(repr=False)
    bing_maps_url: str
    concurrency: int
    run_seconds: float
    request_seconds: float
    policy: PollingPolicy

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read the app settings.

        Raises:
            SettingsError: names every setting that is wrong or missing. It shows no value: one setting's
                value pasted into another may be a key.
        """
        read = _Reader(env)
        settings = cls(
            account=read.account(),
            job_queue=read.text("JOB_QUEUE", "load-jobs", "a queue name of 3 to 56 letters", _is(_QUEUE_NAME)),
            table=read.text("DATASOURCE_TABLE", "DataSources", "a table name", _is(_TABLE_NAME)),
            master_keys=read.master_keys(),
            bing_maps_url=read.text(
                "BING_MAPS_URL",
                PUBLIC_URL,
                "https://host[:port], or http:// for a loopback host, with no path, query or user",
                _is_endpoint,
            ).rstrip("/"),
            concurrency=read.count("POLL_CONCURRENCY", 16, 256),
            run_seconds=read.number("POLL_RUN_SECONDS", 50, "from 1 to 1500", lambda n: 1 <= n <= 1500),
            request_seconds=read.number("POLL_REQUEST_SECONDS", 10, "from 0.1 to 100", lambda n: 0.1 <= n <= 100),
            policy=read.policy(),
        )
        read.count("POLLERS", 1, MAX_POLLERS)
        problems = read.problems
        # A traceback may be shown with its local variables, and these two hold the keys.
        del env, read
        if problems:
            raise SettingsError("wrong app settings: " + "; ".join(problems))
        return settings


def pollers(env: Mapping[str, str]) -> int:
    """How many timer functions to register: ``POLLERS``, or 1 where it is wrong (the run then says so)."""
    return _Reader(env).count("POLLERS", 1, MAX_POLLERS)


def _is(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _is_endpoint(url: str) -> bool:
    parts = split_url(url)
    return (
        parts is not None
        and is_https_or_loopback(parts)
        and url.count("/") <= 3
        and parts.path in ("", "/")
        and not re.search("[?#]", url)
    )


def _is_service_uri(uri: str) -> bool:
    parts = split_url(uri)
    return parts is not None and is_https_or_loopback(parts) and not re.search("[?#]", uri)


def _is_connection_string(text: str) -> bool:
    pairs = [pair.partition("=") for pair in text.strip().strip(";").split(";")]
    names = {name.strip().lower() for name, _, _ in pairs}
    if not all(equals and value for _, equals, value in pairs):
        return False
    if "usedevelopmentstorage" in names:
        return text.strip().rstrip(";").lower() == "usedevelopmentstorage=true"
    located = "accountname" in names or {"queueendpoint", "tableendpoint"} <= names
    return located and ({"accountname", "accountkey"} <= names or "sharedaccesssignature" in names)


class _Reader:
    """Reads settings and notes what is wrong, so that all of it can be said at once."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.problems: list[str] = []

    def text(self, name: str, default: str, expected: str, valid: Callable[[str], bool]) -> str:
        value = self._env.get(name, default).strip()
        if not valid(value):
            self.problems.append(f"{name}: expected {expected}")
            return default
        return value

    def number(self, name: str, default: float, expected: str, valid: Callable[[float], bool]) -> float:
        text = self._env.get(name, str(default)).strip()
        if not (_NUMBER.fullmatch(text) and valid(float(text))):
            self.problems.append(f"{name}: expected a number {expected}")
            return default
        return float(text)

    def count(self, name: str, default: int, high: int) -> int:
        text = self._env.get(name, str(default)).strip()
        if not (re.fullmatch(r"\+?0*\d{1,4}", text, re.ASCII) and 1 <= int(text) <= high):
            self.problems.append(f"{name}: expected a whole number from 1 to {high}")
            return default
        return int(text)

    def policy(self) -> PollingPolicy:
        low = self.number("POLL_MIN_DELAY_SECONDS", 30, "from 1 to 3600", lambda n: 1 <= n <= 3600)
        return PollingPolicy(
            delay_ratio=self.number("POLL_DELAY_RATIO", 0.1, "from 0 to 1", lambda n: 0 <= n <= 1),
            min_delay=low,
            max_delay=self.number(
                "POLL_MAX_DELAY_SECONDS",
                900,
                "from POLL_MIN_DELAY_SECONDS to 86400 (900 where it is not set)",
                lambda n: low <= n <= 86400,
            ),
            max_age=3600 * self.number("JOB_MAX_AGE_HOURS", 48, "above 0 and under 168", lambda n: 0 < n < 168),
        )

    def account(self) -> StorageAccount:
        """A connection string, or the parts of an identity-based connection as Azure Functions names them."""
        if connection_string := self._env.get("JobStorage", "").strip():
            if not _is_connection_string(connection_string):
                self.problems.append("JobStorage: expected a storage connection string")
            return StorageAccount(connection_string)
        if not any(self._env.get(f"JobStorage__{part}", "").strip() for part in _IDENTITY_PARTS):
            self.problems.append(
                "JobStorage: missing; expected a storage connection string, or JobStorage__accountName, "
                "or JobStorage__queueServiceUri and JobStorage__tableServiceUri"
            )
            return StorageAccount()
        name = self.text(
            "JobStorage__accountName",
            "",
            "a storage account name of 3 to 24 lower-case letters and digits",
            _is(re.compile("([a-z0-9]{3,24})?")),
        )
        identity = self.text(
            "JobStorage__credential",
            "",
            "managedidentity, or not to be set",
            lambda text: text.lower() in ("", "managedidentity"),
        )
        return StorageAccount(
            queue_uri=self._service_uri("queue", name),
            table_uri=self._service_uri("table", name),
            managed_identity=identity != "",
            client_id=self._env.get("JobStorage__clientId", "").strip() or None,
        )

    def _service_uri(self, service: str, account: str) -> str:
        default = f"https://{account}.{service}.core.windows.net" if account else ""
        expected = "an https:// URI, or JobStorage__accountName instead"
        return self.text(f"JobStorage__{service}ServiceUri", default, expected, _is_service_uri)

    def master_keys(self) -> MasterKeys:
        keys: dict[str, MasterKey] = {}
        unusable: dict[str, str] = {}
        for setting, raw in self._env.items():
            if setting != KEY_SETTING and not setting.startswith(KEY_SETTING + "_"):
                continue
            name = "DEFAULT" if setting == KEY_SETTING else setting[len(KEY_SETTING) + 1 :]
            if not _KEY_NAME.fullmatch(name) or setting == KEY_SETTING + "_DEFAULT":
                self.problems.append(f"{setting[:100]!a}: expected {KEY_SETTING}_<NAME>, {_KEY_NAME_RULE}")
            elif why := _why_unusable(raw.strip()):
                unusable[name.lower()] = why
            else:
                keys[name.lower()] = MasterKey(raw.strip())
        return MasterKeys(keys, unusable)


def _why_unusable(key: str) -> str:
    if not key:
        return "is empty"
    if key.startswith("@Microsoft.KeyVault("):
        return "is a Key Vault reference that did not resolve: check the secret and the identity's right to read it"
    try:
        key.encode()
    except UnicodeEncodeError:
        return "is not valid UTF-8 text"
    return ""
