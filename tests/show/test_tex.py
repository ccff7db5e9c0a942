"""`jupyter_localllm.show.tex`."""

from __future__ import annotations

import pytest

from jupyter_localllm.show.tex import LIVE_COMMANDS, draws_only


@pytest.mark.parametrize(
    "tex",
    [
        r"E = mc^2",
        r"\frac{1}{2} \sum_{i=1}^{n} x_i^2",
        r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}",
        r"\begin{align*} x &= 1 \\[2pt] y &= 2 \tag{1} \end{align*}",
        r"\begin{array}{c|c} 1 & 2 \\ \hline 3 & 4 \end{array}",
        r"\begin{alignat}{2} a &= b & c &= d \end{alignat}",
        r"\left( \int_0^\infty e^{-x^2} \, dx \right)",
        r"f(x) = \begin{cases} 1 & \text{if } x > 0 \\ 0 & \text{else} \end{cases}",
        r"\mathbb{R}^n \to \mathbb{R}, \quad \mathcal{O}(n \log n)",
        r"\boxed{42} \% \$ \& \_ \{ \}",
        r"a \hspace{1cm} b",
        r"\operatorname*{arg\,max}_x f(x)",
        r"\lvert x \rvert \le \epsilon \implies \hat{y} \approx \bar{y}",
    ],
)
def test_ordinary_mathematics_is_typeset(tex: str) -> None:
    """What models write about mathematics is handed to the typesetter."""
    assert draws_only(tex)


@pytest.mark.parametrize("name", sorted(LIVE_COMMANDS))
def test_live_commands_are_refused(name: str) -> None:
    """No command that links, styles, loads or defines is let through."""
    assert not draws_only(rf"x \{name}{{a}}{{b}}")


@pytest.mark.parametrize(
    "tex",
    [
        r"\unknowncommand",
        r"\hre\relax f",
        r"^^5chref{javascript:1}{x}",
        r"\begin{CD} A @>a>> B \end{CD}",
        r"\begin {html} x",
        r"\begin",
        r"x \\[-99em] y",
        r"x \\[9999em] y",
        r"\hspace{-3em} x",
        r"\hspace{999em} x",
        r"\begin{array}{*{99999}{c}} x \end{array}",
        r"\begin{alignat}{99999} x \end{alignat}",
        "{" * 100 + "}" * 100,
        r"\left(" * 100,
        "x" * 30_000,
        "x+" * 2_500,
        r"\begin{matrix}" + "&" * 4_500 + r"\end{matrix}",
        "trailing \\",
        "\\\u0661",
    ],
)
def test_in_doubt_it_is_code(tex: str) -> None:
    """Unknown commands, hidden backslashes, distances over the page, and sizes a typesetter would choke on."""
    assert not draws_only(tex)
