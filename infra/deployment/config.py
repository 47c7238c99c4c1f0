"""The stack's configuration, checked whole before any resource is registered."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))

from dataflow_poller.errors import SettingsError  # noqa: E402 - the app's own package, from the folder above
from dataflow_poller.settings import Settings  # noqa: E402 - ... whose bounds are the only ones there are

APP_SETTINGS = {
    "pollSchedule": ("POLL_SCHEDULE", "0 * * * * *"),
    "jobQueue": ("JOB_QUEUE", "load-jobs"),
    "dataSourceTable": ("DATASOURCE_TABLE", "DataSources"),
    "bingMapsUrl": ("BING_MAPS_URL", "https://spatial.virtualearth.net"),
    "pollers": ("POLLERS", "1"),
    "pollConcurrency": ("POLL_CONCURRENCY", "16"),
    "pollRunSeconds": ("POLL_RUN_SECONDS", "50"),
    "pollRequestSeconds": ("POLL_REQUEST_SECONDS", "10"),
    "pollDelayRatio": ("POLL_DELAY_RATIO", "0.1"),
    "pollMinDelaySeconds": ("POLL_MIN_DELAY_SECONDS", "30"),
    "pollMaxDelaySeconds": ("POLL_MAX_DELAY_SECONDS", "900"),
    "jobMaxAgeHours": ("JOB_MAX_AGE_HOURS", "48"),
}
"""Configuration key -> the app setting and its default."""

_OTHERS = {"alertEmail", "monthlyBudget", "privateNetwork", "instanceMemory", "oldestJobHours", "masterKeys"}


@dataclass(frozen=True)
class DeploymentConfig:
    """Checked configuration.

    Attributes:
        master_keys: by name as in messages, lower case; the values are secret outputs.
        app_settings: the contract's settings that are no secret, all of them.
        oldest_job_hours: of the alert.
    """

    location: str
    master_keys: Mapping[str, pulumi.Output[str]]
    app_settings: Mapping[str, str]
    alert_email: str
    monthly_budget: int
    private_network: bool
    instance_memory: int
    oldest_job_hours: int

    @property
    def job_queue(self) -> str:
        """The job queue's name."""
        return self.app_settings["JOB_QUEUE"]

    @property
    def table(self) -> str:
        """The table's name."""
        return self.app_settings["DATASOURCE_TABLE"]

    @classmethod
    def load(cls) -> "DeploymentConfig":
        """Read and check the stack's configuration.

        Raises:
            pulumi.RunError: names every wrong value at once, and shows no key.
        """
        config = pulumi.Config()
        given = {name: _given(config, name) for name in (*APP_SETTINGS, *_OTHERS)}
        problems: list[str] = []
        keys = _master_keys(given["masterKeys"], problems)
        settings = {setting: given[name] or default for name, (setting, default) in APP_SETTINGS.items()}
        problems += _app_problems(settings, keys)
        location = pulumi.Config("azure-native").get("location") or ""
        _check(bool(location), "azure-native:location is missing: name a region", problems)
        email = given["alertEmail"]
        _check(re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email), "alertEmail: expected an address for alerts", problems)
        flag = given["privateNetwork"] or "false"
        _check(flag in ("true", "false"), "privateNetwork: expected true or false", problems)
        budget = _count("monthlyBudget", given, 20, 1, 1_000_000, problems)
        hours = _count("oldestJobHours", given, 24, 1, 168, problems)
        memory = _count("instanceMemory", given, 512, 512, 4096, problems)
        _check(memory in (512, 2048, 4096), "instanceMemory: expected 512, 2048 or 4096", problems)
        if problems:
            raise pulumi.RunError("wrong configuration:\n  " + "\n  ".join(problems))
        secrets = {name.lower(): pulumi.Output.secret(key) for name, key in keys.items()}
        return cls(location, secrets, settings, email, budget, flag == "true", memory, hours)


def _given(config: pulumi.Config, name: str) -> str:
    # Not through Config.get: that warns where a value is secret, and the names of the keys are needed as they are.
    value = pulumi.runtime.get_config(config.full_key(name))
    return (value or "").strip()


def _check(sound: object, problem: str, problems: list[str]) -> None:
    if not sound:
        problems.append(problem)


def _count(name: str, given: Mapping[str, str], default: int, low: int, high: int, problems: list[str]) -> int:
    text = given[name] or str(default)
    sound = bool(re.fullmatch(r"[0-9]{1,7}", text)) and low <= int(text) <= high
    _check(sound, f"{name}: expected a whole number from {low} to {high}", problems)
    return int(text) if sound else default


def _master_keys(text: str, problems: list[str]) -> dict[str, str]:
    full_key = pulumi.Config().full_key("masterKeys")
    how = "set each with: pulumi config set --secret --path 'masterKeys.<name>'"
    if text and not pulumi.runtime.is_config_secret(full_key):
        problems.append(f"masterKeys: a key stands there in plain; {how}, and change the key at Bing Maps")
    try:
        keys = json.loads(text) if text else {}
    except ValueError:
        keys = None
    if not isinstance(keys, dict) or not keys or not all(isinstance(key, str) and key.strip() for key in keys.values()):
        problems.append(f"masterKeys: expected a map from key name to key, with at least one; {how}")
        return {}
    names = [name.lower() for name in keys]
    if len(set(names)) < len(names) or not all(re.fullmatch(r"[a-z0-9_]{1,64}", name) for name in names):
        problems.append("masterKeys: expected names of 1 to 64 letters, digits and _, each once without case")
        return {}
    return keys


def key_setting(name: str) -> str:
    """The app setting of the master key of that name."""
    return "BING_MAPS_MASTER_KEY" + ("" if name == "default" else "_" + name.upper())


def _app_problems(settings: Mapping[str, str], keys: Mapping[str, str]) -> list[str]:
    """What the app itself would say of these settings, told of the configuration's keys."""
    problems = []
    if not re.fullmatch(r"\S+( \S+){5}", settings["POLL_SCHEDULE"]):
        problems.append("pollSchedule: expected NCRONTAB with six fields, such as '0 * * * * *'")
    stand_in = {key_setting(name.lower()): "a key" for name in keys}
    try:
        Settings.from_env({**settings, **stand_in, "JobStorage__accountName": "abc"})
    except SettingsError as error:
        said = str(error).removeprefix("wrong app settings: ").split("; ")
        names = {setting: name for name, (setting, _) in APP_SETTINGS.items()}
        for setting, _, expected in (line.partition(":") for line in said):
            problems.append(f"{names.get(setting, setting)}:{expected}")
    return problems
