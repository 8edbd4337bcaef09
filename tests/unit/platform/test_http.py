"""The errors for responses and failures, with a real server on this machine."""

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pressroom.platform import http
from pressroom.platform.errors import Dead, Retry
from tests.support.partner import Partner, give_up_soon, partner

NOW = datetime(2026, 9, 1, 14, 0, tzinfo=UTC)


@pytest.fixture(name="other")
def _other(monkeypatch: pytest.MonkeyPatch) -> Iterator[Partner]:
    """The destination; without TLS, which the local cloud allows."""
    monkeypatch.setenv("LOCAL_ENDPOINT_URL", "http://localhost:4566")
    with partner() as other:
        yield other


def post(other: Partner, answer: str = "HTTP/1.1 200 OK\r\n\r\n") -> int:
    other.answer = answer.encode()
    return http.post(f"{other.url}/webhooks", b"\x00body", {"X-Header": "value"}, now=lambda: NOW)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_a_success(other: Partner, status: int) -> None:
    assert post(other, f"HTTP/1.1 {status} Fine\r\nContent-Length: 0\r\n\r\n") == status


def test_the_request_is_the_exact_body_and_the_headers(other: Partner) -> None:
    post(other)
    ((line, headers, body),) = other.requests
    assert line == "POST /webhooks HTTP/1.1"
    assert body == b"\x00body"
    assert headers["x-header"] == "value"


@pytest.mark.parametrize("status", [301, 302, 304, 307, 308, 400, 401, 403, 404, 409, 410, 422])
def test_any_other_response_is_dead(other: Partner, status: int) -> None:
    with pytest.raises(Dead) as caught:
        post(other, f"HTTP/1.1 {status} No\r\nLocation: {other.url}/elsewhere\r\nContent-Length: 0\r\n\r\n")
    assert (caught.value.status, caught.value.reason) == (status, f"HTTP {status}")
    assert len(other.requests) == 1, "a redirect is not followed"


@pytest.mark.parametrize("size", [0, 5, http.REFUSAL_BYTES, http.REFUSAL_BYTES + 5])
def test_a_refusal_comes_with_the_beginning_of_its_body(other: Partner, size: int) -> None:
    with pytest.raises(http.Refusal) as caught:
        post(other, f"HTTP/1.1 422 No\r\nContent-Length: {size}\r\n\r\n" + "x" * size)
    assert caught.value.body == b"x" * min(size, http.REFUSAL_BYTES)
    assert (caught.value.because("name").reason, caught.value.because("").reason) == ("HTTP 422: name", "HTTP 422")
    assert other.requests[0][1]["accept-encoding"] == "identity"


def test_a_refusal_that_is_cut_off_is_still_one(other: Partner) -> None:
    with pytest.raises(http.Refusal) as caught:
        post(other, "HTTP/1.1 400 No\r\nContent-Length: 10\r\n\r\n[1")
    assert (caught.value.status, caught.value.answer_lost) == (400, False)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_a_temporary_failure_is_retried(other: Partner, status: int) -> None:
    with pytest.raises(Retry) as caught:
        post(other, f"HTTP/1.1 {status} Later\r\nContent-Length: 0\r\n\r\n")
    gateway = status in (502, 504)  # not the destination itself: it may have had the request
    assert (caught.value.status, caught.value.after, caught.value.answer_lost) == (status, 0, gateway)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_passed_on(other: Partner, status: int) -> None:
    with pytest.raises(Retry) as caught:
        post(other, f"HTTP/1.1 {status} Later\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n")
    assert caught.value.after == 120


def test_a_failed_connection_is_not_a_lost_answer(other: Partner) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(Retry) as caught:
            http.post(f"http://127.0.0.1:{unused.getsockname()[1]}", b"", {})
    assert (caught.value.reason, caught.value.answer_lost) == ("no connection", False)


def test_a_broken_tls_connection_may_have_carried_the_request(other: Partner) -> None:
    other.answer = b"HTTP/1.1 200 OK\r\n\r\n"
    with pytest.raises(Retry) as caught:
        http.post(other.url.replace("http:", "https:"), b"", {})
    assert caught.value.answer_lost


