"""The stack's configuration: what is wrong is named whole, before anything is registered."""

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pulumi
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.answer import MAX_RETRY_AFTER

from .conftest import ACTION_GROUP, ROOT, SOMEBODY, run_program
from .record import DEFAULTS, KEY, Cloud

sys.path.append(str(ROOT / "infra"))
from deployment import config, readers
from deployment.config import APP_SETTINGS, DeploymentConfig
from deployment.windows import THROTTLED

pytestmark = pytest.mark.filterwarnings("ignore:There is no current event loop")  # Pulumi's mocks ask for one.
DECLARED = yaml.safe_load((ROOT / "infra/Pulumi.yaml").read_text("utf-8"))["config"]
UNDECLARED = {"masterKeys", "submitters", "operators", "tags", "monthlyBudget"}
"""Those for which Pulumi has no type, or that may be left out without a default."""


@pytest.fixture(autouse=True)
def infra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder takes the place of the program's, where the stack's file lies."""
    monkeypatch.setattr(config, "INFRA", tmp_path)
    pulumi.runtime.set_mocks(Cloud(), project="dataflow-poller", stack="dev")
    return tmp_path


def load(values: dict[str, str], *, secret: bool = True) -> DeploymentConfig:
    values = {"location": "westeurope", **DEFAULTS, **values}
    given = {"azure-native:location": values.pop("location")}
    given |= {f"dataflow-poller:{name}": value for name, value in values.items()}
    pulumi.runtime.set_all_config(given, ["dataflow-poller:masterKeys"] if secret else [])
    return DeploymentConfig.load()


def refused(values: dict[str, str], *, secret: bool = True) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        load(values, secret=secret)
    return str(caught.value)


def people(**person: object) -> str:
    return json.dumps([person])


@pytest.mark.parametrize(("values", "named"), [
    ({"masterKeys": ""}, ["masterKeys"]),
    ({"masterKeys": "{}"}, ["masterKeys"]),
    ({"masterKeys": "S3cret"}, ["masterKeys"]),
    ({"masterKeys": json.dumps({"a-b": KEY})}, ["masterKeys"]),
    ({"masterKeys": json.dumps({"a": KEY, "A": KEY})}, ["masterKeys"]),
    ({"masterKeys": json.dumps({"a" * 33: KEY})}, ["masterKeys"]),
    ({"masterKeys": '{"a": ""}'}, ["masterKeys"]),
    ({"masterKeys": '{"a": "S3cret"}'}, ["masterKeys"]),
    ({"masterKeys": json.dumps({"a": KEY + "\u00e9"})}, ["masterKeys"]),
    ({"alertEmail": "nobody", "location": ""}, ["alertEmail", "azure-native:location"]),
    ({"alertEmail": "you@example.com"}, ["alertEmail"]),
    ({"actionGroupId": "pager"}, ["actionGroupId"]),
    ({"alertEmail": "", "monthlyBudget": "20"}, ["monthlyBudget"]),
    ({"alertMinutes": "7", "oldestJobHours": "0", "diagnosticLogs": "1"}, ["alertMinutes", "oldestJobHours", "diagnosticLogs"]),
    ({"storageRedundancy": "lrs"}, ["storageRedundancy"]),
    ({"pollers": "21", "pollConcurrency": "0", "pollMinDelaySeconds": "0", "jobQueue": "Wrong!"},
     ["pollers", "pollConcurrency", "pollMinDelaySeconds", "jobQueue"]),
    ({"pollMinDelaySeconds": "1000"}, ["pollMaxDelaySeconds"]),
    ({"completionQueue": "load-jobs"}, ["completionQueue"]),
    ({"completionQueue": "load-jobs-poison"}, ["completionQueue"]),
    ({"pollSchedule": "* * *", "bingMapsUrl": "http://example.com", "instanceMemory": "1024", "monthlyBudget": "0", "privateNetwork": "yes"},
     ["pollSchedule", "bingMapsUrl", "instanceMemory", "monthlyBudget", "privateNetwork"]),
    ({"pollSchedule": "0 99 * * * *"}, ["pollSchedule"]),
    ({"pollSchedule": "0 0 0 L * ?"}, ["pollSchedule"]),
    ({"pollSchedule": "0 0 0 30 2 *"}, ["pollSchedule"]),
    ({"pollSchedule": "0 0 9 * * 1"}, ["pollSchedule"]),
    ({"submitters": people(id=SOMEBODY)}, ["submitters"]),
    ({"submitters": people(id=SOMEBODY, type="user")}, ["submitters"]),
    ({"submitters": people(id="somebody", type="User")}, ["submitters"]),
    ({"submitters": people(id=SOMEBODY, type="User", name="Sam")}, ["submitters"]),
    ({"operators": json.dumps([{"id": SOMEBODY, "type": "User"}, {"id": SOMEBODY.upper(), "type": "User"}])}, ["operators"]),
    ({"operators": json.dumps({"id": SOMEBODY, "type": "User"}), "submitters": "me"}, ["operators", "submitters"]),
    ({"tags": "red"}, ["tags"]),
    ({"tags": '{"a/b": "c"}'}, ["tags"]),
    ({"tags": '{"a": "b", "A": "c"}'}, ["tags"]),
    ({"tags": json.dumps({"a": "b" * 257})}, ["tags"]),
])  # fmt: skip
def test_wrong_configuration_is_named_whole(values: dict[str, str], named: list[str]) -> None:
    """Every wrong value at once, and no key."""
    said = refused(values)
    assert {line.strip().partition(": ")[0] for line in said.splitlines()[1:]} == set(named)
    assert "S3cret" not in said


def test_what_is_sound_is_taken() -> None:
    """As people paste it, and as they write names."""
    loaded = load(
        {"jobQueue": ' "loads" ', "masterKeys": json.dumps({"Contoso_1": KEY}), "actionGroupId": ACTION_GROUP}
    )
    assert loaded.job_queue == "loads"
    assert set(loaded.master_keys) == {"contoso_1"}
    assert loaded.completion_queue is None
    assert loaded.app_settings["POLL_SCHEDULE"] == "0 * * * * *"


def test_a_key_in_plain_is_refused() -> None:
    """It must be changed, for others may have read it."""
    assert "masterKeys: a key stands there in plain" in refused({}, secret=False)


@pytest.mark.parametrize("keys", [
    {"default": {"secure": "v1:..."}, "contoso": KEY},
    {"contoso": KEY},
])  # fmt: skip
def test_a_key_in_plain_beside_a_secret_one_is_refused(infra: Path, keys: dict[str, object]) -> None:
    """The engine counts the whole map as secret then, and the file shows the key."""
    document = {"config": {"dataflow-poller:masterKeys": keys}}
    (infra / "Pulumi.dev.yaml").write_text(yaml.safe_dump(document))
    said = refused({"masterKeys": json.dumps(dict.fromkeys(keys, KEY))})
    assert "masterKeys: a key stands there in plain (contoso)" in said
    assert KEY not in said


@pytest.mark.parametrize("text", [
    "config:\n  dataflow-poller:masterKeys:\n    default:\n      secure: v1:abc\n",
    "config:\n  dataflow-poller:masterKeys:\n    secure: v1:abc\n",
    "config:\n  dataflow-poller:masterKeys: [", "config:", "", "7",
])  # fmt: skip
def test_a_file_that_shows_no_key_is_none_of_our_business(infra: Path, text: str) -> None:
    """Another file may be the stack's (`--config-file`); the engine reads that."""
    (infra / "Pulumi.dev.yaml").write_text(text)
    assert set(load({}).master_keys) == {"default"}


