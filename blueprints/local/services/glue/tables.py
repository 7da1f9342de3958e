"""Tables that AWS creates with their first Iceberg metadata, which are refused by name."""

from typing import Any

from blueprints.local.base.internals import Internal

CREATE_TABLE = Internal("services.glue", "_create_table", ("data",))
REFUSE = Internal("core.responses", "error_response_json")


def install() -> None:
    """Refuse OpenTableFormatInput, which the base emulator ignores: the table would have no metadata."""
    create = CREATE_TABLE.current()

    def create_checked(data: dict[str, Any]) -> Any:
        if data.get("OpenTableFormatInput"):
            return REFUSE.current()(
                "InvalidInputException",
                "OpenTableFormatInput is not emulated: create the Iceberg table in a job, by CREATE TABLE.",
                400,
            )
        return create(data)

    CREATE_TABLE.replace(create_checked)
