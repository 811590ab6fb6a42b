"""NAME.h for clients, NAMEServer.h for servers: prototypes and messages."""

from . import cside
from .writer import Writer


def _names(writer, subsystem):
    """subsystem_to_name_map_NAME: for who prints messages by name."""
    name = f"subsystem_to_name_map_{subsystem.name}"
    writer.line(f"#ifndef {name}")
    rows = [f'{{ "{r.name}", {subsystem.id_of(r)} }}'
            for r in subsystem.routines]
    if rows:
        writer.line(f"#define {name} \\")
        for row in rows[:-1]:
            writer.line(f"    {row},\\")
        writer.line(f"    {rows[-1]}")
    else:
        writer.line(f"#define {name}")
    writer.line("#endif")


def _text(side, subsystem, source, whose, imports):
    writer = Writer()
    writer.text(f"""
/* {source}: {whose}.  Written by mig. */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_types.h>
#include <mach/mig.h>
#include <mach/mig_errors.h>""")
    cside.includes(writer, subsystem, imports)
    writer.line()
    writer.text(f"""
MACH_BEGIN_DECLS

#ifndef {subsystem.name}_MSG_COUNT
#define {subsystem.name}_MSG_COUNT {subsystem.end}
#endif
""")
    if side.is_server:
        writer.line()
        cside.server_prototypes(writer, subsystem)
        writer.line()
        writer.line("/* What the server has to define: */")
    for routine in subsystem.routines:
        writer.line()
        cside.prototype(writer, side, routine)
    writer.line()
    writer.line("/* ---- messages ---- */")
    writer.line()
    cside.structs(writer, side, subsystem)
    writer.line()
    _names(writer, subsystem)
    writer.line()
    writer.line("MACH_END_DECLS")
    return writer.result()


def user(subsystem, source):
    """The text of NAME.h."""
    return _text(cside.USER, subsystem, source,
                 f"what clients of {subsystem.name} call",
                 ("import", "uimport"))


def server(subsystem, source):
    """The text of NAMEServer.h."""
    return _text(cside.SERVER, subsystem, source,
                 f"what servers of {subsystem.name} define",
                 ("import", "simport"))
