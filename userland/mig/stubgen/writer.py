"""C as text: lines, indentation, lists that are broken to fit."""

COLUMNS = 80


def _width(text):
    return len(text.expandtabs(8))


class Writer:
    """Collects lines.  Indentation is tabs, continuations four spaces."""

    def __init__(self):
        self.lines, self.depth = [], 0

    def line(self, text=""):
        self.lines.append("\t" * self.depth + text if text else "")

    def text(self, block):
        """Several lines as they are."""
        self.lines.extend(block.strip("\n").split("\n"))

    def list(self, head, items, tail):
        """head item, item, ... tail, in as many lines as it takes.

        An item stays whole.
        """
        current = "\t" * self.depth + head
        first = True
        for index, item in enumerate(items):
            last = index == len(items) - 1
            piece = item + (tail if last else ",")
            gap = "" if first else " "
            if not first and _width(current + gap + piece) > COLUMNS or (
                    first and _width(current + piece) > COLUMNS
                    and _width(current) > 8 * self.depth + 8):
                self.lines.append(current)
                current = "\t" * self.depth + "    " + piece
            else:
                current += gap + piece
            first = False
        if not items:
            current += tail
        self.lines.append(current)

    def sum(self, head, terms, tail, indent="    "):
        """head a + b + c tail, or with |, broken before it is too long."""
        separator = " | " if " | " in terms else " + "
        words = terms.split(separator)
        current = "\t" * self.depth + head + words[0]
        for word in words[1:]:
            if _width(current + separator + word + tail) >= COLUMNS:
                self.lines.append(current + separator.rstrip())
                current = "\t" * self.depth + indent + word
            else:
                current += separator + word
        self.lines.append(current + tail)

    def open(self, text):
        self.line(text)
        self.depth += 1

    def close(self, text="}"):
        self.depth -= 1
        self.line(text)

    def when(self, condition, *then):
        """if (condition) then; with braces when @then is several lines."""
        if len(then) == 1:
            self.line(f"if ({condition})")
            self.line("\t" + then[0])
        else:
            self.open(f"if ({condition}) {{")
            for line in then:
                self.line(line)
            self.close()

    def initialised(self, head, fields):
        """head {.name = value, ...};"""
        self.line(f"{head}{{")
        for name, value in fields:
            self.line(f"    .{name} = {value},")
        self.line("};")

    def result(self):
        return "\n".join(self.lines) + "\n"


def declared(c_type, name, pointer=False):
    """`type name`, `type *name`, with the star where C wants it."""
    star = "*" if pointer else ""
    gap = "" if c_type.endswith("*") else " "
    return f"{c_type}{gap}{star}{name}"


def either(count, word):
    return f"{count} {word}{'' if count == 1 else 's'}"
