"""Messages: what is a job, what is not, and that no key survives in what is kept."""

import base64
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.job import DataflowJob, InvalidMessage, parse
from dataflow_poller.master_keys import MasterKey, MasterKeys
from dataflow_poller.poison_text import MAX_BYTES, MAX_BYTES_IN_BASE64

from .conftest import CANARY, SLOWER

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
        (ID.upper(), DataflowJob(ID)),
        (f'{{"jobId": "{ID.upper()}"}}', DataflowJob(ID)),
        (f'{{"jobId": " {ID.upper()}\\n"}}', DataflowJob(ID)),
        ('{"jobId": " A b "}', DataflowJob("A b")),
        (f'{{"statusUrl": "{STATUS_URL.replace(ID, ID.upper())}"}}', DataflowJob(ID)),
        (f'{{"statusUrl": " {STATUS_URL} "}}', DataflowJob(ID)),
        (STATUS_URL.replace(ID, ID.upper()), DataflowJob(ID)),
        (STATUS_URL, DataflowJob(ID)),
        (f" \n{ID}\t\r\n", DataflowJob(ID)),
        (f'{{"jobId": "{ID}", "rejections": 2}}', DataflowJob(ID, rejections=2)),
        ('{"jobId": "a b/c~%20"}', DataflowJob("a b/c~%20")),
        (f'{{"jobId": "{"x" * 128}"}}', DataflowJob("x" * 128)),
        (f'{{"jobId": "{"A" * 31}"}}', DataflowJob("A" * 31)),
        (f'{{"jobId": "a", "masterKeyName": "{"x" * 32}"}}', DataflowJob("a", "x" * 32)),
        ('{"jobId": "monkey=1"}', DataflowJob("monkey=1")),
        ('{"jobId": "a key: b"}', DataflowJob("a key: b")),
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
    """An id with a slash is one path segment; space around it is ignored, as everywhere."""
    assert read(PUBLIC + STATUS_PATH + "a%2Fb%20c%25") == DataflowJob("a/b c%")
    assert read(PUBLIC + STATUS_PATH + f"%20{ID.upper()}%0A") == DataflowJob(ID)


