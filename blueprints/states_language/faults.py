"""What is wrong with a definition, in the form of ValidateStateMachineDefinition's diagnostics."""

from dataclasses import dataclass, field

ERROR = "ERROR"
WARNING = "WARNING"

SCHEMA = "SCHEMA_VALIDATION_FAILED"


@dataclass(frozen=True)
class Fault:
    """One diagnostic. `location` is such as `/States/Sort/Next`, or None for a fault of the whole definition."""

    code: str
    message: str
    location: str | None = None
    severity: str = ERROR

    def __str__(self) -> str:
        place = f" at {'null' if self.location is None else self.location}"
        return f"{self.code}: {self.message}" + ("" if self.message.endswith(place) else place)


@dataclass
class Faults:
    """Collects faults."""

    found: list[Fault] = field(default_factory=list)

    def schema(self, location: str, message: str) -> None:
        """Add an error in the form of the definition."""
        self.add(SCHEMA, message, location)

    def add(self, code: str, message: str, location: str | None) -> None:
        """Add an error."""
        fault = Fault(code, message, location)
        if fault not in self.found:
            self.found.append(fault)

    def warn(self, code: str, message: str, location: str) -> None:
        """Add a warning, which does not keep the definition from being created."""
        self.found.append(Fault(code, message, location, WARNING))

    @property
    def errors(self) -> list[Fault]:
        """The faults for which AWS refuses the definition."""
        return [fault for fault in self.found if fault.severity == ERROR]
