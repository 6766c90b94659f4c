"""Why settings are refused, in words that name the setting, what it may be, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin

import msgspec

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "array": "a list, like [1, 2]",
}
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_PLACE = re.compile(r" - at `\$\.(\w+)(\S*)`$")
_KIND = re.compile(r"Expected `([^`]*)`, got `[^`]*`")


def in_words(error: msgspec.ValidationError, values: Mapping[str, Any], settings: type) -> str:
    """What is wrong with ``values``, which ``settings`` refused with ``error``."""
    message = str(error)
    fields = {field.name: field.type for field in msgspec.structs.fields(settings)}
    unknown = _UNKNOWN.search(message)
    if unknown:
        close = get_close_matches(unknown[1], fields, n=2)
        meant = f"did you mean {' or '.join(close)}? " if close else ""
        return f"there is no setting {unknown[1]}; {meant}its settings are {', '.join(fields)}"
    place = _PLACE.search(message)
    if not place:
        return message
    name, part = place.groups()
    kind = _KIND.search(message)
    if get_origin(fields[name]) is Literal:
        wanted = f"one of {', '.join(map(str, get_args(fields[name])))}"
    elif kind:
        wanted = _KINDS.get(kind[1], f"a {kind[1]}")
    else:
        return f"{name}: {message[: place.start()]}"
    value = values.get(name)
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    return f"{name}{part} must be {wanted}; {name} is {shown}"
