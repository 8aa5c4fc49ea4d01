"""Downloading a file from a server on localhost that misbehaves."""

import time

import pytest

from datasets.fetch import transfer
from datasets.fetch.fetching import fetch
from tests.helpers.files.served import BLOB, CONTENT, GOT, PAGE, SHA256, TAMPERED, in_folder


def test_a_broken_download_is_resumed_where_it_broke_off(server, offer, data):
    drops = [server.dropping(n) for n in (50_000, 1000, 70_000)]

    assert fetch([offer(server.serve("a", CONTENT, *drops))], data) == {}

    assert in_folder(data) == GOT
    assert server.asked["a"] == ["", "bytes=50000-", "bytes=51000-", "bytes=121000-"]


def test_a_line_that_breaks_often_is_borne_as_long_as_bytes_come(server, offer, data):
    drops = [server.dropping(15_000)] * 13

    assert fetch([offer(server.serve("a", CONTENT, *drops))], data) == {}

    assert len(server.asked["a"]) == 14


def test_a_download_is_resumed_by_the_next_call(server, offer, data):
    name = offer(server.serve("a", CONTENT, server.dropping(60_000), *[server.status(503)] * 9))
    assert name in fetch([name], data)
    assert in_folder(data) == {"set/one.bin.part": CONTENT[:60_000]}
    server.acts["a"].clear()

    assert fetch([name], data) == {}

    assert in_folder(data) == GOT
    assert server.asked["a"][-1] == "bytes=60000-"


def test_a_download_is_resumed_from_the_next_mirror(server, offer, data):
    first = server.serve("a", CONTENT, server.dropping(60_000), server.status(404))
    second = server.serve("b", CONTENT)

    assert fetch([offer(first, second)], data) == {}

    assert in_folder(data) == GOT
    assert server.asked["b"] == ["bytes=60000-"]


def test_a_download_from_a_server_without_ranges_restarts(server, offer, data):
    acts = [server.dropping_whole(60_000), server.whole]

    assert fetch([offer(server.serve("a", CONTENT, *acts))], data) == {}

    assert in_folder(data) == GOT
    assert server.asked["a"] == ["", "bytes=60000-"]


def test_a_server_that_sends_another_range_is_not_used(server, offer, data):
    wrong = server.sending(CONTENT[5:], 206, Content_Range="bytes 5-199999/200000")
    url = server.serve("a", CONTENT, server.dropping(60_000), wrong)

    problem = fetch([offer(url)], data)["set/one"]

    assert "sent another part of the file than requested, the one from 60,000" in problem


def test_a_wrong_part_left_by_something_else_is_thrown_away(server, offer, data):
    part = data / "set" / "one.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(70_000))

    assert fetch([offer(server.serve("a", CONTENT))], data) == {}

    assert in_folder(data) == GOT
    assert server.asked["a"] == ["bytes=70000-", ""]


@pytest.mark.parametrize("known", [{}, {"n_bytes": None}])
def test_a_part_that_is_whole_is_taken(server, offer, data, known):
    part = data / "set" / "one.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)

    assert fetch([offer(server.serve("a", CONTENT), **known)], data) == {}

    assert in_folder(data) == GOT


def test_a_part_is_not_resumed_where_no_digest_would_tell(server, offer, data):
    part = data / "set" / "one.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(70_000))

    assert fetch([offer(server.serve("a", CONTENT), sha256="")], data) == {}

    assert in_folder(data) == GOT


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(server, offer, data, code):
    url = server.serve("a", CONTENT, server.status(code), server.status(code))

    assert fetch([offer(url)], data) == {}

    assert len(server.asked["a"]) == 3


def test_a_server_that_says_how_long_to_wait_is_heard(server, offer, data):
    url = server.serve("a", CONTENT, server.status(503, Retry_After="1"))
    start = time.monotonic()

    assert fetch([offer(url)], data) == {}

    assert 1 <= time.monotonic() - start < 3


def test_no_server_makes_it_wait_for_long(server, offer, data, monkeypatch):
    monkeypatch.setattr(transfer, "LONGEST_PAUSE_SECONDS", 0.01)
    url = server.serve("a", CONTENT, server.status(503, Retry_After="3600"))
    start = time.monotonic()

    assert fetch([offer(url)], data) == {}

    assert time.monotonic() - start < 3


