"""How types are made of types: `array[n] of`, `^`, `struct[n] of`."""

import dataclasses

from . import wiretypes
from .source import DefsError
from .tree import Form, Type


def basic(place, name, bits, out_name=None):
    """A type of MACH_MSG_TYPE_ @name, a key of wiretypes; @bits may be None."""
    if name in wiretypes.RIGHTS:
        if bits not in (None, 8 * wiretypes.PORT_BYTES):
            raise DefsError(place, f"found {bits} bits, expected 32: a right "
                            "has a name of so many")
        out = wiretypes.RIGHTS[out_name] if out_name else None
        return Type(place, Form.PORT, size=wiretypes.PORT_BYTES, base=name,
                    base_size=wiretypes.PORT_BYTES,
                    right=wiretypes.RIGHTS[name], right_out=out,
                    user_type=wiretypes.PORT_C_TYPE,
                    server_type=wiretypes.PORT_C_TYPE)
    _, size, c_type = wiretypes.DATA[name]
    if bits is None or bits == 8 * size:
        return Type(place, Form.VALUE, size=size, base=name, base_size=size,
                    user_type=c_type, server_type=c_type)
    if bits <= 0 or bits % 8:
        raise DefsError(place, f"found {bits} bits, expected whole bytes")
    return Type(place, Form.VALUE, size=bits // 8, base=name,
                base_size=min(bits // 8, 8), is_struct=bits > 64)


def alias(place, old):
    """Another name for @old: the same on the wire, itself in C."""
    return dataclasses.replace(old, place=place, intran=None, outtran=None,
                               destructor=None)


def _composed(place, element, what):
    if element.form not in (Form.VALUE, Form.ARRAY, Form.PORT, Form.PORTS,
                            Form.STRING):
        raise DefsError(place, f"found {what} of something that is out of "
                        "line or has a count, expected a simpler type: give "
                        "the inner one a name and a routine of its own")


def array(place, count, element):
    """array[count] of"""
    _composed(place, element, "an array")
    if count <= 0:
        raise DefsError(place, f"found an array of {count}, expected at "
                        "least 1 element")
    form = Form.PORTS if element.form.carries_rights else Form.ARRAY
    inner = element
    if element.form is Form.PORTS:
        count, inner = count * element.count, element.element
    return dataclasses.replace(
        element, place=place, form=form, name=None, size=inner.size * count,
        count=count, element=inner, user_type=None, server_type=None,
        intran=None, outtran=None, destructor=None)


def counted_array(place, count, element):
    """array[*:count] of; array[] of when @count is 0, which is out of line"""
    _composed(place, element, "an array")
    rights = element.form.carries_rights
    if element.form is Form.PORTS:
        raise DefsError(place, "found an array of arrays of rights, expected "
                        "an array of rights")
    if not rights and element.name is None and element.user_type is None:
        raise DefsError(place, "found elements without a name, which have no "
                        "type in C; expected `type NAME = ...;` before it")
    if count == 0:
        form = Form.PORT_ARRAY if rights else Form.MEMORY
    else:
        form = Form.COUNTED_PORTS if rights else Form.COUNTED
    return dataclasses.replace(
        element, place=place, form=form, name=None, count=count, counted=True,
        element=element, user_type=None, server_type=None, intran=None,
        outtran=None, destructor=None)


def struct(place, count, element):
    """struct[count] of"""
    if element.form not in (Form.VALUE, Form.ARRAY, Form.STRING):
        raise DefsError(place, "found a struct of rights, or of something "
                        "out of line or with a count; expected numbers")
    if count <= 0:
        raise DefsError(place, f"found a struct of {count}, expected at "
                        "least 1 element")
    return Type(place, Form.VALUE, size=count * element.size,
                element=element, base=element.base,
                base_size=element.base_size, is_struct=True)


def string(place, size, varying):
    """c_string[size], c_string[*:size]"""
    if size <= 0:
        raise DefsError(place, f"found a string of {size}, expected room for "
                        "at least its NUL")
    return Type(place, Form.VARSTRING if varying else Form.STRING,
                size=1 if varying else size, count=size, counted=False,
                base="string_c", base_size=1)


def out_of_line(place, old):
    """^"""
    forms = {Form.VALUE: Form.MEMORY, Form.ARRAY: Form.MEMORY,
             Form.COUNTED: Form.MEMORY, Form.MEMORY: Form.MEMORY,
             Form.PORTS: Form.PORT_ARRAY,
             Form.COUNTED_PORTS: Form.PORT_ARRAY,
             Form.PORT_ARRAY: Form.PORT_ARRAY}
    if old.form not in forms:
        raise DefsError(place, f"found ^ before {old.form.value}; expected "
                        "an array or a struct")
    made = dataclasses.replace(
        old, place=place, form=forms[old.form], name=None, user_type=None,
        server_type=None, intran=None, outtran=None, destructor=None)
    if old.form is Form.VALUE:
        made.element = old
    return made