INVALID: list[tuple[str, Any]] = [
    ("empty", ""),
    ("space", " \n"),
    ("word", "hello"),
    ("bad JSON", f'{{"jobId": "{ID}"'),
    ("a name of a key in no sound JSON", f'{{"masterKeyName": "contoso", "jobId": {ID}}}'),
    ("single quotes", f"{{'jobId': '{ID}'}}"),
    ("array", f'["{ID}"]'),
    ("JSON string", f'"{ID}"'),
    ("number", "12345678"),
    ("byte-order mark", f'\ufeff{{"jobId": "{ID}"}}'),
    ("byte-order mark in base64", b64(f'\ufeff{{"jobId": "{ID}"}}')),
    ("base64 twice", b64(b64(ID))),
    ("base64 of no UTF-8", b64(b'{"jobId": "\xff"}')),
    ("base64 of UTF-16", b64(f'{{"jobId": "{ID}"}}'.encode("utf-16"))),
    ("base64 of UTF-16 without a mark", b64(ID.encode("utf-16-le"))),
    ("base64 of UTF-32", b64(ID.encode("utf-32"))),
    ("base64 without padding", b64(f'{{"jobId": "{ID}"}} ').rstrip("=")),
    ("64 KiB", "x" * 65536),
    ("64 KiB of JSON", '{"jobId": "' + "x" * 65500 + '"}'),
    ("deep nesting", '{"jobId":' + "[" * 30000 + "]" * 30000 + "}"),
    ("NUL", f'{{"jobId": "{ID}\x00"}}'),
    ("escaped NUL", '{"jobId": "a\\u0000"}'),
    ("id too long", f'{{"jobId": "{"x" * 129}"}}'),
    ("id empty", '{"jobId": ""}'),
    ("id of space", '{"jobId": " "}'),
    ("id a dot and space", '{"jobId": " . "}'),
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
    ("encoded line end within", PUBLIC + STATUS_PATH + "a%0Ab"),
    ("nothing but encoded space", PUBLIC + STATUS_PATH + "%20"),
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


NEITHER = "neither a JSON object, a job id of 32 hexadecimal digits nor a status URL"
ELSEWHERE = "the status URL is on another host or port than the endpoint"
KEY = "it carries a master key: send it without the key, and name one with masterKeyName"
HIDDEN = "; what may be a master key in it is replaced by ***"
EXPECTED = ": expected jobId or statusUrl, masterKeyName, output"
TOO_LONG = "it is not sound JSON: a number in it is too long, or is none of JSON (NaN, Infinity)"
NOT_UTF_8 = "what its base64 holds is not text in UTF-8 (UTF-16, perhaps): encode it in UTF-8 before base64"
LONG = "x" * 64


@pytest.mark.parametrize(("text", "reason"), [
    ("hello", f"it is {NEITHER}, nor base64 of one"),
    (b64("hello"), f"what its base64 holds is {NEITHER}"),
    (b64(b64(ID)), f"what its base64 holds is {NEITHER}"),
    (b64(ID.encode("utf-16")), NOT_UTF_8),
    (b64(ID.encode("utf-16-le")), NOT_UTF_8),
    (b64(b"\xff{}"), NOT_UTF_8),
    ("\ufeff{}", "it begins with a byte-order mark: leave that out"),
    (b64("\ufeff{}"), "what its base64 holds begins with a byte-order mark: leave that out"),
    ("{", "it is not sound JSON: Expecting property name enclosed in double quotes: line 1 column 2"),
    ('\n {"jobId": "a"\n "b"}', "it is not sound JSON: Expecting ',' delimiter: line 3 column 2"),
    ('{"jobId": "a"} b', "it is not sound JSON: Extra data: line 1 column 16"),
    ('{"jobId": "a', "it is not sound JSON: Unterminated string starting: line 1 column 11"),
    ('{"jobId": NaN}', TOO_LONG),
    (f'{{"rejections": {"1" * 5000}}}', TOO_LONG),
    ('{"jobId":' + "[" * 30000, "it is JSON that is nested too deep"),
    ("{}", "it has not exactly one of jobId and statusUrl"),
    ('{"jobId": 5}', "jobId is not a string"),
    ('{"statusUrl": 5}', "statusUrl is not a string"),
    ('{"jobId": "é"}', "the job id is not 1 to 128 printable ASCII characters other than . and .."),
    ('{"jobId": "a", "masterKeyName": null}', "masterKeyName is not a string"),
    ('{"jobId": "a", "masterKeyName": 5}', "masterKeyName is not a string" + HIDDEN),
    ('{"jobId": "a", "masterKeyName": "-"}', "masterKeyName is not 1 to 32 letters, digits and underscores" + HIDDEN),
    ('{"jobId": "a", "output": null}', "output is not a string"),
    ('{"jobId": "a", "output": "csv"}', "output is neither json nor xml"),
    ('{"jobId": "a", "rejections": -1}', "rejections is not a whole number of 0 or more"),
    ('{"jobId": "a", "JobId": "a"}', "it has the property jobId twice"),
    ('{"jobId": "a", "outptu": 1}', "it has an unknown property outptu" + EXPECTED),
    ('{"jobId": "a", "é\\n": 1}', "it has an unknown property" + EXPECTED),
    (f'{{"jobId": "a", "{LONG}": 1}}', "it has an unknown property" + EXPECTED),
    ('{"jobId": "a", "key": 1}', KEY),
    ('{"x": [{"Key": 1}]}', KEY),
    ('{"x": {"\\u006bey": 1}}', KEY),
    ('{"statusUrl": "https://a?b=c%26bingMapsKey%3Dd"}', KEY),
    (STATUS_URL + "?key=x", KEY),
    (STATUS_URL + "?masterKey", KEY),
    ('{"jobId": "a", "key": "b"', "it is not sound JSON: Expecting ',' delimiter: line 1 column 26" + HIDDEN),
    ("https://u@spatial.virtualearth.net/", "the status URL is not a sound http or https URL without user info"),
    ("https://example.com" + STATUS_PATH + ID, ELSEWHERE),
    (PUBLIC + ":8443" + STATUS_PATH + ID, ELSEWHERE),
    (PUBLIC + "/", "the status URL has not the path of a load job"),
])  # fmt: skip
def test_a_reason_is_a_sentence_that_says_what_to_mend(text: str, reason: str) -> None:
    """A person who reads it in the log knows what to do; it quotes nothing that may be a key."""
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


SECRET = "S3cr&t+/%of-the-tests"
KEYS = MasterKeys({"default": MasterKey(SECRET)}, {})
KEYED = [
    ("query of a URL", f"{STATUS_URL}?key=S3cr-t", f"{STATUS_URL}?key=***"),
    ("query, later", f"{STATUS_URL}?o=xml&KEY=S3cr-t&x=1", f"{STATUS_URL}?o=xml&KEY=***&x=1"),
    ("query, longer name", f"{STATUS_URL}?bingMapsKey=S3cr-t#x", f"{STATUS_URL}?bingMapsKey=***#x"),
    ("query, escaped name", f"{STATUS_URL}?k%65y=S3cr-t", f"{STATUS_URL}?k%65y=***"),
    ("query, empty", f"{STATUS_URL}?key=", f"{STATUS_URL}?key=***"),
    ("query, masked before", f"{STATUS_URL}?key=***", f"{STATUS_URL}?key=***"),
    ("query, no value", f"{STATUS_URL}?key", f"{STATUS_URL}?key"),
    ("fragment", f"{STATUS_URL}#key=S3cr-t", f"{STATUS_URL}#key=***"),
    ("status URL", f'{{"statusUrl": "{STATUS_URL}?key=S3cr-t"}}', f'{{"statusUrl": "{STATUS_URL}?key=***"}}'),
    ("URL in JSON, escaped", '{"statusUrl": "https:\\/\\/a?x=1\\u0026key=S3\\u0026r\\/t"}', '{"statusUrl": "https:\\/\\/a?x=1\\u0026key=***"}'),
    ("URL in a URL", f"{STATUS_URL}?x=https%3A%2F%2Fa%3FKey%3DS3cr%252Dt&y=z", f"{STATUS_URL}?x=https%3A%2F%2Fa%3FKey%3D***&y=z"),
    ("URL in HTML", '{"x": "a?b=c&amp;key=S3cr&#45;t&amp;d"}', '{"x": "a?b=c&amp;key=***&amp;d"}'),
    ("URL in HTML in JSON", '{"x": "a?b=c\\u0026amp;key=S3cr-t"}', '{"x": "a?b=c\\u0026amp;key=***"}'),
    ("property", f'{{"jobId": "{ID}", "key": "S3cr-t"}}', f'{{"jobId": "{ID}", "key": "***"}}'),
    ("property, longer name", f'{{"jobId": "{ID}", "masterKey": "S3cr-t"}}', f'{{"jobId": "{ID}", "masterKey": "***"}}'),
    ("property, empty", f'{{"jobId": "{ID}", "key": ""}}', f'{{"jobId": "{ID}", "key": "***"}}'),
    ("property, cased", f'{{"jobId": "{ID}", "Key" : "S3\\"cr-t"}}', f'{{"jobId": "{ID}", "Key" : "***"}}'),
    ("property, escaped name", f'{{"jobId": "{ID}", "\\u006bey": "S3cr-t"}}', f'{{"jobId": "{ID}", "\\u006bey": "***"}}'),
    ("property, deep", '{"a": [{"b": {"key": "S3cr-t"}}]}', '{"a": [{"b": {"key": "***"}}]}'),
    ("property, a number", '{"key": 123, "jobId": "x"}', '{"key": "***", "jobId": "x"}'),
    ("property, an object", '{"key": {"value": ["S3cr-t", "]}"]}, "x": 1}', '{"key": "***", "x": 1}'),
    ("property in a string", '{"a": "{\\"key\\": \\"S3cr-t\\", \\"b\\": 1}"}', '{"a": "{\\"key\\": \\"***\\", \\"b\\": 1}"}'),
    ("property of no sound JSON", '{"key": "S3cr-t", "jobId": "x"', '{"key": "***", "jobId": "x"'),
    ("property with backslashes", '{"key": "S3cr\\\\", "jobId": "x"', '{"key": "***", "jobId": "x"'),
    ("property with quotes", '{"key": "S3\\"c\'r-t", "jobId": "x"', '{"key": "***", "jobId": "x"'),
    ("unended property", '{"key": "S3cr-t', '{"key": "***'),
    ("unended object", '{"key": {"a": "S3cr-t"', '{"key": ***'),
    ("unended object in a string", '{"a": "key: {S3cr-t", "b": 1}', '{"a": "key: ***", "b": 1}'),
    ("single quotes", "{'key': 'S3cr-t', 'x': 1}", "{'key': '***', 'x': 1}"),
    ("no quotes", "{key: S3cr-t}", "{key: ***}"),
    ("assignment", 'key = "S3cr-t" x', 'key = "***" x'),
    ("JSON in HTML", "{&quot;key&quot;: &quot;S3cr-t&quot;, &quot;x&quot;: 1}", "{&quot;key&quot;: ***, &quot;x&quot;: 1}"),
    ("JSON in a URL", "x?%7B%22key%22%3A%20%22S3cr-t%22%7D y", "x?%7B%22key%22%3A%20*** y"),
    ("JSON in a URL, an object", "x?%7B%22key%22:%20%7B%22a%22:%20%5B1,%20%22S3cr-t", "x?%7B%22key%22:%20***"),
    ("JSON in HTML in HTML", "&amp;quot;key&amp;quot;: &amp;lcub;&amp;quot;a&amp;quot;: &amp;quot;S3cr-t", "&amp;quot;key&amp;quot;: ***"),
    ("references in a URL", "a?&#107;&#101&#x79;&#61;&#83&#51;&#X0063r&#45;t&amp;x", "a?&#107;&#101&#x79;&#61;***&amp;x"),
    ("prose", '{"a": "the key: S3cr-t of it", "b": 1}', '{"a": "the key: *** of it", "b": 1}'),
    ("a mark in unknown escapes", "a?%26%2337%3B6bey=S3cr-t", "***"),
    ("key as key name", f'{{"jobId": "{ID}", "masterKeyName": "S3cr-t"}}', f'{{"jobId": "{ID}", "masterKeyName": "***"}}'),
    ("long key name", f'{{"jobId": "{ID}", "MasterKeyName": "{"x" * 33}"}}', f'{{"jobId": "{ID}", "MasterKeyName": "***"}}'),
    ("key name with a line end", f'{{"jobId": "{ID}", "masterKeyName": "a\\n"}}', f'{{"jobId": "{ID}", "masterKeyName": "***"}}'),
    ("key name, a list", '{"masterKeyName": ["S3cr-t"], "a": 1}', '{"masterKeyName": "***", "a": 1}'),
    ("key name of no sound JSON", '{"masterKeyName": "S3cr-t"', '{"masterKeyName": "***"'),
    ("configured key as text", f"the load used {SECRET}", "the load used ***"),
    ("configured key, encoded", "x S3cr%26t%2b%2F%25of-the-tests y", "x *** y"),
    ("configured key in JSON", '{"jobId": "S3cr\\u0026t+\\/%of-the-tests"}', '{"jobId": "***"}'),
    ("configured key as id", json.dumps({"jobId": SECRET}), '{"jobId": "***"}'),
    ("configured key as key name", json.dumps({"jobId": ID, "masterKeyName": SECRET}), f'{{"jobId": "{ID}", "masterKeyName": "***"}}'),
    ("configured key as a property", json.dumps({"jobId": ID, SECRET: 1}), f'{{"jobId": "{ID}", "***": 1}}'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "masked"), [(t, m) for _, t, m in KEYED], ids=[name for name, _, _ in KEYED])
def test_a_message_with_a_key_is_refused_and_masked_plain_and_in_base64(text: str, masked: str) -> None:
    """A message never carries a master key: what is kept of it has none."""
    message = read(text, KEYS)
    assert isinstance(message, InvalidMessage)
    assert message.text == masked
    assert not message.cut
    assert "S3cr" not in message.reason
    encoded = read(b64(text), KEYS)
    assert isinstance(encoded, InvalidMessage)
    assert encoded.text == b64(masked)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "shift-jis", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])  # fmt: skip