def test_a_server_that_stays_busy_is_left_for_the_next_mirror(server, offer, data):
    first = server.serve("a", CONTENT, *[server.status(503)] * 99)

    assert fetch([offer(first, server.serve("b", CONTENT))], data) == {}

    assert len(server.asked["a"]) == transfer.ATTEMPTS


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_mirror_without_the_file_is_left_at_once(server, offer, data, code):
    first = server.serve("a", CONTENT, server.status(code))

    assert fetch([offer(first, server.serve("b", CONTENT))], data) == {}

    assert len(server.asked["a"]) == 1


def test_a_redirect_is_followed(server, offer, data):
    there = server.serve("there", CONTENT)
    url = server.serve("a", b"", server.status(302, Location=there))

    assert fetch([offer(url)], data) == {}


def test_a_redirect_to_itself_ends(server, offer, data):
    url = server.serve("a", b"", *[server.status(302, Location="/a")] * 99)

    assert "cannot be used: Exceeded 30 redirects" in fetch([offer(url)], data)["set/one"]


def test_a_slow_server_is_waited_for(server, offer, data):
    assert fetch([offer(server.serve("a", CONTENT, server.trickling))], data) == {}

    assert len(server.asked["a"]) == 1


def test_a_server_that_stalls_is_asked_for_the_rest(server, offer, data):
    assert fetch([offer(server.serve("a", CONTENT, server.stalling))], data) == {}

    assert server.asked["a"] == ["", "bytes=1000-"]


def test_a_server_that_hangs_up_is_asked_again(server, offer, data):
    assert fetch([offer(server.serve("a", CONTENT, server.hanging_up))], data) == {}


def test_a_file_sent_without_its_length_is_completed(server, offer, data):
    url = server.serve("a", CONTENT, server.lengthless(60_000))

    assert fetch([offer(url)], data) == {}

    assert server.asked["a"] == ["", "bytes=60000-"]


def test_a_file_comes_as_it_is_from_a_server_that_would_pack_it(server, offer, data):
    assert fetch([offer(server.serve("a", CONTENT, server.packing))], data) == {}

    assert len(server.asked["a"]) == 1


@pytest.mark.parametrize(
    ("body", "headers", "known", "reason"),
    [
        (TAMPERED, {}, {}, f"sent a file that has sha256 .*, expected {SHA256}"),
        (TAMPERED, {}, {"sha256": "", "git_blob": BLOB}, f"has git-blob .*, expected {BLOB}"),
        (CONTENT[:-1], {}, {}, "announces 199,999 bytes, expected 200,000"),
        (CONTENT + b"x", {}, {}, "announces 200,001 bytes, expected 200,000"),
        (CONTENT[:-1], {}, {"n_bytes": None}, "sent a file that has sha256"),
        (b"", {}, {"n_bytes": None, "sha256": ""}, "sent an empty file"),
        (PAGE, {"Content_Type": "text/html; charset=utf-8"}, {}, "sent a web page"),
        (PAGE, {}, {"n_bytes": None}, "sent a file that is a web page"),
        (PAGE, {}, {"n_bytes": None, "sha256": ""}, "sent a file that is a web page"),
    ],
)
def test_what_is_not_the_file_is_refused_and_the_next_mirror_asked(
    server, offer, data, body, headers, known, reason
):
    bad = server.serve("a", CONTENT, *[server.sending(body, **headers)] * 2)
    name = offer(bad, **known)

    problem = fetch([name], data)[name]

    assert in_folder(data) == {} or set(in_folder(data)) == {"set/one.bin.part"}
    assert len(problem.splitlines()) == 1
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(problem)
    good = server.serve("b", CONTENT)
    assert fetch([offer(bad, good, **known)], data) == {}
    assert in_folder(data) == GOT


def test_a_file_that_grows_past_its_size_is_cut_off(server, offer, data):
    url = server.serve("a", CONTENT * 2, *[server.lengthless(400_000)] * 9)

    problem = fetch([offer(url)], data)["set/one"]

    assert "sends more than the 200,000 bytes expected" in problem


def test_progress_is_reported_up_to_the_last_byte(server, offer, data):
    told = []
    url = server.serve("a", CONTENT, server.dropping(60_000))

    fetch([offer(url)], data, report=lambda *args: told.append(args))

    here = [bytes_here for _, bytes_here, _ in told]
    assert here == sorted(here)
    assert told[-1] == ("set/one.bin", 200_000, 200_000)
