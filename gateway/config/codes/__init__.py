"""Every problem that can be found, by its stable code; `docs/problems.md` is printed from here."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.config.codes.locking import LOCKING
from gateway.config.codes.meaning import MEANING
from gateway.config.codes.reading import READING
from gateway.config.codes.row import Code

CODES: Mapping[str, Code] = MappingProxyType({row.code: row for row in (*READING, *MEANING, *LOCKING)})
