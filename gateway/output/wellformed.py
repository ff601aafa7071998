"""Tell whether a text is well-formed XML, without entities, document types or anything else that could grow."""

from xml.parsers import expat

from gateway.output.validator import Mismatch


class _Refused(Exception):  # noqa: N818 - never leaves this module
    pass


def xml_fault(text: str) -> Mismatch | None:
    """None where the text is one well-formed document."""
    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except _Refused:
        return Mismatch("$", "document type declarations are not allowed")
    except expat.ExpatError as error:
        return Mismatch(f"line {error.lineno}, column {error.offset + 1}", expat.ErrorString(error.code) or "not XML")
    return None


def _refuse(*_: object) -> None:
    raise _Refused
