"""Reads and writes safetensors files with the standard library only.

A tensor is (dtype, shape, values): "f32", "f16", "bf16", "i32" or "i64", a list of sizes, and a flat list of numbers.
bf16 is the upper half of f32: rounding to nearest even is one addition on the bits.
"""

import array
import json
import math
import struct

NAMES = {"f32": "F32", "f16": "F16", "bf16": "BF16", "i32": "I32", "i64": "I64"}


def bf16_bits(value):
    """The 16 bits of `value` rounded to nearest even."""
    try:
        bits = struct.unpack("<I", struct.pack("<f", value))[0]
    except OverflowError:
        bits = 0x7F800000 if value > 0 else 0xFF800000
    if math.isnan(value):
        return 0x7FC0
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def bf16_value(bits):
    return struct.unpack("<f", struct.pack("<I", bits << 16))[0]


def encode(dtype, values):
    if dtype == "bf16":
        return array.array("H", (bf16_bits(v) for v in values)).tobytes()
    code = {"f32": "f", "f16": "e", "i32": "i", "i64": "q"}[dtype]
    return struct.pack("<%d%s" % (len(values), code), *values)


def decode(dtype, data):
    if dtype == "bf16":
        return [bf16_value(bits) for bits in struct.unpack("<%dH" % (len(data) // 2), data)]
    code, size = {"f32": ("f", 4), "f16": ("e", 2), "i32": ("i", 4), "i64": ("q", 8)}[dtype]
    return list(struct.unpack("<%d%s" % (len(data) // size, code), data))


def rounded(dtype, values):
    """`values` as they are after a trip through `dtype`."""
    return decode(dtype, encode(dtype, values))


def header_and_data(tensors):
    header, data = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        encoded = encode(dtype, values)
        header[name] = {
            "dtype": NAMES[dtype],
            "shape": list(shape),
            "data_offsets": [len(data), len(data) + len(encoded)],
        }
        data += encoded
    return header, data


def write_raw(path, header, data):
    """Writes any header, true or lying."""
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def write(path, tensors):
    write_raw(path, *header_and_data(tensors))


def read(path):
    with open(path, "rb") as file:
        content = file.read()
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + size])
    data = content[8 + size :]
    dtypes = {text: dtype for dtype, text in NAMES.items()}
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        dtype = dtypes[entry["dtype"]]
        tensors[name] = (dtype, entry["shape"], decode(dtype, data[begin:end]))
    return tensors
