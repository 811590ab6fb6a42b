"""Reads MIG interface definitions (.defs) and writes C.

Reading order: tree.py (what a definition says), lexer.py and parser.py (how
it is read), layout.py (where things stand in messages), then the backends
header.py, user.py and server.py, which write C through writer.py.
"""
