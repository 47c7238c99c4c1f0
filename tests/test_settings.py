"""App settings: defaults, bounds, values as people paste them, and one error that names every wrong one."""

import traceback
from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.errors import SettingsError
from dataflow_poller.master_keys import UnusableKey
from dataflow_poller.settings import Settings, StorageAccount, pollers

STORAGE = {"JobStorage": "UseDevelopmentStorage=true"}
SECRET = "S3cret-master-key-of-64-letters"


def read(**env: str) -> Settings:
    return Settings.from_env(STORAGE | env)


def problems(env: Mapping[str, str]) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(env)
    assert str(caught.value) == "wrong app settings: " + "; ".join(
        f"{name}: {why}" for name, why in caught.value.problems.items()
    )
    return caught.value.problems


def test_the_defaults_are_the_contracts() -> None:
    """Storage is all that must be set."""
    settings = read()
    assert (settings.job_queue, settings.table, settings.completion_queue) == ("load-jobs", "DataSources", None)
    assert settings.bing_maps_url == "https://spatial.virtualearth.net"
    assert (settings.concurrency, settings.run_seconds, settings.request_seconds) == (16, 50, 10)
    policy = settings.policy
    assert (policy.delay_ratio, policy.min_delay, policy.max_delay, policy.max_age) == (0.1, 30, 900, 48 * 3600)
    assert settings.master_keys.get("default") is None
    assert settings.unknown == ()


@pytest.mark.parametrize(("name", "good", "bad"), [
    ("POLL_CONCURRENCY", ["1", "256", " 16 ", "016", "+2"], ["0", "257", "1.5", "x", "", "-1", "1e2", "1_0", "٣", "9" * 5000, "0" * 5000]),
    ("POLLERS", ["1", "20"], ["0", "21", "two", ""]),
    ("POLL_RUN_SECONDS", ["1", "1500", "2.5", "50."], ["0.9", "1500.1", "nan", "inf", "", "1e3", "1_0", "9" * 5000]),
    ("POLL_REQUEST_SECONDS", ["0.1", ".1", "100"], ["0", "0.09", "100.1", "ten", "0,5"]),
    ("POLL_DELAY_RATIO", ["0", "1", "0.25", "-0"], ["-0.1", "1.1", "10%"]),
    ("POLL_MIN_DELAY_SECONDS", ["1", "900"], ["0.5", "3601"]),
    ("POLL_MAX_DELAY_SECONDS", ["30", "86400"], ["29", "86401"]),
    ("JOB_MAX_AGE_HOURS", ["0.001", "167.9"], ["0", "168", "-1"]),
    ("JOB_QUEUE", ["abc", "load-jobs-2", "a" * 56, "0-1"], ["ab", "a" * 57, "Load", "a--b", "-ab", "ab-", "a_b", "", "a b", "äbc"]),
    ("DATASOURCE_TABLE", ["abc", "A1b", "x" * 63], ["ab", "1ab", "a-b", "x" * 64, "tables", "Tables", ""]),
    ("COMPLETION_QUEUE", ["abc", "a" * 63, "", " "], ["ab", "a" * 64, "Ends", "load-jobs", "load-jobs-poison"]),
    ("BING_MAPS_URL", ["https://x", "https://x/", "https://x:8443", "http://localhost:1", "http://127.0.0.1", "http://127.1.2.3:80", "http://[::1]:8"],
     ["http://x", "x", "", "ftp://x", "https://u@x", "https://x/path", "https://x//", "https://x?key=k", "https://x?", "https://x#f", "https://x:0",
      "https://x:99999", "http://localhost.example.com", "https://x\\y", "https://ex ample",
      "https://*.example.com", "https://.example.com", "https://a..b", "https://%", "https://%zz", "https://[::1]x", "https://[v1.a]", "https://[1.2]", "https://" + "x" * 64]),
])  # fmt: skip
def test_each_setting_has_its_bounds(name: str, good: list[str], bad: list[str]) -> None:
    """Good values are taken, wrong ones named."""
    for value in good:
        read(**{name: value})
    for value in bad:
        assert list(problems(STORAGE | {name: value})) == [name], value


