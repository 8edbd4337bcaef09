"""`python -m cli`: what `.venv/bin/pressroom`, which `make install` writes, starts."""

import sys
from pathlib import Path

# The layer's package is called pressroom too, and is installed nowhere.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layers" / "pressroom"))

if __name__ == "__main__":
    try:
        from cli.main import main
    except KeyboardInterrupt:  # what has to be read first takes a while
        sys.exit(130)
    sys.exit(main())
