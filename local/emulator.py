"""`python -m local.emulator`: ministack with two changes.

- A layer is unpacked once, not once for each worker. AWS mounts a layer; ministack (1.5.33) unpacks its zip into every
  worker's folder, 1,600 files under Python's global lock: 50 webhooks at once on a fresh stack took half a minute.
- Every request passes `local.guard` first, and the server can listen on several addresses.
"""

import hashlib
import os
import threading
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hypercorn.asyncio
from hypercorn.protocol.h11 import H11Protocol
from ministack.app import main  # type: ignore[import-untyped]
from ministack.core import lambda_runtime  # type: ignore[import-untyped]

from local.guard import API_PATH, LOOPBACK, Guard, GuardedAsgi
from local.processes import ALLOW_HOST, LISTEN, PORT, api_id_file
from local.settings import python_path

_unpacking = threading.Lock()


class _Zip(zipfile.ZipFile):
    """A zip which, if it is a layer's, becomes a link to the one place where the same content was unpacked before."""

    @property
    def _is_layer(self) -> bool:
        return Path(str(self.filename)).name.startswith("layer_")

    def namelist(self) -> list[str]:
        # ministack looks at each name for ways out of the folder; these files are our own build's.
        return [] if self._is_layer else super().namelist()

    def extractall(self, path: Any = None, *rest: Any) -> None:
        if not self._is_layer:
            super().extractall(path, *rest)
            return
        content = repr([(entry.filename, entry.CRC) for entry in self.infolist()])
        shared = Path(os.environ["TMPDIR"]) / f"layer-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
        with _unpacking:
            if not shared.is_dir():
                unfinished = shared.with_suffix(".unfinished")
                super().extractall(unfinished, [entry.filename for entry in self.infolist()])
                unfinished.rename(shared)
        Path(path).rmdir()
        Path(path).symlink_to(shared)


async def _stay_with_http_1(protocol: H11Protocol, event: Any) -> None:
    """Ignore a request to upgrade to HTTP/2 on the same connection.

    A tunnel passes an upgraded connection on unchanged. Its visitors would then write the host names of all further
    requests themselves, and reach everything that this machine's own programs reach.
    """


def _guarded(serve: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Return hypercorn's `serve`, which puts the guard before the app and binds the addresses that are wanted."""
    addresses, port = os.environ[LISTEN].split(","), int(os.environ[PORT])
    guard = Guard(
        for_containers=addresses != [LOOPBACK], allow_host=os.environ.get(ALLOW_HOST, ""), pages=f"{API_PATH}/"
    )

    async def guarded(app: Any, config: Any, **rest: Any) -> None:
        config.bind = [f"{address}:{port}" for address in addresses]
        await serve(GuardedAsgi(app, guard, port, api_id_file(Path(os.environ["TMPDIR"]))), config, **rest)

    return guarded


if __name__ == "__main__":
    lambda_runtime.zipfile = SimpleNamespace(
        ZipFile=_Zip, BadZipFile=zipfile.BadZipFile, LargeFileError=zipfile.LargeZipFile
    )
    H11Protocol._check_protocol = _stay_with_http_1  # type: ignore[assignment, method-assign]
    hypercorn.asyncio.serve = _guarded(hypercorn.asyncio.serve)  # type: ignore[assignment]
    os.environ["PYTHONPATH"] = python_path()  # without what led here, which is not for the functions
    main()
