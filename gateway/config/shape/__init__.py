"""What a configuration file may say, written once: the checker, the JSON Schema and the manual all read it here."""

from gateway.config.shape.declaration import Declaration

__all__ = ["Declaration"]
