"""`local.settings.json` is read as Core Tools read it, and the local host starts with it or says why not."""

import codecs
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow_poller.errors import SettingsFileError
from dataflow_poller.local_settings import local_settings, under_environment
from local.host import APP

WHOLE = """{
  // mine
  "IsEncrypted": false, /* not
  encrypted */
  "values": {
    "POLL_SCHEDULE": "0 0 0 1 1 *", // once a year
    "BING_MAPS_URL": "https://example.com//x",
    "POLLERS": 2,
    "POLL_DELAY_RATIO": 0.10,
    "FLAG": true,
    "NOTHING": null,
    "LINES": "a
b",
    "QUOTED": "\\"/* kept */,}",
  },
  "Host": {"CORS": "*",},
}"""
MEANT = {
    "POLL_SCHEDULE": "0 0 0 1 1 *",
    "BING_MAPS_URL": "https://example.com//x",
    "POLLERS": "2",
    "POLL_DELAY_RATIO": "0.10",
    "FLAG": "true",
    "LINES": "a\nb",
    "QUOTED": '"/* kept */,}',
}


@pytest.mark.parametrize("content", [WHOLE.encode(), WHOLE.encode("utf-8-sig"), WHOLE.encode("utf-16"), codecs.BOM_UTF16_BE + WHOLE.encode("utf-16-be")])  # fmt: skip
def test_what_core_tools_read_is_read(tmp_path: Path, content: bytes) -> None:
    """A byte-order mark, comments, last commas, numbers as they were written, booleans; null is nothing."""
    path = tmp_path / "local.settings.json"
    path.write_bytes(content)
    assert local_settings(path) == MEANT