def test_the_longest_delay_is_no_shorter_than_the_shortest() -> None:
    """The two are checked against each other, the default included."""
    read(POLL_MIN_DELAY_SECONDS="1000", POLL_MAX_DELAY_SECONDS="1000")
    for wrong in (
        {"POLL_MIN_DELAY_SECONDS": "1000", "POLL_MAX_DELAY_SECONDS": "999"},
        {"POLL_MIN_DELAY_SECONDS": "1000"},
    ):
        assert list(problems(STORAGE | wrong)) == ["POLL_MAX_DELAY_SECONDS"]


@pytest.mark.parametrize(("wrong", "beside"), [
    ({"POLL_MIN_DELAY_SECONDS": "x"}, {"POLL_MAX_DELAY_SECONDS": "20"}),
    ({"POLL_MIN_DELAY_SECONDS": "3601"}, {}),
    ({"POLL_MIN_DELAY_SECONDS": "0"}, {"POLL_MAX_DELAY_SECONDS": "1"}),
    ({"JOB_QUEUE": "Jobs"}, {"COMPLETION_QUEUE": "load-jobs"}),
])  # fmt: skip
def test_what_follows_from_a_wrong_setting_is_not_named_beside_it(
    wrong: dict[str, str], beside: dict[str, str]
) -> None:
    """Whoever sets the first right may find that the second was right all along."""
    assert list(problems(STORAGE | wrong | beside)) == list(wrong)


def test_completion_events_go_to_another_queue() -> None:
    """An event in the job queue would be a message that is no job."""
    assert read(COMPLETION_QUEUE="ends").completion_queue == "ends"
    for name in ("jobs", "jobs-poison"):
        assert (
            "another queue" in problems(STORAGE | {"JOB_QUEUE": "jobs", "COMPLETION_QUEUE": name})["COMPLETION_QUEUE"]
        )


def test_all_that_is_wrong_is_named_at_once_without_any_value() -> None:
    """One look at the log is enough, and a key pasted into the wrong setting does not show."""
    wrong = dict.fromkeys(("JOB_QUEUE", "DATASOURCE_TABLE", "COMPLETION_QUEUE", "BING_MAPS_MASTER_KEY_a", "BING_MAPS_URL", "POLL_CONCURRENCY", "POLL_RUN_SECONDS", "POLL_REQUEST_SECONDS", "POLL_DELAY_RATIO", "POLL_MIN_DELAY_SECONDS", "POLL_MAX_DELAY_SECONDS", "JOB_MAX_AGE_HOURS", "POLLERS"), f"{SECRET}?")  # fmt: skip
    assert problems(wrong) == {
        "JobStorage": "missing, expected a storage connection string, or JobStorage__accountName, or JobStorage__queueServiceUri and JobStorage__tableServiceUri",
        "JOB_QUEUE": "expected a queue name: 3 to 56 lower-case letters, digits and single hyphens between those",
        "DATASOURCE_TABLE": "expected a table name: 3 to 63 letters and digits that begin with a letter, other than tables",
        "COMPLETION_QUEUE": "expected a queue name: 3 to 63 lower-case letters, digits and single hyphens between those",
        "BING_MAPS_MASTER_KEY_a": "expected BING_MAPS_MASTER_KEY_<NAME>, a NAME of 1 to 32 of A-Z, 0-9 and _, other than DEFAULT",
        "BING_MAPS_URL": "expected https://host[:port], or http:// for a loopback host, with no path, query or user",
        "POLL_CONCURRENCY": "expected a whole number from 1 to 256",
        "POLL_RUN_SECONDS": "expected a number from 1 to 1500",
        "POLL_REQUEST_SECONDS": "expected a number from 0.1 to 100",
        "POLL_DELAY_RATIO": "expected a number from 0 to 1",
        "POLL_MIN_DELAY_SECONDS": "expected a number from 1 to 3600",
        "POLL_MAX_DELAY_SECONDS": "expected a number from POLL_MIN_DELAY_SECONDS to 86400 (900 where it is not set)",
        "JOB_MAX_AGE_HOURS": "expected a number above 0 and under 168",
        "POLLERS": "expected a whole number from 1 to 20",
    }  # fmt: skip
    identity = {"JobStorage__accountName": SECRET, "JobStorage__credential": SECRET, "JobStorage__clientId": f"{SECRET} {SECRET}"}  # fmt: skip
    assert problems(identity) == {
        "JobStorage__accountName": "expected a storage account name of 3 to 24 lower-case letters and digits",
        "JobStorage__credential": "expected managedidentity, or not to be set",
        "JobStorage__clientId": "expected the client id of a managed identity",
    }


