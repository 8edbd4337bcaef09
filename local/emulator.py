"""`python -m local.emulator`: ministack, but for one thing: a layer is unpacked once, not once for each worker.

AWS mounts a layer. ministack (1.5.33) unpacks its zip into every worker's folder, 1,600 files under Python's global
lock: 50 webhooks at once on a fresh stack took over half a minute. All else is ministack as it comes.
"""

import hashlib
import os
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.app import main  # type: ignore[import-untyped]
from ministack.core import lambda_runtime  # type: ignore[import-untyped]

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


if __name__ == "__main__":
    lambda_runtime.zipfile = SimpleNamespace(
        ZipFile=_Zip, BadZipFile=zipfile.BadZipFile, LargeFileError=zipfile.LargeZipFile
    )
    os.environ["PYTHONPATH"] = python_path()  # without what led here, which is not for the functions
    main()
