"""The settings of the process, read before anything is opened: how many workers, where they listen, what they share."""

from msgspec import Struct

from gateway.config import compile_settings
from gateway.domain.settings import Server, Storage
from gateway.flow.first_load import CannotServeError, FirstLoading


class ProcessSettings(Struct, frozen=True):
    server: Server
    storage: Storage


def process_settings(first: FirstLoading) -> ProcessSettings:
    loading = first.fallback or first.loading
    said = loading.declaration
    if said is None:
        raise CannotServeError("there is no configuration to serve")
    return ProcessSettings(
        compile_settings.server(said.server, loading.secrets),
        compile_settings.storage(said, loading.secrets, loading.data_dir),
    )
