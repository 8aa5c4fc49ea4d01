"""The command `bench`, also as `python -m bench`."""

import os
import sys
from pathlib import Path
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; importing it takes long enough to be interrupted."""
    try:
        if sys.path[0] == os.getcwd() != str(Path(__file__).parents[1]):
            del sys.path[0]  # by `python -m`: files there may have the names of libraries
    except FileNotFoundError:
        sys.stderr.write("bench: the working folder does not exist any more; go to another one\n")
        sys.exit(2)
    try:
        from bench.cli.app import main as run
    except KeyboardInterrupt:
        sys.stderr.write("bench: interrupted\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
