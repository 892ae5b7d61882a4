"""Drawing helpers for the Tidewell demo pictures.

Everything is drawn on a square canvas of 1000 x 1000 units and lit from the
upper left. A picture is a function decorated with @pic(name) that returns a
scene: stand() for things on a table, flat() for things seen from above,
hang() for things in front of a wall, close() for details that fill the frame.
The scene adds the tinted background and derives the cast shadow from the
silhouette of the drawing itself.
"""
import math
import random

PICTURES = {}
FITS = {}

# --- palette ---------------------------------------------------------------
SAND, OAT, CHALK, CREAM = "#d8c19b", "#ddcfb6", "#f1ece1", "#f0dfba"
INK, NAVY, SLATE, CHARCOAL, BLACK = "#33435f", "#2d3d5f", "#65737f", "#4a4a4f", "#2e2c2f"
MOSS, OLIVE, SAGE, PINE = "#727c50", "#6d6b45", "#98ab8c", "#33524a"
RUST, CLAY, CORAL, OCHRE, TERRA = "#b4573b", "#c06d4e", "#e07d62", "#d39d3f", "#c57450"
BEECH, OAK, ASH, WALNUT, CHERRY = "#dcb07c", "#cda069", "#e2caa5", "#74503a", "#a9623f"
BRASS, STEEL, IRON, TAN = "#cfa14f", "#bcc3c8", "#3d3d42", "#b4753f"
PAPER, LEAF, GLASS = "#f7f1e4", "#6f8a58", "#cfdcdc"

# background tints
B_SAND, B_BLUSH, B_SAGE, B_MIST = "#e9dcc6", "#ecd5c8", "#cfdac6", "#cfdbe2"
B_LILAC, B_BUTTER, B_TEAL, B_CLAY = "#d9d2e0", "#f0dfb4", "#b7cfca", "#dfb79f"
B_STONE, B_DUSK, B_PINE, B_INK = "#dad6cd", "#93a2b5", "#59756a", "#3c4a63"
B_ROSE, B_OCHRE, B_SKY, B_PLUM = "#d9a898", "#ddb36a", "#b3cbdb", "#6b5468"


def pic(name, fit=None):
    """Register a picture. fit: (scale, dx, dy) places the finished drawing in the frame."""
    def deco(fn):
        assert name not in PICTURES, name
        PICTURES[name], FITS[name] = fn, fit
        return fn
    return deco


def draw(name):
    """The complete SVG of one picture."""
    _c.defs, _c.n, _c.fit = [], 0, FITS[name]
    return PICTURES[name]()


# --- colour ----------------------------------------------------------------
def _rgb(c):
    return [int(c[i:i + 2], 16) for i in (1, 3, 5)]


def mix(a, b, t):
    return "#%02x%02x%02x" % tuple(round(x + (y - x) * t) for x, y in zip(_rgb(a), _rgb(b)))


def li(c, t=.2):
    """Lighter, towards warm daylight."""
    return mix(c, "#fffaf0", t)


def dk(c, t=.2):
    """Darker, towards a cool violet shade rather than black."""
    return mix(c, "#1d1930", t)


# --- definitions collected while one picture is drawn ------------------------
class _Ctx:
    def __init__(self):
        self.defs, self.n, self.fit = [], 0, None


_c = _Ctx()


def define(fmt):
    """Add a definition; @ in it stands for its id, which is returned."""
    _c.n += 1
    i = "d%d" % _c.n
    _c.defs.append(fmt.replace("@", i))
    return i


def f(x):
    return ("%.1f" % x).rstrip("0").rstrip(".")


def _stops(stops):
    o = ""
    for s in stops:
        o += '<stop offset="%s" stop-color="%s"%s/>' % (s[0], s[1], ' stop-opacity="%s"' % s[2] if len(s) > 2 else "")
    return o


def lin(stops, a=(0, 0), b=(0, 1), user=False):
    i = define('<linearGradient id="@" x1="%s" y1="%s" x2="%s" y2="%s"%s>%s</linearGradient>'
             % (*a, *b, ' gradientUnits="userSpaceOnUse"' if user else "", _stops(stops)))
    return "url(#%s)" % i


def rad(stops, c=(.5, .5), r=.5, user=False):
    i = define('<radialGradient id="@" cx="%s" cy="%s" r="%s"%s>%s</radialGradient>'
             % (*c, r, ' gradientUnits="userSpaceOnUse"' if user else "", _stops(stops)))
    return "url(#%s)" % i


