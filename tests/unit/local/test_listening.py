"""Which addresses the local cloud listens on, and what it says of them."""

import pytest

from local import listening
from local.progress import LocalCloudError

MACHINE = [("lo", "127.0.0.1"), ("eth0", "192.0.2.2"), ("eth0", "192.0.2.3")]
WITH_DOCKER = [*MACHINE, ("docker0", "172.17.0.1")]


def has(monkeypatch: pytest.MonkeyPatch, addresses: list[tuple[str, str]]) -> None:
    monkeypatch.setattr(listening, "_own", lambda: addresses)


@pytest.mark.parametrize("bind", ["", "127.0.0.1"])
def test_without_a_bind_only_this_machine_reaches_it(monkeypatch: pytest.MonkeyPatch, bind: str) -> None:
    has(monkeypatch, WITH_DOCKER)
    assert listening.addresses(bind) == ("127.0.0.1",)
    assert listening.described(("127.0.0.1",)) == []


def test_for_containers_their_bridge_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, WITH_DOCKER)
    assert listening.addresses("0.0.0.0") == ("127.0.0.1", "172.17.0.1")  # noqa: S104 - asked for, not bound
    told = " ".join(listening.described(("127.0.0.1", "172.17.0.1")))
    assert "172.17.0.1" in told
    assert "WARNING" not in told


def test_without_a_bridge_it_says_what_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, MACHINE)
    assert listening.addresses("0.0.0.0") == ("0.0.0.0",)  # noqa: S104 - asked for, not bound
    told = " ".join(listening.described(("0.0.0.0",)))  # noqa: S104 - asked for, not bound
    assert "192.0.2.2, 192.0.2.3" in told
    assert "WARNING: any computer that reaches one of these addresses can run code as you." in told


def test_an_address_of_this_machine_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, WITH_DOCKER)
    assert listening.addresses("192.0.2.3") == ("127.0.0.1", "192.0.2.3")
    assert "WARNING" in " ".join(listening.described(("127.0.0.1", "192.0.2.3")))


@pytest.mark.parametrize("bind", ["198.51.100.1", "everything", "::", "0.0.0.0:80", "300.1.1.1"])
def test_another_address_is_refused(monkeypatch: pytest.MonkeyPatch, bind: str) -> None:
    has(monkeypatch, WITH_DOCKER)
    with pytest.raises(LocalCloudError, match="BIND"):
        listening.addresses(bind)
