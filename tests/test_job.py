"""Messages: what is a job, what is not, and that no key survives in what is kept."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.job import DataflowJob, InvalidMessage, parse
from dataflow_poller.master_keys import MasterKey, MasterKeys

from .conftest import CANARY

ID = "f8293dc72ac04942b7cb003c9608c547"
PUBLIC = "https://spatial.virtualearth.net"
ENDPOINT = "http://127.0.0.1:8085"
STATUS_PATH = "/REST/v1/dataflows/LoadDataSource/"
STATUS_URL = PUBLIC + STATUS_PATH + ID
NO_KEYS = MasterKeys({}, {})


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def read(text: str, keys: MasterKeys = NO_KEYS) -> DataflowJob | InvalidMessage:
    return parse(text, ENDPOINT, keys)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'{{"jobId": "{ID}"}}', DataflowJob(ID)),
        (f'{{"jobId": "{ID}", "masterKeyName": "Contoso_1", "output": "XML"}}', DataflowJob(ID, "contoso_1", "xml")),
        (f'{{"JOBID": "{ID}", "masterkeyname": "a", "OutPut": "Json"}}', DataflowJob(ID, "a")),
        (f'{{"statusUrl": "{STATUS_URL}"}}', DataflowJob(ID)),
        (ID, DataflowJob(ID)),
        (ID.upper(), DataflowJob(ID.upper())),
        (STATUS_URL, DataflowJob(ID)),
        (f" \n{ID}\t\r\n", DataflowJob(ID)),
        (f'{{"jobId": "{ID}", "rejections": 2}}', DataflowJob(ID, rejections=2)),
        ('{"jobId": "a b/c~%20"}', DataflowJob("a b/c~%20")),
        (f'{{"jobId": "{"x" * 128}"}}', DataflowJob("x" * 128)),
        ('{"jobId": "\\u0041"}', DataflowJob("A")),
        ('{"jobId": "..."}', DataflowJob("...")),
    ],
)
def test_every_form_of_a_message_is_read_plain_and_as_base64(text: str, expected: DataflowJob) -> None:
    """All senders are understood: the portal and the SDKs encode, the CLI and people do not."""
    assert read(text) == expected
    encoded = DataflowJob(expected.job_id, expected.master_key_name, expected.output, expected.rejections, encoded=True)
    assert read(b64(text)) == encoded
    wrapped = "\n".join(b64(text)[i : i + 76] for i in range(0, len(b64(text)), 76))
    assert read(f"  {wrapped}\n") == encoded


@pytest.mark.parametrize(
    "url",
    [
        STATUS_URL.replace("https", "http"),
        STATUS_URL.replace("https", "HTTPS").replace("dataflows", "DATAFLOWS").replace("spatial", "Spatial"),
        PUBLIC + ":443" + STATUS_PATH + ID,
        "http://spatial.virtualearth.net:80" + STATUS_PATH + ID,
        STATUS_URL + "?output=xml&o=json&x=1",
        ENDPOINT + STATUS_PATH + ID,
        "https://127.0.0.1:8085" + STATUS_PATH + ID,
        PUBLIC + STATUS_PATH + "%66" + ID[1:],
    ],
)
def test_only_the_job_id_is_taken_from_a_status_url(url: str) -> None:
    """A status URL may be written as the service does; its other parts mean nothing."""
    assert read(url) == DataflowJob(ID)
    assert read(json.dumps({"statusUrl": url})) == DataflowJob(ID)


def test_a_job_id_in_a_url_is_decoded() -> None:
    """An id with a slash is one path segment."""
    assert read(PUBLIC + STATUS_PATH + "a%2Fb%20c%25") == DataflowJob("a/b c%")


INVALID: list[tuple[str, Any]] = [
    ("empty", ""),
    ("space", " \n"),
    ("word", "hello"),
    ("bad JSON", f'{{"jobId": "{ID}"'),
    ("single quotes", f"{{'jobId': '{ID}'}}"),
    ("array", f'["{ID}"]'),
    ("JSON string", f'"{ID}"'),
    ("number", "12345678"),
    ("byte-order mark", f'\ufeff{{"jobId": "{ID}"}}'),
    ("byte-order mark in base64", b64(f'\ufeff{{"jobId": "{ID}"}}')),
    ("base64 twice", b64(b64(ID))),
    ("base64 of no UTF-8", b64(b'{"jobId": "\xff"}')),
    ("base64 of UTF-16", b64(f'{{"jobId": "{ID}"}}'.encode("utf-16"))),
    ("base64 without padding", b64(f'{{"jobId": "{ID}"}} ').rstrip("=")),
    ("64 KiB", "x" * 65536),
    ("64 KiB of JSON", '{"jobId": "' + "x" * 65500 + '"}'),
    ("deep nesting", '{"jobId":' + "[" * 30000 + "]" * 30000 + "}"),
    ("NUL", f'{{"jobId": "{ID}\x00"}}'),
    ("escaped NUL", '{"jobId": "a\\u0000"}'),
    ("id too long", f'{{"jobId": "{"x" * 129}"}}'),
    ("id empty", '{"jobId": ""}'),
    ("id not ASCII", '{"jobId": "é"}'),
    ("id a dot", '{"jobId": "."}'),
    ("id two dots", '{"jobId": ".."}'),
    ("id a number", '{"jobId": 5}'),
    ("id null", '{"jobId": null}'),
    ("neither", "{}"),
    ("both", f'{{"jobId": "{ID}", "statusUrl": "{STATUS_URL}"}}'),
    ("unknown property", f'{{"jobId": "{ID}", "outptu": "xml"}}'),
    ("doubled property", f'{{"jobId": "{ID}", "jobId": "{ID}"}}'),
    ("doubled in another case", f'{{"jobId": "{ID}", "JobID": "{ID}"}}'),
    ("key name null", f'{{"jobId": "{ID}", "masterKeyName": null}}'),
    ("key name with a dash", f'{{"jobId": "{ID}", "masterKeyName": "a-b"}}'),
    ("key name with a line end", f'{{"jobId": "{ID}", "masterKeyName": "a\\n"}}'),
    ("key name too long", f'{{"jobId": "{ID}", "masterKeyName": "{"x" * 65}"}}'),
    ("output unknown", f'{{"jobId": "{ID}", "output": "csv"}}'),
    ("output null", f'{{"jobId": "{ID}", "output": null}}'),
    ("rejections negative", f'{{"jobId": "{ID}", "rejections": -1}}'),
    ("rejections a fraction", f'{{"jobId": "{ID}", "rejections": 1.0}}'),
    ("rejections a bool", f'{{"jobId": "{ID}", "rejections": true}}'),
    ("rejections NaN", f'{{"jobId": "{ID}", "rejections": NaN}}'),
    ("rejections of 5,000 digits", f'{{"jobId": "{ID}", "rejections": {"1" * 5000}}}'),
    ("another host", "https://example.com" + STATUS_PATH + ID),
    ("user info", "https://user@spatial.virtualearth.net" + STATUS_PATH + ID),
    ("user info with another host", "https://spatial.virtualearth.net\\@example.com" + STATUS_PATH + ID),
    ("foreign port", PUBLIC + ":8443" + STATUS_PATH + ID),
    ("endpoint without its port", "http://127.0.0.1" + STATUS_PATH + ID),
    ("bad port", PUBLIC + ":x" + STATUS_PATH + ID),
    ("bad host", "https://[" + STATUS_PATH + ID),
    ("another path", PUBLIC + "/REST/v1/data/" + ID),
    ("no id in the path", PUBLIC + STATUS_PATH),
    ("a segment too many", STATUS_URL + "/more"),
    ("two dots in the path", PUBLIC + STATUS_PATH + ".."),
    ("two encoded dots", PUBLIC + STATUS_PATH + "%2e%2e"),
    ("encoded line end", PUBLIC + STATUS_PATH + ID + "%0A"),
    ("line end in a URL", STATUS_URL[:-4] + "\n" + STATUS_URL[-4:]),
    ("other scheme", STATUS_URL.replace("https", "ftp")),
    ("URL a number", '{"statusUrl": 5}'),
]


@pytest.mark.parametrize("text", [text for _, text in INVALID], ids=[name for name, _ in INVALID])
def test_what_is_not_a_job_is_kept_to_the_letter_with_a_reason(text: str) -> None:
    """A typo must not silently change meaning, and nothing of it is lost."""
    message = read(text)
    assert isinstance(message, InvalidMessage)
    assert message.text == text
    assert message.reason
    assert message.reason.isascii()
    assert message.reason.isprintable()


UNKNOWN = "it is neither a JSON object, a job id, a status URL nor base64 of one"
ELSEWHERE = "the status URL is on another host or port than the endpoint"


@pytest.mark.parametrize(("text", "reason"), [
    ("hello", UNKNOWN),
    (b64("hello"), "what its base64 holds is neither a JSON object, a job id nor a status URL, in UTF-8"),
    ("{", "it is not sound JSON"),
    ('{"jobId": NaN}', "it is not sound JSON"),
    ("{}", "it has not exactly one of jobId and statusUrl"),
    ('{"jobId": 5}', "jobId is not a string"),
    ('{"statusUrl": 5}', "statusUrl is not a string"),
    ('{"jobId": "é"}', "the job id is not 1 to 128 printable ASCII characters other than . and .."),
    ('{"jobId": "a", "masterKeyName": 5}', "masterKeyName is not a string"),
    ('{"jobId": "a", "masterKeyName": "-"}', "masterKeyName is not 1 to 64 letters, digits and underscores"),
    ('{"jobId": "a", "output": null}', "output is not a string"),
    ('{"jobId": "a", "output": "csv"}', "output is neither json nor xml"),
    ('{"jobId": "a", "rejections": -1}', "rejections is not a whole number of 0 or more"),
    ('{"jobId": "a", "JobId": "a"}', "doubled property 'JobId'"),
    ('{"jobId": "a", "é\\n": 1}', "unknown property '\\xe9\\n': expected jobId or statusUrl, masterKeyName, output"),
    ('{"jobId": "a", "key": 1}', "it carries a master key: name one with masterKeyName instead"),
    ('{"x": [{"Key": 1}]}', "it carries a master key: name one with masterKeyName instead"),
    (STATUS_URL + "?key=x", "its URL carries a master key: leave the key out, name one with masterKeyName instead"),
    ("https://u@spatial.virtualearth.net/", "the status URL is not a sound http or https URL without user info"),
    ("https://example.com" + STATUS_PATH + ID, ELSEWHERE),
    (PUBLIC + ":8443" + STATUS_PATH + ID, ELSEWHERE),
    (PUBLIC + "/", "the status URL has not the path of a load job"),
])  # fmt: skip
def test_a_reason_is_a_sentence_that_says_what_to_mend(text: str, reason: str) -> None:
    """A person who reads it in the log knows what to do."""
    message = read(text)
    assert isinstance(message, InvalidMessage)
    assert message.reason == reason


@pytest.mark.parametrize(("rejections", "text"), [
    (0, '{"jobId": "a", "masterKeyName": "default", "output": "json"}'),
    (2, '{"jobId": "a", "masterKeyName": "default", "output": "json", "rejections": 2}'),
])  # fmt: skip
def test_a_message_is_rewritten_as_a_person_would_write_it(rejections: int, text: str) -> None:
    """Plain where it was plain, in base64 where it was that."""
    assert DataflowJob("a").message(rejections) == text
    assert DataflowJob("a", encoded=True).message(rejections) == b64(text)


SECRET = "S3cr&t+/%"
KEYED = [
    ("query of a URL", f"{STATUS_URL}?key=S3cr-t", f"{STATUS_URL}?key=***"),
    ("query, later", f"{STATUS_URL}?o=xml&KEY=S3cr-t&x=1", f"{STATUS_URL}?o=xml&KEY=***&x=1"),
    ("query, escaped name", f"{STATUS_URL}?k%65y=S3cr-t", f"{STATUS_URL}?k%65y=***"),
    ("query, empty", f"{STATUS_URL}?key=", f"{STATUS_URL}?key=***"),
    ("query, masked before", f"{STATUS_URL}?key=***", f"{STATUS_URL}?key=***"),
    ("fragment", f"{STATUS_URL}#key=S3cr-t", f"{STATUS_URL}#key=***"),
    ("status URL", f'{{"statusUrl": "{STATUS_URL}?key=S3cr-t"}}', f'{{"statusUrl": "{STATUS_URL}?key=***"}}'),
    ("URL with escapes", '{"statusUrl": "https:\\/\\/a?x=1\\u0026key=S3\\u0026r\\/t"}', '{"statusUrl": "https:\\/\\/a?x=1\\u0026key=***"}'),
    ("property", f'{{"jobId": "{ID}", "key": "S3cr-t"}}', f'{{"jobId": "{ID}", "key": "***"}}'),
    ("property, cased", f'{{"jobId": "{ID}", "Key" : "S3\\"cr-t"}}', f'{{"jobId": "{ID}", "Key" : "***"}}'),
    ("property, escaped name", f'{{"jobId": "{ID}", "\\u006bey": "S3cr-t"}}', f'{{"jobId": "{ID}", "\\u006bey": "***"}}'),
    ("property, deep", '{"a": [{"b": {"key": "S3cr-t"}}]}', '{"a": [{"b": {"key": "***"}}]}'),
    ("property, a number", '{"key": 123, "jobId": "x"}', '{"key": "***", "jobId": "x"}'),
    ("property, an object", '{"key": {"value": "S3cr-t"}, "x": 1}', '{"key": "***", "x": 1}'),
    ("property of no sound JSON", '{"key": "S3cr-t", "jobId": "x"', '{"key": "***", "jobId": "x"'),
    ("unended property", '{"key": "S3cr-t', '{"key": "***"'),
    ("unended object", '{"key": {"a": "S3cr-t"', '{"key": "***"'),
    ("single quotes", "{'key': 'S3cr-t', 'x': 1}", "{'key': \"***\", 'x': 1}"),
    ("within a string", '{"a": "the key: S3cr-t of it", "b": 1}', '{"a": "the key: "***" of it", "b": 1}'),
    ("no quotes", "{key: S3cr-t}", '{key: "***"}'),
    ("configured key as text", f"the load used {SECRET}", "the load used ***"),
    ("configured key, encoded", "x S3cr%26t%2b%2F%25 y", "x *** y"),
    ("configured key in JSON", '{"jobId": "S3cr\\u0026t+\\/%"}', '{"jobId": "***"}'),
    ("configured key as id", json.dumps({"jobId": SECRET}), '{"jobId": "***"}'),
    ("configured key as key name", json.dumps({"jobId": ID, "masterKeyName": SECRET}), f'{{"jobId": "{ID}", "masterKeyName": "***"}}'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "masked"), [(t, m) for _, t, m in KEYED], ids=[name for name, _, _ in KEYED])
def test_a_message_with_a_key_is_refused_and_masked_plain_and_in_base64(text: str, masked: str) -> None:
    """A message never carries a master key: what is kept of it has none."""
    keys = MasterKeys({"default": MasterKey(SECRET)}, {})
    message = read(text, keys)
    assert isinstance(message, InvalidMessage)
    assert message.text == masked
    encoded = read(b64(text), keys)
    assert isinstance(encoded, InvalidMessage)
    assert encoded.text == b64(masked)


def test_a_job_named_like_a_key_parameter_is_no_key() -> None:
    """Only a parameter or a property of that very name is refused."""
    assert read('{"jobId": "monkey=1"}') == DataflowJob("monkey=1")
    assert read(STATUS_URL + "?monkey=1") == DataflowJob(ID)


@given(st.text() | st.text().map(b64) | st.binary().map(b64))
def test_any_text_is_a_job_or_is_kept(text: str) -> None:
    """The parser raises nothing, whatever comes."""
    message = read(text)
    if isinstance(message, InvalidMessage):
        assert message.reason


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text() | st.just(CANARY), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["jobId", "statusUrl", "key", "output", "x"]), inner)))  # fmt: skip
def test_no_json_with_the_key_gets_through(value: object) -> None:
    """Wherever the key stands in a message, nothing that is kept has it."""
    text = json.dumps({"jobId": ID, "x": [value, CANARY]})
    message = read(text, MasterKeys({"default": MasterKey(CANARY)}, {}))
    assert isinstance(message, InvalidMessage)
    assert CANARY not in message.text
    assert json.dumps(CANARY)[1:-1] not in message.text
    json.loads(message.text)


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=128),
    st.booleans(),
    st.integers(0, 5),
)
def test_a_rewritten_message_is_the_same_job(job_id: str, encoded: bool, rejections: int) -> None:
    """The count of rejections can be kept in a message without changing what it says."""
    job = DataflowJob(job_id, "contoso", "xml", encoded=encoded)
    expected = DataflowJob(job_id, "contoso", "xml", rejections, encoded)
    again = read(job.message(rejections))
    assert again == expected or job_id in (".", "..")
