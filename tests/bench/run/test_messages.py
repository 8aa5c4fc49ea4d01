"""What harness and child say to each other arrives as it was sent, or is refused."""

import json
import math
import socket
import threading

import numpy as np
import pytest

from bench.run import messages

FAILED = messages.Failed("memory", "used 9 MiB", "Traceback", ["UserWarning: w"])
FITTED = messages.Fitted(0.1, 0.2, 3.0, None, {"loss": [2.0, 1.0], "epochs": 2.0}, ["UserWarning"])
SENT = (
    messages.Request(messages.Check([messages.Asked("lof", {"n_neighbors": 3})]), "/tmp/a"),
    messages.Request(messages.Model("vae", {"head": {"k": [1, 2]}, "lr": 1e-3}, "cpu"), ""),
    messages.Request(messages.ContractCheck("vae", {"epochs": 4}, "pickles", 54.0), "/tmp/a"),
    messages.Verdict("failed", "too late", "mine.py, line 5"),
    messages.Checked(None, {"n_neighbors": 20, "head": {"nu": 0.1}, "widths": [4, None]}),
    messages.Checked("unknown setting"),
    messages.Block([]),
    messages.Block([messages.Unit(3, "x.npy", [messages.ReadOut("ae+lof", {"k": 1}, "")])]),
    messages.BlockFitted("5e", [FITTED, FAILED]),
    messages.TestSamples({0: "a.npy", 7: "b\udcff.npy"}, {0: "c.npy"}),
    messages.Result(messages.Scored(0.0, 0.0, 1.5, 0.0, [])),
    messages.Result(FAILED),
)


@pytest.mark.parametrize("message", SENT, ids=lambda message: type(message).__name__)
def test_a_message_arrives_as_it_was_sent_and_as_no_other_kind(message):
    content = messages.encode(message)
    assert messages.decode(type(message), content) == message
    for other in {type(each) for each in SENT} - {type(message)}:
        with pytest.raises(ValueError, match="validation error"):
            messages.decode(other, content)


def test_diagnostics_may_be_infinite_or_nan():
    fitted = messages.Fitted(0.1, 0.2, 3.0, 2**53, {"loss": [math.inf, math.nan]}, [])
    content = messages.encode(messages.BlockFitted(None, [fitted]))
    (arrived,) = messages.decode(messages.BlockFitted, content).outcomes
    assert arrived.parameters == 2**53
    assert arrived.diagnostics["loss"][0] == math.inf
    assert math.isnan(arrived.diagnostics["loss"][1])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"12",
        b"[]",
        b"{}",
        b'{"outcome": {}}',
        b'{"outcome": {"status": "splendid", "reason": ""}}',
        b'{"outcome": {"status": "error"}}',
        json.dumps({"outcome": {"status": "error", "reason": "", "label": 1}}).encode(),
    ],
)
def test_anything_else_is_refused(content):
    with pytest.raises(ValueError, match=r"."):
        messages.decode(messages.Result, content)


def test_scores_arrive_bit_for_bit_and_in_full():
    scores = np.array([0.1, np.nan, -0.0, np.inf])
    content = messages.encode_scores(scores)
    assert messages.decode_scores(content, 4).tobytes() == scores.tobytes()
    with pytest.raises(ValueError, match="24 bytes, expected 32"):
        messages.decode_scores(content[:24], 4)


@pytest.mark.parametrize("number", [0, 9, 2**22, 2**40])
def test_numbers_have_one_length(number):
    content = messages.encode_number(number)
    assert len(content) == messages.NUMBER_BYTES
    assert messages.decode_number(content) == number


@pytest.mark.parametrize("content", [b"", b"x", b"a message " * 300_000])
def test_a_message_arrives_whole_however_it_comes(content):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        threading.Thread(target=ours.sendall, args=(messages.framed(content),)).start()
        assert messages.receive(theirs) == content


@pytest.mark.parametrize(
    "sent", [b"hello, a word that is no message", messages.framed(b"longer than ten")]
)
def test_what_is_no_message_or_too_long_is_refused_at_its_head(sent):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(sent)
        incoming = messages.Incoming(10)
        with pytest.raises(ValueError, match="not a message of at most 10 bytes"):
            incoming.read(theirs)


def test_a_whole_message_is_taken_at_once_and_a_part_of_one_waits_for_the_rest():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    framed = messages.framed(b"content")
    with ours, theirs:
        theirs.sendall(framed)
        whole = messages.Incoming(10)
        assert whole.read(ours)
        assert whole.content == b"content"
        part = messages.Incoming(10)
        theirs.sendall(framed[:-4])
        assert not part.read(ours)
        theirs.sendall(framed[-4:])
        assert part.read(ours)
        assert part.content == b"content"
