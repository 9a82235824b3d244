"""From bytes to text: UTF-8 with or without byte order mark; what else it is, is named with its cure."""

from __future__ import annotations

from ...errors import CapmixError


class EncodingError(CapmixError):
    """Bytes that are no UTF-8 text: the line, and the cure."""

    def __init__(self, line: int | None, cure: str) -> None:
        super().__init__(line, cure)
        self.line = line
        self.cure = cure


def text_of(content: bytes, save: str) -> str:
    """The text of a file in UTF-8, without byte order mark. EncodingError, whose cure ends with `save`, otherwise."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise EncodingError(None, f"the file is UTF-16; {save}")
    content = content.removeprefix(b"\xef\xbb\xbf")
    if (zero := content.find(b"\0")) >= 0:
        raise EncodingError(content.count(b"\n", 0, zero) + 1, f"it holds zero bytes, as UTF-16 does; {save}")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = content[error.start]
        letter = bytes([byte]).decode("cp1252", "replace")
        seen = f", {letter} in Windows-1252 (ANSI)" if letter.isprintable() and letter != "\ufffd" else ""
        cure = f"byte {byte:#04x} is not UTF-8{seen}; {save}"
        raise EncodingError(content.count(b"\n", 0, error.start) + 1, cure) from None