@given(
    st.text(), st.sampled_from([readers.principals, readers.tags, readers.email, readers.flag, readers.action_group])
)
def test_any_text_is_read_or_refused(text: str, read: Callable[[str], object]) -> None:
    """A reader never fails in another way."""
    for value in (text, json.dumps(text), json.dumps([text]), json.dumps({text: text})):
        with contextlib.suppress(readers.WrongValue):
            read(value)


def test_wrong_configuration_is_refused_before_anything_is_registered() -> None:
    """The program ends with the one error, no traceback, no resource."""
    run = run_program({"pollers": "21", "masterKeys": "{}"})
    assert run.returncode != 0
    assert run.stdout == ""
    assert "  pollers: expected a whole number from 1 to 20" in run.stderr
    assert "Traceback" not in run.stderr


def test_pulumi_yaml_says_what_the_program_reads() -> None:
    """Its types, defaults and bounds are those of the app's own table."""
    fields = {"alertEmail", "actionGroupId", "alertMinutes", "oldestJobHours", "diagnosticLogs", "storageRedundancy"}
    assert set(DECLARED) == {*APP_SETTINGS, *fields, "privateNetwork", "instanceMemory"}
    for name, setting in APP_SETTINGS.items():
        declared = DECLARED[name]
        assert str(declared["default"]) == (config.SCHEDULE if name == "pollSchedule" else setting.default or "")
        for bound in (setting.lowest, setting.highest):
            assert bound is None or f"{bound:g}" in declared["description"] or name == "pollMaxDelaySeconds"
    assert "86400" in DECLARED["pollMaxDelaySeconds"]["description"]


def test_what_is_left_out_is_what_pulumi_yaml_gives() -> None:
    """The engine fills in the defaults, mocks do not: both are the same deployment."""
    defaults = {name: str(declared["default"]) for name, declared in DECLARED.items()}
    defaults = {name: value.lower() if value in ("True", "False") else value for name, value in defaults.items()}
    given, filled = load({}), load({**defaults, "alertEmail": DEFAULTS["alertEmail"]})
    assert {**vars(given), "master_keys": None} == {**vars(filled), "master_keys": None}


def test_a_throttled_job_waits_no_longer_than_alerts_think() -> None:
    """Alerts are told how long the app lets a job wait."""
    assert THROTTLED.total_seconds() == MAX_RETRY_AFTER
