"""The faults of the stand-in: what the service, a proxy or the network may answer instead.

A fault is named in a job's script as `name` or `name:argument`. Each writes bytes of its own, for an HTTP library
would be too polite.
"""

import asyncio
import gzip
import json
import struct
import zlib
from asyncio import StreamWriter
from collections.abc import Awaitable, Callable
from functools import cache
from socket import SO_LINGER, SOL_SOCKET

from .documents import NAMESPACE, Job, envelope

Fault = Callable[[StreamWriter, str, str, Job], Awaitable[None]]
"""Writes an answer: to where, argument, output, the job as it is."""

DRIP_SECONDS = 60
MIB = 1024 * 1024


def http(status: int, body: bytes, **headers: str) -> bytes:
    """A whole HTTP response; underscores in header names stand for hyphens."""
    fields = {"Content_Length": str(len(body)), "Content_Type": "application/json", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode("latin-1") + body


async def answer_status(writer: StreamWriter, argument: str, output: str, _: Job) -> None:
    """`status:500`, with the envelope of an error; `status:404` and so on likewise."""
    writer.write(http(int(argument), envelope(int(argument), None, output, errors=("scripted",))))


async def answer_throttled(writer: StreamWriter, argument: str, _: str, __: Job) -> None:
    """`throttled:429;Retry-After: 5`, `throttled:503`: without a body."""
    status, _, header = argument.partition(";")
    name, _, value = header.partition(":")
    writer.write(http(int(status), b"", **({name: value.strip()} if name else {})))


async def answer_shed(writer: StreamWriter, argument: str, output: str, _: Job) -> None:
    """200 without resources, and the header that says why."""
    writer.write(http(200, envelope(200, None, output), X_MS_BM_WS_INFO=argument or "1"))


async def answer_credentials(writer: StreamWriter, argument: str, output: str, _: Job) -> None:
    """`credentials:200` or another status, with InvalidCredentials in the body."""
    writer.write(http(int(argument), envelope(int(argument), None, output, credentials="InvalidCredentials")))


async def answer_as_written(writer: StreamWriter, argument: str, output: str, job: Job) -> None:
    """`answer:{"status": 503, "headers": [["A", "1"]], "before": "...", "text": "...", "encoding": "utf-16"}`.

    Each part may be missing; without `text`, it is the job's own answer. What is `before` goes out as it is, by itself.
    """
    answer = json.loads(argument)
    if "before" in answer:
        writer.write(answer["before"].encode())
        await writer.drain()
    text: str = answer.get("text", envelope(200, job, output).decode())
    body = text.encode(answer.get("encoding", "utf-8"))
    headers = [["Content-Length", str(len(body))], *answer.get("headers", [])]
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    writer.write(f"HTTP/1.1 {answer.get('status', 200)} X\r\n{lines}\r\n".encode() + body)


async def answer_body(writer: StreamWriter, argument: str, _: str, __: Job) -> None:
    """`body:<text>`: 200 with that text."""
    writer.write(http(200, argument.encode()))


async def answer_job(writer: StreamWriter, argument: str, output: str, job: Job) -> None:
    """`job:{"status": "Odd"}`: the job's own answer with some properties replaced."""
    writer.write(http(200, envelope(200, {**job, **json.loads(argument)}, output)))


async def redirect(writer: StreamWriter, argument: str, _: str, __: Job) -> None:
    """`redirect:<URL>`."""
    writer.write(http(302, b"", Location=argument))


async def reset(writer: StreamWriter, *_: object) -> None:
    """The connection is reset."""
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hang(_: StreamWriter, *__: object) -> None:
    """No answer."""
    await asyncio.sleep(DRIP_SECONDS)


async def drip(writer: StreamWriter, argument: str, output: str, job: Job) -> None:
    """`drip:head` or `drip:body`: a byte every tenth of a second, from there on."""
    whole = http(200, envelope(200, job, output))
    begin = whole.index(b"\r\n\r\n") + 4 if argument == "body" else 0
    writer.write(whole[:begin])
    for at in range(begin, min(len(whole), begin + DRIP_SECONDS * 10)):
        writer.write(whole[at : at + 1])
        await writer.drain()
        await asyncio.sleep(0.1)


async def cut(writer: StreamWriter, _: str, output: str, job: Job) -> None:
    """Half of the body, then the end."""
    whole = http(200, envelope(200, job, output))
    writer.write(whole[: len(whole) // 2])
    await writer.drain()
    writer.close()


async def bad_gzip(writer: StreamWriter, _: str, __: str, ___: Job) -> None:
    """Says gzip, is not."""
    writer.write(http(200, b"\x1f\x8bnot gzip at all", Content_Encoding="gzip"))


async def bad_chunking(writer: StreamWriter, _: str, __: str, ___: Job) -> None:
    """A chunk whose length is no number."""
    writer.write(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")
    await writer.drain()
    writer.close()


async def bad_header(writer: StreamWriter, _: str, __: str, ___: Job) -> None:
    """Header lines that do not parse."""
    writer.write(b"HTTP/1.1 200 X\r\nno colon here\r\n: no name\r\nContent-Length: 2\r\n\r\n{}")


async def large(writer: StreamWriter, argument: str, _: str, __: Job) -> None:
    """`large:100`: so many MiB of JSON string."""
    writer.write(http(200, b"", Content_Length=str(int(argument) * MIB)))
    block = b'"' + b"x" * (MIB - 1)
    for _part in range(int(argument)):
        writer.write(block)
        await writer.drain()


async def gzip_bomb(writer: StreamWriter, argument: str, _: str, __: Job) -> None:
    """`gzip_bomb:100`: so many MiB of spaces, which compress to a thousandth."""
    writer.write(http(200, _packed_spaces(int(argument)), Content_Encoding="gzip"))


@cache
def _packed_spaces(mebibytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(packer.compress(b" " * MIB) for _ in range(mebibytes)), packer.flush()])


async def good_gzip(writer: StreamWriter, _: str, output: str, job: Job) -> None:
    """The job's own answer, compressed though nobody asked for that."""
    writer.write(http(200, gzip.compress(envelope(200, job, output)), Content_Encoding="gzip"))


async def entity_bomb(writer: StreamWriter, _: str, __: str, ___: Job) -> None:
    """Entities of entities of entities."""
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
    body = f'<!DOCTYPE b [<!ENTITY e0 "ha">{entities}]><Response xmlns="{NAMESPACE}">&e9;</Response>'
    writer.write(http(200, body.encode(), Content_Type="application/xml"))


async def external_entity(writer: StreamWriter, argument: str, _: str, __: Job) -> None:
    """`external_entity:<URL>`: to be fetched by nobody."""
    body = f'<!DOCTYPE b [<!ENTITY x SYSTEM "{argument}">]><Response xmlns="{NAMESPACE}">&x;</Response>'
    writer.write(http(200, body.encode(), Content_Type="application/xml"))


FAULTS: dict[str, Fault] = {
    "status": answer_status,
    "throttled": answer_throttled,
    "shed": answer_shed,
    "credentials": answer_credentials,
    "answer": answer_as_written,
    "body": answer_body,
    "job": answer_job,
    "redirect": redirect,
    "reset": reset,
    "hang": hang,
    "drip": drip,
    "cut": cut,
    "bad_gzip": bad_gzip,
    "bad_chunking": bad_chunking,
    "bad_header": bad_header,
    "large": large,
    "gzip_bomb": gzip_bomb,
    "good_gzip": good_gzip,
    "entity_bomb": entity_bomb,
    "external_entity": external_entity,
}
