"""App settings, read once a run and checked all together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from . import app_settings
from .app_settings import APP_SETTINGS, KEY_NAME_RULE
from .errors import SettingsError
from .master_keys import KEY_NAME, KEY_SETTING, MasterKey, MasterKeys, UnusableKey, key_setting
from .pasted import pasted
from .policy import PollingPolicy
from .setting_kinds import AppSetting

_LIKELY_OURS = ("POLL_", "POLLER", "JOB_QUEUE", "JOB_MAX", "DATASOURCE_", "COMPLETION_", "BING_MAPS_")
"""How the names of settings begin: one that nobody knows is most likely a typing error."""


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
    """Checked app settings. Durations are in seconds.

    Attributes:
        completion_queue: None where no events are sent.
        unknown: names of settings that are most likely typing errors.
    """

    account: StorageAccount
    job_queue: str
    table: str
    completion_queue: str | None
    master_keys: MasterKeys = field(repr=False)
    bing_maps_url: str
    concurrency: int
    run_seconds: float
    request_seconds: float
    policy: PollingPolicy
    unknown: tuple[str, ...]

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
            job_queue=read.value(app_settings.JOB_QUEUE),
            table=read.value(app_settings.DATASOURCE_TABLE),
            completion_queue=read.completion_queue(),
            master_keys=read.master_keys(),
            bing_maps_url=read.value(app_settings.BING_MAPS_URL),
            concurrency=read.value(app_settings.POLL_CONCURRENCY),
            run_seconds=read.value(app_settings.POLL_RUN_SECONDS),
            request_seconds=read.value(app_settings.POLL_REQUEST_SECONDS),
            policy=read.policy(),
            unknown=read.unknown(),
        )
        read.value(app_settings.POLLERS)
        problems = read.problems
        # A traceback may be shown with its local variables, and these two hold the keys.
        del env, read
        if problems:
            raise SettingsError(problems)
        return settings


def pollers(env: Mapping[str, str]) -> int:
    """How many timer functions to register: ``POLLERS``, or its default where it is wrong (the run then says so)."""
    return _Reader(env).value(app_settings.POLLERS)


class _Reader:
    """Reads settings and notes what is wrong, so that all of it can be said at once."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.problems: dict[str, str] = {}

    def value[T](self, setting: AppSetting[T]) -> T:
        """What a setting with a default is set to; the default where that is wrong."""
        assert setting.default is not None
        try:
            return setting.read(self._env.get(setting.name, setting.default))
        except ValueError as error:
            self.problems[setting.name] = str(error)
        return setting.read(setting.default)

    def optional[T](self, setting: AppSetting[T]) -> T | None:
        """What a setting without a default is set to; None where it is empty, not set or wrong."""
        text = self._env.get(setting.name, "")
        try:
            return setting.read(text) if pasted(text) else None
        except ValueError as error:
            self.problems[setting.name] = str(error)
        return None

    def completion_queue(self) -> str | None:
        setting, job_queue = app_settings.COMPLETION_QUEUE, app_settings.JOB_QUEUE
        name = self.optional(setting)
        if job_queue.name not in self.problems:
            of_jobs = self.value(job_queue)
            if name in (of_jobs, f"{of_jobs}-poison"):
                self.problems[setting.name] = "expected another queue than the job queue and its poison queue"
        return name

    def policy(self) -> PollingPolicy:
        ratio, low = self.value(app_settings.POLL_DELAY_RATIO), self.value(app_settings.POLL_MIN_DELAY_SECONDS)
        high = self.value(app_settings.POLL_MAX_DELAY_SECONDS)
        if high < low and app_settings.POLL_MIN_DELAY_SECONDS.name not in self.problems:
            setting = app_settings.POLL_MAX_DELAY_SECONDS
            self.problems.setdefault(setting.name, f"expected {setting.expected}")
        return PollingPolicy(ratio, low, high, max_age=3600 * self.value(app_settings.JOB_MAX_AGE_HOURS))

    def account(self) -> StorageAccount:
        """A connection string, or the parts of an identity-based connection as Azure Functions names them."""
        setting = app_settings.JOB_STORAGE
        if (connection_string := self.optional(setting)) or setting.name in self.problems:
            return StorageAccount(connection_string or "")
        name = self.optional(app_settings.ACCOUNT_NAME)
        queue_uri = self.optional(app_settings.QUEUE_SERVICE_URI)
        table_uri = self.optional(app_settings.TABLE_SERVICE_URI)
        if not (name or queue_uri or table_uri or self.problems):
            self.problems[setting.name] = f"missing, expected {setting.expected}"
        elif name is None and app_settings.ACCOUNT_NAME.name not in self.problems:
            for uri, part in ((queue_uri, app_settings.QUEUE_SERVICE_URI), (table_uri, app_settings.TABLE_SERVICE_URI)):
                if uri is None:
                    self.problems.setdefault(part.name, f"missing, expected {part.expected}")
        return StorageAccount(
            queue_uri=queue_uri or f"https://{name}.queue.core.windows.net",
            table_uri=table_uri or f"https://{name}.table.core.windows.net",
            managed_identity=self.optional(app_settings.CREDENTIAL) is not None,
            client_id=self.optional(app_settings.CLIENT_ID),
        )

    def master_keys(self) -> MasterKeys:
        keys: dict[str, MasterKey] = {}
        unusable: dict[str, UnusableKey] = {}
        for setting, text in self._env.items():
            if setting != KEY_SETTING and not setting.startswith(KEY_SETTING + "_"):
                continue
            name = setting.removeprefix(KEY_SETTING).removeprefix("_") or "DEFAULT"
            if not KEY_NAME.fullmatch(name) or key_setting(name) != setting:
                self.problems[_shown(setting)] = f"expected {app_settings.OTHER_MASTER_KEY.name}, {KEY_NAME_RULE}"
                continue
            try:
                keys[name.lower()] = MasterKey(app_settings.OTHER_MASTER_KEY.read(text))
            except ValueError as error:
                unusable[name.lower()] = UnusableKey(setting, str(error))
        return MasterKeys(keys, unusable)

    def unknown(self) -> tuple[str, ...]:
        return tuple(
            sorted(
                _shown(name)
                for name in self._env
                if name.startswith(_LIKELY_OURS) and name not in APP_SETTINGS and not name.startswith(KEY_SETTING + "_")
            )
        )


def _shown(name: str) -> str:
    """A setting's name as it can be shown: no longer than a name should be, and one line."""
    return ascii(name)[1:-1][:120]
