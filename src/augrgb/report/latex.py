"""The comparison as a plain LaTeX `tabular`, for papers: no package beyond the standard classes."""

from __future__ import annotations

from augrgb.report.data import Comparison, Score, known

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "−": "$-$",
    "<": "$<$",
    ">": "$>$",
    "[": "{[}",  # after a line's \\\\ these two would be its options
    "*": "{*}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}


def comparison_latex(comparison: Comparison, caption: str = "") -> str:
    """A `table` with one `tabular`: percent, mean and std over seeds, paired difference in points below.

    The difference is bold where its 95 % interval leaves out zero.
    """
    columns = "ll" + "r" * len(comparison.protocols)
    heads = ["Method", "Extra sensors", *(f"{one.name} {one.version}".rstrip() for one in comparison.protocols)]
    lines = [r"\begin{table}", r"\centering", rf"\begin{{tabular}}{{{columns}}}", r"\hline"]
    lines += [_row([escaped(head) for head in heads]), r"\hline"]
    group = None
    for row in comparison.rows:
        if group not in (None, row.group):
            lines.append(r"\hline")
        group = row.group
        name = rf"\textbf{{{escaped(row.name)}}}" if row.featured else escaped(row.name)
        lines.append(_row([name, escaped(" + ".join(row.extra_sensors)), *(_mean(score) for score in row.scores)]))
        if any(score is not None and known(score.delta) for score in row.scores):
            lines.append(_row(["", "", *(_difference(score) for score in row.scores)]))
    lines += [r"\hline", r"\end{tabular}"]
    if caption:
        note = "Percent, mean and std over seeds; below, the paired difference in points, 95 % interval."
        lines.append(rf"\caption{{{escaped(caption)}. {escaped(note)}}}")
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def escaped(text: str) -> str:
    r"""Text that LaTeX prints as it is.

    >>> print(escaped("a_b & 95 %"))
    a\_b \& 95 \%
    """
    return "".join(_SPECIAL.get(letter, letter) for letter in " ".join(text.split()))


def _row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _mean(score: Score | None) -> str:
    if score is None or not known(score.mean):
        return "--"
    spread = rf" $\pm$ {100 * (score.std or 0):.1f}" if known(score.std) else ""
    return f"{100 * (score.mean or 0):.1f}{spread}"


def _difference(score: Score | None) -> str:
    if score is None or score.delta is None or not known(score.delta):
        return ""
    points = f"{100 * score.delta:+.1f}"
    low, high = score.delta_low, score.delta_high
    if low is None or high is None or not score.has_interval:
        return rf"{{\small ${points}$}}"
    bounds = rf"[{100 * low:+.1f}, {100 * high:+.1f}]"
    if low > 0 or high < 0:
        points = rf"\mathbf{{{points}}}"
    return rf"{{\small ${points}$ ${bounds}$}}"