def fade(c, t=.14):
    """Top-left light to bottom-right shade, for flat faces."""
    return lin([(0, li(c, t)), (.55, c), (1, dk(c, t))], (0, 0), (.8, 1))


def vert(c, t=.15):
    return lin([(0, li(c, t)), (.5, c), (1, dk(c, t))])


def round_(c, x0, x1, gloss=.22, deep=.32):
    """Horizontal shading of a round upright body between x0 and x1."""
    return lin([(0, dk(c, .14)), (.1, c), (.25, li(c, gloss)), (.42, li(c, gloss * .25)), (.62, dk(c, deep * .22)),
                (.88, dk(c, deep)), (1, dk(c, deep * .72))], (f(x0), 0), (f(x1), 0), True)


def metal(c, x0, x1):
    """Horizontal shading of polished metal."""
    return lin([(0, dk(c, .3)), (.08, c), (.2, li(c, .65)), (.3, li(c, .1)), (.5, dk(c, .12)), (.64, li(c, .3)),
                (.76, dk(c, .2)), (.92, dk(c, .38)), (1, dk(c, .1))], (f(x0), 0), (f(x1), 0), True)


def metalv(c, y0, y1):
    return lin([(0, li(c, .5)), (.25, c), (.45, li(c, .35)), (.7, dk(c, .2)), (1, dk(c, .35))], (0, f(y0)), (0, f(y1)), True)


# --- primitives --------------------------------------------------------------
def _kw(kw):
    m = {"op": "opacity", "sw": "stroke-width", "tf": "transform", "dash": "stroke-dasharray", "cap": "stroke-linecap"}
    return "".join(' %s="%s"' % (m.get(k, k.replace("_", "-")), v) for k, v in kw.items())


def P(d, fill="none", **kw):
    return '<path d="%s" fill="%s"%s/>' % (d, fill, _kw(kw))


def E(cx, cy, rx, ry, fill, **kw):
    return '<ellipse cx="%s" cy="%s" rx="%s" ry="%s" fill="%s"%s/>' % (f(cx), f(cy), f(rx), f(ry), fill, _kw(kw))


def C(cx, cy, r, fill, **kw):
    return E(cx, cy, r, r, fill, **kw)


def R(x, y, w, h, r, fill, **kw):
    return '<rect x="%s" y="%s" width="%s" height="%s" rx="%s" fill="%s"%s/>' % (f(x), f(y), f(w), f(h), f(r), fill, _kw(kw))


def L(d, col, w, **kw):
    kw.setdefault("cap", "round")
    return '<path d="%s" fill="none" stroke="%s" stroke-width="%s" stroke-linejoin="round"%s/>' % (d, col, w, _kw(kw))


def G(*items, **kw):
    return "<g%s>%s</g>" % (_kw(kw), "".join(items))


def T(x, y, s, size, col, family="Georgia, 'DejaVu Serif', serif", **kw):
    return '<text x="%s" y="%s" font-size="%s" fill="%s" font-family="%s"%s>%s</text>' % (f(x), f(y), size, col, family, _kw(kw), s)


def clip(shape, *items, tf=None):
    """Items cut to a path (given as d) or to any primitive."""
    if not shape.startswith("<"):
        shape = P(shape, "#000")
    i = define('<clipPath id="@">%s</clipPath>' % shape)
    return '<g clip-path="url(#%s)"%s>%s</g>' % (i, ' transform="%s"' % tf if tf else "", "".join(items))


def blur(px, *items, op=None):
    i = define('<filter id="@" filterUnits="userSpaceOnUse" x="-1500" y="-1500" width="4000" height="4000"><feGaussianBlur stdDeviation="%s"/></filter>' % px)
    return '<g filter="url(#%s)"%s>%s</g>' % (i, ' opacity="%s"' % op if op else "", "".join(items))


def rr(x, y, w, h, r):
    """Rounded rectangle as path data."""
    return ("M%s %sh%sa%s %s 0 0 1 %s %sv%sa%s %s 0 0 1 -%s %sh-%sa%s %s 0 0 1 -%s -%sv-%sa%s %s 0 0 1 %s -%sz"
            % (f(x + r), f(y), f(w - 2 * r), r, r, r, r, f(h - 2 * r), r, r, r, r, f(w - 2 * r), r, r, r, r, f(h - 2 * r), r, r, r, r))


def poly(*pts):
    return "M" + "L".join("%s %s" % (f(x), f(y)) for x, y in pts) + "Z"


