#!/usr/bin/env python3
"""Presets on files as data sets have them: 16-bit PNG (PadChest) and DICOM (RSNA), by the steps of published code.

    python tests/reference/make_source_goldens.py

PadChest's 16-bit samples become 8-bit ones in numpy: x / x.max() * 255, cut. RSNA's DICOM files are read with pydicom and go
through MedKLIP's RSNA steps (histogram equalisation). Everything behind that is make_image_goldens.py's, whose
environment this needs, and pydicom. Writes tests/golden/image/sources.csv and its values.
"""

import numpy as np
import pydicom
from make_image_goldens import GOLDEN, METHODS, sha, write
from PIL import Image

STEP = 211


def deep_png(path):
    samples = np.asarray(Image.open(path))
    assert samples.dtype == np.uint16, samples.dtype
    return Image.fromarray((samples / samples.max() * 255).astype(np.uint8))


def dicom(path):
    data = pydicom.dcmread(path)
    assert data.PhotometricInterpretation == "MONOCHROME2" and data.BitsStored == 8
    return Image.fromarray(data.pixel_array)


CASES = (
    ("medklip", "gray16.png", deep_png),
    ("kad", "gray16.png", deep_png),
    ("openai-clip", "gray16.png", deep_png),
    ("medklip-rsna", "gray16.png", deep_png),
    ("medklip-rsna", "../dicom/u8.dcm", dicom),
    ("medklip-rsna", "../dicom/u8_rle.dcm", dicom),
    ("openai-clip", "../dicom/u8.dcm", dicom),
)

rows = []
for number, (preset, name, read) in enumerate(CASES):
    values = np.asarray(METHODS[preset](read(GOLDEN / name)), np.float32)
    file = f"source_{number}.f32"
    values.ravel()[::STEP].tofile(GOLDEN / file)
    rows.append((preset, name, *values.shape[1:], STEP, file, sha(values)))
write("sources.csv", "preset,image,height,width,step,values,sha256", rows)
