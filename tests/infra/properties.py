"""Holds a resource's inputs, as they go to the engine, to azure-native's own classes of it.

Azure says most of this only after minutes, in the midst of a deployment: a dictionary among the inputs is checked by
nobody before.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from importlib import import_module
from inspect import isclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, is_typeddict

from pulumi import Output
from pulumi import _types as sdk  # What the SDK itself reads its classes with; there is no public way.

WRONG_IN_SDK = {
    # The operators of another type of that name; these are Azure's (bicep-types-az, microsoft.insights, rules).
    "ConditionArgs.operator": Literal["Equals", "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual"],
}
"""Property -> what it really is, where azure-native's class is wrong about it."""


def problems(kind: str, inputs: dict[str, Any]) -> list[str]:
    """What is wrong with these inputs: unknown, read-only and missing properties, and values of no allowed kind.

    Args:
        kind: such as azure-native:storage:StorageAccount.
        inputs: with the names that the engine sees (camel case).
    """
    package, module, name = kind.split(":")
    resource = getattr(import_module(f"pulumi_{package.replace('-', '_')}.{module}"), name)
    where = import_module(resource.__module__)
    # A class of inputs whose name another resource's property took already is called InitArgs.
    wanted = getattr(where, f"{name}InitArgs", None) or getattr(where, f"{name}Args")
    return _object(inputs, wanted, set(sdk.resource_types(resource)), name)


def _object(value: dict[str, Any], wanted: type, outputs: set[str], where: str) -> list[str]:
    hints = sdk._raw_return_hints(wanted)
    found = [
        f"{where}.{name} is {'read-only' if name in outputs else 'no property of it'}"
        for name in sorted(value.keys() - hints)
    ]
    found += [f"{where}.{name} is missing" for name in sorted(sdk._required_property_names(wanted) - value.keys())]
    for name in sorted(value.keys() & hints):
        hint = WRONG_IN_SDK.get(f"{wanted.__name__}.{name}", hints[name])
        found += _value(value[name], hint, f"{where}.{name}")
    return found


def _value(value: Any, hint: Any, where: str) -> list[str]:
    kinds = _kinds(hint)
    if value is None or Any in kinds:
        return []
    allowed = [member.value for kind in kinds if isclass(kind) and issubclass(kind, Enum) for member in kind]
    allowed += [literal for kind in kinds if get_origin(kind) is Literal for literal in get_args(kind)]
    if allowed:
        return [] if value in allowed else [f"{where}: {value!r} is none of {', '.join(map(str, allowed))}"]
    attempts = [_one(value, kind, where) for kind in kinds]
    return min(attempts, key=len)


def _kinds(hint: Any) -> list[Any]:
    """The kinds of value in a hint; not None, the wrappers of what is not known yet, and doubles of classes."""
    if get_origin(hint) in (Union, UnionType):
        return [kind for part in get_args(hint) for kind in _kinds(part)]
    wrapped = get_origin(hint) is Output or getattr(get_origin(hint), "__name__", "") == "Awaitable"
    return [] if hint is type(None) or wrapped or is_typeddict(hint) else [hint]


def _one(value: Any, kind: Any, where: str) -> list[str]:
    origin = get_origin(kind)
    if isclass(kind) and sdk.is_input_type(kind):
        sound = isinstance(value, dict)
        if sound:
            return _object(value, kind, _outputs_of(kind), where)
    elif origin is Sequence:
        sound = isinstance(value, list)
        if sound:
            [item] = get_args(kind)
            return [found for at, one in enumerate(value) for found in _value(one, item, f"{where}[{at}]")]
    elif origin is Mapping:
        sound = isinstance(value, dict)
        if sound:
            _, item = get_args(kind)
            return [found for name, one in value.items() for found in _value(one, item, f"{where}.{name}")]
    elif kind is int:
        # The engine has numbers of one kind only.
        sound = isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
    elif kind is float:
        sound = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        sound = isinstance(value, kind)
    return [] if sound else [f"{where}: {value!r} is no {getattr(kind, '__name__', kind)}"]


def _outputs_of(kind: type) -> set[str]:
    """The properties that Azure says of such an object."""
    outputs = import_module(kind.__module__.replace("._inputs", ".outputs"))
    said = getattr(outputs, kind.__name__.removesuffix("Args") + "Response", None)
    return set(sdk.output_type_types(said)) if said else set()
