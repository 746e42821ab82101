from dataclasses import dataclass
from lab.images import tools
from typing import Any


@dataclass(frozen=True, slots=True)
class DebianBuilder:
    version: int = 1
    needs: tuple[tools.Tool, ...] = ()
    room_mib: int = 3000

    def build(self, recipe: Any, job: Any) -> Any: ...
