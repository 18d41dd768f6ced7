"""Short words for the parts of the description that repeat. Only makes dictionaries."""

from collections.abc import Iterable
from enum import StrEnum

from portal.db import JsonDict

DECIMAL: JsonDict = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]*[1-9])?$", "examples": ["0.015"]}
MOMENT: JsonDict = {
    "type": "string",
    "format": "date-time",
    "pattern": "Z$",
    "examples": ["2026-01-31T08:00:00.000Z"],
}
ROW_ID: JsonDict = {"type": "integer", "minimum": 1}
TEXT: JsonDict = {"type": "string"}
FLAG: JsonDict = {"type": "boolean"}
COUNT: JsonDict = {"type": "integer", "minimum": 0}


def ref(name: str) -> JsonDict:
    return {"$ref": f"#/components/schemas/{name}"}


def one_of(values: Iterable[StrEnum]) -> JsonDict:
    return {"type": "string", "enum": [value.value for value in values]}


def nullable(schema: JsonDict) -> JsonDict:
    return {"anyOf": [schema, {"type": "null"}]}


def described(schema: JsonDict, text: str) -> JsonDict:
    return schema | {"description": text}


def closed(properties: JsonDict, *, optional: Iterable[str] = ()) -> JsonDict:
    """An object with these properties and no others, all of them there unless optional."""
    left_out = set(optional)
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in left_out],
        "additionalProperties": False,
    }


def page_of(schema: str) -> JsonDict:
    return closed(
        {
            "items": {"type": "array", "items": ref(schema)},
            "next": described(nullable(TEXT), "Pass it as `after`."),
        }
    )
