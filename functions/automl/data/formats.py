"""What an object is that is no table, or one that is packed in a way that is not read: told by how it begins."""

import re

from automl.errors import InvalidDataset

_TABLE = "save it as CSV, plain or compressed with gzip, or as Parquet"
_BEGINNINGS = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\0": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\x04\x22\x4d\x18": "compressed with lz4",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"%PDF-": "a PDF document",
    b"SQLite format 3\0": "an SQLite database",
    b"\x7fELF": "a program",
    b"MZ\x90\0": "a program",
    b"\x89HDF": "an HDF5 file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"ARROW1": "an Arrow file",
    b"ORC\x11": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"\x80\x04\x95": "a Python pickle",
    b"\x93NUMPY": "a NumPy array",
    b"PARE": "an encrypted Parquet file",
}
_PATTERNS = {
    re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml|\w+( [^\n]*)?>)", re.IGNORECASE): "HTML or XML",
    re.compile(rb'(\xef\xbb\xbf)?\s*(\{\s*("|\})|\[\s*[\[{\]])'): "JSON",
}
_TAR, _TAR_AT = b"ustar", 257
_PACKED_TABLES = {b"\x1f\x8b": "compressed twice", b"PAR1": "a Parquet file compressed with gzip"}


def check_format(uri: str, head: bytes, *, unpacked: bool = False) -> None:
    """Refuse what is surely no CSV.

    Args:
        uri: the object.
        head: its first bytes, unpacked where it is a gzip file.
        unpacked: whether it is.

    Raises:
        InvalidDataset: says what it is, and to save it as a table.
    """
    beginnings = _BEGINNINGS | _PACKED_TABLES if unpacked else _BEGINNINGS
    found = next((name for magic, name in beginnings.items() if head.startswith(magic)), None)
    found = found or next((name for pattern, name in _PATTERNS.items() if pattern.match(head)), None)
    if not found and head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        found = "a tar archive"
    if found:
        raise InvalidDataset(f"{uri} is {found}; {_TABLE}")
