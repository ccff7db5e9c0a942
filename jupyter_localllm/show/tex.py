r"""Which TeX may be handed to a typesetter.

MathJax is not only a typesetter: ``\href`` makes links (``javascript:`` ones too), ``\style`` and ``\bbox`` set CSS
and so fetch images, ``\class`` and ``\cssId`` reach into the page, ``\require`` loads code, ``\mmlToken`` sets any
attribute, and ``\def`` gives all of these new names. Front ends differ in what they switch on, so the list here is of
what is known to draw and nothing else; an expression with any other command is shown as code.

Names and environments are those of the MathJax packages base, ams, braket, cancel and boldsymbol (MathJax 3
documentation, "Supported TeX/LaTeX commands").
"""

from __future__ import annotations

import re

__all__ = ["ENVIRONMENTS", "LIVE_COMMANDS", "draws_only"]

_LONGEST = 4_000  # a typesetter takes a second for it, and the square of that for more
_DEEPEST = 60

_GREEK = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi
chi psi omega varepsilon vartheta varkappa varpi varrho varsigma varphi digamma Gamma Delta Theta Lambda Xi Pi
Sigma Upsilon Phi Psi Omega varGamma varDelta varTheta varLambda varXi varPi varSigma varUpsilon varPhi varPsi
varOmega
"""
_SYMBOLS = """
aleph beth gimel daleth hbar hslash ell wp Re Im partial nabla infty emptyset varnothing forall exists nexists
neg lnot top bot angle measuredangle sphericalangle triangle triangledown square Box blacksquare Diamond lozenge
bigstar star clubsuit diamondsuit heartsuit spadesuit flat natural sharp surd prime backprime degree checkmark
maltese complement eth imath jmath dots ldots cdots vdots ddots dotsc dotsb dotsm dotsi dotso therefore because
P S copyright dag ddag pounds yen circledR blacktriangle blacktriangledown blacklozenge Bbbk Finv Game mho
backslash textbackslash vert Vert AA
"""
_OPERATORS = """
pm mp times div cdot cdotp ast circ bullet cap cup uplus sqcap sqcup vee wedge lor land setminus smallsetminus
wr diamond bigtriangleup bigtriangledown triangleleft triangleright lhd rhd unlhd unrhd oplus ominus otimes
oslash odot bigcirc dagger ddagger amalg ltimes rtimes dotplus divideontimes barwedge curlywedge curlyvee Cap
Cup boxplus boxminus boxtimes boxdot circledast circledcirc circleddash intercal centerdot sum prod coprod int
iint iiint iiiint idotsint oint bigcap bigcup bigvee bigwedge bigoplus bigotimes bigodot biguplus bigsqcup
smallint limits nolimits displaylimits
"""
_RELATIONS = """
lt gt le leq ge geq ne neq leqq geqq leqslant geqslant ll gg lll ggg prec succ preceq succeq preccurlyeq
succcurlyeq sim simeq approx approxeq cong equiv doteq doteqdot propto varpropto asymp bowtie models vdash dashv
Vdash vDash Vvdash in notin ni owns subset supset subseteq supseteq subseteqq supseteqq subsetneq supsetneq
nsubseteq nsupseteq sqsubset sqsupset sqsubseteq sqsupseteq mid nmid parallel nparallel perp smile frown not
nless ngtr nleq ngeq nleqslant ngeqslant lneq gneq lneqq gneqq nprec nsucc nsim ncong lesssim gtrsim lessapprox
gtrapprox lessgtr gtrless triangleq circeq bumpeq Bumpeq coloneqq eqqcolon risingdotseq fallingdotseq backsim
backsimeq thicksim thickapprox between pitchfork trianglelefteq trianglerighteq vartriangleleft vartriangleright
ntriangleleft ntriangleright multimap colon
"""
_ARROWS = """
to gets leftarrow rightarrow uparrow downarrow leftrightarrow updownarrow Leftarrow Rightarrow Uparrow Downarrow
Leftrightarrow Updownarrow longleftarrow longrightarrow longleftrightarrow Longleftarrow Longrightarrow
Longleftrightarrow mapsto longmapsto hookleftarrow hookrightarrow nearrow searrow swarrow nwarrow leftharpoonup
leftharpoondown rightharpoonup rightharpoondown rightleftharpoons leftrightharpoons iff implies impliedby
leadsto rightsquigarrow rightleftarrows leftrightarrows rightrightarrows leftleftarrows upuparrows
downdownarrows twoheadrightarrow twoheadleftarrow rightarrowtail leftarrowtail curvearrowleft curvearrowright
circlearrowleft circlearrowright nleftarrow nrightarrow nLeftarrow nRightarrow nLeftrightarrow nleftrightarrow
dashrightarrow dashleftarrow xleftarrow xrightarrow xmapsto xlongequal restriction upharpoonright
"""
_FUNCTIONS = """
arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln log max
min Pr sec sin sinh sup tan tanh injlim projlim varinjlim varprojlim varliminf varlimsup bmod pmod mod pod
operatorname operatorname*
"""
_SHAPES = """
frac dfrac tfrac cfrac binom dbinom tbinom choose over atop sqrt root of hat widehat check widecheck tilde
widetilde acute grave dot ddot dddot ddddot breve bar vec mathring overline underline overbrace underbrace
overset underset stackrel overrightarrow overleftarrow overleftrightarrow underrightarrow underleftarrow
underleftrightarrow substack sideset boxed fbox cancel bcancel xcancel cancelto phantom hphantom vphantom smash
mathstrut strut left right middle big Big bigg Bigg bigl Bigl biggl Biggl bigr Bigr biggr Biggr bigm Bigm biggm
Biggm lbrace rbrace lbrack rbrack langle rangle lfloor rfloor lceil rceil lvert rvert lVert rVert lgroup rgroup
lmoustache rmoustache ulcorner urcorner llcorner lrcorner arrowvert bra ket braket Bra Ket Braket ketbra set Set
prescript
"""
_FONTS = """
mathrm mathbf mathit mathsf mathtt mathcal mathbb mathfrak mathscr mathnormal boldsymbol bm pmb bold bf rm it sf
tt cal frak Bbb scr text textrm textbf textit textsf texttt textnormal textup mbox hbox emph mathop mathbin
mathrel mathord mathopen mathclose mathpunct mathinner displaystyle textstyle scriptstyle scriptscriptstyle tiny
scriptsize small normalsize large Large LARGE huge Huge
"""
_LAYOUT = """
quad qquad enspace thinspace medspace thickspace negthinspace negmedspace negthickspace nobreakspace space hfill
hfil hline hdashline newline cr tag tag* notag nonumber allowbreak nobreak displaybreak intertext shoveleft
shoveright begin end
"""
_COMMANDS = frozenset(
    " ".join(
        (_GREEK, _SYMBOLS, _OPERATORS, _RELATIONS, _ARROWS, _FUNCTIONS, _SHAPES, _FONTS, _LAYOUT),
    ).split()
)

_ENVIRONMENTS = """
equation equation* align align* aligned alignat alignat* alignedat flalign flalign* gather gather* gathered
multline multline* eqnarray eqnarray* split cases dcases rcases array subarray matrix pmatrix bmatrix Bmatrix
vmatrix Vmatrix smallmatrix math displaymath
"""
ENVIRONMENTS = frozenset(_ENVIRONMENTS.split())

# Commands that reach beyond drawing, of all packages that front ends load. For text that is not known to be TeX (a
# parser of Markdown may disagree), where the list of allowed names would hit every Windows path and escape of a string.
_LIVE = """
href url Url hyperref hyperlink hypertarget hyperimage nolinkurl class style cssId id htmlId htmlClass htmlStyle
htmlData data bbox mmlToken require unicode char includegraphics image input include import write openin openout
read special html def edef gdef xdef let futurelet global newcommand renewcommand providecommand newenvironment
renewenvironment DeclareMathOperator DeclarePairedDelimiter DeclarePairedDelimiters Newextarrow csname endcsname
catcode expandafter setOptions toggle mathtip texttip definecolor color textcolor colorbox fcolorbox pagecolor
enclose verb begingroup label ref eqref
"""
LIVE_COMMANDS = frozenset(_LIVE.split())

_COMMAND = re.compile(r"\\([a-zA-Z]+\*?|.|\Z)", re.DOTALL)
_HARMLESS_MARKS = frozenset(" ,:;>!|{}[]()\\%$&#_/-=~'`^\".\n")
_SMALL_SPACE = re.compile(r"\\[hm]space\*?\s*\{\s*\d{0,2}(?:\.\d{1,4})?\s*(?:em|ex|pt|px|mm|cm|mu|in)\s*\}")
_BEGIN_OR_END = re.compile(r"\\(begin|end)\s*(?:\{([^{}]*)\})?\s*((?:\[[^\]]?\])?\s*\{[^{}]*\})?")
# Column letters only: `*{9999}{c}` makes that many columns. The count of an alignment likewise.
_COLUMNS = re.compile(r"(?:\[[tbc]\])?\s*\{[lcr|:\s]{1,60}\}")
_COUNT = re.compile(r"\{\s*\d{1,2}\s*\}")
_ROW_GAP = re.compile(r"\\\\\s*\[\s*(-?)\s*([\d.]*)\s*[a-z]{2}\s*\]")
_NESTING = re.compile(r"\\(?:left|begin)(?![a-zA-Z])|\\(?:right|end)(?![a-zA-Z])|\\.|[{}]", re.DOTALL)


def draws_only(tex: str) -> bool:
    r"""Whether an expression holds nothing but commands that draw.

    Parameters
    ----------
    tex : str
        TeX, with or without its delimiters.

    Returns
    -------
    bool
        False for any command or environment that is not on the list, for TeX's ``^^`` notation (a second way to write a
        backslash), for distances that would draw over the rest of the page, and for expressions so long, so wide or so
        deep that a typesetter would suffer.

    Examples
    --------
    >>> draws_only(r"\frac{1}{2} \le \sqrt{x}")
    True
    >>> draws_only(r"\href{https://example.org}{x}")
    False
    """
    if len(tex) > _LONGEST or "^^" in tex or _depth(tex) > _DEEPEST:
        return False
    tex = _SMALL_SPACE.sub(" ", tex)
    return (
        all(_known(match[1]) for match in _COMMAND.finditer(tex))
        and all(_known_environment(match) for match in _BEGIN_OR_END.finditer(tex))
        and not any(match[1] or len(match[2].partition(".")[0]) > 2 for match in _ROW_GAP.finditer(tex))
    )


def _known(name: str) -> bool:
    """Whether a command (its name without the backslash) is on the list."""
    if name[:1].isascii() and name[:1].isalpha():
        return name in _COMMANDS or name.rstrip("*") in _COMMANDS
    return name in _HARMLESS_MARKS


def _known_environment(match: re.Match[str]) -> bool:
    r"""Whether a ``\begin`` or ``\end`` names an environment on the list, with an argument of sane size."""
    name, argument = match[2], match[3] or ""
    if name not in ENVIRONMENTS:
        return False
    if match[1] == "begin" and name in ("array", "subarray"):
        return _COLUMNS.fullmatch(argument) is not None
    if match[1] == "begin" and name in ("alignat", "alignat*", "alignedat"):
        return _COUNT.fullmatch(argument) is not None
    return True


def _depth(tex: str) -> int:
    """How deep braces, fences and environments nest."""
    depth = deepest = 0
    for mark in _NESTING.findall(tex):
        if mark in ("{", r"\left", r"\begin"):
            depth += 1
            deepest = max(deepest, depth)
        elif mark in ("}", r"\right", r"\end"):
            depth -= 1
    return deepest
