"""The page that `make bench` writes: one file, with its plots inside.

Needs Debian's python3-matplotlib.  Costs of other systems come from
userland/bench/peers.json, which says how they were counted.
"""

import base64
import html
import io
import json
import pathlib

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402

import benchmark  # noqa: E402

PEERS = pathlib.Path(__file__).resolve().parent.parent / (
    "userland/bench/peers.json")
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
FORMS = {"inline": "in the message's body",
         "move": "sent away (deallocate)",
         "vcopy": "both have it then (copy on write)",
         "pcopy": "out of line, copied byte by byte"}
OURS, THEIRS, FLOOR = "#c1440e", "#7d8aa0", "#b9c2b0"

STYLE = """
body { font: 15px/1.45 sans-serif; margin: 2em auto; max-width: 62em;
       padding: 0 1em; color: #222; }
table { border-collapse: collapse; font-size: 13px; }
td, th { padding: 2px 10px; text-align: right; }
td:first-child, th:first-child, td:last-child, th:last-child
       { text-align: left; }
tr:nth-child(even) { background: #f4f4f1; }
img { max-width: 100%; } .note { color: #666; font-size: 13px; }
"""


def image(figure):
    """The figure as an element that needs no other file."""
    text = io.StringIO()
    figure.savefig(text, format="svg", bbox_inches="tight",
                   metadata={"Date": None})
    pyplot.close(figure)
    data = base64.b64encode(text.getvalue().encode()).decode()
    return f'<img alt="" src="data:image/svg+xml;base64,{data}">'


def axes(height, width=9):
    figure, plot = pyplot.subplots(figsize=(width, height))
    for side in "top", "right":
        plot.spines[side].set_visible(False)
    return figure, plot


def size_of(text):
    """"16K" as bytes."""
    unit = text[-1] if text[-1] in UNITS else ""
    return int(text.removesuffix(unit)) * UNITS[unit]


def transfers(report):
    """{form: [(bytes, cost)]} of rows transfer.FORM.SIZE, rising."""
    found = {}
    for name, median in benchmark.medians(report).items():
        words = name.split(".")
        if words[0] == "transfer" and len(words) == 3:
            found.setdefault(words[1], []).append((size_of(words[2]), median))
    return {form: sorted(points) for form, points in found.items()}


def plot_sizes(report, peers):
    figure, plot = axes(5.5)
    for peer in peers["transfers"]:
        plot.plot(*zip(*peer["points"]), color=THEIRS, linewidth=1,
                  linestyle=":", marker=".",
                  label=f"{peer['who']}: {peer['what']}")
    for form, points in transfers(report).items():
        plot.plot(*zip(*points), marker="o", markersize=4,
                  label=f"Baton: {FORMS.get(form, form)}")
    plot.set_xscale("log", base=2)
    plot.set_yscale("log")
    ticks = [size for size in (16, 256, 1 << 12, 1 << 16, 1 << 20, 1 << 24,
                               1 << 28, 1 << 30)]
    plot.set_xticks(ticks, [name_of(size) for size in ticks])
    plot.set_xlabel("size of the message")
    plot.set_ylabel(report["unit"])
    plot.legend(fontsize=8)
    return image(figure)


def name_of(size):
    for unit in "GMK":
        if size >= UNITS[unit]:
            return f"{size // UNITS[unit]} {unit}iB"
    return f"{size} B"


def plot_spread(report):
    """Cost at each share of the samples, the last ones spread out."""
    rows = [row for row in report["results"]
            if row["name"].startswith(("rpc.", "send."))
            and row.get("spread")]
    figure, plot = axes(4.5)
    for row in rows:
        shares = [at / 100 for at, _ in row["spread"]]
        plot.plot(range(len(shares)), [cost for _, cost in row["spread"]],
                  marker=".", drawstyle="steps-mid",
                  label=f"{row['name']} ({row['samples']} samples)")
        plot.set_xticks(range(len(shares)), [f"{s:g}" for s in shares])
    plot.set_yscale("log")
    plot.set_xlabel("percent of the samples that cost no more")
    plot.set_ylabel(report["unit"])
    if rows:
        plot.legend(fontsize=8)
    return image(figure)


