"""A small reader of the part of JSON Schema that our description uses. Anything else in it is an error
here."""

import re
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_READ = {
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "pattern",
    "anyOf",
    "minimum",
    "maximum",
    "maxItems",
    "maxLength",
    "$ref",
}
_FOR_PEOPLE = {"description", "examples", "format", "default"}


def problems(
    document: dict[str, Any], schema: dict[str, Any], value: Any, where: str = "answer"
) -> list[str]:
    """Every way in which `value` is not what `schema` says."""
    unknown = set(schema) - _READ - _FOR_PEOPLE
    if unknown:
        return [f"{where}: the schema uses {unknown}, which this reader does not know"]
    if "$ref" in schema:
        return problems(document, resolve(document, schema["$ref"]), value, where)
    if "anyOf" in schema:
        found = [problems(document, each, value, where) for each in schema["anyOf"]]
        return [] if any(not each for each in found) else [f"{where}: {value!r} fits none of {len(found)}"]
    return _of_type(schema, value, where) or [
        *_of_text(schema, value, where),
        *_of_object(document, schema, value, where),
        *_of_array(document, schema, value, where),
    ]


def resolve(document: dict[str, Any], reference: str) -> dict[str, Any]:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    schema: dict[str, Any] = found
    return schema


def _of_type(schema: dict[str, Any], value: Any, where: str) -> list[str]:
    named = schema.get("type", list(_TYPES))
    names = named if isinstance(named, list) else [named]
    fits = any(
        isinstance(value, _TYPES[name]) and (name == "boolean") == isinstance(value, bool) for name in names
    )
    return [] if fits else [f"{where}: {value!r} is no {names}"]


def _of_text(schema: dict[str, Any], value: Any, where: str) -> list[str]:
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of {schema['enum']}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{where}: {value!r} is not like {schema['pattern']}")
    if "minimum" in schema and value < schema["minimum"]:
        found.append(f"{where}: {value!r} is below {schema['minimum']}")
    return found


def _of_object(document: dict[str, Any], schema: dict[str, Any], value: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return []
    found = [f"{where}.{name} is missing" for name in schema.get("required", ()) if name not in value]
    more = schema.get("additionalProperties", True)
    for name, item in value.items():
        inner = schema.get("properties", {}).get(name, more)
        if inner is False:
            found.append(f"{where}.{name} is not described")
        elif isinstance(inner, dict):
            found += problems(document, inner, item, f"{where}.{name}")
    return found


def _of_array(document: dict[str, Any], schema: dict[str, Any], value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or "items" not in schema:
        return []
    return [
        problem
        for number, item in enumerate(value)
        for problem in problems(document, schema["items"], item, f"{where}[{number}]")
    ]
