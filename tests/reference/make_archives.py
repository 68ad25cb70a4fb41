#!/usr/bin/env python3
"""Makes tests/golden/data/zipped/images.zip: three small pictures in a folder, one of them stored, with what macOS adds.

    python tests/reference/make_archives.py

Needs nothing but Python's zipfile; every member has the same date, so that the archive is the same each time.
"""

import pathlib
import zipfile

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
MEMBERS = (
    ("pictures/i2.png", "image/gray4.png", zipfile.ZIP_STORED),
    ("pictures/i1.png", "image/gray8.png", zipfile.ZIP_DEFLATED),
    ("pictures/more/i3.png", "image/gray.jpg", zipfile.ZIP_DEFLATED),
    ("__MACOSX/pictures/._i1.png", None, zipfile.ZIP_STORED),
    ("pictures/", None, zipfile.ZIP_STORED),
    ("readme.txt", None, zipfile.ZIP_STORED),
)

with zipfile.ZipFile(GOLDEN / "data" / "zipped" / "images.zip", "w") as archive:
    for name, source, how in MEMBERS:
        entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
        entry.compress_type = how
        archive.writestr(entry, b"" if source is None else (GOLDEN / source).read_bytes())
