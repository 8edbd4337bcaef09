"""Which texts are links, and how a link is written."""

import pytest

from pressroom.platform.urls import web_link


@pytest.mark.parametrize(
    ("text", "link"),
    [
        (" https://t.example/a b?c=ü ", "https://t.example/a%20b?c=%C3%BC"),
        ("HTTPS://T.example/%41?", "HTTPS://T.example/%41?"),
        ("https://user@t.example:8443/x#y", "https://user@t.example:8443/x#y"),
        ("http://http/", "http://http/"),
        ("http://[2001:db8::1]:80/x", "http://[2001:db8::1]:80/x"),
        ("https://a_b.example./", "https://a_b.example./"),
        ("https://paket-verfölgung.example/1", "https://xn--paket-verflgung-itb.example/1"),
        ("https://MÜNCHEN.example:8443/ü", "https://xn--mnchen-3ya.example:8443/%C3%BC"),
        ("https://m%C3%BCnchen.example/1", "https://xn--mnchen-3ya.example/1"),  # as an older version wrote it
        ("https://追跡。example/1", "https://xn--dt3an5b.example/1"),
        ("https://t.ex%61mple/", "https://t.example/"),
    ],
)
def test_a_link_can_be_read_by_any_client_and_stays_as_it_is_then(text: str, link: str) -> None:
    assert web_link(text) == link
    assert web_link(link) == link
    assert link.isascii()


@pytest.mark.parametrize(
    "text",
    [
        *("", "#", "t.example", "javascript:alert(1)", "ftp://t.example/", "https://", "https:///x", "//t.example/"),
        *("https://t.example/\nx", "https://[::1/", "https://:80/", "https://t example/", "https://t<.example/"),
        f"https://{'ü' * 64}.example/",  # longer than a label may be
        "https://ü..example/",
        "https://straße.example/",  # strasse.example is another host
        "https://t.example%2F.other.example/",
        "https://t.example%EF%BC%8F.other.example/",  # a full-width slash
        "https://%FF.example/",
        f"https://t.example/{'x' * 2048}",
    ],
)
def test_what_is_no_link_or_has_a_host_that_cannot_be_encoded_is_none(text: str) -> None:
    assert web_link(text) is None