def plot_peers(report, chart):
    """Bars; ours are those rows that the report has."""
    medians, bars = benchmark.medians(report), []
    for row in chart["rows"]:
        if "baton" not in row:
            name = ": ".join(filter(None, (row["who"], row["what"])))
            color = FLOOR if row["who"] == "floor" else THEIRS
            bars.append((row["cost"], name, color))
        elif row["baton"] in medians:
            bars.append((medians[row["baton"]], f"Baton: {row['baton']}", OURS))
    bars.sort(reverse=True)
    figure, plot = axes(0.6 + 0.3 * len(bars))
    costs, names, colors = zip(*bars)
    drawn = plot.barh(names, costs, color=colors)
    plot.bar_label(drawn, [benchmark.number(cost) for cost in costs],
                   padding=3, fontsize=8)
    plot.set_xscale("log")
    plot.set_xlabel("instructions")
    return image(figure)


def plot_scales(report):
    figure, plot = axes(4)
    for scale, points in benchmark.scales(report).items():
        plot.plot(*zip(*points), marker="o", markersize=4,
                  label=f"scale.{scale}")
    plot.set_xscale("log")
    plot.set_ylim(bottom=0)
    plot.set_xlabel("how many there are")
    plot.set_ylabel(report["unit"])
    plot.legend(fontsize=8)
    return image(figure)


def plot_declines(declines):
    """{reason: count}: why messages left the fast path."""
    rows = sorted(((count, reason) for reason, count in declines.items()
                   if count), reverse=False)
    figure, plot = axes(0.6 + 0.3 * len(rows))
    counts, reasons = zip(*rows)
    drawn = plot.barh(reasons, counts, color=OURS)
    plot.bar_label(drawn, [benchmark.number(count) for count in counts],
                   padding=3, fontsize=8)
    plot.set_xscale("log")
    return image(figure)


def html_table(head, rows):
    return ("<table><tr>" + "".join(f"<th>{html.escape(cell)}" for cell in head)
            + "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}"
                                       for cell in row) for row in rows)
            + "</table>")


def sections(report, peers):
    """(title, what is below it) of all that the report has."""
    if transfers(report):
        note = peers["transfers_note"] if counts(report) else ""
        shown = peers if counts(report) else {"transfers": []}
        yield "Cost against size", (plot_sizes(report, shown)
                                    + f"<p class=note>{html.escape(note)}")
    yield "Distribution of round trips", plot_spread(report)
    if counts(report):
        yield "Beside others", beside(report, peers)
    if benchmark.scales(report):
        yield "Beside many of everything", plot_scales(report) + html_table(
            ("scale", "from", "to", "differ by", ""),
            [(f"scale.{scale}", benchmark.number(fewest),
              benchmark.number(most), f"{share:.1f} %",
              "flat" if share <= benchmark.FLAT else "not flat")
             for scale, fewest, most, share in benchmark.flatness(report)])
    if report.get("footprints"):
        keys = ("instructions", "code_lines", "data_lines", "pages",
                "tlb_entries")
        yield "What one round trip touches", html_table(
            ("row", *(key.replace("_", " ") for key in keys), ""),
            [(name, *(touched[key] for key in keys), "")
             for name, touched in report["footprints"].items()])
    if any(report.get("declines", {}).values()):
        yield ("Why messages left the fast path",
               plot_declines(report["declines"]))
    yield "All rows", html_table(
        ("name", *benchmark.COLUMNS, "what"),
        [(row["name"], *(benchmark.number(row[c]) for c in benchmark.COLUMNS),
          row["what"]) for row in report["results"]])


def counts(report):
    """Only what counts instructions can stand beside what does."""
    return report["unit"] == "instructions"


def beside(report, peers):
    charts = "".join(f"<h3>{html.escape(chart['title'])}</h3>"
                     + plot_peers(report, chart) for chart in peers["charts"])
    sources = "".join(f"<li><b>{html.escape(who)}</b>: {html.escape(source)}"
                      for who, source in peers["sources"].items())
    return (charts + f"<p class=note>{html.escape(peers['conditions'])}"
            f"<ul class=note>{sources}</ul>")


def page(report, peers):
    """The whole page as text."""
    what = (f"{report['unit']}, {report['machine']}, "
            f"{report['harts']} hart, kernel {report['kernel']}")
    body = "".join(f"<h2>{html.escape(title)}</h2>{content}"
                   for title, content in sections(report, peers))
    return ("<!doctype html><html lang=en><meta charset=utf-8>"
            f"<title>Baton: what things cost</title><style>{STYLE}</style>"
            f"<h1>What things cost</h1><p>{html.escape(what)}.{body}</html>\n")


def write(report, path):
    path.write_text(page(report, json.loads(PEERS.read_text())))