def test_no_traceback_shows_a_key_even_with_local_variables() -> None:
    """Tools that show local variables do not show the environment."""
    account = {"JobStorage": f"AccountName=abc;AccountKey={SECRET.replace('-', '/')}="}
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"BING_MAPS_MASTER_KEY": SECRET} | account | {"POLLERS": "x"})
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack[1:]
    assert frames
    assert not [frame for frame in frames if "S3cret" in str(frame.locals)]
    assert caught.value.__context__ is None
    assert "S3cret" not in repr(read(BING_MAPS_MASTER_KEY=SECRET))
    assert "S3cret" not in repr(Settings.from_env(account))


@pytest.mark.parametrize(("env", "account"), [
    ({"JobStorage": "UseDevelopmentStorage=true;"}, StorageAccount("UseDevelopmentStorage=true")),
    ({"JobStorage": "AccountName=a;AccountKey=bb=="}, StorageAccount("AccountName=a;AccountKey=bb==")),
    ({"JobStorage__accountName": "abc"}, StorageAccount(queue_uri="https://abc.queue.core.windows.net", table_uri="https://abc.table.core.windows.net")),
    ({"JobStorage": "", "JobStorage__accountName": "' abc '"}, StorageAccount(queue_uri="https://abc.queue.core.windows.net", table_uri="https://abc.table.core.windows.net")),
    ({"JobStorage__queueServiceUri": "https://q.example", "JobStorage__tableServiceUri": "https://t.example",
      "JobStorage__credential": "managedidentity", "JobStorage__clientId": "id"},
     StorageAccount(queue_uri="https://q.example", table_uri="https://t.example", managed_identity=True, client_id="id")),
    ({"JobStorage__accountName": "abc", "JobStorage__tableServiceUri": "https://t.example", "JobStorage__credential": "ManagedIdentity", "JobStorage__clientId": ""},
     StorageAccount(queue_uri="https://abc.queue.core.windows.net", table_uri="https://t.example", managed_identity=True)),
])  # fmt: skip
def test_storage_is_reached_by_connection_string_or_identity(env: dict[str, str], account: StorageAccount) -> None:
    """The forms that Azure Functions has for a connection."""
    assert Settings.from_env(env).account == account


@pytest.mark.parametrize(("env", "named"), [
    ({}, ["JobStorage"]),
    ({"JobStorage": ""}, ["JobStorage"]),
    ({"JobStorage__credential": "managedidentity"}, ["JobStorage"]),
    ({"JobStorage": "nonsense"}, ["JobStorage"]),
    ({"JobStorage": "nonsense", "JobStorage__accountName": "abc"}, ["JobStorage"]),
    ({"JobStorage__accountName": "A!"}, ["JobStorage__accountName"]),
    ({"JobStorage__accountName": "A!", "JobStorage__queueServiceUri": "http://q"}, ["JobStorage__accountName", "JobStorage__queueServiceUri"]),
    ({"JobStorage__queueServiceUri": "https://q"}, ["JobStorage__tableServiceUri"]),
    ({"JobStorage__tableServiceUri": "https://t"}, ["JobStorage__queueServiceUri"]),
    ({"JobStorage__queueServiceUri": "http://q", "JobStorage__tableServiceUri": "https://t"}, ["JobStorage__queueServiceUri"]),
    ({"JobStorage__queueServiceUri": "http://127.0.0.1:10001/a", "JobStorage__tableServiceUri": "https://t"}, ["JobStorage__queueServiceUri"]),
    ({"JobStorage__queueServiceUri": "https://q?sig=x", "JobStorage__tableServiceUri": "t"}, ["JobStorage__queueServiceUri", "JobStorage__tableServiceUri"]),
    ({"JobStorage__accountName": "abc", "JobStorage__credential": "password"}, ["JobStorage__credential"]),
])  # fmt: skip
def test_wrong_or_missing_storage_is_named(env: dict[str, str], named: list[str]) -> None:
    """The setting to look at is in the error, and no other. An identity needs https, on loopback hosts, too: the SDKs send no token without."""
    assert list(problems(env)) == named


