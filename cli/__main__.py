"""`python -m cli`: the launcher `.venv/bin/pressroom`, which `make install` writes, runs this."""

import sys

if __name__ == "__main__":
    try:
        from cli.main import main  # takes long enough that Ctrl-C during the import must end quietly
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(main())