@pytest.mark.parametrize("plain", [
    f"{STATUS_URL}?key={{}}",
    '{{"jobId": "\xa7", "key": "{}"',
    '{{"jobId": "a", "masterKeyName": "{}-"}}',
    "\xa7 " + SECRET.replace("S3cr", "{}").replace("%", "%25"),
])  # fmt: skip
@pytest.mark.parametrize("rest", [b"", b"\r"])
def test_a_key_in_base64_is_masked_in_every_encoding(encoding: str, plain: str, rest: bytes) -> None:
    """PowerShell writes UTF-16, others a mark or an old code page: the copy is the same but for the key."""
    secret = "S3cr"
    masked = plain.format("***").replace("***-", "***").replace("***&t+/%25of-the-tests", "***")
    message = read(b64(plain.format(secret).encode(encoding) + rest), KEYS)
    assert isinstance(message, InvalidMessage)
    assert message.text == b64(masked.encode(encoding) + rest)


@pytest.mark.parametrize("text", [
    b64(f"{STATUS_URL}?key=S3cr-t").rstrip("="),
    base64.urlsafe_b64encode(f"\xff\xbf{STATUS_URL}?key=S3cr-t".encode("latin-1")).decode(),
    b64(f"the load used {SECRET}") + "=",
])  # fmt: skip
def test_a_key_in_what_is_almost_base64_is_masked(text: str) -> None:
    """A missing end, or the alphabet of URLs, does not keep a key readable."""
    message = read(text, KEYS)
    assert isinstance(message, InvalidMessage)
    content = base64.b64decode(message.text)
    assert b"S3cr" not in content
    assert b"***" in content


