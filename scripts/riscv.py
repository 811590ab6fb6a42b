"""As much of RV64GC's encoding as a trace needs: how long an instruction is,
whether it touches memory and where, and whether it reads the cycle counter or
changes the address space."""

SATP = 0x180
CYCLE = 0xC00


def bits(word, high, low):
    return word >> low & ((1 << (high - low + 1)) - 1)


def signed(value, width):
    return value - (1 << width) if value >> (width - 1) else value


def length(word):
    return 4 if word & 3 == 3 else 2


# Quadrant 0 and 2 of the compressed ones, by funct3: (is a store, bytes).
COMPRESSED = {1: (False, 8), 2: (False, 4), 3: (False, 8),
              5: (True, 8), 6: (True, 4), 7: (True, 8)}


def compressed_access(word):
    """(is a store, base register, offset, bytes), or None."""
    quadrant, kind = word & 3, bits(word, 15, 13)
    if quadrant not in (0, 2) or kind not in COMPRESSED:
        return None
    store, size = COMPRESSED[kind]
    if quadrant == 0:
        offset = bits(word, 12, 10) << 3
        offset |= (bits(word, 6, 5) << 6 if size == 8
                   else bits(word, 6, 6) << 2 | bits(word, 5, 5) << 6)
        return store, 8 + bits(word, 9, 7), offset, size
    if store and size == 8:
        offset = bits(word, 12, 10) << 3 | bits(word, 9, 7) << 6
    elif store:
        offset = bits(word, 12, 9) << 2 | bits(word, 8, 7) << 6
    elif size == 8:
        offset = (bits(word, 12, 12) << 5 | bits(word, 6, 5) << 3
                  | bits(word, 4, 2) << 6)
    else:
        offset = (bits(word, 12, 12) << 5 | bits(word, 6, 4) << 2
                  | bits(word, 3, 2) << 6)
    return store, 2, offset, size


def access(word):
    """What a load, a store or an atomic touches: (is a store, base register,
    offset, bytes); None for every other instruction."""
    if length(word) == 2:
        return compressed_access(word)
    opcode, size = word & 0x7F, 1 << (bits(word, 14, 12) & 3)
    base = bits(word, 19, 15)
    if opcode in (0x03, 0x07):
        return False, base, signed(bits(word, 31, 20), 12), size
    if opcode in (0x23, 0x27):
        offset = bits(word, 31, 25) << 5 | bits(word, 11, 7)
        return True, base, signed(offset, 12), size
    if opcode == 0x2F:
        return bits(word, 31, 27) != 2, base, 0, size  # 2: lr
    return None


def csr(word):
    """The register that a CSR instruction names, or None."""
    if word & 0x7F == 0x73 and bits(word, 14, 12) & 3:
        return bits(word, 31, 20)
    return None


def reads_cycle(word):
    return csr(word) == CYCLE


def writes_space(word):
    return csr(word) == SATP and bits(word, 14, 12) == 1


def destination(word):
    return bits(word, 11, 7)
