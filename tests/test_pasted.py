"""Values as people paste them: what comes along unseen is left out, and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow_poller.pasted import pasted

UNSEEN = " \t\r\n\v\f\0\u00a0\u00ad\u034f\u180e\u200b\u200c\u200d\u200e\u2028\u202f\u2060\u2066\u2800\u3000\u3164\ufe0f\ufeff\U000e0020"
unseen = st.text(st.sampled_from(UNSEEN), max_size=4)


@pytest.mark.parametrize(("text", "meant"), [
    ("value", "value"),
    ("\ufeffvalue\u200b", "value"),
    ('"value"', "value"),
    ("' value\n'", "value"),
    ("\ufeff \"\u200b'value'\" ", "'value'"),
    ("\"value'", "\"value'"),
    ('"', '"'),
    ('""', ""),
    ("val\u200b ue", "val\u200b ue"),
    ("“value”", "“value”"),
    ("\u200b \n", ""),
])  # fmt: skip
def test_what_comes_along_with_pasting_is_left_out(text: str, meant: str) -> None:
    """At both ends, then one pair of equal quotes, then the same inside; in the middle nothing is changed."""
    assert pasted(text) == meant


@settings(max_examples=200)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\"'"), min_size=1), st.sampled_from(["", '"', "'"]), st.tuples(*[unseen] * 4))  # fmt: skip
def test_any_value_is_what_was_meant(value: str, quote: str, around: tuple[str, str, str, str]) -> None:
    """Whatever is around it and its quotes."""
    before, inside, inside_end, after = around
    assert pasted(before + quote + inside + value + inside_end + quote + after) == value


@settings(max_examples=200)
@given(st.text())
def test_any_text_keeps_its_middle(text: str) -> None:
    """What is left is a part of the text, and nothing unseen is at its ends."""
    assert pasted(text) in text
    assert pasted(text).strip(UNSEEN) == pasted(text)
