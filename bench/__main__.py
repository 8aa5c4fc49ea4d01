"""`python -m bench` is the command `bench`."""

import sys

if __name__ == "__main__":
    try:
        from bench.cli import main
    except KeyboardInterrupt:  # importing takes long enough to be interrupted
        sys.stderr.write("bench: interrupted\n")
        sys.exit(130)
    main()
