"""Which addresses the local cloud's servers listen on: this machine's own, and where containers reach it."""

from ipaddress import AddressValueError, IPv4Address
from socket import AF_INET

import psutil

from local.guard import LOOPBACK
from local.progress import LocalCloudError

EVERY = "0.0.0.0"  # noqa: S104 - what BIND asks for; it is avoided where a bridge is found
BRIDGES = ("docker0", "podman0", "cni-podman0")
"""The network interfaces behind which Docker and Podman put containers; `host.docker.internal` is their address."""


def addresses(bind: str) -> tuple[str, ...]:
    """Return the addresses to listen on for a BIND.

    Without one only this machine reaches the servers. 0.0.0.0 means "for containers": where their bridge is found, it
    is enough to listen there; else every address is opened. Another address of this machine is added as it is.
    """
    if bind in ("", LOOPBACK):
        return (LOOPBACK,)
    if bind == EVERY:
        bridges = _bridges()
        return (LOOPBACK, *bridges) if bridges else (EVERY,)
    try:
        IPv4Address(bind)
    except AddressValueError:
        raise LocalCloudError(f"BIND has to be an IPv4 address, such as {EVERY}, and not {bind!r}.") from None
    own = [address for _, address in _own()]
    if bind not in own:
        raise LocalCloudError(f"BIND={bind} is not an address of this machine, which has {', '.join(own)}.")
    return (LOOPBACK, bind)


def described(listen: tuple[str, ...]) -> list[str]:
    """Say who else than this machine reaches servers that listen on these addresses."""
    if listen == (LOOPBACK,):
        return []
    every = [address for _, address in _own() if address != LOOPBACK]
    opened = every if listen == (EVERY,) else [address for address in listen if address != LOOPBACK]
    lines = [f"The emulator and the simulators also listen on {', '.join(opened)}."]
    if set(opened) <= set(_bridges()):
        return [*lines, "That is the bridge of this machine's containers."]
    lines.append("WARNING: any computer that reaches one of these addresses can run code as you.")
    if listen == (EVERY,):
        lines.append("No bridge of a container engine was found. When one runs, `make down` and `make up BIND=0.0.0.0`")
        lines.append("open that bridge only.")
    return lines


def _bridges() -> list[str]:
    return [address for name, address in _own() if name in BRIDGES]


def _own() -> list[tuple[str, str]]:
    """The network interfaces of this machine with their IPv4 addresses."""
    return [
        (name, each.address)
        for name, found in psutil.net_if_addrs().items()
        for each in found
        if each.family == AF_INET
    ]
