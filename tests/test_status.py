"""What the service says of a job: the same in JSON and XML, and what is of an unexpected type counts as missing."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.status import JobStatus, read_envelope
from local.documents import envelope

SAMPLES = Path(__file__).parent / "samples"
ID = "f8293dc72ac04942b7cb003c9608c547"
COMPLETED = json.loads((SAMPLES / "completed.json").read_bytes())


def job(body: bytes) -> JobStatus:
    status = read_envelope(body).job(ID)
    assert status is not None
    return status


def with_job(**changes: Any) -> bytes:
    """The completed sample with some properties of its job replaced."""
    document = json.loads(json.dumps(COMPLETED))
    document["resourceSets"][0]["resources"][0] |= changes
    return json.dumps(document).encode()


def test_completed_as_the_reference_prints_it() -> None:
    """A wrong weekday and `dataSource` in camel case cost nothing."""
    assert job((SAMPLES / "completed.json").read_bytes()) == JobStatus(
        state="Completed",
        data_source_url="https://spatial.virtualearth.net/REST/v1/data/20181f26d9e94c81acdf9496133d4f23/FourthCoffeeSample",
        description="coffee shops",
        trace_id="8e5f0ae1|LTSM000134|02.00.83.500|",
        created=datetime(2010, 11, 13, 20, 58, 39, tzinfo=UTC),
        completed=datetime(2010, 11, 13, 21, 1, 2, tzinfo=UTC),
        total_entities=10,
        processed_entities=10,
        failed_entities=0,
    )


def test_pending_xml_as_the_reference_prints_it() -> None:
    """Seven fractional digits with an offset are a date; `xsi:nil` is none."""
    assert job((SAMPLES / "pending.xml").read_bytes()) == JobStatus(
        state="Pending",
        trace_id="4b6c2d",
        created=datetime(2010, 11, 13, 20, 58, 39, 315788, tzinfo=UTC),
        total_entities=0,
        processed_entities=0,
        failed_entities=0,
    )


def test_aborted_xml_has_its_error_and_its_log() -> None:
    """The log is the output link named failed, whatever the case, not another output link."""
    status = job((SAMPLES / "aborted.xml").read_bytes())
    assert (status.state, status.error_message) == ("Aborted", "The schema is wrong.")
    assert status.error_log_url == "https://example.com/failed"


@pytest.mark.parametrize("state", ["Pending", "Completed", "Aborted", "Odd"])
def test_json_and_xml_say_the_same(state: str) -> None:
    """One meaning, two formats."""
    links = [
        {"role": "datasource", "name": "service", "url": "https://x/y"},
        {"role": "output", "name": "failed", "url": "https://x/z"},
    ]
    created = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    document = {"id": ID, "status": state, "links": links, "description": "é <&>", "errorMessage": "e", "createdDate": created,
                "completedDate": None, "totalEntityCount": 3, "processedEntityCount": 2, "failedEntityCount": 1}  # fmt: skip
    as_json = read_envelope(envelope(200, document, "json", errors=("one", "two")))
    as_xml = read_envelope(envelope(200, document, "xml", errors=("one", "two")))
    assert as_json.error_details == as_xml.error_details == "one; two"
    assert as_json.authentication_result_code == as_xml.authentication_result_code == "ValidCredentials"
    from_json, from_xml = as_json.job(ID), as_xml.job(ID)
    assert from_json is not None
    assert from_xml is not None
    assert abs((from_json.created or created) - (from_xml.created or created)).total_seconds() < 1
    assert {**vars(from_json), "created": None} == {**vars(from_xml), "created": None}
    assert from_json.state == state


@pytest.mark.parametrize(
    ("changes", "attribute", "expected"),
    [
        ({"status": "completed"}, "state", "Completed"),
        ({"status": None}, "state", ""),
        ({"status": 5}, "state", ""),
        ({"links": None}, "data_source_url", ""),
        ({"links": {"role": "datasource"}}, "data_source_url", ""),
        ({"links": [None, 5, {"role": "DATASOURCE", "url": "u"}]}, "data_source_url", "u"),
        ({"links": [{"role": "datasource", "url": ""}, {"role": "datasource", "url": "b"}]}, "data_source_url", "b"),
        ({"links": [{"role": "datasource", "url": "a"}, {"role": "datasource", "url": "b"}]}, "data_source_url", "a"),
        ({"links": [{"Role": "datasource", "URL": "a"}]}, "data_source_url", "a"),
        ({"links": [{"role": "output", "url": "a"}]}, "error_log_url", ""),
        ({"description": None}, "description", ""),
        ({"totalEntityCount": "12"}, "total_entities", 12),
        ({"totalEntityCount": "-1"}, "total_entities", -1),
        ({"totalEntityCount": "many"}, "total_entities", None),
        ({"totalEntityCount": True}, "total_entities", None),
        ({"totalEntityCount": 1.5}, "total_entities", None),
        ({"totalEntityCount": 12.0}, "total_entities", 12),
        ({"totalEntityCount": float("nan")}, "total_entities", None),
        ({"totalEntityCount": float("inf")}, "total_entities", None),
        ({"totalEntityCount": "٣"}, "total_entities", None),
        ({"createdDate": ""}, "created", None),
        ({"createdDate": "soon"}, "created", None),
        ({"createdDate": 5}, "created", None),
        ({"createdDate": "2010-11-13T12:58:39" + "0" * 1_000_000}, "created", None),
        ({"createdDate": "2010-11-13T12:58:39"}, "created", datetime(2010, 11, 13, 12, 58, 39, tzinfo=UTC)),
        ({"createdDate": "0001-01-01T00:00:00+14:00"}, "created", None),
        ({"createdDate": "9999-12-31T23:59:59-14:00"}, "created", None),
    ],
)
def test_what_is_of_an_unexpected_type_counts_as_missing(
    changes: dict[str, Any], attribute: str, expected: object
) -> None:
    """A string where a number belongs costs that number, not the answer."""
    assert getattr(job(with_job(**changes)), attribute) == expected


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ([], ""),
        (None, ""),
        (["a", " b "], "a; b"),
        (["a", "", None, 5, ["b"], {"c": "d"}, "e"], "a; e"),
        ("a", "a"),
        (5, ""),
        ({"a": "b"}, ""),
    ],
)
def test_error_details_are_texts(details: object, said: str) -> None:
    """What is no text says nothing to a reader."""
    assert read_envelope(json.dumps({"errorDetails": details}).encode()).error_details == said


@pytest.mark.parametrize(("details", "said"), [
    ("<string>a</string><string> b </string><string/>", "a; b"),
    ('<s:string xmlns:s="http://schemas.microsoft.com/2003/10/Serialization/Arrays">a</s:string>', "a"),
    ("a", "a"),
    ("", ""),
])  # fmt: skip
def test_error_details_in_xml(details: str, said: str) -> None:
    """Elements of whatever name, or the text itself."""
    body = f'<Response xmlns="http://schemas.microsoft.com/search/local/ws/rest/v1"><ErrorDetails>{details}</ErrorDetails></Response>'
    assert read_envelope(body.encode()).error_details == said


@pytest.mark.parametrize("output", ["json", "xml"])
@pytest.mark.parametrize(
    ("own", "said"), [("", "one; two"), (None, "one; two"), ("The schema is wrong.", "The schema is wrong.")]
)
def test_a_job_without_a_message_has_that_of_the_answer(output: str, own: str | None, said: str) -> None:
    """The service may say why in `errorDetails` only."""
    document = {"id": ID, "status": "Aborted", "errorMessage": own}
    assert job(envelope(200, document, output, errors=("one", "two"))).error_message == said


@pytest.mark.parametrize(
    ("resources", "has_job"),
    [
        ([], False),
        ([None], False),
        ([{}], False),
        ([{"id": 5}], False),
        ([{"id": "a"}], True),
        ([{}, {"ID": "a"}], True),
    ],
)
def test_a_job_is_what_has_an_id(resources: list[object], has_job: bool) -> None:
    """Whether an answer is about a job at all, of whatever id."""
    assert read_envelope(json.dumps({"resourceSets": [{"resources": resources}]}).encode()).has_job is has_job


def test_an_answer_about_another_job_is_not_about_this_one() -> None:
    """The id decides, without case; among several resources the right one is found."""
    body = (SAMPLES / "completed.json").read_bytes()
    assert read_envelope(body).job(ID.upper()) is not None
    assert read_envelope(body).job("0" * 32) is None
    assert read_envelope(with_job(id=None)).job(ID) is None
    several = json.dumps(
        {"resourceSets": [{"resources": [{"id": "a"}]}, {"resources": [{"id": "b", "status": "Pending"}]}]}
    )
    assert read_envelope(several.encode()).job("b") == JobStatus("Pending")


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"resourceSets": []}',
        b'{"resourceSets": 5}',
        b'{"resourceSets": [{"resources": null}, 5]}',
        b'{"errorDetails": 5}',
    ],
)
def test_an_envelope_without_a_job_is_about_none(body: bytes) -> None:
    """The service sends such ones when it sheds load."""
    assert read_envelope(body).job(ID) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
FIELDS = st.fixed_dictionaries({}, optional=dict.fromkeys(COMPLETED["resourceSets"][0]["resources"][0], JSON))


@given(FIELDS, st.fixed_dictionaries({}, optional=dict.fromkeys(COMPLETED, JSON)))
def test_any_json_in_the_services_places_is_read(fields: dict[str, Any], top: dict[str, Any]) -> None:
    """Whatever stands where the service's values belong, there is a status."""
    assert job(with_job(**{**fields, "id": ID}))
    read_envelope(json.dumps({"resourceSets": [{"resources": [fields]}], **top}).encode()).job(ID)
