"""The table of app settings: what mirrors it outside the app differs in nothing."""

import json
import re
import subprocess
import sys
from datetime import timedelta

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.policy import CONTRACT
from dataflow_poller.app_settings import (
    APP_SETTINGS,
    DATASOURCE_TABLE,
    JOB_QUEUE,
    POLL_MAX_DELAY_SECONDS,
    POLL_REQUEST_SECONDS,
    POLL_RUN_SECONDS,
    POLL_SCHEDULE,
)
from dataflow_poller.setting_kinds import AppSetting
from dataflow_poller.settings import Settings
from local.host import APP

from .readme_table import README, TABLE, table
from .test_pasted import unseen

OF_THE_HOST = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}
"""What the Functions host itself needs in local.settings.json."""

PULUMI = yaml.safe_load((APP / "infra/Pulumi.yaml").read_text("utf-8"))["config"]
MIRRORED = [name for name, setting in APP_SETTINGS.items() if setting.configuration_key in PULUMI]


def test_every_default_is_a_value() -> None:
    """A default that the table itself would refuse could not be had."""
    for setting in APP_SETTINGS.values():
        if setting.default is not None:
            setting.read(setting.default)


@settings(max_examples=200)
@given(st.sampled_from([setting for setting in APP_SETTINGS.values() if setting.default]), st.tuples(*[unseen] * 4), st.sampled_from(["", '"', "'"]))  # fmt: skip
def test_any_setting_is_read_as_it_was_meant(
    setting: AppSetting[object], around: tuple[str, str, str, str], quote: str
) -> None:
    """Whatever pasting brought along."""
    before, inside, inside_end, after = around
    text = setting.default or ""
    assert setting.read(before + quote + inside + text + inside_end + quote + after) == setting.read(text)


def test_checking_settings_imports_little() -> None:
    """The Functions host indexes the app with it, and the deployment has neither the SDKs nor an XML library."""
    code = "import sys, dataflow_poller.settings, dataflow_poller.local_settings; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=APP, capture_output=True, check=True, text=True)
    assert not {"azure", "requests", "urllib3", "defusedxml", "xml"} & set(run.stdout.split())


def test_readme_has_the_table() -> None:
    """What a person looks up is what the app reads."""
    [found] = TABLE.findall(README.read_text("utf-8"))
    assert found == table(), "README's table is another: run '.venv/bin/python -m tests.readme_table'"


def test_readme_names_the_queue_and_the_table_by_their_defaults() -> None:
    """Its examples work as they are."""
    text = README.read_text("utf-8")
    assert set(re.findall(r"--queue-name (\S+)", text)) == {JOB_QUEUE.default}
    assert set(re.findall(r"--table-name (\S+)", text)) == {DATASOURCE_TABLE.default}


def test_the_deployment_has_every_setting_with_a_default() -> None:
    """So that each can be set where the app is deployed."""
    missing = {setting.configuration_key for setting in APP_SETTINGS.values() if setting.default} - PULUMI.keys()
    assert not missing, "declare them in infra/Pulumi.yaml"
    assert POLL_SCHEDULE.name in MIRRORED


@pytest.mark.parametrize("name", MIRRORED)
def test_the_deployment_mirrors_the_setting(name: str) -> None:
    """Type, default and bounds of its configuration in Pulumi.yaml are those of the table."""
    setting, declared = APP_SETTINGS[name], PULUMI[APP_SETTINGS[name].configuration_key]
    default = declared.get("default")
    if setting.default is None:
        assert not default or setting.read(default), f"infra/Pulumi.yaml: {default} is no {setting.expected}"
    else:
        assert str(default) == setting.default, "infra/Pulumi.yaml has another default than app_settings.py"
        # Pulumi has no type for a number with a fraction.
        assert declared["type"] == ("integer" if type(setting.read(setting.default)) is int else "string")
    numbers = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", declared["description"])}
    bounds = {bound for bound in (setting.lowest, setting.highest) if bound is not None}
    if setting is POLL_MAX_DELAY_SECONDS:
        bounds -= {setting.lowest}  # Another setting is its lower bound.
    assert numbers == bounds, "the description in infra/Pulumi.yaml has other bounds than app_settings.py"


def test_the_sample_settings_are_sound() -> None:
    """Whoever copies the file has all that is required, known names, and no default of its own."""
    values = json.loads((APP / "local.settings.sample.json").read_text("utf-8"))["Values"]
    assert {"JobStorage", "POLL_SCHEDULE", "BING_MAPS_MASTER_KEY"} <= values.keys() <= {*APP_SETTINGS, *OF_THE_HOST}
    assert values.pop("BING_MAPS_MASTER_KEY") == "", "the sample has no key"
    for name in values.keys() - OF_THE_HOST:
        setting = APP_SETTINGS[name]
        setting.read(values[name])
        assert setting.default in (None, values[name]), f"{name} of the sample is not the default of app_settings.py"


def test_the_hosts_time_out_is_above_the_longest_run() -> None:
    """The host would end a run that is still within its bound, which is 30 seconds above the sum of two settings."""
    hours, minutes, seconds = map(int, json.loads((APP / "host.json").read_text("utf-8"))["functionTimeout"].split(":"))
    assert POLL_RUN_SECONDS.highest
    assert POLL_REQUEST_SECONDS.highest
    longest = timedelta(seconds=POLL_RUN_SECONDS.highest + POLL_REQUEST_SECONDS.highest + 30)
    assert timedelta(hours=hours, minutes=minutes, seconds=seconds) > longest, "raise functionTimeout in host.json"


def test_the_bench_measures_the_default_policy() -> None:
    """What docs/performance.md says of polling is about the app as it is by default."""
    assert Settings.from_env({"JobStorage": "UseDevelopmentStorage=true"}).policy == CONTRACT


@pytest.mark.parametrize(("name", "key"), [
    ("JOB_QUEUE", "jobQueue"), ("DATASOURCE_TABLE", "dataSourceTable"), ("COMPLETION_QUEUE", "completionQueue"), ("BING_MAPS_URL", "bingMapsUrl"),
    ("POLLERS", "pollers"), ("POLL_MAX_DELAY_SECONDS", "pollMaxDelaySeconds"),
])  # fmt: skip
def test_the_name_in_the_deployments_configuration(name: str, key: str) -> None:
    """One rule gives it."""
    assert APP_SETTINGS[name].configuration_key == key