@pytest.mark.parametrize(("content", "why"), [
    (b"", "it is no JSON: line 1, column 1: Expecting value"),
    (b"S3cret", "it is no JSON: line 1, column 1"),
    (b'{\n"Values": {\n/* a */ "KEY" "S3cret"}}', "it is no JSON: line 3, column 15: Expecting ':' delimiter"),
    (b'{"Values": {"A": "S3cret" "B": 1}}', "it is no JSON: line 1, column 27: Expecting ',' delimiter"),
    (b'{"Values": {"A": "b",,}}', "it is no JSON"),
    (b'{"Values": {"A": "S3cret', "it is no JSON"),
    (b'/* {"Values": {}}', "it is no JSON"),
    (b'[{"Values": {}}]', "it is no JSON object: expected"),
    (b'"Values"', "it is no JSON object: expected"),
    (b"{}", "it has no object Values: expected"),
    (b'{"Values": ["S3cret"]}', "it has no object Values: expected"),
    (b'{"Values": null}', "it has no object Values: expected"),
    (b'{"Values": {"A": {"B": "S3cret"}}}', "the value of 'A' is a list or an object"),
    (b'{"Values": {"A": ["S3cret"]}}', "the value of 'A' is a list or an object"),
    (b'{"Values": {"A": "S3cret\\u0000"}}', "'A' or its value cannot stand in an environment"),
    (b'{"Values": {"A": "S3cret\\ud800"}}', "'A' or its value cannot stand in an environment"),
    (b'{"Values": {"": "S3cret"}}', "'' or its value cannot stand in an environment"),
    (b'{"Values": {"A=B": "S3cret"}}', "'A=B' or its value cannot stand in an environment"),
    (b'{"IsEncrypted": true, "Values": {"A": "S3cret"}}', "its values are encrypted: run 'func settings decrypt'"),
    (b'{"Values": {"A": "\xff\xfeS3cret"}}', "it is no text in UTF-8"),
    (codecs.BOM_UTF16_LE + b"{", "it is no text in UTF-8"),
    (b"[" * 200_000, "it is nested too deep"),
])  # fmt: skip
def test_what_is_no_settings_file_is_said_in_a_sentence(tmp_path: Path, content: bytes, why: str) -> None:
    """It names the file and shows no value."""
    path = tmp_path / "local.settings.json"
    path.write_bytes(content)
    with pytest.raises(SettingsFileError) as caught:
        local_settings(path)
    assert str(caught.value).startswith(f"{path}: {why}")
    assert "S3cret" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing one, or a folder."""
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(SettingsFileError, match=f"^{path} cannot be read: "):
            local_settings(path)


noise = st.lists(st.sampled_from([" ", "\n", "\t", '// c, ]}"\n', "/* , } */", "/**/", "//\n"]), max_size=3).map("".join)  # fmt: skip
values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.booleans() | st.integers()


@settings(max_examples=200)
@given(st.dictionaries(st.from_regex(r"\w{1,9}", fullmatch=True), values), st.data())
def test_any_file_with_comments_and_last_commas_is_read(
    tmp_path_factory: pytest.TempPathFactory, meant: dict[str, str | bool | int], data: st.DataObject
) -> None:
    """Wherever a blank may stand; whatever is within a text is left alone."""
    some = [f"{data.draw(noise)}{json.dumps(name)}{data.draw(noise)}:{data.draw(noise)}{json.dumps(value)}{data.draw(noise)}" for name, value in meant.items()]  # fmt: skip
    last = "," if some and data.draw(st.sampled_from(["", ","])) == "," else ""
    text = f'{data.draw(noise)}{{"Values":{{{",".join(some)}{last}{data.draw(noise)}}}{data.draw(noise)},{data.draw(noise)}}}{data.draw(noise)}'  # fmt: skip
    path = tmp_path_factory.mktemp("settings") / "local.settings.json"
    path.write_text(text, data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])), newline="")
    assert local_settings(path) == {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in meant.items()
    }


def test_the_environment_goes_before_the_file() -> None:
    """Setting by setting; the connection of storage is one, in whatever parts it comes."""
    file = {"JobStorage": "UseDevelopmentStorage=true", "POLLERS": "2", "JOB_QUEUE": "mine"}
    assert under_environment(file, {"JOB_QUEUE": "", "PATH": "x"}) == {
        k: v for k, v in file.items() if k != "JOB_QUEUE"
    }
    assert under_environment(file, {"JobStorage__accountName": "abc"}) == {"POLLERS": "2", "JOB_QUEUE": "mine"}
    parts = {"JobStorage__accountName": "abc", "JobStorage__clientId": "id"}
    assert under_environment(parts, {"JobStorage__queueServiceUri": "https://q"}) == {}
    assert under_environment(parts, {"JobStorage": "UseDevelopmentStorage=true"}) == {}
    assert under_environment(parts, {"JobStorages": "x"}) == parts


# The local host


def host(settings: Path, **env: str) -> tuple[int, str]:
    """What the local host says until its schedules are known, and how it ends."""
    command = [sys.executable, "-m", "local.host", "--settings", str(settings)]
    said = ""
    with subprocess.Popen(command, cwd=APP, env={"PATH": os.environ["PATH"], **env}, stderr=subprocess.PIPE, text=True) as process:  # fmt: skip
        assert process.stderr
        for line in process.stderr:
            said += line
            if " INFO poll: " in line:  # The first of them: a second signal might come when Python is about to end.
                process.send_signal(signal.SIGTERM)
        return process.wait(), said


def test_the_local_host_starts_with_such_a_file(tmp_path: Path) -> None:
    """With the numbers in it, and with the environment before it."""
    path = tmp_path / "local.settings.json"
    path.write_text(WHOLE, "utf-8-sig")
    code, said = host(path)
    assert (code, said.count("0 0 0 1 1 *")) == (0, 2)
    code, said = host(path, POLLERS="1", POLL_SCHEDULE="0 0 0 * jul *")
    assert (code, said.count("INFO poll: 0 0 0 * jul *")) == (0, 1)
    assert "poll_2" not in said


@pytest.mark.parametrize(("text", "why"), [
    ('{"Values": {"POLL_SCHEDULE": "0 0 0 L * *"}}', "%POLL_SCHEDULE% of poll: its day is wrong: expected numbers from 1 to 31"),
    ('{"Values": {"POLL_SCHEDULE": "0 0 0 30 2 *"}}', "%POLL_SCHEDULE% of poll: it never fires"),
    ('{"Values": {}}', "%POLL_SCHEDULE% of poll: expected six NCRONTAB fields"),
    ("[]", "it is no JSON object"),
])  # fmt: skip
def test_the_local_host_says_in_a_sentence_why_it_does_not_start(tmp_path: Path, text: str, why: str) -> None:
    """What Azure would refuse, and what is no settings file, without a traceback."""
    path = tmp_path / "local.settings.json"
    path.write_text(text)
    code, said = host(path)
    assert code == 1
    assert why in said.splitlines()[-1]
    assert "Traceback" not in said
