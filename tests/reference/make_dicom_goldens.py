"""Makes tests/golden/dicom/ and the seeds of fuzz_image_dicom: small DICOM files of every transfer syntax, sample form and way
of being shown, and what pydicom, GDCM and dcmtk make of them.

    python -m venv V && V/bin/pip install pydicom numpy pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pylibjpeg-rle
    V/bin/python tests/reference/make_dicom_goldens.py        # needs dcmtk and libgdcm-tools (Debian)

stored.csv: stored samples (all switches off) by pydicom, equal to GDCM's; shown.csv: shown samples by dcm2pnm and dcmj2pnm,
with the first VOI LUT (+Wl 1), else the first window (+Wi 1), else none; see shown() for where they are inexact.
With a folder as argument: real.csv instead, the same for the files of that folder (not part of the project).
The pixels are noise and waves; every attribute of patient and study holds the word that the privacy tests look for.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from fractions import Fraction

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

ROOT = pathlib.Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "golden" / "dicom"
CORPUS = ROOT / "fuzz" / "corpus" / "image_dicom"
SECRET = "ZZSECRET"
SEEDS = (
    "u8 u10_implicit u16_big s12_deflated u10_rle u10_jpegls u10_j2k u10_jpeg_lossless u8_jpeg_baseline u12_jpeg_extended "
    "voi12_1_undefined_lengths modality_lut_window window_sigmoid_1 u10_icon u10_no_meta u10_implicit_no_meta u8_big_no_meta "
    "bad_colour bad_frames bad_huge"
).split()
rng = np.random.default_rng(20240607)


def run(*command, **kw):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, **kw).stdout


def waves(h, w, top):
    y, x = np.mgrid[0:h, 0:w]
    z = 0.5 + 0.3 * np.sin(x / 3.1 + y / 5.3) + 0.2 * rng.random((h, w))
    z = (z - z.min()) / (z.max() - z.min())
    z[0, 0], z[0, 1] = 0, 1
    return np.rint(z * top).astype(np.int64)


def lut(values, first, bits, signed=False):
    item = Dataset()
    item.add_new(0x00283002, "SS" if signed else "US", [len(values) % 65536, first, bits])
    item.add_new(0x00283006, "OW", np.asarray(values, "<u2").tobytes())
    return Sequence([item])


def dicom(name, samples, allocated, stored, high=None, signed=False, photometric="MONOCHROME2", **more):
    """Writes GOLDEN/name.dcm, explicit little endian. `samples` are values, signed ones too."""
    high = stored - 1 if high is None else high
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    meta.MediaStorageSOPInstanceUID = "1.2.3.4.5.6.7"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = "1.2.3.4"
    d = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    d.SOPClassUID, d.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    d.Modality = "CR"
    for attribute in (
        "PatientName PatientID OtherPatientIDs PatientComments PatientAddress AccessionNumber InstitutionName "
        "ReferringPhysicianName OperatorsName StudyDescription SeriesDescription StudyID AdditionalPatientHistory "
        "ImageComments StationName RequestedProcedureDescription"
    ).split():
        setattr(d, attribute, SECRET + "^" + attribute[:5])
    d.PatientBirthDate, d.PatientSex, d.PatientAge, d.StudyDate = "19010203", "O", "099Y", "19010203"
    d.StudyInstanceUID, d.SeriesInstanceUID = "1.2.3.4.5.6.8", "1.2.3.4.5.6.9"
    block = d.private_block(0x0011, "MADE BY A TEST", create=True)
    block.add_new(1, "LO", SECRET + " private")
    d.Rows, d.Columns = samples.shape
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, photometric
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = allocated, stored, high, int(signed)
    for key, value in more.items():
        setattr(d, key, value)
    raw = (samples.astype(np.int64) << (high + 1 - stored)).astype(f"<i{allocated // 8}" if signed else f"<u{allocated // 8}")
    data = raw.tobytes()
    d.PixelData = data + b"\0" * (len(data) % 2)
    d["PixelData"].VR = "OW" if allocated > 8 else "OB"
    d.save_as(GOLDEN / f"{name}.dcm", enforce_file_format=True)
    return d


def convert(tool, options, source, name):
    """Another transfer syntax of GOLDEN/source.dcm."""
    run(tool, *options, GOLDEN / f"{source}.dcm", GOLDEN / f"{name}.dcm")


def without_meta(source, name):
    d = pydicom.dcmread(GOLDEN / f"{source}.dcm")
    data = (GOLDEN / f"{source}.dcm").read_bytes()
    begin = 132 + 12 + d.file_meta.FileMetaInformationGroupLength
    (GOLDEN / f"{name}.dcm").write_bytes(data[begin:])


def make():
    g8, g10, g12, g16 = (waves(18, 22, 2**b - 1) for b in (8, 10, 12, 16))
    dicom("u8", g8, 8, 8)
    dicom("u8_mono1", g8, 8, 8, photometric="MONOCHROME1")
    dicom("u8_odd", g8[:15, :15], 8, 8)  # an odd number of bytes
    dicom("u6_in_8", g8 // 4, 8, 6)
    dicom("u8_in_16", g8, 16, 8)
    dicom("u10", g10, 16, 10)
    dicom("u10_mono1", g10, 16, 10, photometric="MONOCHROME1")
    dicom("u12_high15", g12, 16, 12, high=15)
    dicom("u16", g16, 16, 16)
    dicom("s12", g12 - 2048, 16, 12, signed=True, RescaleSlope=1, RescaleIntercept=-1024)
    dicom("s16", g16 - 32768, 16, 16, signed=True)
    dicom("s8_mono1", g8 - 128, 8, 8, signed=True, photometric="MONOCHROME1")
    dicom("negative_slope", g12, 16, 12, RescaleSlope=-2.5, RescaleIntercept=7)
    for mono in ("MONOCHROME1", "MONOCHROME2"):
        m = mono[-1]
        dicom(f"window10_{m}", g10, 16, 10, photometric=mono, WindowCenter=[550, 40], WindowWidth=[1024, 400])
        dicom(f"window_narrow_{m}", g12, 16, 12, photometric=mono, WindowCenter="2000.5", WindowWidth="777.25")
        dicom(f"window8_{m}", g8, 8, 8, photometric=mono, WindowCenter=127, WindowWidth=100)
        dicom(f"window1_{m}", g8, 8, 8, photometric=mono, WindowCenter=100, WindowWidth=1)
        dicom(f"window_signed_{m}", g12 - 2048, 16, 12, signed=True, photometric=mono, WindowCenter=-600, WindowWidth=1500,
              RescaleSlope="2", RescaleIntercept="-100")
        dicom(f"window_sigmoid_{m}", g12, 16, 12, photometric=mono, WindowCenter=2000, WindowWidth=1600,
              VOILUTFunction="SIGMOID")
        curve = np.rint((np.arange(4096) / 4095.0) ** 1.7 * 65535)
        dicom(f"voi16_{m}", g12, 16, 12, photometric=mono, VOILUTSequence=lut(curve, 0, 16), WindowCenter=1, WindowWidth=2)
        dicom(f"voi12_{m}", g12, 16, 12, photometric=mono, VOILUTSequence=lut(curve[1000:3000] // 16, 1000, 12))
        dicom(f"voi8_{m}", g12, 16, 12, photometric=mono, VOILUTSequence=lut(curve // 256, 0, 8))
    dicom("window_fraction", g12 - 2048, 16, 12, signed=True, WindowCenter="-600.5", WindowWidth="1500.3",
          RescaleSlope="1.5", RescaleIntercept="-100.25")
    dicom("window_exact", g12, 16, 12, WindowCenter=2048, WindowWidth=4096, VOILUTFunction="LINEAR_EXACT")
    dicom("voi_signed", g12 - 2048, 16, 12, signed=True, VOILUTSequence=lut(curve, -2048, 16, signed=True))
    dicom("modality_lut", g10, 16, 10, ModalityLUTSequence=lut(np.arange(1024) ** 2 // 257, 0, 12))
    dicom("modality_lut_window", g10, 16, 10, ModalityLUTSequence=lut(np.arange(1024) * 4, 0, 12), WindowCenter=2000,
          WindowWidth=3000)
    dicom("overlay", g10, 16, 10)
    d = pydicom.dcmread(GOLDEN / "overlay.dcm")  # an overlay plane in the unused upper bits
    d.PixelData = (g10.astype("<u2") | ((g10 % 3 == 0).astype("<u2") << 12)).astype("<u2").tobytes()
    d.save_as(GOLDEN / "overlay.dcm", enforce_file_format=True)

    for source in ("u8", "u10", "u16", "s12"):
        convert("dcmconv", ["+ti"], source, f"{source}_implicit")
        convert("dcmconv", ["+tb"], source, f"{source}_big")
        convert("dcmconv", ["+td"], source, f"{source}_deflated")
        convert("dcmcrle", [], source, f"{source}_rle")
        convert("dcmcjpeg", ["+e1"], source, f"{source}_jpeg_lossless_sv1")
        convert("dcmcjpeg", ["+el"], source, f"{source}_jpeg_lossless")
        convert("dcmcjpls", ["+el"], source, f"{source}_jpegls")
        if source != "s12":  # dcmtk does not compress signed samples with loss
            convert("dcmcjpls", ["+en", "+md", "2"], source, f"{source}_jpegls_near")
        convert("gdcmconv", ["--j2k"], source, f"{source}_j2k")
        convert("gdcmconv", ["--j2k", "--lossy", "-r", "4"], source, f"{source}_j2k_lossy")
    convert("dcmcjpeg", ["+eb"], "u8", "u8_jpeg_baseline")
    convert("dcmcjpeg", ["+eb"], "u8_mono1", "u8_mono1_jpeg_baseline")
    dicom("u12", g12, 16, 12)
    convert("dcmcjpeg", ["+ee"], "u12", "u12_jpeg_extended")
    for source in ("u10_j2k", "u10_jpeg_lossless", "u10_jpegls"):  # one picture cut into several pieces
        d = pydicom.dcmread(GOLDEN / f"{source}.dcm")
        stream = next(generate_frames(d.PixelData, number_of_frames=1))
        d.PixelData = encapsulate([stream], fragments_per_frame=3)
        d.save_as(GOLDEN / f"{source}_pieces.dcm", enforce_file_format=True)
    convert("dcmconv", ["+te", "-e"], "voi12_1", "voi12_1_undefined_lengths")
    d = pydicom.dcmread(GOLDEN / "u10.dcm")  # a small picture inside a sequence, before the picture
    icon = Dataset()
    icon.Rows = icon.Columns = 2
    icon.SamplesPerPixel, icon.PhotometricInterpretation, icon.PixelRepresentation = 1, "MONOCHROME2", 0
    icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelData = 8, 8, 7, b"\1\2\3\4"
    icon["PixelData"].VR = "OB"
    icon.is_undefined_length_sequence_item = True
    d.IconImageSequence = Sequence([icon])
    d["IconImageSequence"].is_undefined_length = True
    d.save_as(GOLDEN / "u10_icon.dcm", enforce_file_format=True)
    without_meta("u10", "u10_no_meta")
    without_meta("u10_implicit", "u10_implicit_no_meta")
    without_meta("u8_big", "u8_big_no_meta")

    # what is no gray picture
    base = pydicom.dcmread(GOLDEN / "u8.dcm")
    d = pydicom.dcmread(GOLDEN / "u8.dcm")
    del d.PixelData
    d.save_as(GOLDEN / "bad_no_pixels.dcm", enforce_file_format=True)
    for name, change in (("short", -10), ("long", 10)):
        d = pydicom.dcmread(GOLDEN / "u8.dcm")
        d.PixelData = (base.PixelData + b"\0" * 16)[: len(base.PixelData) + change]
        d.save_as(GOLDEN / f"bad_{name}.dcm", enforce_file_format=True)
    d = pydicom.dcmread(GOLDEN / "u8.dcm")
    d.SamplesPerPixel, d.PhotometricInterpretation, d.PlanarConfiguration = 3, "RGB", 0
    d.PixelData = base.PixelData * 3
    d.save_as(GOLDEN / "bad_colour.dcm", enforce_file_format=True)
    d = pydicom.dcmread(GOLDEN / "u8.dcm")
    d.PhotometricInterpretation = "PALETTE COLOR"
    d.save_as(GOLDEN / "bad_palette.dcm", enforce_file_format=True)
    d = pydicom.dcmread(GOLDEN / "u8.dcm")
    d.NumberOfFrames, d.PixelData = 3, base.PixelData * 3
    d.save_as(GOLDEN / "bad_frames.dcm", enforce_file_format=True)
    d = pydicom.dcmread(GOLDEN / "u8.dcm")
    d.Rows = d.Columns = 60000
    d.save_as(GOLDEN / "bad_huge.dcm", enforce_file_format=True)
    d = pydicom.dcmread(GOLDEN / "window8_2.dcm")
    d.WindowWidth = 0
    d.save_as(GOLDEN / "bad_window.dcm", enforce_file_format=True)
    d = pydicom.dcmread(GOLDEN / "u10_jpegls.dcm")
    d.Rows, d.Columns = 22, 18
    d.save_as(GOLDEN / "bad_stream_size.dcm", enforce_file_format=True)
    d = pydicom.dcmread(GOLDEN / "u8.dcm")
    d.BitsAllocated, d.BitsStored, d.HighBit = 32, 32, 31
    d.PixelData = base.PixelData * 4
    d.save_as(GOLDEN / "bad_bits.dcm", enforce_file_format=True)


def sha(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def stored(path):
    """Stored samples, signed ones moved up to begin at 0, in the width that we deliver: by pydicom, checked with GDCM."""
    d = pydicom.dcmread(path, force=True)
    if not hasattr(d, "file_meta") or "TransferSyntaxUID" not in d.file_meta:
        d.file_meta = FileMetaDataset()
        d.file_meta.TransferSyntaxUID = (
            pydicom.uid.ExplicitVRBigEndian if "big" in path.name
            else ImplicitVRLittleEndian if "implicit" in path.name
            else ExplicitVRLittleEndian
        )
    lossy = "near" in path.name or "lossy" in path.name or "baseline" in path.name or "extended" in path.name
    pixels = d.pixel_array.astype(np.int64)
    if "meta" not in path.name:
        with tempfile.NamedTemporaryFile(suffix=".raw") as out, tempfile.NamedTemporaryFile(suffix=".dcm") as plain:
            run("gdcmconv", "--raw", path, plain.name)
            run("gdcmraw", plain.name, out.name)
            raw = np.frombuffer(pathlib.Path(out.name).read_bytes(), f"<u{d.BitsAllocated // 8}")[: pixels.size]
        mask = (1 << d.BitsStored) - 1
        low = -(mask // 2) - 1 if d.PixelRepresentation else 0
        ours = raw.astype(np.int64)
        if d.PixelRepresentation:
            ours = raw.astype(f"<i{d.BitsAllocated // 8}").astype(np.int64)
        ours, theirs = (x >> (d.HighBit + 1 - d.BitsStored) for x in (ours, pixels.ravel()))
        if lossy:
            ours, theirs = (np.clip(x, low, low + mask) for x in (ours, theirs))
        else:
            ours, theirs = (((x - low) & mask) + low for x in (ours, theirs))
        if d.HighBit != d.BitsStored - 1:
            # gdcmconv and pydicom drop the bits above the stored ones wherever they lie; dcm2pnm reads them below
            ours = np.frombuffer(d.PixelData, "<u2").astype(np.int64) >> (d.HighBit + 1 - d.BitsStored)
            theirs = ours
        if not np.array_equal(ours, theirs):
            worst = np.abs(ours - theirs).max()
            assert lossy and worst <= 1, (path.name, worst)  # two decoders of a lossy format: ours is GDCM's
        pixels = ours.reshape(pixels.shape)
    if d.PixelRepresentation:
        pixels = pixels + (1 << (d.BitsStored - 1))
    return d, pixels.astype("<u1" if d.BitsStored <= 8 else "<u2")


def pgm(data):
    """ASCII or binary PGM."""
    fields, at = [], 0
    while len(fields) < 4:
        while data[at : at + 1].isspace():
            at += 1
        if data[at : at + 1] == b"#":
            at = data.index(b"\n", at)
            continue
        end = at
        while not data[end : end + 1].isspace():
            end += 1
        fields.append(data[at:end])
        at = end
    w, h, top = (int(f) for f in fields[1:])
    if fields[0] == b"P2":
        values = np.array(data[at:].split(), np.int64)
    else:
        values = np.frombuffer(data[at + 1 :], np.uint8).astype(np.int64)
    return values.reshape(h, w), top


def dcmtk_shown(path, option):
    tool = "dcmj2pnm" if "jpeg_" in path.name else "dcm2pnm"
    eight, top = pgm(run(tool, *option, "+op", path, "/dev/stdout"))
    assert top == 255
    sixteen, top = pgm(run(tool, *option, "+opw", path, "/dev/stdout"))
    assert top == 65535
    return eight, sixteen


def by_formula(d, pixels, top):
    """PS3.3 C.11.2.1.2.1 and C.11.2.1.3.2 in fractions, cut. dcmtk 3.6.7 cuts rescaled values to whole numbers and does not
    know LINEAR_EXACT."""
    centre, width = Fraction(str(d.WindowCenter)), Fraction(str(d.WindowWidth))
    slope, intercept = Fraction(str(d.get("RescaleSlope", 1))), Fraction(str(d.get("RescaleIntercept", 0)))
    if d.get("VOILUTFunction") != "LINEAR_EXACT":
        centre, width = centre - Fraction(1, 2), width - 1
    out = []
    for v in pixels.ravel():
        x = int(v) * slope + intercept
        part = (x - centre) / width + Fraction(1, 2)
        out.append(int(min(max(part, 0), 1) * top))
    return np.array(out).reshape(pixels.shape)


def shown(path, d, moved):
    """The picture as it is meant to look: samples, bits, white (0: not said), what made them. `moved`: stored samples."""
    inverted = d.PhotometricInterpretation == "MONOCHROME1"
    luts = "VOILUTSequence" in d
    if "fraction" in path.name or "exact" in path.name:
        signed = moved.astype(np.int64) - ((1 << (d.BitsStored - 1)) if d.PixelRepresentation else 0)
        return by_formula(d, signed, 65535), 16, 65535, "formula"
    if luts:
        table = d.VOILUTSequence[0]
        bits = table.LUTDescriptor[2]
        eight, sixteen = dcmtk_shown(path, ["+Wl", "1"])
        at = np.clip(moved.astype(np.int64) - (0 if table.LUTDescriptor[1] < 0 else table.LUTDescriptor[1]), 0,
                     (table.LUTDescriptor[0] or 65536) - 1)
        made = np.frombuffer(table["LUTData"].value, "<u2").astype(np.int64)[at]
        if inverted:  # dcmtk is up to one level of the LUT brighter
            made = (1 << bits) - 1 - made
            assert np.abs((sixteen >> (16 - bits)) - made).max() <= 1, path.name
        else:
            assert np.array_equal(sixteen >> (16 - bits), made), path.name
        return made, 8 if bits <= 8 else 16, (1 << bits) - 1 if bits > 8 else 0, "dcmtk-lut"
    if "WindowWidth" in d:
        eight, sixteen = dcmtk_shown(path, ["+Wi", "1"])
        if d.BitsStored <= 8:
            return eight, 8, 0, "dcmtk-window"
        assert np.abs(sixteen * 255 // 65535 - eight).max() <= 1, path.name  # a level's border, met in doubles
        return sixteen, 16, 65535, "dcmtk-window"
    eight, sixteen = dcmtk_shown(path, [])
    bits = d.ModalityLUTSequence[0].LUTDescriptor[2] if "ModalityLUTSequence" in d else d.BitsStored
    if bits <= 8:
        made = eight >> (8 - bits)
        if inverted:  # as below
            made, theirs = (1 << bits) - 1 - moved.astype(np.int64), made
            assert np.abs(made - theirs).max() <= 1, path.name
        return made, 8, 0, "dcmtk"
    made = sixteen >> (16 - bits)
    if inverted:  # dcmtk is up to one level brighter
        made = (1 << bits) - 1 - moved.astype(np.int64)
        assert np.abs((made >> (bits - 8)) - eight).max() <= 1, path.name
    return made, 16, 0, "dcmtk"


def versions():
    dcmtk = run("dcm2pnm", "--version").decode().split()[2]
    gdcm = run("gdcmconv", "--version").decode().split()[2]
    return f"# pydicom {pydicom.__version__}, GDCM {gdcm}, dcmtk {dcmtk}, numpy {np.__version__}\n"


def write(name, header, rows):
    (GOLDEN / name).write_text(versions() + header + "\n" + "".join(",".join(map(str, r)) + "\n" for r in rows))


def real(folder):
    rows = []
    for path in sorted(pathlib.Path(folder).glob("*.dcm")):
        d, pixels = stored(path)
        with tempfile.TemporaryDirectory() as work:  # dcm2pnm of Debian reads neither JPEG-LS nor JPEG 2000
            plain = pathlib.Path(work) / path.name.replace("jpeg_", "")
            run("gdcmconv", "--raw", path, plain)
            made, bits, white, by = shown(plain, d, pixels)
        rows.append((path.name, sha(pixels), by, sha(made.astype("<u1" if bits == 8 else "<u2"))))
    write("real.csv", "file,sha256_stored,by,sha256_shown", rows)


def main():
    os.environ["DCMDICTPATH"] = os.environ.get("DCMDICTPATH", "/usr/share/libdcmtk17/dicom.dic")
    if len(sys.argv) > 1:
        return real(sys.argv[1])
    kept = GOLDEN / "real.csv"
    kept = kept.read_text() if kept.exists() else None
    for folder in (GOLDEN, CORPUS):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    make()
    stored_rows, shown_rows = [], []
    for path in sorted(GOLDEN.glob("*.dcm")):
        if path.name.startswith("bad_"):
            continue
        d, pixels = stored(path)
        bits = 8 if pixels.dtype.itemsize == 1 else 16
        stored_rows.append((path.name, pixels.shape[1], pixels.shape[0], bits, sha(pixels)))
        if any(word in path.name for word in ("jpegls", "j2k", "meta", "lossy")) and "u10_mono1" not in path.name:
            continue  # dcm2pnm of Debian reads none of them; their stored samples are equal to others' here
        made, depth, white, by = shown(path, d, pixels)
        shown_rows.append((path.name, by, depth, white, sha(made.astype("<u1" if depth == 8 else "<u2"))))
    write("stored.csv", "file,width,height,bits,sha256", stored_rows)
    write("shown.csv", "file,by,bits,white,sha256", shown_rows)
    if kept is not None:
        (GOLDEN / "real.csv").write_text(kept)
    for name in SEEDS:
        shutil.copy(GOLDEN / f"{name}.dcm", CORPUS)


if __name__ == "__main__":
    sys.exit(main())
