"""The stack's configuration, checked whole before any resource is registered."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pulumi

from dataflow_poller import app_settings as app
from dataflow_poller.errors import SettingsError
from dataflow_poller.master_keys import KEY_SETTING, key_setting
from dataflow_poller.ncrontab import Schedule
from dataflow_poller.pasted import pasted
from dataflow_poller.settings import Settings
from deployment import readers
from deployment.readers import Principal, WrongValue
from deployment.windows import AlertWindows

INFRA = Path(__file__).resolve().parents[1]

SCHEDULE = "0 * * * * *"
"""Of the runs, where the configuration says none: the app has no default for it."""

APP_SETTINGS = {
    setting.configuration_key: setting
    for setting in app.APP_SETTINGS.values()
    if setting not in (app.JOB_STORAGE, *app.STORAGE_PARTS) and not setting.name.startswith(KEY_SETTING)
}
"""Configuration key -> the app setting that it becomes."""

_NAMES = {setting.name: name for name, setting in APP_SETTINGS.items()}
_END_OF_RUN = timedelta(seconds=30)
"""A run takes POLL_RUN_SECONDS, POLL_REQUEST_SECONDS and this at most."""


@dataclass(frozen=True)
class DeploymentConfig:
    """Checked configuration.

    Attributes:
        master_keys: by name as in messages, lower case; the values are secret outputs.
        app_settings: the app's settings, but for keys and connections.
        alert_email, action_group_id: empty where not given.
        monthly_budget: in the subscription's currency; None: no budget.
        diagnostic_logs: whether the logs of storage and vault are kept, too.
        oldest_job_hours: of the alert.
        operators: may do what submitters may, and more.
        tags: those of the user.
    """

    location: str
    master_keys: Mapping[str, pulumi.Output[str]]
    app_settings: Mapping[str, str]
    windows: AlertWindows
    alert_email: str
    action_group_id: str
    monthly_budget: int | None
    diagnostic_logs: bool
    private_network: bool
    storage_redundancy: str
    instance_memory: int
    oldest_job_hours: int
    submitters: tuple[Principal, ...]
    operators: tuple[Principal, ...]
    tags: Mapping[str, str]

    @property
    def job_queue(self) -> str:
        """The job queue's name."""
        return self.app_settings[app.JOB_QUEUE.name]

    @property
    def completion_queue(self) -> str | None:
        """The completion queue's name; None where no events are sent."""
        return self.app_settings.get(app.COMPLETION_QUEUE.name)

    @property
    def table(self) -> str:
        """The table's name."""
        return self.app_settings[app.DATASOURCE_TABLE.name]

    @property
    def pollers(self) -> str:
        """How many timers the app has."""
        return self.app_settings[app.POLLERS.name]

    @classmethod
    def load(cls) -> "DeploymentConfig":
        """Read and check the stack's configuration.

        Raises:
            pulumi.RunError: names every wrong value at once, and shows no key.
        """
        read = _Reader()
        keys = read.master_keys()
        app_settings = read.app_settings()
        settings = read.settings(app_settings, keys)
        schedule = read.schedule(app_settings[app.POLL_SCHEDULE.name])
        every = timedelta(minutes=int(read.value("alertMinutes", readers.one_of("15", "5", "10", "30", "45", "60"))))
        config = cls(
            location=read.location(),
            master_keys={name: pulumi.Output.secret(pasted(key)) for name, key in keys.items()},
            app_settings=app_settings,
            windows=read.windows(schedule, settings, every),
            alert_email=read.value("alertEmail", readers.email),
            action_group_id=read.value("actionGroupId", readers.action_group),
            monthly_budget=read.value("monthlyBudget", readers.whole_number(1, 1_000_000, default=None)),
            diagnostic_logs=read.value("diagnosticLogs", readers.flag),
            private_network=read.value("privateNetwork", readers.flag),
            storage_redundancy=read.value("storageRedundancy", readers.one_of("LRS", "ZRS", "GZRS")),
            instance_memory=int(read.value("instanceMemory", readers.one_of("512", "2048", "4096"))),
            oldest_job_hours=read.value("oldestJobHours", readers.whole_number(1, 168, default=24)),
            submitters=read.value("submitters", readers.principals),
            operators=read.value("operators", readers.principals),
            tags=read.value("tags", readers.tags),
        )
        if config.monthly_budget and not (config.alert_email or config.action_group_id):
            read.problems.append("monthlyBudget: nobody would be told of it: set alertEmail or actionGroupId, too")
        if read.problems:
            raise pulumi.RunError("wrong configuration:\n  " + "\n  ".join(read.problems))
        if not (config.alert_email or config.action_group_id):
            pulumi.log.warn("Nobody is told of alerts. Set who is: pulumi config set alertEmail <address>")
        return config