def test_master_keys_by_name() -> None:
    """The plain setting is the key named default; names are without case in messages."""
    settings = read(
        BING_MAPS_MASTER_KEY=f" {SECRET}-a ",
        BING_MAPS_MASTER_KEY_CONTOSO_1=f"{SECRET}-b",
        **{"BING_MAPS_MASTER_KEY_" + "X" * 32: f"{SECRET}-c"},
    )
    keys = settings.master_keys
    assert (keys.get("default") or pytest.fail()).query_parameter() == f"key={SECRET}-a"
    assert (keys.get("contoso_1") or pytest.fail()).query_parameter() == f"key={SECRET}-b"
    assert (keys.get("x" * 32) or pytest.fail()).query_parameter() == f"key={SECRET}-c"
    assert keys.unusable == {}


@pytest.mark.parametrize(("value", "reason"), [
    ("", "it is empty: set it to the master key"),
    (" '\u200b' ", "it is empty: set it to the master key"),
    ("@Microsoft.KeyVault(SecretUri=https://v/secrets/k/1)", "it is a Key Vault reference that did not resolve: check the secret and the identity's right to read it"),
    ("https", "it is shorter than 16 characters: the service's master keys have 64"),
    ('"' * 17, "it is shorter than 16 characters: the service's master keys have 64"),
    (SECRET + "\udcff" + SECRET, "it has other characters than printable ASCII: copy the master key again"),
    (SECRET + "ä", "it has other characters than printable ASCII: copy the master key again"),
    (SECRET + "\n" + SECRET, "it has other characters than printable ASCII: copy the master key again"),
    ("“short”", "it has other characters than printable ASCII: copy the master key again"),
])  # fmt: skip
def test_what_cannot_be_a_key_counts_as_not_configured(value: str, reason: str) -> None:
    """It is no wrong setting: it says why, and other keys go on."""
    keys = read(BING_MAPS_MASTER_KEY=value, BING_MAPS_MASTER_KEY_A=value, BING_MAPS_MASTER_KEY_OTHER=SECRET).master_keys
    assert keys.get("default") is None
    assert keys.get("a") is None
    assert keys.unusable == {
        "default": UnusableKey("BING_MAPS_MASTER_KEY", reason),
        "a": UnusableKey("BING_MAPS_MASTER_KEY_A", reason),
    }
    assert keys.get("other")


@pytest.mark.parametrize("name", ["DEFAULT", "contoso", "A-B", "", "X" * 33])
def test_a_wrong_key_name_is_a_wrong_setting(name: str) -> None:
    """A key that no message could name is a mistake to be told of."""
    assert list(problems(STORAGE | {"BING_MAPS_MASTER_KEY_" + name: SECRET})) == ["BING_MAPS_MASTER_KEY_" + name]


def test_what_is_most_likely_a_typing_error_is_noted() -> None:
    """A setting that nobody reads leaves its default in force without a word."""
    ours = dict.fromkeys(("POLL_CONCURENCY", "POLLER", "POLLERS_", "JOB_QUEUE_NAME", "JOB_MAX_AGE", "DATASOURCE_TABLES", "COMPLETION_QUEUES", "BING_MAPS_KEY", "BING_MAPS_MASTER_KEYS"), "x")  # fmt: skip
    others = dict.fromkeys(("POLL", "JOBS", "JobStorage__blobServiceUri", "poll_concurrency", "PATH", "DATASOURCES", "POLL_SCHEDULE"), "x")  # fmt: skip
    assert read(**ours, **others).unknown == tuple(sorted(ours))


@pytest.mark.parametrize(("value", "number"), [(None, 1), ("3", 3), ("0", 1), ("x", 1)])
def test_a_wrong_number_of_pollers_registers_one(value: str | None, number: int) -> None:
    """So that its run can say what is wrong."""
    assert pollers({} if value is None else {"POLLERS": value}) == number


@given(st.dictionaries(st.sampled_from([
    "JobStorage", "JobStorage__accountName", "JobStorage__queueServiceUri", "JobStorage__credential", "JOB_QUEUE", "DATASOURCE_TABLE", "BING_MAPS_URL",
    "BING_MAPS_MASTER_KEY", "BING_MAPS_MASTER_KEY_X", "POLLERS", "POLL_CONCURRENCY", "POLL_RUN_SECONDS", "POLL_MAX_DELAY_SECONDS", "COMPLETION_QUEUE",
]), st.text()))  # fmt: skip
def test_any_environment_is_read_or_named(env: dict[str, str]) -> None:
    """Nothing but the one error comes out."""
    with suppress(SettingsError):
        Settings.from_env(env)
