"""Prints what came out."""


def _number(value, unit="us"):
    if value is None:
        return "-"
    if unit == "bytes":
        return f"{value:,.0f} B"
    if unit == "s":
        return f"{value:.2f} s"
    return f"{value:.2f}"


def _ratio(value, by):
    return f"{value / by:.2f}" if value and by else "-"


def _rate(value):
    return f"{value:,.0f}" if value else "-"


def _print(head, lines):
    widths = [max(len(line[i]) for line in [head] + lines) for i in range(len(head))]
    for line in [head] + lines:
        cells = [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        print("  ".join(cells).rstrip())
    print()


def _merged(rows):
    """Rows of the same name, which were measured for one server after the other, become one."""
    merged = {}
    for row in rows:
        merged.setdefault(row["row"], {}).update(row)
    return list(merged.values())


def main_table(rows):
    head = ["CPU us each", "trapezoid", "kamailio", "floor", "to kamailio", "reach", "to floor", "reach us",
            "trapezoid/s", "kamailio/s"]
    lines = []
    for row in _merged(rows):
        unit = row.get("unit", "us")
        ours, peer, floor = row.get("ours"), row.get("peer"), row.get("floor")
        lines.append([row["row"], _number(ours, unit), _number(peer, unit), _number(floor, unit), _ratio(ours, peer),
                      _ratio(row.get("reach_ratio"), 1), _ratio(ours, floor), _number(row.get("reach"), unit),
                      _rate(row.get("ours_rate")), _rate(row.get("peer_rate"))])
    _print(head, lines)


def spread_table(rows):
    """How far the runs were apart, what the generator needed for trapezoid and for kamailio, whether they had to wait."""
    head = ["lowest - highest", "trapezoid", "kamailio", "floor", "generator", "server idle", "disturbed runs"]
    lines = []
    for row in rows:
        if "floor_spread" not in row:
            continue
        cells = [row["row"]]
        for key in ("ours", "peer", "floor"):
            low_high = row.get(f"{key}_spread")
            cells.append(f"{low_high[0]:.2f} - {low_high[1]:.2f}" if low_high else "-")
        both = [key for key in ("ours", "peer") if f"{key}_generator" in row]
        cells.append(", ".join(_number(row[f"{key}_generator"]) for key in both))
        cells.append(", ".join(f"{row[f'{key}_idle']:.0%}" for key in both))
        cells.append(str(sum(row.get(f"{key}_disturbed", 0) for key in ("ours", "peer", "floor"))))
        lines.append(cells)
    if lines:
        _print(head, lines)


def scale_table(scales):
    for scale in scales:
        values = scale["values"]
        first = next(iter(values.values()))
        parts = [f"{key} {value:.2f} us" + (f" ({value / first:.2f})" if i else "")
                 for i, (key, value) in enumerate(values.items())]
        print(f"{scale['row']}, {scale['server']}: " + ", ".join(parts), end="")
        if "speed_up" in scale:
            print("; times one worker: " + ", ".join(f"{key} {times:.2f}" for key, times in scale["speed_up"].items()), end="")
        print()
    if scales:
        print()


def everything(bench):
    print()
    if bench.rows:
        main_table(bench.rows)
        spread_table(bench.rows)
    scale_table(bench.scales)
    for note in bench.notes:
        print(note)
    for what, why in bench.skipped:
        print(f"left out: {what}: {why}")
    for what, why in bench.failed:
        print(f"FAILED: {what}: {why}")
