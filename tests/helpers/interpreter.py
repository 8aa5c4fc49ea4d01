"""Code in a fresh interpreter."""

import subprocess
import sys
import textwrap


def run_python(code, *path):
    """Run code in a fresh interpreter with further folders on its path; return what it prints."""
    setup = f"import sys; sys.path[:0] = {[str(p) for p in path]}\n"
    command = [sys.executable, "-c", setup + textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
