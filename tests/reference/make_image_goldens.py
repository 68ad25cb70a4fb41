"""Makes tests/golden/image/ and the seeds of the image fuzz targets.

Needs Pillow, numpy, torch, transformers and opencv-python-headless. The pictures are invented here (noise, ramps,
waves); what Pillow, OpenCV, PyTorch and transformers make of them is written down. Run from anywhere:
    python tests/reference/make_image_goldens.py
"""

import hashlib
import io
import json
import pathlib
import struct
import zlib

import cv2
import numpy as np
import PIL
import torch
import transformers
from PIL import Image, features
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

TESTS = pathlib.Path(__file__).resolve().parents[1]
GOLDEN = TESTS / "golden" / "image"
CORPUS = TESTS / "fuzz" / "corpus"
rng = np.random.default_rng(20240501)


def sha(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


# --- a PNG writer for what Pillow does not write: 2 and 4 bits, gray + alpha 16, Adam7 ---


def pack(samples, bits):
    """samples [h, n] -> bytes per row, big-endian, packed."""
    if bits == 16:
        return [row.astype(">u2").tobytes() for row in samples]
    if bits == 8:
        return [row.astype(np.uint8).tobytes() for row in samples]
    rows = []
    for row in samples:
        bitstring = "".join(format(int(v), f"0{bits}b") for v in row)
        bitstring += "0" * (-len(bitstring) % 8)
        rows.append(bytes(int(bitstring[i : i + 8], 2) for i in range(0, len(bitstring), 8)))
    return rows


def filtered(rows, step, kind):
    """Every PNG filter type in turn (kind None), or one."""
    out, above = b"", None
    for y, row in enumerate(rows):
        f = y % 5 if kind is None else kind
        above = above or bytes(len(row))
        line = bytearray()
        for i, v in enumerate(row):
            a = row[i - step] if i >= step else 0
            b = above[i]
            c = above[i - step] if i >= step else 0
            p = a + b - c
            pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
            paeth = a if pa <= pb and pa <= pc else b if pb <= pc else c
            line.append((v - (0, a, b, (a + b) // 2, paeth)[f]) & 255)
        out += bytes([f]) + bytes(line)
        above = row
    return out


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(samples, colour_type, bits, adam7=False, palette=None, trns=None, extra=b""):
    """samples [h, w] or [h, w, channels]."""
    h, w = samples.shape[:2]
    flat = samples.reshape(h, w, -1)
    step = max(1, flat.shape[2] * bits // 8)
    passes = (
        ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
        if adam7
        else ((0, 0, 1, 1),)
    )
    raw = b""
    for x0, y0, dx, dy in passes:
        part = flat[y0::dy, x0::dx]
        if part.size:
            raw += filtered(pack(part.reshape(part.shape[0], -1), bits), step, None)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, bits, colour_type, 0, 0, int(adam7)))
    if palette is not None:
        data += chunk(b"PLTE", palette.astype(np.uint8).tobytes())
    if trns is not None:
        data += chunk(b"tRNS", trns)
    return data + extra + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


def jpeg(array, mode, **options):
    out = io.BytesIO()
    Image.fromarray(array, mode).save(out, "JPEG", **options)
    return out.getvalue()


def waves(h, w, channels=1):
    """A smooth picture with some noise: something like a radiograph to a codec."""
    y, x = np.mgrid[0:h, 0:w].astype(float)
    planes = []
    for c in range(channels):
        v = (
            120
            + 70 * np.sin(x / (9 + c) + c) * np.cos(y / (13 - c))
            + 40 * np.sin((x + 2 * y) / 31)
            + rng.normal(0, 6, (h, w))
        )
        planes.append(np.clip(v, 0, 255).astype(np.uint8))
    return planes[0] if channels == 1 else np.stack(planes, -1)


def codecs():
    w, h = 23, 17
    files = {}
    for bits in (1, 2, 4, 8, 16):
        samples = rng.integers(0, 2**bits, (h, w))
        files[f"gray{bits}.png"] = png(samples, 0, bits)
        files[f"gray{bits}_adam7.png"] = png(samples, 0, bits, adam7=True)
    files["gray8_trns.png"] = png(rng.integers(0, 256, (h, w)), 0, 8, trns=struct.pack(">H", 77))
    for bits in (8, 16):
        files[f"graya{bits}.png"] = png(rng.integers(0, 2**bits, (h, w, 2)), 4, bits)
        rgb = rng.integers(0, 2**bits, (h, w, 3))
        files[f"rgb{bits}.png"] = png(rgb, 2, bits)
        files[f"rgb{bits}_adam7.png"] = png(rgb, 2, bits, adam7=True)
        files[f"rgba{bits}.png"] = png(rng.integers(0, 2**bits, (h, w, 4)), 6, bits)
        files[f"rgba{bits}_adam7.png"] = png(rng.integers(0, 2**bits, (h, w, 4)), 6, bits, adam7=True)
    gray = rng.integers(0, 256, (h, w, 1))
    opaque = np.concatenate([gray, gray, gray, np.full((h, w, 1), 255)], -1)
    files["rgba8_gray_inside.png"] = png(opaque, 6, 8)
    files["rgb8_trns.png"] = png(rng.integers(0, 3, (h, w, 3)), 2, 8, trns=struct.pack(">HHH", 1, 1, 1))
    for bits in (1, 2, 4, 8):
        palette = rng.integers(0, 256, (2**bits, 3))
        samples = rng.integers(0, 2**bits, (h, w))
        files[f"palette{bits}.png"] = png(samples, 3, bits, palette=palette)
        files[f"palette{bits}_trns.png"] = png(
            samples,
            3,
            bits,
            palette=palette,
            adam7=bits == 4,
            trns=bytes(rng.integers(0, 256, 2**bits).astype(np.uint8)),
        )
    files["gray8_extras.png"] = png(
        rng.integers(0, 256, (h, w)),
        0,
        8,
        extra=chunk(b"gAMA", struct.pack(">I", 45455))
        + chunk(b"pHYs", struct.pack(">IIB", 1, 1, 0))
        + chunk(b"tEXt", b"Comment\0made by hand"),
    )
    colour, grey = waves(h * 3, w * 3, 3), waves(h * 3, w * 3)
    files["gray.jpg"] = jpeg(grey, "L", quality=85)
    files["gray_progressive.jpg"] = jpeg(grey, "L", quality=85, progressive=True)
    files["gray_restarts.jpg"] = jpeg(grey, "L", quality=85, restart_marker_blocks=2)
    for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
        files[f"ycbcr_{name}.jpg"] = jpeg(colour, "RGB", quality=80, subsampling=subsampling)
        files[f"ycbcr_{name}_progressive.jpg"] = jpeg(
            colour, "RGB", quality=80, subsampling=subsampling, progressive=True
        )
    files["ycbcr_optimized_q30.jpg"] = jpeg(colour, "RGB", quality=30, optimize=True)
    files["rgb.jpg"] = jpeg(colour, "RGB", quality=90, keep_rgb=True)
    inks = np.concatenate([colour, grey[..., None]], -1)
    files["cmyk.jpg"] = jpeg(inks, "CMYK", quality=90)
    # the same file with its Adobe marker saying YCCK: other colours, but a valid file
    adobe = files["cmyk.jpg"].index(b"Adobe")
    ycck = bytearray(files["cmyk.jpg"])
    assert ycck[adobe + 11] == 0
    ycck[adobe + 11] = 2
    files["ycck.jpg"] = bytes(ycck)

    rows = []
    for name, data in sorted(files.items()):
        (GOLDEN / name).write_bytes(data)
        image = Image.open(io.BytesIO(data))
        coloured = image.mode in ("RGB", "CMYK", "P") or (image.mode == "RGBA" and not name.startswith("graya"))
        if image.mode == "I;16":
            pixels, bits = np.array(image).astype("<u2"), 16
        else:
            pixels = np.array(image.convert("RGB" if coloured else "L"))
            # Pillow reads 16-bit colour and gray + alpha as their upper bytes: the test does that to ours
            bits = 16 if "16" in name else 8
        assert image.mode in ("1", "L", "I;16", "RGB", "RGBA", "LA", "P", "CMYK"), image.mode
        luma = sha(np.array(image.convert("L"))) if bits == 8 else "-"
        upper = int(bits == 16 and image.mode != "I;16")
        rows.append((name, *image.size, 3 if coloured else 1, bits, upper, sha(pixels), luma))
    return rows


# --- resizing: the input is a formula that the test repeats ---

FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}


def pattern(h, w, plane, seed):
    """32-bit hash of the position."""
    y, x = np.mgrid[0:h, 0:w].astype(np.uint64)
    v = (x * 2654435761 + y * 2246822519 + np.uint64(plane) * 3266489917 + np.uint64(seed) * 668265263) & 0xFFFFFFFF
    v = ((v ^ (v >> 15)) * 2246822519) & 0xFFFFFFFF
    v = ((v ^ (v >> 13)) * 3266489917) & 0xFFFFFFFF
    return (v ^ (v >> 16)).astype(np.uint32)


def make(kind, h, w, seed):
    if kind == "L":
        return (pattern(h, w, 0, seed) >> 24).astype(np.uint8)
    if kind == "edges":
        return np.where(pattern(h, w, 0, seed) >> 31, 255, 0).astype(np.uint8)
    if kind == "RGB":
        return np.stack([(pattern(h, w, c, seed) >> 24).astype(np.uint8) for c in range(3)], -1)
    if kind == "I;16":
        return (pattern(h, w, 0, seed) >> 16).astype(np.uint16)
    return (pattern(h, w, 0, seed) >> 8).astype(np.float32) / np.float32(1 << 23) - np.float32(1)


def resizes():
    sizes = [
        (37, 29, 16, 16),
        (16, 16, 37, 29),
        (64, 48, 64, 20),
        (64, 48, 31, 48),
        (1, 1, 5, 7),
        (5, 7, 1, 1),
        (200, 3, 7, 9),
        (3, 200, 9, 7),
        (100, 100, 99, 101),
        (130, 70, 224, 224),
        (257, 311, 64, 77),
        (70, 400, 90, 20),
        (64, 64, 64, 64),
    ]
    rows, seed = [], 0
    for kind in ("L", "edges", "RGB", "I;16", "F"):
        for filter_name, number in FILTERS.items():
            for w, h, ow, oh in sizes:
                seed += 1
                image = Image.fromarray(make(kind, h, w, seed))
                rows.append((kind, filter_name, w, h, ow, oh, seed, sha(np.array(image.resize((ow, oh), number)))))
        for w, h, ow, oh in ((1024, 1024, 224, 224), (1000, 1300, 224, 291)) if kind in ("L", "RGB") else ():
            seed += 1
            image = Image.fromarray(make(kind, h, w, seed))
            rows.append((kind, "bicubic", w, h, ow, oh, seed, sha(np.array(image.resize((ow, oh), 3)))))
    for kind in ("L", "I;16", "F"):
        for w, h, ow, oh in (
            (40, 30, 20, 15),
            (90, 60, 30, 20),
            (100, 77, 33, 29),
            (33, 64, 33, 30),
            (257, 311, 211, 256),
            (64, 64, 64, 64),
            (70, 50, 69, 49),
            (64, 64, 256, 256),
            (50, 33, 256, 168),
            (33, 50, 20, 61),
            (1, 3, 4, 9),
            (13, 7, 14, 7),
        ):
            seed += 1
            made = cv2.resize(make(kind, h, w, seed), (ow, oh), interpolation=cv2.INTER_AREA)
            name = sha(made)
            if kind == "F":  # float sums in an order of OpenCV's own: compared by value
                name = f"area_{w}x{h}_{ow}x{oh}.f32"
                made.astype("<f4").ravel()[::31].tofile(GOLDEN / name)
            rows.append((kind, "area", w, h, ow, oh, seed, name))
    for w, h, ow, oh in ((40, 30, 20, 15), (30, 40, 64, 51), (100, 77, 33, 29), (2, 3, 9, 9), (320, 320, 224, 224)):
        seed += 1
        made = torch.nn.functional.interpolate(
            torch.from_numpy(make("F", h, w, seed))[None, None], size=(oh, ow), mode="bicubic", align_corners=False
        )[0, 0].numpy()
        name = f"plain_{w}x{h}_{ow}x{oh}.f32"
        made.astype("<f4").ravel()[::31].tofile(GOLDEN / name)
        rows.append(("F", "bicubic-plain", w, h, ow, oh, seed, name))
    return rows


# --- Hugging Face ---


def huggingface():
    configs = {
        "clip": {
            "image_processor_type": "CLIPImageProcessor",
            "size": {"shortest_edge": 32},
            "crop_size": {"height": 28, "width": 28},
        },
        "clip_old": {
            "feature_extractor_type": "CLIPFeatureExtractor",
            "crop_size": 24,
            "size": 24,
            "resample": 3,
            "do_resize": True,
            "do_center_crop": True,
            "do_normalize": True,
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711],
        },
        "squash": {
            "image_processor_type": "CLIPImageProcessor",
            "size": {"height": 20, "width": 33},
            "do_center_crop": False,
            "resample": 2,
        },
        "odd_crop": {
            "image_processor_type": "CLIPImageProcessor",
            "size": {"shortest_edge": 31},
            "crop_size": {"height": 19, "width": 26},
            "resample": 1,
            "image_mean": [0.5, 0.5, 0.5],
            "image_std": [0.5, 0.5, 0.5],
        },
        "crop_pads": {
            "image_processor_type": "CLIPImageProcessor",
            "size": {"shortest_edge": 20},
            "crop_size": {"height": 37, "width": 41},
        },
        "no_normalize": {
            "image_processor_type": "CLIPImageProcessor",
            "size": {"shortest_edge": 22},
            "crop_size": 22,
            "do_normalize": False,
        },
        "no_rescale": {
            "image_processor_type": "CLIPImageProcessor",
            "size": {"shortest_edge": 22},
            "crop_size": 22,
            "do_rescale": False,
            "image_mean": [101.48761, 101.48761, 101.48761],
            "image_std": [83.43944, 83.43944, 83.43944],
        },
        "list_size": {
            "image_processor_type": "CLIPImageProcessor",
            "size": [25, 18],
            "do_center_crop": False,
            "resample": 4,
            "rescale_factor": 0.00784313725490196,
        },
    }
    rows = []
    for name, config in configs.items():
        (GOLDEN / f"hf_{name}.json").write_text(json.dumps(config, indent=2) + "\n")
        processor = CLIPImageProcessorPil(**{k: v for k, v in config.items() if not k.endswith("_type")})
        for image in ("tall_gray.png", "wide_rgb.png"):
            pixels = processor(Image.open(GOLDEN / image), return_tensors="np")["pixel_values"][0]
            out = f"hf_{name}_{image[:4]}.f32"
            pixels.astype("<f4").tofile(GOLDEN / out)
            rows.append((f"hf_{name}.json", image, pixels.shape[1], pixels.shape[2], out, sha(pixels.astype("<f4"))))
    # the released size, by hash alone
    (GOLDEN / "hf_clip_224.json").write_text(json.dumps({"image_processor_type": "CLIPImageProcessor"}) + "\n")
    for image in ("tall_gray.png", "wide_rgb.png"):
        pixels = CLIPImageProcessorPil()(Image.open(GOLDEN / image), return_tensors="np")["pixel_values"][0]
        rows.append(("hf_clip_224.json", image, 224, 224, "-", sha(pixels.astype("<f4"))))
    return rows


# --- the methods' own steps, in their own libraries ---

CLIP = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def to_tensor(image):
    array = np.array(image)
    array = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
    tensor = torch.from_numpy(np.ascontiguousarray(array)).to(torch.float32).div(255)
    return tensor if tensor.shape[0] == 3 else tensor.repeat(3, 1, 1)


def normalized(tensor, mean, std):
    mean, std = torch.tensor(mean).view(-1, 1, 1), torch.tensor(std).view(-1, 1, 1)
    return tensor.clone().sub_(mean).div_(std)


def shorter_side(image, size, resample):
    w, h = image.size
    short, long = min(w, h), max(w, h)
    other = int(size * long / short)
    return image.resize((size, other) if w <= h else (other, size), resample)


def centre_crop_torchvision(image, size):
    w, h = image.size
    top, left = int(round((h - size) / 2.0)), int(round((w - size) / 2.0))
    return image.crop((left, top, left + size, top + size))


def area_square(gray, scale):
    array = np.array(gray)
    size, longest = array.shape, max(array.shape)
    if size.index(longest) == 0:
        target = (scale, int(float(size[1]) * (scale / float(size[0]))))
    else:
        target = (int(float(size[0]) * (scale / float(size[1]))), scale)
    made = cv2.resize(array, target[::-1], interpolation=cv2.INTER_AREA)
    top, left = (scale - made.shape[0]) // 2, (scale - made.shape[1]) // 2
    out = np.zeros((scale, scale), np.uint8)
    out[top : top + made.shape[0], left : left + made.shape[1]] = made
    return Image.fromarray(out)


def equalize_hist(x, bins):
    hist, edges = np.histogram(x.ravel(), bins)
    cdf = hist.cumsum() / float(hist.sum())
    return np.interp(x.ravel(), (edges[:-1] + edges[1:]) / 2, cdf).reshape(x.shape)


def chexzero(image):
    ratio = float(320) / max(image.size)
    size = tuple(int(x * ratio) for x in image.size)
    square = Image.new("L", (320, 320))
    square.paste(image.convert("L").resize(size, Image.LANCZOS), ((320 - size[0]) // 2, (320 - size[1]) // 2))
    tensor = torch.from_numpy(np.array(square).astype(np.float32))[None].repeat(3, 1, 1)
    tensor = normalized(tensor, [101.48761] * 3, [83.43944] * 3)
    return torch.nn.functional.interpolate(tensor[None], size=(224, 224), mode="bicubic", align_corners=False)[0]


def llava(image):
    image = image.convert("RGB")
    w, h = image.size
    side = max(w, h)
    square = Image.new("RGB", (side, side), tuple(int(x * 255) for x in CLIP[0]))
    square.paste(image, ((side - w) // 2, (side - h) // 2))
    processor = CLIPImageProcessorPil(size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336})
    return torch.from_numpy(processor(square, return_tensors="np")["pixel_values"][0])


def biovil(image, crop):
    array = np.array(image.convert("L")).astype(float)
    array -= array.min()
    array /= array.max()
    image = Image.fromarray((array * 255).astype(np.uint8))
    return to_tensor(centre_crop_torchvision(shorter_side(image, 512, Image.BILINEAR), crop))


def medklip_rsna(image):
    array = equalize_hist(np.array(image.convert("L")).astype(float) / 255.0, 256)
    image = Image.fromarray((255 * array).astype(np.uint8)).convert("RGB")
    return normalized(to_tensor(image.resize((224, 224), Image.BILINEAR)), *IMAGENET)


METHODS = {
    "openai-clip": lambda im: torch.from_numpy(CLIPImageProcessorPil()(im, return_tensors="np")["pixel_values"][0]),
    "openai-clip-336": lambda im: torch.from_numpy(
        CLIPImageProcessorPil(size={"shortest_edge": 336}, crop_size=336)(im, return_tensors="np")["pixel_values"][0]
    ),
    "chexzero": chexzero,
    "medklip": lambda im: normalized(to_tensor(im.convert("RGB").resize((224, 224), Image.BILINEAR)), *IMAGENET),
    "medklip-rsna": medklip_rsna,
    "kad": lambda im: normalized(to_tensor(im.convert("RGB").resize((512, 512), Image.BICUBIC)), *IMAGENET),
    "kad-1024": lambda im: normalized(to_tensor(im.convert("RGB").resize((1024, 1024), Image.BICUBIC)), *IMAGENET),
    "carzero": lambda im: normalized(
        to_tensor(centre_crop_torchvision(area_square(im.convert("L"), 256), 224).convert("RGB")),
        [0.4978] * 3,
        [0.2449] * 3,
    ),
    "gloria": lambda im: normalized(
        to_tensor(centre_crop_torchvision(area_square(im.convert("L"), 256), 224).convert("RGB")), [0.5] * 3, [0.5] * 3
    ),
    "biovil": lambda im: biovil(im, 480),
    "biovil-t": lambda im: biovil(im, 448),
    "llava": llava,
}


def methods():
    rows = []
    for name, steps in METHODS.items():
        for image in ("big_gray.png", "wide_rgb.png"):
            pixels = steps(Image.open(GOLDEN / image)).numpy().astype("<f4")
            step = 211 if pixels.size < 200000 else 1511
            out = f"preset_{name}_{image[:3]}.f32"
            pixels.ravel()[::step].tofile(GOLDEN / out)
            rows.append((name, image, pixels.shape[1], pixels.shape[2], step, out, sha(pixels)))
    return rows


def drafts():
    """JPEG files decoded at reduced size, by Image.draft."""
    rows = []
    for name in ("gray.jpg", "gray_progressive.jpg", "ycbcr_420.jpg", "ycbcr_444.jpg", "gray_restarts.jpg"):
        for by, size in (("shorter", 3), ("shorter", 5), ("shorter", 11), ("shorter", 1000), ("longer", 7), ("longer", 17)):
            image = Image.open(GOLDEN / name)
            w, h = image.size
            image.draft(None, (size, size) if by == "shorter" else (size, 1) if w >= h else (1, size))
            rows.append((name, by, size, *image.size, sha(np.asarray(image))))
    return rows


def seeds():
    """Tiny files of each kind for the fuzz targets."""
    for what in ("image_png", "image_jpeg", "image_preprocess_config"):
        (CORPUS / what).mkdir(parents=True, exist_ok=True)
    w, h = 9, 5
    small = rng.integers(0, 256, (h, w, 4))
    for bits in (1, 2, 4, 8, 16):
        (CORPUS / "image_png" / f"gray{bits}.png").write_bytes(png(small[..., 0] % 2**bits, 0, bits, adam7=bits == 4))
    for bits in (8, 16):
        (CORPUS / "image_png" / f"graya{bits}.png").write_bytes(png(small[..., :2], 4, bits))
        (CORPUS / "image_png" / f"rgb{bits}.png").write_bytes(png(small[..., :3], 2, bits, adam7=bits == 16))
        (CORPUS / "image_png" / f"rgba{bits}.png").write_bytes(png(small, 6, bits))
    for bits in (1, 4, 8):
        (CORPUS / "image_png" / f"palette{bits}.png").write_bytes(
            png(small[..., 0] % 2**bits, 3, bits, palette=rng.integers(0, 256, (2**bits, 3)), trns=b"\x10\x80")
        )
    huge = bytearray(png(small[..., 0], 0, 8))
    huge[16:24] = struct.pack(">II", 60000, 60000)
    huge[29:33] = struct.pack(">I", zlib.crc32(bytes(huge[12:29])))
    (CORPUS / "image_png" / "huge.png").write_bytes(bytes(huge))
    colour, gray = waves(18, 21, 3), waves(18, 21)
    files = {
        "gray": jpeg(gray, "L", quality=60),
        "gray_progressive": jpeg(gray, "L", quality=60, progressive=True),
        "420": jpeg(colour, "RGB", quality=60),
        "444": jpeg(colour, "RGB", quality=60, subsampling=0),
        "progressive": jpeg(colour, "RGB", quality=60, progressive=True),
        "rgb": jpeg(colour, "RGB", quality=60, keep_rgb=True),
        "restarts": jpeg(colour, "RGB", quality=60, restart_marker_blocks=1),
        "cmyk": jpeg(np.concatenate([colour, gray[..., None]], -1), "CMYK", quality=60),
    }
    for name, data in files.items():
        (CORPUS / "image_jpeg" / f"{name}.jpg").write_bytes(data)
    for path in GOLDEN.glob("hf_*.json"):
        (CORPUS / "image_preprocess_config" / path.name).write_text(path.read_text())
    (CORPUS / "image_preprocess_config" / "llava.json").write_text(
        json.dumps(
            {
                "image_processor_type": "LlavaImageProcessor",
                "do_pad": True,
                "size": {"shortest_edge": 30},
                "crop_size": 30,
            }
        )
    )
    (CORPUS / "image_preprocess_config" / "recipe.txt").write_text(
        "depth8 from=max; gray; equalize bins=16; rgb; pad size=square fill=122,116,104 at=corner; resize mode=longer "
        "size=20 filter=area; pad size=24 fill=0; crop size=20x18 round=even; float divide=max; scale factor=2; "
        "normalize mean=0.5 std=0.1,0.2,0.3; resize mode=squash size=11x7 filter=bicubic-plain"
    )
    (CORPUS / "image_preprocess_config" / "recipe2.txt").write_text(
        "minmax8; resize mode=longer-ratio size=9 filter=lanczos; pad size=9; float divide=full; resize mode=shorter "
        "size=5 filter=nearest; crop size=5"
    )


def write(name, header, rows):
    versions = (
        f"# Pillow {PIL.__version__} (libjpeg-turbo {features.version('libjpeg_turbo')}), numpy {np.__version__}, "
        f"torch {torch.__version__}, transformers {transformers.__version__}, OpenCV {cv2.__version__}\n"
    )
    text = versions + header + "\n" + "".join(",".join(str(v) for v in row) + "\n" for row in rows)
    (GOLDEN / name).write_text(text)


def main():
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for old in GOLDEN.iterdir():
        old.unlink()
    Image.fromarray(waves(83, 61)).save(GOLDEN / "tall_gray.png", optimize=True)
    Image.fromarray(waves(47, 70, 3)).save(GOLDEN / "wide_rgb.png", optimize=True)
    Image.fromarray(waves(331, 290)).save(GOLDEN / "big_gray.png", optimize=True)
    write("decode.csv", "file,width,height,channels,bits,upper_byte,sha256,sha256_luma", codecs())
    write("resize.csv", "mode,filter,width,height,out_width,out_height,seed,sha256", resizes())
    write("huggingface.csv", "config,image,height,width,values,sha256", huggingface())
    write("presets.csv", "preset,image,height,width,step,values,sha256", methods())
    write("draft.csv", "file,side,least,width,height,sha256", drafts())
    seeds()


if __name__ == "__main__":
    main()
