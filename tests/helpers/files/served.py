"""The file that tests of fetching serve, and what they look at afterwards."""

import hashlib
import random

from datasets.fetch.fetching import LOCK, verify

CONTENT = random.Random(0).randbytes(200_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
BLOB = hashlib.sha1(b"blob 200000\0" + CONTENT).hexdigest()
PAGE = b"<!DOCTYPE html><title>Sign in</title>" + b" " * 500
TAMPERED = bytes([CONTENT[0] ^ 1]) + CONTENT[1:]
GOT = {"set/one.bin": CONTENT}


def in_folder(data):
    """Return the content of the files in the data folder but the lock."""
    found = {path.relative_to(data).as_posix(): path for path in data.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != LOCK}


def states(name, data):
    return [(finding.path, finding.state) for finding in verify(name, data)]