@pytest.mark.parametrize("head", ["Content-Length: 5, 6", "Transfer-Encoding: chunked\r\n\r\nzz", "X: " + "x" * 70_000])
def test_an_unreadable_response_is_never_reported_as_not_sent(other: Partner, head: str) -> None:
    def verdict() -> bool:
        try:
            return post(other, f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n") == 200
        except Retry as error:
            return error.answer_lost

    assert verdict()


def test_a_connection_closed_after_reading_is_a_lost_answer(other: Partner) -> None:
    with pytest.raises(Retry) as caught:
        post(other, "")
    assert (caught.value.status, caught.value.answer_lost) == (None, True)


def test_a_response_that_is_not_http_is_a_lost_answer(other: Partner) -> None:
    with pytest.raises(Retry) as caught:
        post(other, "hello\r\n\r\n")
    assert caught.value.answer_lost


def test_no_response_is_a_lost_answer(other: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    give_up_soon(other, monkeypatch)
    other.hold = True
    with pytest.raises(Retry) as caught:
        post(other, "")
    assert caught.value.answer_lost


def test_the_body_of_a_large_response_is_not_read(other: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    give_up_soon(other, monkeypatch)
    other.hold = True  # one byte of five megabytes arrives
    assert post(other, "HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n.") == 200


@pytest.mark.parametrize("location", ["/elsewhere", "http://[", "//", ""])
def test_a_redirect_is_neither_followed_nor_read(
    other: Partner, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    give_up_soon(other, monkeypatch)
    other.hold = True
    with pytest.raises(Dead, match="HTTP 302"):
        post(other, f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 5000000\r\n\r\n.")


def ask(other: Partner, answer: str, *, read: int = 10, now: Callable[[], datetime] = lambda: NOW) -> http.Response:
    other.answer = answer.encode()
    return http.request("GET", f"{other.url}/webhooks", headers={"X-Header": "value"}, read=read, now=now)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_request_has_its_method_and_only_the_given_body(other: Partner, method: str) -> None:
    other.answer = b"HTTP/1.1 200 OK\r\n\r\n"
    http.request(method, other.url, headers={})
    ((line, headers, body),) = other.requests
    assert (line, body) == (f"{method} / HTTP/1.1", b"")
    assert "content-type" not in headers


def test_a_body_to_be_read_is_requested_uncompressed(other: Partner) -> None:
    ask(other, "HTTP/1.1 200 OK\r\n\r\n")
    assert other.requests[0][1]["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "answer",
    [
        "Content-Length: 10\r\n\r\n0123456789",
        "Transfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n",
        "\r\n0123456789",
    ],
    ids=["of known length", "in chunks", "until the connection closes"],
)
def test_a_body_is_read_to_its_end(other: Partner, answer: str) -> None:
    assert ask(other, f"HTTP/1.1 201 Created\r\n{answer}") == http.Response(201, b"0123456789")


def test_a_response_without_a_body_is_empty(other: Partner) -> None:
    assert ask(other, "HTTP/1.1 204 No Content\r\n\r\n") == http.Response(204, b"")


@pytest.mark.parametrize(
    "answer",
    [
        "Content-Length: 11\r\n\r\n0123456789a",
        "Content-Length: 5000000\r\n\r\n0123456789a",
        "Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n",
    ],
)
def test_no_more_than_the_limit_is_read(other: Partner, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    give_up_soon(other, monkeypatch)
    other.hold = True  # the rest would never arrive
    with pytest.raises(Retry, match="too long") as caught:
        ask(other, f"HTTP/1.1 200 OK\r\n{answer}")
    assert caught.value.answer_lost


@pytest.mark.parametrize(
    "answer",
    [
        "Content-Length: 10\r\n\r\n012",
        "Transfer-Encoding: chunked\r\n\r\n5\r\n012",
        "Transfer-Encoding: chunked\r\n\r\nzz",
    ],
)
@pytest.mark.parametrize("hold", [False, True], ids=["cut off", "silent"])
def test_an_incomplete_response_is_a_lost_answer(
    other: Partner, monkeypatch: pytest.MonkeyPatch, answer: str, hold: bool
) -> None:
    give_up_soon(other, monkeypatch)
    other.hold = hold
    with pytest.raises(Retry, match="no answer") as caught:
        ask(other, f"HTTP/1.1 200 OK\r\n{answer}")
    assert caught.value.answer_lost


def test_a_slow_body_has_a_deadline(other: Partner) -> None:
    other.hold = True
    times = iter([NOW, NOW, NOW + timedelta(seconds=http.READ_S + 1)])
    with pytest.raises(Retry, match="took too long"):
        ask(other, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0", now=lambda: next(times))


@pytest.mark.parametrize(("status", "verdict"), [(404, Dead), (503, Retry)])
def test_only_the_body_of_a_success_is_read(
    other: Partner, monkeypatch: pytest.MonkeyPatch, status: int, verdict: type[Exception]
) -> None:
    give_up_soon(other, monkeypatch)
    other.hold = True
    with pytest.raises(verdict, match=f"HTTP {status}"):
        ask(other, f"HTTP/1.1 {status} No\r\nContent-Length: 5000000\r\n\r\n.")


def ask_accepting(other: Partner, answer: str, *, now: Callable[[], datetime] = lambda: NOW) -> http.Response:
    other.answer = answer.encode()
    return http.request("GET", other.url, headers={}, read=10, accept={404, 422}, now=now)


@pytest.mark.parametrize("status", [404, 422])
def test_a_response_with_an_accepted_status_is_returned(other: Partner, status: int) -> None:
    answer = ask_accepting(other, f"HTTP/1.1 {status} No\r\nContent-Length: 4\r\n\r\ngone")
    assert answer == http.Response(status, b"gone")


@pytest.mark.parametrize(("status", "verdict"), [(400, Dead), (302, Dead), (429, Retry), (500, Retry)])
def test_other_statuses_raise_the_same_errors_as_always(other: Partner, status: int, verdict: type[Exception]) -> None:
    with pytest.raises(verdict, match=f"^HTTP {status}$"):
        ask_accepting(other, f"HTTP/1.1 {status} No\r\nContent-Length: 4\r\n\r\ngone")


def test_the_body_of_a_success_must_be_complete(other: Partner) -> None:
    with pytest.raises(Retry, match="too long"):
        ask_accepting(other, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n0123456789a")


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        ("Content-Length: 11\r\n\r\n0123456789a", b"0123456789"),
        ("Content-Length: 5000000\r\n\r\n0123456789a", b"0123456789"),
        ("Content-Length: 10\r\n\r\n012", b"012"),
        ("Content-Length: 10\r\n\r\n", b""),
        ("Transfer-Encoding: chunked\r\n\r\n3\r\n012\r\nzz", b"012"),
    ],
)
@pytest.mark.parametrize("hold", [False, True], ids=["cut off", "silent"])
def test_the_body_of_an_accepted_status_may_be_incomplete(
    other: Partner, monkeypatch: pytest.MonkeyPatch, answer: str, content: bytes, hold: bool
) -> None:
    give_up_soon(other, monkeypatch)
    other.hold = hold
    assert ask_accepting(other, f"HTTP/1.1 404 No\r\n{answer}") == http.Response(404, content)


def test_a_slow_body_of_an_accepted_status_has_a_deadline(other: Partner) -> None:
    other.hold = True
    times = iter([NOW, NOW, NOW + timedelta(seconds=http.READ_S + 1)])
    answer = ask_accepting(other, "HTTP/1.1 404 No\r\nContent-Length: 10\r\n\r\n0", now=lambda: next(times))
    assert answer == http.Response(404, b"0")


def test_the_body_of_an_accepted_status_is_not_read_without_a_limit(
    other: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_up_soon(other, monkeypatch)
    other.hold = True
    other.answer = b"HTTP/1.1 404 No\r\nContent-Length: 5000000\r\n\r\n."
    assert http.request("GET", other.url, headers={}, accept={404}) == http.Response(404)


@pytest.mark.parametrize("size", [http.LARGE, http.LARGE + 1, 5_000_000])
def test_a_large_body_is_sent_in_pieces_but_is_one_body(
    other: Partner, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    # The time-out of a socket is that of one sendall, however much it has to send.
    pieces, sendall = list[int](), socket.socket.sendall

    def record(self: socket.socket, data: bytes) -> None:
        pieces.append(len(data))
        sendall(self, data)

    monkeypatch.setattr(socket.socket, "sendall", record)
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    other.answer = b"HTTP/1.1 200 OK\r\n\r\n"
    http.post(other.url, body, {})
    ((_, headers, sent),) = other.requests
    assert sent == body
    assert headers["content-length"] == str(size)
    assert "transfer-encoding" not in headers
    assert max(pieces) <= http.LARGE


@pytest.mark.parametrize("header", [{"X-Header": "two\nlines"}, {"X-Header": " spaced"}, {"X-Header": "店"}])
def test_an_invalid_request_is_not_a_lost_answer(other: Partner, header: dict[str, str]) -> None:
    with pytest.raises(Retry) as caught:
        http.post(other.url, b"", header)
    assert not caught.value.answer_lost
    assert not other.requests


def test_http_without_tls_is_allowed_only_in_the_local_cloud(other: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_ENDPOINT_URL", "")
    with pytest.raises(Retry, match="not https"):
        post(other)
    assert not other.requests


@pytest.mark.parametrize("url", ["http://camaloon.example", "ftp://camaloon.example", "camaloon.example", ""])
def test_only_https_is_accepted_in_the_cloud(url: str) -> None:
    with pytest.raises(Retry, match="not https"):
        http.require_https(url)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("5", 5),
        (" 5 ", 5),
        ("0", 0),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("٣", 0),
        ("9" * 50, 999_999_999),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0),
        ("Tue, 01 Sep 2026 14:01:00", 0),
        ("Tue, 99 Sep 2026 14:01:00 GMT", 0),
        ("Tue, 01 Sep 2026 14:01:00 +99999999999999999", 0),
        ("Tue, 01 Sep 99999999999999999999 14:01:00 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float) -> None:
    assert http.retry_after(value, NOW) == seconds


@given(st.text())
@example("1 Jan 1 0:0 +9999999999999")
def test_an_invalid_retry_after_is_zero(value: str) -> None:
    assert http.retry_after(value, NOW) >= 0