def spline(pts, closed=False, t=.17):
    """Catmull-Rom curve through points."""
    n = len(pts)
    g = (lambda i: pts[i % n]) if closed else (lambda i: pts[max(0, min(n - 1, i))])
    d = "M%s %s" % (f(pts[0][0]), f(pts[0][1]))
    for i in range(n if closed else n - 1):
        p0, p1, p2, p3 = g(i - 1), g(i), g(i + 1), g(i + 2)
        d += "C%s %s %s %s %s %s" % (f(p1[0] + (p2[0] - p0[0]) * t), f(p1[1] + (p2[1] - p0[1]) * t),
                                     f(p2[0] - (p3[0] - p1[0]) * t), f(p2[1] - (p3[1] - p1[1]) * t), f(p2[0]), f(p2[1]))
    return d + ("Z" if closed else "")


def tube(d, col, w, hi=.35, edge=.3):
    """A round cord, wire, handle or strap seen as a shaded stroke."""
    return (L(d, dk(col, edge), w) + G(L(d, col, w * .78), tf="translate(%s %s)" % (f(-w * .06), f(-w * .06)))
            + G(L(d, li(col, hi), w * .24, op=.75), tf="translate(%s %s)" % (f(-w * .17), f(-w * .17))))


def stitch(d, col, w=3, dash="11 8", op=.85):
    return L(d, col, w, dash=dash, op=op, cap="butt")


# --- bodies turned on a lathe ---------------------------------------------
def lathe_d(cx, prof, k=.13, smooth=True):
    """Outline of a turned body. prof: (radius, y[, 'c' for a hard corner]) from top to bottom."""
    segs, cur = [], []
    for p in prof:
        cur.append((p[0], p[1]))
        if len(p) > 2:
            segs.append(cur)
            cur = [(p[0], p[1])]
    segs.append(cur)
    segs = [s for s in segs if len(s) > 1]

    def side(sgn, rev):
        o = ""
        for s in (reversed(segs) if rev else segs):
            pts = [(cx + sgn * r, y) for r, y in (reversed(s) if rev else s)]
            body = spline(pts) if smooth else "M" + "L".join("%s %s" % (f(x), f(y)) for x, y in pts)
            cut = body.index("C") if smooth else body.index("L")
            o += body[cut:]
        return o
    r0, y0 = prof[0][:2]
    r1, y1 = prof[-1][:2]
    d = "M%s %s" % (f(cx - r0), f(y0)) + side(-1, False)
    d += "A%s %s 0 0 0 %s %s" % (f(r1), f(r1 * k), f(cx + r1), f(y1))
    d += side(1, True)
    d += "A%s %s 0 0 0 %s %sZ" % (f(r0), f(r0 * k), f(cx - r0), f(y0))
    return d


def lathe(cx, prof, col, k=.13, smooth=True, fill=None, gloss=.22, deep=.32, low=.16, grain=0, extra=""):
    d = lathe_d(cx, prof, k, smooth)
    R_ = max(p[0] for p in prof)
    y0, y1 = prof[0][1] - prof[0][0] * k, prof[-1][1] + prof[-1][0] * k
    o = P(d, fill or round_(col, cx - R_, cx + R_, gloss, deep))
    if grain:
        o += clip(d, vgrain(cx - R_, y0, 2 * R_, y1 - y0, col, grain))
    if extra:
        o += clip(d, extra)
    if low:
        o += P(d, lin([(0, "#1d1930", 0), (.55, "#1d1930", 0), (1, "#1d1930", low)], (0, f(y0)), (0, f(y1)), True))
    return o


def rim(cx, y, r, col, k=.13, t=9, inside=None):
    """Open mouth of a vessel: lit lip and shaded inside."""
    ins = inside or dk(col, .3)
    return (E(cx, y, r, r * k, lin([(0, li(col, .15)), (.3, li(col, .45)), (1, dk(col, .12))], (0, 0), (1, 0)))
            + E(cx, y + t * .15, r - t, (r - t) * k - 1 if (r - t) * k > 2 else 1,
                lin([(0, dk(ins, .4)), (.55, ins), (1, li(ins, .12))], (0, 0), (1, .4))))


def arc(cx, y, r, col, w, k=.13, op=1):
    """Front half of a ring round a turned body."""
    return L("M%s %sA%s %s 0 0 0 %s %s" % (f(cx - r), f(y), f(r), f(r * k), f(cx + r), f(y)), col, w, op=op, cap="butt")


