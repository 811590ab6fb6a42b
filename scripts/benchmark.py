"""Reports of the benchmark: how they are made, read, shown and compared.

A report is what `make bench` writes as JSON:

    {"kernel": revision, "machine": name, "harts": 1, "unit": "instructions",
     "results": [{"name": ..., "what": ..., "samples": ..., "min": ...,
                  "median": ..., "p99": ..., "max": ...,
                  "spread": [[ten-thousandths of the samples, cost], ...]},
                 ...]}

Used by scripts/bench-* and test/host/test_bench*.
"""

import json
import re

import guest

COLUMNS = ("samples", "min", "median", "p99", "max")
GROWTH = 2  # percent: more than that is a failure
FLAT = 2  # percent: what rows of one scale may differ

# What does not depend on how many there are of something else.
SCALES = ("rights", "threads", "tasks", "members", "senders", "queue")


def machine(kernel, initrd, words=()):
    """The machine that figures are from, running the benchmark."""
    return guest.Machine(
        kernel=kernel, initrd=initrd, append=",".join(["run=bench", *words]),
        harts=1, mem="3G", icount=True)


def collect(started, seconds):
    """Run the benchmark: a report, None if it did not come to its end; and its
    output."""
    report = {"machine": "qemu-virt", "harts": started.harts}
    results, output = [], []
    with guest.Guest(started, seconds) as running:
        try:
            for line in running.lines():
                output.append(line)
                if not line.startswith("BENCH "):
                    continue
                said = json.loads(line.removeprefix("BENCH "))
                if "name" in said:
                    results.append(said)
                else:
                    report |= said
        except guest.Hung:
            output.append(f"bench: not done after {seconds} seconds")
    if not report.pop("whole", False):
        return None, output
    return report | {"results": results}, output


def load(path):
    report = json.loads(path.read_text())
    if not isinstance(report, dict) or not isinstance(
            report.get("results"), list):
        raise ValueError(f"{path} is no report of the benchmark")
    return report


def save(report, path):
    """A line for each result, so that two files can be compared by eye."""
    head = "".join(f" {json.dumps(key)}: {json.dumps(value)},\n"
                   for key, value in report.items() if key != "results")
    rows = ",\n".join("  " + json.dumps(row) for row in report["results"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{{\n{head} "results": [\n{rows}\n ]\n}}\n')


def medians(report):
    return {row["name"]: row["median"] for row in report["results"]}


def number(value):
    """1234567 as "1 234 567"."""
    return f"{value:,}".replace(",", " ")


def aligned(rows):
    """Rows of text as lines: the first column to the left, others to the
    right, the last as it is."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [f"{cell:<{width}}" if i == 0 else f"{cell:>{width}}"
                 for i, (cell, width) in enumerate(zip(row, widths))]
        yield "  ".join([*cells, row[-1]]).rstrip()


def table(results):
    """The results as aligned lines."""
    return aligned([("name", *COLUMNS, "what")] + [
        (row["name"], *(number(row[column]) for column in COLUMNS),
         row["what"]) for row in results])


def percent(before, after):
    if before == after:
        return 0.0
    return 100 * (after - before) / before if before else float("inf")


def changes(before, after):
    """[(name, median before, after, percent)], the worst first; None where a
    report has no such row."""
    if before.get("unit") != after.get("unit"):
        raise ValueError(f"{before.get('unit')} cannot be compared "
                         f"with {after.get('unit')}")
    old, new = medians(before), medians(after)
    both = [(name, old[name], new[name], percent(old[name], new[name]))
            for name in old if name in new]
    alone = [(name, old.get(name), new.get(name), None)
             for name in [*old, *(n for n in new if n not in old)]
             if name not in old or name not in new]
    return sorted((row for row in both if row[3]),
                  key=lambda row: -row[3]) + alone


def grown(before, after, limit=GROWTH):
    """Those changes that are growth of more than @limit percent, and, in rows
    of a baseline, of more than runs differ that differ in nothing but where
    things are."""
    slack = {row["name"]: row["median"] - row.get("least", row["median"])
             for row in before["results"]}
    return [row for row in changes(before, after)
            if row[3] is not None
            and percent(row[1], row[2] - slack[row[0]]) > limit]


def changes_table(rows):
    if not rows:
        return ["nothing changed"]
    return aligned([("name", "before", "after", "change", "")] + [
        (name, *("-" if cost is None else number(cost)
                 for cost in (before, after)),
         "" if share is None else f"{share:+.1f} %", "")
        for name, before, after, share in rows])


def scales(report):
    """{scale: [(how many, median)]} of rows scale.NAME.COUNT, rising."""
    found = {}
    for name, median in medians(report).items():
        if row := re.fullmatch(r"scale\.(\w+)\.(\d+)", name):
            found.setdefault(row[1], []).append((int(row[2]), median))
    return {scale: sorted(points) for scale, points in found.items()}


def flatness(report):
    """[(scale, fewest, most, percent that the dearest costs more than the
    cheapest)] of those that are to be flat."""
    rows = []
    for scale, points in scales(report).items():
        if scale in SCALES and len(points) > 1:
            costs = [median for _, median in points]
            rows.append((scale, points[0][0], points[-1][0],
                         percent(min(costs), max(costs))))
    return rows


def decimals(*values):
    """Each with one place behind the point, if it is not zero."""
    return [f"{value:.1f}".removesuffix(".0") for value in values]


def footprint_line(footprint):
    return ("{instructions} instructions touch {code_lines} lines of code and "
            "{data_lines} of data, of 64 bytes, in {pages} pages, for which a "
            "TLB has {tlb_entries} entries".format(**footprint))
