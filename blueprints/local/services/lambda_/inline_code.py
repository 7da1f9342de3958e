"""Code written into a template gets the module `cfnresponse` beside it, as CloudFormation does."""

import io
import zipfile
from pathlib import Path

from blueprints.local.base.internals import Internal

ZIP_INLINE = Internal("services.cloudformation.provisioners", "_zip_inline", ("source", "handler", "runtime"))

_MODULE = Path(__file__).parent / "inline_modules" / "cfnresponse.py"


def install() -> None:
    """Add the module to packages of inline code that name it."""
    original = ZIP_INLINE.current()

    def with_module(source: str | None, handler: str, runtime: str = "python3.12") -> bytes | None:
        package: bytes | None = original(source, handler, runtime)
        if package is None or "cfnresponse" not in str(source) or not runtime.startswith("python"):
            return package
        content = io.BytesIO(package)
        with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as archive:
            # A fixed time: the same code is the same package.
            archive.writestr(zipfile.ZipInfo(_MODULE.name), _MODULE.read_bytes())
        return content.getvalue()

    ZIP_INLINE.replace(with_module)
