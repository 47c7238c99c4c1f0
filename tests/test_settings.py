"""App settings: defaults, bounds, and one error that names every wrong one and shows no value."""

import traceback
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.errors import SettingsError
from dataflow_poller.settings import Settings, StorageAccount, pollers

STORAGE = {"JobStorage": "UseDevelopmentStorage=true"}


def read(**env: str) -> Settings:
    return Settings.from_env(STORAGE | env)


def problems(env: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(env)
    return str(caught.value)


def test_the_defaults_are_the_contracts() -> None:
    """Storage is all that must be set."""
    settings = read()
    assert (settings.job_queue, settings.table) == ("load-jobs", "DataSources")
    assert settings.bing_maps_url == "https://spatial.virtualearth.net"
    assert (settings.concurrency, settings.run_seconds, settings.request_seconds) == (16, 50, 10)
    policy = settings.policy
    assert (policy.delay_ratio, policy.min_delay, policy.max_delay, policy.max_age) == (0.1, 30, 900, 48 * 3600)
    assert settings.master_keys.get("default") is None


@pytest.mark.parametrize(("name", "good", "bad"), [
    ("POLL_CONCURRENCY", ["1", "256", " 16 ", "016"], ["0", "257", "1.5", "x", "", "-1", "1e2", "1_0", "٣", "9" * 5000]),
    ("POLLERS", ["1", "20"], ["0", "21", "two", ""]),
    ("POLL_RUN_SECONDS", ["1", "1500", "2.5", "50."], ["0.9", "1500.1", "nan", "inf", "", "1e3", "1_0"]),
    ("POLL_REQUEST_SECONDS", ["0.1", ".1", "100"], ["0", "0.09", "100.1", "ten"]),
    ("POLL_DELAY_RATIO", ["0", "1", "0.25"], ["-0.1", "1.1", "10%"]),
    ("POLL_MIN_DELAY_SECONDS", ["1", "900"], ["0.5", "3601"]),
    ("POLL_MAX_DELAY_SECONDS", ["30", "86400"], ["29", "86401"]),
    ("JOB_MAX_AGE_HOURS", ["0.001", "167.9"], ["0", "168", "-1"]),
    ("JOB_QUEUE", ["abc", "load-jobs-2", "a" * 56], ["ab", "a" * 57, "Load", "a--b", "-ab", "ab-", "a_b", ""]),
    ("DATASOURCE_TABLE", ["abc", "A1b", "x" * 63], ["ab", "1ab", "a-b", "x" * 64, "tables", ""]),
    ("BING_MAPS_URL", ["https://x", "https://x/", "https://x:8443", "http://localhost:1", "http://127.0.0.1", "http://127.1.2.3:80", "http://[::1]:8"],
     ["http://x", "x", "", "ftp://x", "https://u@x", "https://x/path", "https://x?key=k", "https://x#f", "https://x:0", "https://x:99999",
      "http://localhost.example.com", "https://x\\y", "https://ex ample"]),
])  # fmt: skip
def test_each_setting_has_its_bounds(name: str, good: list[str], bad: list[str]) -> None:
    """Good values are taken, wrong ones named."""
    for value in good:
        read(**{name: value})
    for value in bad:
        assert name in problems(STORAGE | {name: value}), value


def test_the_longest_delay_is_no_shorter_than_the_shortest() -> None:
    """The two are checked against each other, the default included."""
    read(POLL_MIN_DELAY_SECONDS="1000", POLL_MAX_DELAY_SECONDS="1000")
    assert "POLL_MAX_DELAY_SECONDS" in problems(
        STORAGE | {"POLL_MIN_DELAY_SECONDS": "1000", "POLL_MAX_DELAY_SECONDS": "999"}
    )
    assert "POLL_MAX_DELAY_SECONDS" in problems(STORAGE | {"POLL_MIN_DELAY_SECONDS": "1000"})


def test_all_that_is_wrong_is_named_at_once_without_any_value() -> None:
    """One look at the log is enough, and a key pasted into the wrong setting does not show."""
    text = problems(
        {
            "POLL_CONCURRENCY": "S3cret",
            "BING_MAPS_URL": "https://x?key=S3cret",
            "POLLERS": "S3cret",
            "BING_MAPS_MASTER_KEY": "S3cret",
        }
    )
    for name in ("JobStorage", "POLL_CONCURRENCY", "BING_MAPS_URL", "POLLERS"):
        assert name in text
    assert "S3cret" not in text


def test_the_error_is_one_sentence_a_setting_with_what_was_expected() -> None:
    """Whoever reads it can set them right without looking anything up."""
    wrong = dict.fromkeys(("JOB_QUEUE", "DATASOURCE_TABLE", "BING_MAPS_URL", "POLL_CONCURRENCY", "POLL_RUN_SECONDS", "POLL_REQUEST_SECONDS", "POLL_MIN_DELAY_SECONDS", "POLL_DELAY_RATIO", "POLL_MAX_DELAY_SECONDS", "JOB_MAX_AGE_HOURS", "POLLERS"), "?")  # fmt: skip
    expected = [
        "JobStorage: missing; expected a storage connection string, or JobStorage__accountName, or JobStorage__queueServiceUri and JobStorage__tableServiceUri",
        "JOB_QUEUE: expected a queue name of 3 to 56 letters",
        "DATASOURCE_TABLE: expected a table name",
        "'BING_MAPS_MASTER_KEY_a': expected BING_MAPS_MASTER_KEY_<NAME>, a NAME of 1 to 64 of A-Z, 0-9 and _, other than DEFAULT",
        "BING_MAPS_URL: expected https://host[:port], or http:// for a loopback host, with no path, query or user",
        "POLL_CONCURRENCY: expected a whole number from 1 to 256",
        "POLL_RUN_SECONDS: expected a number from 1 to 1500",
        "POLL_REQUEST_SECONDS: expected a number from 0.1 to 100",
        "POLL_MIN_DELAY_SECONDS: expected a number from 1 to 3600",
        "POLL_DELAY_RATIO: expected a number from 0 to 1",
        "POLL_MAX_DELAY_SECONDS: expected a number from POLL_MIN_DELAY_SECONDS to 86400 (900 where it is not set)",
        "JOB_MAX_AGE_HOURS: expected a number above 0 and under 168",
        "POLLERS: expected a whole number from 1 to 20",
    ]
    assert problems(wrong | {"BING_MAPS_MASTER_KEY_a": "x"}) == "wrong app settings: " + "; ".join(expected)
    expected = [
        "JobStorage__accountName: expected a storage account name of 3 to 24 lower-case letters and digits",
        "JobStorage__credential: expected managedidentity, or not to be set",
        "JobStorage__queueServiceUri: expected an https:// URI, or JobStorage__accountName instead",
        "JobStorage__tableServiceUri: expected an https:// URI, or JobStorage__accountName instead",
    ]
    identity = {"JobStorage__accountName": "A", "JobStorage__credential": "x"}
    assert problems(identity) == "wrong app settings: " + "; ".join(expected)
    keys = read(
        BING_MAPS_MASTER_KEY="", BING_MAPS_MASTER_KEY_V="@Microsoft.KeyVault(x", BING_MAPS_MASTER_KEY_U="\udcff"
    ).master_keys
    assert keys.unusable == {
        "default": "is empty",
        "v": "is a Key Vault reference that did not resolve: check the secret and the identity's right to read it",
        "u": "is not valid UTF-8 text",
    }


def test_no_traceback_shows_a_key_even_with_local_variables() -> None:
    """Tools that show local variables do not show the environment."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(
            {"BING_MAPS_MASTER_KEY": "S3cret", "JobStorage": "AccountName=a;AccountKey=S3cret"} | {"POLLERS": "x"}
        )
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack[1:]
    assert frames
    assert not [frame for frame in frames if "S3cret" in str(frame.locals)]
    assert "S3cret" not in repr(read(BING_MAPS_MASTER_KEY="S3cret"))
    assert "S3cret" not in repr(Settings.from_env({"JobStorage": "AccountName=a;AccountKey=S3cret"}))


@pytest.mark.parametrize(("env", "account"), [
    ({"JobStorage": "UseDevelopmentStorage=true;"}, StorageAccount("UseDevelopmentStorage=true;")),
    ({"JobStorage": "AccountName=a;AccountKey=b=="}, StorageAccount("AccountName=a;AccountKey=b==")),
    ({"JobStorage": "QueueEndpoint=https://q;TableEndpoint=https://t;SharedAccessSignature=s"},
     StorageAccount("QueueEndpoint=https://q;TableEndpoint=https://t;SharedAccessSignature=s")),
    ({"JobStorage__accountName": "abc"}, StorageAccount(queue_uri="https://abc.queue.core.windows.net", table_uri="https://abc.table.core.windows.net")),
    ({"JobStorage__queueServiceUri": "https://q.example", "JobStorage__tableServiceUri": "https://t.example",
      "JobStorage__credential": "managedidentity", "JobStorage__clientId": "id"},
     StorageAccount(queue_uri="https://q.example", table_uri="https://t.example", managed_identity=True, client_id="id")),
    ({"JobStorage__accountName": "abc", "JobStorage__tableServiceUri": "https://t.example"},
     StorageAccount(queue_uri="https://abc.queue.core.windows.net", table_uri="https://t.example")),
])  # fmt: skip
def test_storage_is_reached_by_connection_string_or_identity(env: dict[str, str], account: StorageAccount) -> None:
    """The forms that Azure Functions has for a connection."""
    assert Settings.from_env(env).account == account


@pytest.mark.parametrize(("env", "named"), [
    ({}, "JobStorage"),
    ({"JobStorage": ""}, "JobStorage"),
    ({"JobStorage": "nonsense"}, "JobStorage"),
    ({"JobStorage": "AccountName=a"}, "JobStorage"),
    ({"JobStorage": "UseDevelopmentStorage=yes"}, "JobStorage"),
    ({"JobStorage__accountName": "A!"}, "JobStorage__accountName"),
    ({"JobStorage__queueServiceUri": "https://q"}, "JobStorage__tableServiceUri"),
    ({"JobStorage__queueServiceUri": "http://q", "JobStorage__tableServiceUri": "https://t"}, "JobStorage__queueServiceUri"),
    ({"JobStorage__accountName": "abc", "JobStorage__credential": "password"}, "JobStorage__credential"),
])  # fmt: skip
def test_wrong_or_missing_storage_is_named(env: dict[str, str], named: str) -> None:
    """The setting to look at is in the error."""
    assert named + ":" in problems(env)


def test_master_keys_by_name() -> None:
    """The plain setting is the key named default; names are without case in messages."""
    keys = read(
        BING_MAPS_MASTER_KEY=" a ", BING_MAPS_MASTER_KEY_CONTOSO_1="b", BING_MAPS_MASTER_KEYS="no key"
    ).master_keys
    assert (keys.get("default") or pytest.fail()).query_parameter() == "key=a"
    assert (keys.get("contoso_1") or pytest.fail()).query_parameter() == "key=b"
    assert keys.get("s") is None


@pytest.mark.parametrize("value", ["", "  ", "@Microsoft.KeyVault(SecretUri=https://v/secrets/k/1)", "\udcff"])
def test_a_key_without_a_value_counts_as_not_configured(value: str) -> None:
    """It is no wrong setting: other keys go on."""
    keys = read(BING_MAPS_MASTER_KEY=value, BING_MAPS_MASTER_KEY_OTHER="b").master_keys
    assert keys.get("default") is None
    assert list(keys.unusable) == ["default"]
    assert keys.get("other")


@pytest.mark.parametrize("name", ["DEFAULT", "contoso", "A-B", "", "X" * 65])
def test_a_wrong_key_name_is_a_wrong_setting(name: str) -> None:
    """A key that no message could name is a mistake to be told of."""
    assert "BING_MAPS_MASTER_KEY_" + name in problems(STORAGE | {"BING_MAPS_MASTER_KEY_" + name: "S3cret"})


@pytest.mark.parametrize(("value", "number"), [(None, 1), ("3", 3), ("0", 1), ("x", 1)])
def test_a_wrong_number_of_pollers_registers_one(value: str | None, number: int) -> None:
    """So that its run can say what is wrong."""
    assert pollers({} if value is None else {"POLLERS": value}) == number


@given(st.dictionaries(st.sampled_from([
    "JobStorage", "JobStorage__accountName", "JobStorage__queueServiceUri", "JobStorage__credential", "JOB_QUEUE", "DATASOURCE_TABLE", "BING_MAPS_URL",
    "BING_MAPS_MASTER_KEY", "BING_MAPS_MASTER_KEY_X", "POLLERS", "POLL_CONCURRENCY", "POLL_RUN_SECONDS", "POLL_MAX_DELAY_SECONDS",
]), st.text()))  # fmt: skip
def test_any_environment_is_read_or_named(env: dict[str, str]) -> None:
    """Nothing but the one error comes out."""
    with suppress(SettingsError):
        Settings.from_env(env)
