"""Connection strings: cleaned, or refused before any request; what is taken, both SDKs take."""

import pytest
from azure.data.tables import TableClient
from azure.storage.queue import QueueClient
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow_poller.connection_string import connection_string
from dataflow_poller.settings import Settings

KEY = "c2VjcmV0LWtleQ=="
AZURITE = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={KEY};QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;TableEndpoint=http://127.0.0.1:10002/devstoreaccount1"
SAS = "QueueEndpoint=https://a.queue.core.windows.net/;TableEndpoint=https://a.table.core.windows.net/;SharedAccessSignature=sv=2025-01-05&ss=qt&sig=c2%3D"
PORTAL = f"DefaultEndpointsProtocol=https;AccountName=abc;AccountKey={KEY};EndpointSuffix=core.windows.net"

blanks = st.text(st.sampled_from(" \t\r\n\u200b\ufeff"), max_size=3)


def open_both(text: str) -> tuple[QueueClient, TableClient]:
    return QueueClient.from_connection_string(text, "queue"), TableClient.from_connection_string(text, "Table")


@pytest.mark.parametrize(("pasted", "meant"), [
    (AZURITE, AZURITE),
    (AZURITE + ";", AZURITE),
    (AZURITE.replace(";", "; "), AZURITE),
    (AZURITE.replace(";", ";\n") + ";\n", AZURITE),
    (AZURITE.replace(";", " ;;\r\n\t").replace("=", " = "), AZURITE),
    (f"'{AZURITE}'", AZURITE),
    (SAS, SAS),
    (PORTAL, PORTAL),
    ("usedevelopmentstorage = TRUE ;", "UseDevelopmentStorage=true"),
])  # fmt: skip
def test_blanks_and_line_breaks_around_its_signs_are_left_out(pasted: str, meant: str) -> None:
    """What the SDKs are given is clean: they would take a blank as part of a name."""
    assert Settings.from_env({"JobStorage": pasted}).account.connection_string == meant
    open_both(meant)


@settings(max_examples=200)
@given(st.sampled_from([AZURITE, SAS, PORTAL]), st.data())
def test_any_blanks_around_its_signs_are_left_out(text: str, data: st.DataObject) -> None:
    """Wherever they are, and whatever of them."""
    spread = "".join(data.draw(blanks) + sign + data.draw(blanks) if sign in ";=" else sign for sign in text)
    assert connection_string(spread) == text


@pytest.mark.parametrize(("text", "why"), [
    ("nonsense", "expected name=value"),
    (";", "expected AccountName, or QueueEndpoint and TableEndpoint"),
    ("q8/x=", "expected name=value"),
    ("q8/x=y", "expected AccountName, or"),
    ("AccountName=a;AccountKey", "expected name=value"),
    ("AccountName=a;AccountKey=", "expected name=value"),
    ("AccountName=a;=b", "expected name=value"),
    ("AccountName=a", "expected AccountName and AccountKey"),
    (f"AccountKey={KEY}", "expected AccountName, or"),
    (f"AccountName=a;AccountKey={KEY};accountname=b", "twice"),
    ("AccountName=a;AccountKey=not base64!", "the account key is not base64"),
    ("AccountName=a;AccountKey=c2VjcmV0LWtleQ=", "the account key is not base64"),
    ("AccountName=a;AccountKey=ключ", "the account key is not base64"),
    (f"AccountName=a b;AccountKey={KEY}", "AccountName"),
    (f"AccountName=a/b;AccountKey={KEY}", "AccountName"),
    (f"AccountName=a;AccountKey={KEY};QueueEndpoint=q.example", "QueueEndpoint"),
    (f"AccountName=a;AccountKey={KEY};TableEndpoint=ftp://t.example", "TableEndpoint"),
    (f"AccountName=a;AccountKey={KEY};TableEndpoint=https://t.example:99999", "TableEndpoint"),
    (f"AccountName=a;AccountKey={KEY};TableEndpoint=https://t.example?sig=x", "TableEndpoint"),
    (f"AccountName=a;AccountKey={KEY};DefaultEndpointsProtocol=ftp", "QueueEndpoint"),
    (f"AccountName=a;AccountKey={KEY};EndpointSuffix=core windows net", "QueueEndpoint"),
    (f"AccountName=a;AccountKey={KEY};QueueSecondaryEndpoint=https://q", "QueueEndpoint"),
    ("QueueEndpoint=https://q.example;SharedAccessSignature=sig", "TableEndpoint"),
    ("AccountName=a;SharedAccessSignature=sig nature", "SharedAccessSignature"),
    ("AccountName=a;SharedAccessSignature=signature", "SharedAccessSignature"),
    ("AccountName=a;SharedAccessSignature=sv=1", "SharedAccessSignature"),
    ("AccountName=a;SharedAccessSignature=sv=1&sig=2&x=3", "SharedAccessSignature"),
    ("UseDevelopmentStorage=yes", "UseDevelopmentStorage=true alone"),
    (f"UseDevelopmentStorage=true;AccountName=a;AccountKey={KEY}", "UseDevelopmentStorage=true alone"),
    ("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://x", "UseDevelopmentStorage=true alone"),
])  # fmt: skip
def test_what_cannot_be_one_is_refused_with_the_reason(text: str, why: str) -> None:
    """So that the error names the setting, and not an operation that failed for it."""
    with pytest.raises(ValueError, match=why):
        connection_string(text)


names = st.sampled_from(["AccountName", "AccountKey", "QueueEndpoint", "TableEndpoint", "QueueSecondaryEndpoint", "TableSecondaryEndpoint", "DefaultEndpointsProtocol", "EndpointSuffix", "SharedAccessSignature", "UseDevelopmentStorage", "X"])  # fmt: skip
values = st.sampled_from(["abc", KEY, "https://a.example", "http://127.0.0.1:1/a", "http://[::1]", "true", "https", "http", "a.example", "sv=1&sig=2", "?sv=1&sig=", "sig=1&x=2", "====", "="]) | st.text(max_size=8)  # fmt: skip


@settings(max_examples=200)
@given(st.sampled_from([AZURITE, SAS, PORTAL]), st.dictionaries(names, values | st.none(), max_size=3), st.sampled_from(["", ";", ";;x"]))  # fmt: skip
def test_any_text_that_is_taken_is_taken_by_both_sdks(sound: str, changes: dict[str, str | None], rest: str) -> None:
    """Neither fails with a text of its own, which might show the key."""
    pairs = dict(pair.split("=", 1) for pair in sound.split(";")) | changes
    text = ";".join(f"{name}={value}" for name, value in pairs.items() if value is not None) + rest
    try:
        clean = connection_string(text)
    except ValueError as error:
        said = str(error)
    else:
        open_both(clean)
        said = ""
        assert connection_string(clean) == clean
    assert KEY not in said