def test_a_key_that_is_all_of_a_message_is_masked() -> None:
    """A key of letters and digits is base64, too."""
    key = "AbCd0123" * 8
    assert read(key, MasterKeys({"default": MasterKey(key)}, {})) == InvalidMessage(
        NOT_UTF_8 + HIDDEN, "***", cut=False
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-be"])
def test_a_copy_that_masking_makes_too_long_is_cut_at_its_end(encoding: str) -> None:
    """Else storage would refuse the copy, and the message would never leave the queue."""
    text = "é&key=&" * 20_000
    plain = read(text[: MAX_BYTES // 2], KEYS)
    assert isinstance(plain, InvalidMessage)
    assert not plain.cut
    plain = read(text.encode()[:MAX_BYTES].decode("utf-8", "ignore"), KEYS)
    assert isinstance(plain, InvalidMessage)
    assert plain.cut
    assert MAX_BYTES - 4 < len(plain.text.encode()) <= MAX_BYTES
    assert ("é&key=***&" * 20_000).startswith(plain.text)
    encoded = read(b64(text.encode(encoding)[: MAX_BYTES_IN_BASE64 - 7]), KEYS)
    assert isinstance(encoded, InvalidMessage)
    assert encoded.cut
    assert MAX_BYTES - 8 < len(encoded.text) <= MAX_BYTES
    kept = base64.b64decode(encoded.text)
    assert ("é&key=***&" * 20_000).encode(encoding).startswith(kept[:-3])


def test_a_long_message_without_a_key_is_not_cut() -> None:
    """What was a message may be one again."""
    text = "é" * (MAX_BYTES // 2)
    assert read(text, KEYS) == InvalidMessage(f"it is {NEITHER}, nor base64 of one", text, cut=False)


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
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=128).map(str.strip).filter(bool),
    st.booleans(),
    st.integers(0, 5),
)
def test_a_rewritten_message_is_the_same_job(job_id: str, encoded: bool, rejections: int) -> None:
    """The count of rejections can be kept in a message without changing what it says."""
    job = DataflowJob(job_id, "contoso", "xml", encoded=encoded)
    expected = DataflowJob(job_id, "contoso", "xml", rejections, encoded)
    again = read(job.message(rejections))
    assert again == expected or job_id in (".", "..") or isinstance(again, InvalidMessage)


HOSTILE = [
    "\\", "%", "&", '"', "'", "&#", "%25", "%25%25", "\\u005c", "amp;amp;", "&amp;", "%2525", '\\"', "[", "{", '{"a":', '"a",', "1,", "key", "key=", "key:", "&key=", "?a=key&",
    "%6b", "%6bey=", "\\u006bey:", "key\\", 'key\\"', 'key:"', 'key:\\"', "key=&#", '"key":', "masterKeyName:", "key" + " " * 300, "&#107;&#101;", SECRET, SECRET[:-1],
]  # fmt: skip


@pytest.mark.parametrize("repeated", HOSTILE)
def test_no_message_takes_long(repeated: str) -> None:
    """Nobody can stop the service with messages: the largest takes less than a tenth of a second of processor time."""
    raw = (repeated * (MAX_BYTES // len(repeated) + 1))[:MAX_BYTES]
    for text in (
        raw,
        b64(raw.encode()[:MAX_BYTES_IN_BASE64]),
        b64(raw[: MAX_BYTES_IN_BASE64 // 2 - 1].encode("utf-16")),
        f'{{"jobId": "{raw}'[: MAX_BYTES - 2] + '"}',
        json.dumps({"jobId": raw[: MAX_BYTES // 3]}),
        json.dumps([repeated] * (MAX_BYTES // (len(json.dumps(repeated)) + 2))).join(['{"a":', "}"]),
        f"{STATUS_URL}?{raw}"[:MAX_BYTES],
    ):
        tries: list[float] = []
        while len(tries) < 3 and (not tries or min(tries) > 0.1 * SLOWER):
            began = time.process_time()
            message = read(text + " " * len(tries), KEYS)
            tries.append(time.process_time() - began)
        assert min(tries) < 0.1 * SLOWER
        assert SECRET not in repr(message)
