"""The command `bench`, also as `python -m bench`."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; importing it takes long enough to be interrupted."""
    try:
        from bench.cli.app import main as run
    except KeyboardInterrupt:
        sys.stderr.write("bench: interrupted\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