def band(cx, y, r, h, col, k=.13, fill=None):
    """A short cylinder (collar, ferrule, foot)."""
    d = "M%s %sA%s %s 0 0 0 %s %sv%sA%s %s 0 0 1 %s %sZ" % (f(cx - r), f(y), f(r), f(r * k), f(cx + r), f(y), f(h), f(r), f(r * k), f(cx - r), f(y + h))
    return P(d, fill or round_(col, cx - r, cx + r))


# --- materials -------------------------------------------------------------
def vgrain(x, y, w, h, col, seed=1, n=None, op=.5):
    rnd, o = random.Random(seed), ""
    for i in range(n or max(5, int(w / 20))):
        gx = x + w * (i + rnd.random()) / (n or max(5, int(w / 20)))
        a, b, c_ = [rnd.uniform(-9, 9) for _ in range(3)]
        o += L("M%s %sC%s %s %s %s %s %s" % (f(gx), f(y), f(gx + a), f(y + h * .33), f(gx + b), f(y + h * .66), f(gx + c_), f(y + h)),
               dk(col, rnd.choice([.16, .22, .3])) if rnd.random() < .75 else li(col, .3), f(rnd.uniform(1.2, 3.6)), op=f(op * rnd.uniform(.5, 1)))
    return o


def hgrain(x, y, w, h, col, seed=1, n=None, op=.5):
    rnd, o = random.Random(seed), ""
    n = n or max(4, int(h / 18))
    for i in range(n):
        gy = y + h * (i + rnd.random()) / n
        a, b, c_ = [rnd.uniform(-7, 7) for _ in range(3)]
        o += L("M%s %sC%s %s %s %s %s %s" % (f(x), f(gy), f(x + w * .33), f(gy + a), f(x + w * .66), f(gy + b), f(x + w), f(gy + c_)),
               dk(col, rnd.choice([.16, .22, .3])) if rnd.random() < .75 else li(col, .3), f(rnd.uniform(1.2, 3.4)), op=f(op * rnd.uniform(.5, 1)))
    return o


def _wrap(size, marks):
    """Marks that run over the edge of a pattern tile come in again on the other side."""
    return "".join('<g transform="translate(%d %d)">%s</g>' % (x, y, marks) for x in (0, -size) for y in (0, -size))