class _Reader:
    """Reads values, and notes what is wrong so that all of it can be said at once.

    What stands in for a wrong value is never used.
    """

    def __init__(self) -> None:
        self._config = pulumi.Config()
        self.problems: list[str] = []

    def value[T](self, name: str, parse: Callable[[str], T]) -> T:
        """The value of that name; what an empty text means where it is wrong."""
        try:
            return parse(self._text(name))
        except WrongValue as error:
            self.problems.append(f"{name}: {error}")
        return parse("")

    def location(self) -> str:
        location = pulumi.Config("azure-native").get("location") or ""
        if not location:
            self.problems.append("azure-native:location: missing, expected a region that has Flex Consumption")
        return location

    def master_keys(self) -> dict[str, str]:
        full_key = self._config.full_key("masterKeys")
        try:
            keys = readers.master_keys(
                self._text("masterKeys"),
                is_secret=pulumi.runtime.is_config_secret(full_key),
                shown=readers.shown_keys(INFRA / f"Pulumi.{pulumi.get_stack()}.yaml", full_key),
            )
        except WrongValue as error:
            self.problems.append(f"masterKeys: {error}")
            return {}
        for name, key in keys.items():
            try:
                app.OTHER_MASTER_KEY.read(key)
            except ValueError as error:
                self.problems.append(f"masterKeys: {name}: {error}")
        return keys

    def app_settings(self) -> dict[str, str]:
        """App setting -> its text, for all that have one."""
        texts = {
            setting.name: pasted(self._text(name)) or setting.default or "" for name, setting in APP_SETTINGS.items()
        }
        texts[app.POLL_SCHEDULE.name] = texts[app.POLL_SCHEDULE.name] or SCHEDULE
        return {name: text for name, text in texts.items() if text}

    def settings(self, app_settings: Mapping[str, str], key_names: Iterable[str]) -> Settings:
        """The settings as the app will read them; where it lies, storage is known only later."""
        storage = {app.ACCOUNT_NAME.name: "known1later"}
        try:
            return Settings.from_env({**app_settings, **storage, **{key_setting(name): "" for name in key_names}})
        except SettingsError as error:
            for setting_name, why in error.problems.items():
                self.problems.append(f"{_NAMES.get(setting_name, 'masterKeys')}: {_in_our_words(why)}")
        return Settings.from_env(storage)

    def schedule(self, text: str) -> Schedule:
        try:
            return app.POLL_SCHEDULE.read(text)
        except ValueError as error:
            self.problems.append(f"pollSchedule: {error}")
        return app.POLL_SCHEDULE.read(SCHEDULE)

    def windows(self, schedule: Schedule, settings: Settings, every: timedelta) -> AlertWindows:
        longest_run = timedelta(seconds=settings.run_seconds + settings.request_seconds) + _END_OF_RUN
        delay = timedelta(seconds=settings.policy.delay(settings.policy.max_age).latest)
        try:
            return AlertWindows.of(schedule.longest_gap(), longest_run, delay, every)
        except ValueError as error:
            self.problems.append(f"pollSchedule: {error}")
        return AlertWindows.of(timedelta(minutes=1), longest_run, delay, every)

    def _text(self, name: str) -> str:
        # Not through Config.get: that warns where a value is secret, and the names of the keys are needed as they are.
        return (pulumi.runtime.get_config(self._config.full_key(name)) or "").strip()


def _in_our_words(why: str) -> str:
    """With the names of the configuration in place of those of the app settings."""
    return re.sub("[A-Z]+_[A-Z_]+", lambda name: _NAMES.get(name[0], name[0]), why)
