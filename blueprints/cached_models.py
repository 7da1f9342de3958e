"""botocore's service models without their documentation, kept in the tools' cache.

A client reads several of botocore's compressed JSON files, most of which is documentation, after it looked for them in
the folders of 400 services. A shortened copy has the same content for a program and is read in a fraction of the time.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from botocore.loaders import Loader, instance_cache

from blueprints.cache import digest, folder, keep_newest, write
from blueprints.packaging.service_models import version, without_documentation


class CachedModels(Loader):  # type: ignore[misc]  # botocore has no types
    """Loads botocore's own models, ignoring those that a user added, and keeps shortened copies of them."""

    def __init__(self) -> None:
        super().__init__(extra_search_paths=[self.BUILTIN_DATA_PATH], include_default_search_paths=False)

    @instance_cache  # type: ignore[untyped-decorator]
    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """As botocore's loader. Raises what it raises for a service or type that it does not know."""
        if api_version is not None:
            return super().load_service_model(service_name, type_name, api_version)
        place = _folder() / f"{service_name}.{type_name}.json"
        model = _kept(place)
        if model is None:
            model = without_documentation(super().load_service_model(service_name, type_name))
            _keep(place, model)
        return model


@cache
def _folder() -> Path:
    """Another version of botocore, or of this module, reads copies of its own."""
    return folder("service-models", digest(version(), Path(__file__).read_bytes()))


def _kept(place: Path) -> dict[str, Any] | None:
    try:
        model = json.loads(place.read_bytes())
    except (OSError, ValueError):
        return None
    return model if isinstance(model, dict) else None


def _keep(place: Path, model: Any) -> None:
    try:
        keep_newest(place.parent.parent, 1)
        write(place, json.dumps(model, separators=(",", ":")).encode())
    except OSError:
        return  # a cache that cannot be written to costs time only