def _fibres(a, b):
    rnd = random.Random(7)
    return _wrap(160, "".join('<path d="M%s %sq%s %s %s %s" stroke="%s" stroke-width="1.2" fill="none"/>' % tuple(
        [f(i % 16 * 10 + rnd.uniform(0, 10)), f(i // 16 * 10 + rnd.uniform(0, 10))] + [f(rnd.uniform(-8, 8)) for _ in range(4)] + [rnd.choice((a, b))]) for i in range(256)))


def _slubs(a, b):
    """Linen: even threads with the odd thicker stretch."""
    rnd = random.Random(11)
    even = "".join('<path d="M0 %dh180" stroke="%s" stroke-width=".8" opacity=".55"/><path d="M%d 0v180" stroke="%s" stroke-width=".8" opacity=".55"/>' % (k * 5 + 2, a, k * 5 + 2, b) for k in range(36))
    slub = "".join('<path d="M%d %dh%d" stroke="%s" stroke-width="%s"/><path d="M%d %dv%d" stroke="%s" stroke-width="%s"/>' % (
        rnd.randint(0, 179), i * 3, rnd.randint(18, 90), a, f(rnd.uniform(.8, 1.7)),
        i * 3 + 1, rnd.randint(0, 179), rnd.randint(18, 90), b, f(rnd.uniform(.8, 1.7))) for i in range(60))
    return even + _wrap(180, slub)


def pat(kind, op=.16, s=1, tf=""):
    """Surface textures as pattern fills; use as an overlay over a coloured shape."""
    a, b = "#1d1930", "#fffaf0"
    t = {
        "canvas": (8, 8, '<path d="M0 2h4M4 6h4" stroke="%s" stroke-width="2"/><path d="M4 2h4M0 6h4" stroke="%s" stroke-width="1.4" opacity=".8"/>' % (a, b)),
        "linen": (180, 180, _slubs(a, b)),
        "twill": (16, 16, '<path d="M-4 4L4 -4M0 16L16 0M12 20L20 12" stroke="%s" stroke-width="4"/>' % a),
        "perf": (20, 20, '<circle cx="5" cy="5" r="4" fill="%s"/><circle cx="15" cy="15" r="4" fill="%s"/>' % (a, a)),
        "knit": (22, 18, '<path d="M0 2L11 13L22 2" stroke="%s" stroke-width="4" fill="none"/><path d="M0 -4L11 7L22 -4M0 14L11 25L22 14" stroke="%s" stroke-width="2" fill="none" opacity=".8"/>' % (a, b)),
        "felt": (160, 160, _fibres(a, b)),
    }[kind]
    op = round(op * {"linen": .62, "felt": .7}.get(kind, 1), 3)
    i = define('<pattern id="@" width="%s" height="%s" patternUnits="userSpaceOnUse" patternTransform="scale(%s) %s"><g opacity="%s">%s</g></pattern>'
             % (t[0], t[1], s, tf, op, t[2]))
    return "url(#%s)" % i


def cloth(d, col, kind="canvas", op=.16, s=1, fill=None, tf=""):
    return P(d, fill or fade(col)) + P(d, pat(kind, op, s, tf))


def speckle(x, y, w, h, col, n=60, seed=3, r=(1.2, 3.2), op=.45):
    rnd = random.Random(seed)
    return "".join(C(x + rnd.random() * w, y + rnd.random() * h, rnd.uniform(*r), col, op=f(op * rnd.uniform(.4, 1))) for _ in range(n))


def board(d, col, x, y, w, h, seed=1, along="h", t=.12, n=None):
    """A flat wooden face with grain."""
    g = hgrain if along == "h" else vgrain
    return P(d, fade(col, t)) + clip(d, g(x, y, w, h, col, seed, n))


def box(x, y, w, h, depth, col, inset=None, r=6, seed=None, front=None, top=None):
    """A box seen from slightly above: front face and receding top face."""
    ins = depth * .9 if inset is None else inset
    topd = poly((x, y), (x + ins, y - depth), (x + w - ins, y - depth), (x + w, y))
    fr = rr(x, y, w, h, r)
    o = P(topd, top or lin([(0, li(col, .3)), (1, li(col, .14))], (0, 0), (1, 1)))
    if seed:
        o += clip(topd, hgrain(x, y - depth, w, depth, col, seed))
    o += P(fr, front or fade(col, .1))
    if seed:
        o += clip(fr, hgrain(x, y, w, h, col, seed + 1))
    return o + L("M%s %sh%s" % (f(x + 4), f(y + 1), f(w - 8)), li(col, .5), 2.5, op=.7)


def leaf(x, y, ln, ang, col=LEAF, w=.36):
    d = "M0 0C%s %s %s %s %s 0C%s %s %s %s 0 0Z" % (f(ln * .25), f(-ln * w), f(ln * .75), f(-ln * w * .8), f(ln), f(ln * .75), f(ln * w * .8), f(ln * .25), f(ln * w))
    half = "M0 0C%s %s %s %s %s 0Z" % (f(ln * .25), f(-ln * w), f(ln * .75), f(-ln * w * .8), f(ln))
    return G(P(d, fade(col, .1)), P(half, li(col, .28), op=.55), L("M0 0H%s" % f(ln * .86), dk(col, .25), 1.8, op=.6), tf="translate(%s %s) rotate(%s)" % (f(x), f(y), ang))


def steam(x, y, s=1, col="#fffaf0", op=.5):
    return blur(5, L("M%s %sc-30 -40 34 -70 0 -120s20 -60 4 -90" % (x, y), col, 12 * s), L("M%s %sc26 -36 -28 -62 4 -104s16 -50 -8 -76" % (x + 46 * s, y + 8), col, 10 * s), op=op)


def glow(cx, cy, r, col="#ffe2a0", op=.8):
    return C(cx, cy, r, rad([(0, col, op), (.45, col, op * .42), (1, col, 0)]))


def shadow_in(d, *items, px=10, op=.35):
    """Blurred shade inside a shape."""
    return clip(d, blur(px, *items, op=op))


# --- scenes ------------------------------------------------------------------
def _sil(col, op, px, inner):
    r, g, b = [v / 255 for v in _rgb(col)]
    i = define('<filter id="@" x="-80%%" y="-80%%" width="260%%" height="260%%" color-interpolation-filters="sRGB">'
             '<feColorMatrix values="0 0 0 0 %.3f 0 0 0 0 %.3f 0 0 0 0 %.3f 0 0 0 %s 0"/><feGaussianBlur stdDeviation="%s"/></filter>' % (r, g, b, op, px))
    return '<g filter="url(#%s)">%s</g>' % (i, inner)


def _shade(bg, k):
    """The background's own colour in shadow, with a little violet from the sky."""
    own = "#%02x%02x%02x" % tuple(round(v * (1 - k) ** (1 + (255 - v) / 400)) for v in _rgb(bg))
    return mix(own, "#1d1930", .22)


def _doc(bg, back, shadows, obj, over):
    body = shadows + ('<g id="o">%s</g>' % obj) + over
    if _c.fit:
        sc, dx, dy = _c.fit
        body = G(body, tf="translate(%s %s) scale(%s) translate(-500 -500)" % (500 + dx, 500 + dy, sc))
    body = back + body
    return ('<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 1000 1000" width="1280" height="1280"><defs>%s</defs>%s</svg>'
            % ("".join(_c.defs), body))


def _wall(bg):
    return (R(0, 0, 1000, 1000, 0, bg)
            + R(0, 0, 1000, 1000, 0, rad([(0, li(bg, .38), 1), (.55, li(bg, .14), .8), (1, bg, 0)], (300, 240), 820, True))
            + R(0, 0, 1000, 1000, 0, rad([(0, dk(bg, .16), .75), (1, dk(bg, .16), 0)], (1060, 480), 620, True)))


def stand(bg, obj, floor=800, contact=(), under="", over="", cast=True, horizon=None, lean=-50, tall=.3, sop=.3):
    """Things on a surface. contact: (cx, y, rx) for each spot that touches it."""
    hz = horizon or floor - 130
    if _c.fit and not horizon:
        hz = 500 + _c.fit[2] + (hz - 500) * _c.fit[0]
    sh = _shade(bg, .6)
    back = _wall(bg)
    back += R(0, 0, 1000, 1000, 0, lin([(0, li(bg, .3), 0), ((hz - 50) / 1000, li(bg, .3), 0), ((hz + 26) / 1000, li(bg, .3), .85), (1, dk(bg, .02), .5)]))
    s = ""
    if cast:
        u = '<g transform="translate(0 %s) skewX(%s) scale(1 %s) translate(0 %s)"><use xlink:href="#o"/></g>' % (f(floor), lean, tall, f(-floor))
        m = define('<mask id="@" maskUnits="userSpaceOnUse" x="-500" y="-500" width="2000" height="2000"><rect x="-500" y="-500" width="2000" height="2000" fill="%s"/></mask>'
                 % lin([(0, "#ffffff"), (1, "#222222")], (0, floor), (0, floor - 260), True))
        s += '<g mask="url(#%s)">%s</g>' % (m, _sil(sh, sop, 13, u))
    for cx, y, rx in contact:
        s += blur(15, E(cx + rx * .07, y + 5, rx * 1.04, max(9, rx * .12), sh), op=.55)
        s += blur(5, E(cx + 2, y + 2, rx * .97, max(5, rx * .07), _shade(bg, .78)), op=.5)
    return _doc(bg, back, under + s, obj, over)


def flat(bg, obj, lift=1.0, under="", over=""):
    """Things lying on a surface, seen from above."""
    sh = _shade(bg, .64)
    u = '<use xlink:href="#o"/>'
    s = G(_sil(sh, .34, 20 * lift, u), tf="translate(%s %s)" % (f(24 * lift), f(32 * lift)))
    s += G(_sil(sh, .42, 6, u), tf="translate(%s %s)" % (f(6 * lift), f(8 * lift)))
    return _doc(bg, _wall(bg), under + s, obj, over)


def hang(bg, obj, far=1.0, under="", over=""):
    """Things hanging in front of a wall."""
    sh = _shade(bg, .6)
    u = '<use xlink:href="#o"/>'
    s = G(_sil(sh, .26, 24 * far, u), tf="translate(%s %s)" % (f(64 * far), f(58 * far)))
    return _doc(bg, _wall(bg), under + s, obj, over)


def close(bg, obj, over=""):
    """A detail that fills the frame."""
    return _doc(bg, R(0, 0, 1000, 1000, 0, bg), "", obj,
                over + R(0, 0, 1000, 1000, 0, rad([(0, "#fffaf0", .26), (.6, "#fffaf0", 0)], (260, 200), 900, True))
                + R(0, 0, 1000, 1000, 0, rad([(0, "#1d1930", .34), (1, "#1d1930", 0)], (1050, 1050), 900, True)))
