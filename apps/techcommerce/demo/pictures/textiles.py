"""Textile pictures."""
from draw import *


def cushion(w, c, seed=1, kind="linen"):
    h = w
    a = w / 2
    e = a * .1
    d = "M%s %sC%s %s %s %s %s %sC%s %s %s %s %s %sC%s %s %s %s %s %sC%s %s %s %s %s %sZ" % tuple(f(v) for v in (
        -a, -a, -a * .5, -a + e * .9, a * .5, -a + e * .9, a, -a,
        a - e * .9, -a * .5, a - e * .9, a * .5, a, a,
        a * .5, a - e * .5, -a * .5, a - e * .5, -a, a,
        -a + e * .9, a * .5, -a + e * .9, -a * .5, -a, -a))
    o = L(d, dk(c, .3), 17) + L(d, li(c, .12), 8)
    o += P(d, rad([(0, li(c, .3)), (.45, c), (1, dk(c, .38))], (.36, .3), .8)) + P(d, pat(kind, .34, 1.1))
    s = ""
    for x, y, dx, dy in ((-1, -1, .5, .42), (1, -1, -.46, .46), (-1, 1, .44, -.5), (1, 1, -.5, -.4)):
        s += L("M%s %sQ%s %s %s %s" % (f(x * a * .97), f(y * a * .97), f(x * a * .7), f(y * a * .78), f(x * a + dx * a), f(y * a + dy * a)), "#1d1930", 20)
        s += L("M%s %sQ%s %s %s %s" % (f(x * a * .97), f(y * a * .97), f(x * a * .84), f(y * a * .66), f(x * a + dx * a * .5), f(y * a + dy * a * 1.2)), "#1d1930", 14)
    o += clip(d, blur(13, s.replace("#1d1930", dk(c, .6)), op=.3), blur(12, G(s, tf="translate(20 17)").replace("#1d1930", li(c, .5)), op=.2))
    return o


@pic("linen-cushion", fit=(1.14, 0, 12))
def _():
    o = G(cushion(600, RUST), tf="translate(500 500) rotate(-1.2)")
    return stand(B_STONE, o, 806, [(500, 790, 284)])


@pic("linen-cushion-pair", fit=(0.93, -5, -25))
def _():
    o = G(cushion(480, SAGE), tf="translate(386 520) rotate(7)") + G(blur(18, R(-210, -190, 400, 420, 60, "#1d1930"), op=.3), tf="translate(610 580)") + G(cushion(440, OAT), tf="translate(636 566) rotate(-12)")
    return stand(B_CLAY, o, 792, [(370, 776, 190), (640, 788, 180)])


@pic("lambswool-throw", fit=(1.23, 0, -108))
def _():
    c = OCHRE
    o = ""
    y = 790
    for i, h in enumerate((96, 92, 96, 92)):
        y -= h
        d = rr(180 + (i % 2) * 8, y, 640 - (i % 2) * 14, h, 45)
        s = "".join(R(x, y, w, h, 0, col) for x, w, col in ((600, 46, "#f1e3c3"), (664, 16, RUST), (700, 46, "#f1e3c3"), (560, 12, RUST)))
        o += P(d, c) + clip(d, s, R(160, y, 700, h, 0, pat("twill", .16)), R(160, y, 700, h, 0, lin([(0, "#fffaf0", .36), (.35, "#fffaf0", 0), (.7, "#1d1930", .1), (1, "#1d1930", .42)])), R(160, y, 100, h, 0, lin([(0, "#fffaf0", .25), (1, "#fffaf0", 0)], (0, 0), (1, 0))), R(720, y, 120, h, 0, lin([(0, "#1d1930", 0), (1, "#1d1930", .3)], (0, 0), (1, 0))))
    # top layer falls over the front with its fringe
    fl = "M250 %sC330 %s 500 %s 546 %sL552 640C460 652 340 652 244 640Z" % (y + 4, y - 10, y - 10, y + 4)
    o += blur(10, P(fl, "#1d1930", tf="translate(6 14)"), op=.4)
    fr = ""
    rnd = random.Random(2)
    for i in range(20):
        x = 252 + i * 15.4
        dx = rnd.uniform(-7, 7)
        dd = "M%s 634C%s 664 %s 690 %s %s" % (f(x), f(x - 3), f(x + dx), f(x + dx), f(716 + rnd.uniform(-8, 8)))
        fr += G(L(dd, "#1d1930", 9, op=.25), tf="translate(4 4)") + tube(dd, c if i % 5 else "#f1e3c3", 9.5, .4, .28)
    o += fr + P(fl, c) + clip(fl, R(200, 560, 400, 40, 0, "#f1e3c3"), R(200, 612, 400, 12, 0, RUST), R(200, 536, 400, 10, 0, RUST), R(200, 300, 500, 400, 0, pat("twill", .16)), R(200, y - 10, 400, 300, 0, lin([(0, "#fffaf0", .38), (.2, "#fffaf0", 0), (1, "#1d1930", .14)])), R(480, 380, 80, 300, 0, lin([(0, "#1d1930", 0), (1, "#1d1930", .2)], (0, 0), (1, 0))))
    return stand(B_DUSK, G(o, tf="translate(0 0)"), 790, [(500, 794, 310)])


@pic("lambswool-throw-fringe")
def _():
    c = OCHRE
    o = ""
    rnd = random.Random(8)
    sh = ""
    for i in range(17):
        x = 20 + i * 62
        for q in (-1, 1):
            d = "M%s 600C%s 640 %s 680 %s 720" % (x + q * 18, x + q * 26, x + q * 12, x)
            o += tube(d, c, 21, .4, .3)
        e = rnd.uniform(-16, 16)
        d2 = "M%s 740C%s 800 %s 860 %s %s" % (x, f(x - 8), f(x + e), f(x + e), f(925 + rnd.uniform(-18, 18)))
        sh += L(d2, "#1d1930", 34)
        o += tube(d2, c, 31, .4, .3)
        for k in range(7):
            yy = 762 + k * 22
            o += L("M%s %sl18 -13" % (f(x - 9 + e * k / 9), yy), dk(c, .4), 4, op=.55)
        o += C(x, 728, 23, rad([(0, li(c, .35)), (.6, c), (1, dk(c, .35))], (.35, .3), .8)) + L("M%s 738q14 -4 22 -18" % (x - 12), dk(c, .45), 3.5, op=.6)
    cl = R(-10, -10, 1020, 620, 0, c)
    tw = ""
    for bx in range(-8, 26):
        for by in range(0, 16):
            flip = (bx // 4) % 2
            x, y = bx * 42, by * 40
            col = "#f1e3c3" if 8 <= by < 11 else (RUST if by == 12 else c)
            g = P("M-20 16C-14 -2 4 -14 22 -16C18 4 2 18 -20 16Z" if not flip else "M20 16C14 -2 -4 -14 -22 -16C-18 4 -2 18 20 16Z", lin([(0, li(col, .28)), (.6, col), (1, dk(col, .22))]))
            tw += G(g, tf="translate(%s %s) scale(1.12)" % (x + (by % 2) * 0 + (by * 10 * (1 if not flip else -1)) % 42, y + 4))
    o += R(-10, -10, 1020, 624, 0, "#a87a2c") + clip(R(-10, -10, 1020, 622, 0, "#000"), R(-10, 310, 1020, 124, 0, "#cdb88c"), R(-10, 470, 1020, 44, 0, dk(RUST, .2)), tw) + L("M0 606H1000", dk(c, .4), 7, op=.6)
    return close(B_DUSK, _bg(B_DUSK) + G(blur(16, G(sh, R(-10, 500, 1020, 110, 0, "#1d1930"), tf="translate(26 34)"), op=.35)) + o)


def _bg(b):
    return R(0, 0, 1000, 1000, 0, lin([(0, li(b, .2)), (1, b)]))


def sock(c, heel):
    d = "M0 0H190C196 120 196 240 190 330C186 400 220 440 280 486L372 552C440 604 430 690 350 696C300 698 250 678 190 640L60 556C0 510 -14 460 -6 390C4 260 2 120 0 0Z"
    o = P(d, lin([(0, li(c, .18)), (.5, c), (1, dk(c, .28))], (0, 0), (1, .6))) + P(d, pat("knit", .2, .8))
    o += clip(d, P("M-20 380C70 396 130 440 130 500C120 560 60 580 -30 560Z", lin([(0, li(heel, .2)), (1, dk(heel, .14))])), P("M300 470C250 530 240 620 270 720H470V500Z", lin([(0, li(heel, .2)), (1, dk(heel, .2))])), P("M-20 380C70 396 130 440 130 500C120 560 60 580 -30 560Z", pat("knit", .16, .8)), P("M300 470C250 530 240 620 270 720H470V500Z", pat("knit", .16, .8)),
              L("M-20 380C70 396 130 440 130 500C120 560 60 580 -30 560M300 470C250 530 240 620 270 720", dk(c, .4), 3, op=.5), R(-10, 150, 220, 16, 0, heel), R(-10, 182, 220, 7, 0, heel))
    o += clip(d, blur(14, P("M190 330C180 420 230 470 300 510L240 560C160 500 130 420 190 330Z", "#1d1930"), op=.28), L("M22 140C24 260 12 380 40 470", "#fffaf0", 14, op=.16))
    cuff = rr(-8, -6, 206, 128, 16)
    o += P(cuff, lin([(0, li(c, .24)), (.5, c), (1, dk(c, .25))], (0, 0), (1, .2))) + clip(cuff, "".join(L("M%s -10V130" % x, dk(c, .4), 6, op=.5) + L("M%s -10V130" % (x - 8), li(c, .4), 5, op=.5) for x in range(6, 210, 20)), R(-8, 96, 206, 26, 0, "#1d1930", op=.14))
    return o


@pic("wool-socks", fit=(1, 8, 37))
def _():
    o = G(sock(RUST, OAT), tf="translate(470 110) rotate(9) scale(.98)")
    o2 = G(sock(RUST, OAT), tf="translate(210 170) rotate(-4) scale(.98)")
    return flat(B_TEAL, o + G(blur(14, G(sock("#1d1930", "#1d1930"), tf="translate(226 192) rotate(-4) scale(.98)"), op=.3)) + o2, .8)


def waffle(c, s=30):
    t = '<g><rect width="%s" height="%s" fill="%s"/><rect x="%s" y="%s" width="%s" height="%s" rx="%s" fill="%s"/><rect x="%s" y="%s" width="%s" height="%s" rx="%s" fill="%s"/></g>' % (
        s, s, li(c, .32), f(s * .13), f(s * .13), f(s * .74), f(s * .74), f(s * .14), dk(c, .24), f(s * .22), f(s * .24), f(s * .64), f(s * .62), f(s * .12), dk(c, .08))
    n = define('<pattern id="@" width="%s" height="%s" patternUnits="userSpaceOnUse">%s</pattern>' % (s, s, t))
    return "url(#%s)" % n


@pic("bath-towels", fit=(1.2, 0, -63))
def _():
    o, y = "", 796
    for i, (c, h) in enumerate(((OAT, 112), (SAGE, 108), (OAT, 104), (SAGE, 84))):
        w = 640 - (i == 3) * 120
        x = 500 - w / 2 + (8, -6, 4, 0)[i]
        for k in range(2):
            hh = h / 2
            y -= hh
            d = rr(x + k * 5, y, w - k * 8, hh, int(hh / 2) - 1)
            o += P(d, waffle(c, 22)) + P(d, lin([(0, "#fffaf0", .5), (.4, "#fffaf0", 0), (.75, "#1d1930", .12), (1, "#1d1930", .45)]))
            o += clip(d, R(x, y, 70, hh, 0, lin([(0, "#fffaf0", .4), (1, "#fffaf0", 0)], (0, 0), (1, 0))), R(x + w - 120, y, 120, hh, 0, lin([(0, "#1d1930", 0), (1, "#1d1930", .28)], (0, 0), (1, 0))))
    # a sprig on top
    o += G(L("M0 0C60 -20 150 -30 240 -10", "#6b6a45", 5), "".join(leaf(30 + i * 32, -10 - (i % 3) * 4, 62, (-48 if i % 2 else 36), mix(LEAF, SAGE, .4), .3) for i in range(6)), leaf(236, -10, 56, -4, mix(LEAF, SAGE, .4), .3), tf="translate(390 %s)" % f(y + 2))
    return stand(B_MIST, o, 796, [(500, 800, 320)])


@pic("bath-towels-weave")
def _():
    c = SAGE
    s = 92
    o = R(0, 0, 1000, 1000, 0, li(c, .3))
    for i in range(-1, 13):
        for j in range(-1, 12):
            x, y = i * s, j * s
            o += R(x + 9, y + 9, s - 18, s - 18, 15, lin([(0, dk(c, .42)), (.5, dk(c, .22)), (1, dk(c, .1))], (0, 0), (1, 1)))
            o += R(x + 22, y + 24, s - 36, s - 38, 11, lin([(0, dk(c, .16)), (1, li(c, .1))], (0, 0), (1, 1)))
        for k in range(3):
            o += L("M%s 0V1000" % (i * s - 4 + k * 4), "#fffaf0" if k == 0 else dk(c, .12), 1.8, op=.5)
    for j in range(-1, 12):
        for k in range(3):
            o += L("M0 %sH1000" % (j * s - 4 + k * 4), "#fffaf0" if k == 0 else dk(c, .12), 1.8, op=.4)
    o = G(o, tf="rotate(-6 500 500) scale(1.18) translate(-80 -60)")
    edge = "M-20 760L1020 660V1020H-20Z"
    o += blur(16, P("M-20 740L1020 640V700L-20 800Z", "#1d1930"), op=.25)
    o += P(edge, lin([(0, li(c, .3)), (.3, li(c, .12)), (1, dk(c, .1))])) + P(edge, pat("linen", .5, 1.6)) + "".join(L("M-20 %sL1020 %s" % (786 + q, 686 + q), dk(c, .3), 3, op=.5, dash="12 7", cap="butt") for q in (0, 150))
    lp = "M330 800C300 520 560 460 566 770"
    o += G(blur(12, L(lp, "#1d1930", 56, cap="butt"), op=.45), tf="translate(22 26)") + L(lp, dk(OAT, .28), 60, cap="butt") + L(lp, OAT, 54, cap="butt") + L(lp, pat("twill", .25), 54, cap="butt") + G(L(lp, li(OAT, .6), 8, op=.6, cap="butt"), tf="translate(-14 -10)")
    o += P("M280 784L620 750L626 822L288 856Z", li(c, .2)) + P("M280 784L620 750L626 822L288 856Z", pat("linen", .5, 1.6)) + stitch("M292 800L612 768L616 812L296 844Z", dk(c, .35), 5, "14 9")
    return close(c, o)


@pic("linen-apron")
def _():
    c = SLATE
    o = R(426, 60, 148, 52, 26, fade(OAK, .15)) + clip(rr(426, 60, 148, 52, 26), hgrain(426, 60, 148, 52, OAK, 4))
    for a, b in (((392, 300), (496, 96)), ((608, 300), (504, 96))):
        o += L("M%s %sC%s 220 %s 150 %s %s" % (a[0], a[1], a[0] + (b[0] - a[0]) * .15, b[0] - (b[0] - a[0]) * .3, b[0], b[1]), dk(c, .3), 32, cap="butt") + L("M%s %sC%s 220 %s 150 %s %s" % (a[0], a[1], a[0] + (b[0] - a[0]) * .15, b[0] - (b[0] - a[0]) * .3, b[0], b[1]), li(c, .06), 27, cap="butt")
    d = "M376 286C440 300 560 300 624 286C628 360 650 420 760 468C776 600 786 760 792 900C700 930 610 906 500 918C390 906 300 930 208 900C214 760 224 600 240 468C350 420 372 360 376 286Z"
    o += P(d, lin([(0, li(c, .26)), (.4, c), (1, dk(c, .3))], (0, 0), (1, .7))) + P(d, pat("linen", .4, 1.1))
    o += clip(d, blur(14, P("M300 470C330 620 300 800 270 930H310C340 800 360 620 330 480ZM660 470C640 620 700 800 720 930H680C640 780 620 620 640 470ZM500 300C480 380 490 420 500 460L520 300Z", "#1d1930"), op=.35), blur(12, P("M270 500C260 640 240 800 230 930H256C270 800 290 640 290 500ZM580 480C590 620 610 780 640 930H620C590 780 560 640 560 480Z", "#fffaf0"), op=.22))
    o += stitch("M388 300C450 312 550 312 612 300", li(c, .5), 2.6) + stitch("M222 886C310 914 390 892 500 903C610 892 690 914 778 886", li(c, .5), 2.6)
    pk = "M330 560C440 570 560 570 670 560L678 720C678 734 670 740 656 740C560 748 440 748 344 740C330 740 322 734 322 720Z"
    o += P(pk, "#1d1930", op=.22, tf="translate(5 8)") + P(pk, lin([(0, li(c, .14)), (1, dk(c, .16))], (0, 0), (1, .7))) + P(pk, pat("linen", .4, 1.1)) + stitch("M340 574C450 583 550 583 660 574M334 716C334 726 340 729 348 729C440 736 560 736 652 729C660 729 666 726 666 716M494 572V742M506 572V742", li(c, .5), 2.6)
    # cloth in the loop
    o += P("M664 590C640 640 640 720 652 800L730 806C738 730 730 650 690 588Z", lin([(0, "#f4ecdb"), (1, "#d8cbb2")], (0, 0), (1, .4))) + L("M660 700L734 706M656 730L734 736", RUST, 6, op=.8) + L("M650 590h56", dk(c, .35), 16)
    o += C(500, 86, 32, dk(OAK, .3)) + C(497, 82, 30, rad([(0, li(OAK, .5)), (.6, OAK), (1, dk(OAK, .3))], (.35, .3), .8))
    return hang(B_BLUSH, o, .7)


@pic("tea-towels", fit=(1.06, -4, 15))
def _():
    w = "#f1ebdd"
    a = rr(0, 0, 360, 620, 6)
    one = P(a, w) + clip(a, "".join(R(x, 0, wd, 620, 0, NAVY, op=.88) for x, wd in ((40, 26), (78, 8), (98, 8), (250, 8), (270, 8), (290, 26))), R(0, 0, 360, 620, 0, pat("linen", .34)), R(0, 0, 360, 620, 0, lin([(0, "#fffaf0", .3), (.5, "#fffaf0", 0), (1, "#1d1930", .16)], (0, 0), (1, 1))))
    one += R(0, 596, 360, 24, 3, "#1d1930", op=.07) + stitch("M8 596H352", "#b9ae98", 2.4) + L("M168 -2c-6 -44 34 -44 28 0", NAVY, 11)
    one = R(8, 8, 360, 624, 6, dk(w, .2)) + one + R(352, 4, 12, 612, 5, dk(w, .12), op=.6)
    two = P(a, w)
    chk = ""
    for i in range(10):
        chk += R(i * 72, 0, 36, 620, 0, NAVY, op=.42)
    for j in range(10):
        chk += R(0, j * 72, 360, 36, 0, NAVY, op=.42)
    two += clip(a, chk, R(0, 0, 360, 620, 0, pat("linen", .34)), R(0, 0, 360, 620, 0, lin([(0, "#fffaf0", .3), (.5, "#fffaf0", 0), (1, "#1d1930", .18)], (0, 0), (1, 1))))
    two += L("M168 -2c-6 -44 34 -44 28 0", RUST, 11) + stitch("M8 596H352", "#fffaf0", 2.4)
    two = R(8, 8, 360, 624, 6, dk(w, .2)) + two + R(352, 4, 12, 612, 5, dk(w, .12), op=.6)
    return flat(B_OCHRE, G(two, tf="translate(480 170) rotate(7)") + G(blur(14, R(10, 10, 370, 640, 10, "#1d1930"), op=.3), one, tf="translate(166 210) rotate(-6)"), .7)


@pic("woven-rug")
def _():
    base = "#e6d8bd"
    bands = [(0, 70, RUST), (70, 26, base), (96, 14, INK), (110, 60, base), (170, 90, OCHRE), (260, 16, base), (276, 16, RUST), (292, 100, base), (392, 60, INK)]
    full = bands + [(740 - y - h + 0, h, c) for y, h, c in bands]
    o = ""
    rnd = random.Random(3)
    for i in range(34):
        x = 12 + i * 14.6
        for y0, s in ((0, -1), (740, 1)):
            o += L("M%s %sq%s %s %s %s" % (f(x), y0, f(rnd.uniform(-5, 5)), 22 * s, f(rnd.uniform(-6, 6)), f(s * rnd.uniform(40, 54))), "#d8c8a8", 5) + C(x, y0 + s * 8, 5, "#cdbb98")
    d = rr(0, 0, 510, 740, 5)
    o += P(d, base) + clip(d, "".join(R(0, y, 510, h, 0, c) for y, h, c in full), R(0, 310, 510, 120, 0, base),
                           "".join(P(poly((x, 370), (x + 42, 322), (x + 84, 370), (x + 42, 418)), RUST) + P(poly((x + 18, 370), (x + 42, 342), (x + 66, 370), (x + 42, 398)), "#f1e6cd") + P(poly((x + 32, 370), (x + 42, 358), (x + 52, 370), (x + 42, 382)), INK) for x in range(3, 510, 84)),
                           "".join(P(poly((x, 185), (x + 21, 215), (x + 42, 185)), "#f1e6cd") + P(poly((x, 555), (x + 21, 525), (x + 42, 555)), "#f1e6cd") for x in range(3, 510, 42)))
    o += clip(d, "".join(L("M0 %sH510" % y, "#1d1930" if (y // 6) % 2 else "#fffaf0", 2, op=.16) for y in range(0, 740, 6)), R(0, 0, 510, 740, 0, pat("linen", .2)), R(0, 0, 510, 740, 0, lin([(0, "#fffaf0", .22), (.5, "#fffaf0", 0), (1, "#1d1930", .18)], (0, 0), (1, 1))))
    floor = ""
    for i in range(-1, 8):
        floor += R(i * 150, 0, 148, 1000, 0, mix(B_CLAY, "#c79a72", .22 + .1 * (i % 3)), op=.55) + vgrain(i * 150, 0, 148, 1000, "#c79a72", 20 + i, 5, .28)
        floor += L("M%s 0V1000" % (i * 150 + 149), dk(B_CLAY, .4), 2, op=.4)
    return flat(B_CLAY, G(o, tf="translate(262 112) rotate(-5 255 370)"), .6, under=G(floor, op=.6))


@pic("bed-linen", fit=(1.2, 0, -78))
def _():
    c = CHALK
    o, y = "", 794
    for i, h in enumerate((74, 74, 74)):
        y -= h
        d = rr(170 + (i % 2) * 8, y, 660 - (i % 2) * 12, h, 35)
        o += P(d, lin([(0, li(c, .5)), (.4, c), (.8, dk(c, .14)), (1, dk(c, .36))])) + clip(d, R(160, y, 90, h, 0, lin([(0, "#fff", .5), (1, "#fff", 0)], (0, 0), (1, 0))), R(700, y, 140, h, 0, lin([(0, "#1d1930", 0), (1, "#1d1930", .22)], (0, 0), (1, 0)))) + L("M200 %sH800" % (y + h * .62), dk(c, .3), 2, op=.3)
    # pillow on top
    py = y + 6
    d = "M196 %sC170 %s 190 %s 210 %sC330 %s 660 %s 790 %sC812 %s 826 %s 806 %sC680 %s 330 %s 196 %sZ" % (py, py - 60, py - 130, py - 176, py - 236, py - 236, py - 176, py - 130, py - 60, py, py + 22, py + 22, py)
    o += blur(12, P(d, "#1d1930", tf="translate(0 14)"), op=.3)
    o += P(d, rad([(0, "#fffdf8"), (.5, c), (1, dk(c, .32))], (.36, .22), .85))
    o += clip(d, blur(10, L("M206 %sC260 %s 300 %s 340 %sM800 %sC750 %s 710 %s 680 %sM210 %sC260 %s 320 %s 360 %sM796 %sC740 %s 700 %s 640 %s" % (py - 170, py - 150, py - 140, py - 150, py - 170, py - 140, py - 130, py - 146, py - 6, py - 30, py - 40, py - 34, py - 6, py - 40, py - 40, py - 28), "#1d1930", 14), op=.22))
    o += L("M232 %sC350 %s 640 %s 768 %s" % (py - 158, py - 212, py - 212, py - 158), "#ffffff", 7, op=.7)
    # tape tied round
    for x, w in ((470, 54),):
        t = "M%s %sC%s %s %s %s %s 794h%sC%s %s %s %s %s %sZ" % (x, py - 220, x - 4, py - 100, x - 4, 700, x, w, x + w + 4, 700, x + w + 4, py - 100, x + w, py - 220)
        o += P(t, "#1d1930", op=.16, tf="translate(7 0)") + P(t, lin([(0, li(SAGE, .15)), (.5, SAGE), (1, dk(SAGE, .25))])) + P(t, pat("linen", .3))
    by = py - 90
    bow = "M497 %sC430 %s 340 %s 350 %sC356 %s 450 %s 497 %sZM497 %sC564 %s 654 %s 644 %sC638 %s 544 %s 497 %sZ" % (by, by - 70, by - 64, by - 8, by + 44, by + 30, by, by, by - 70, by - 64, by - 8, by + 44, by + 30, by)
    o += P("M490 %sC450 %s 430 %s 400 %sl40 14C470 %s 490 %s 500 %sZM504 %sC540 %s 560 %s 600 %sl-42 12C530 %s 510 %s 496 %sZ" % (by, by + 50, by + 90, by + 130, by + 100, by + 50, by, by, by + 50, by + 90, by + 124, by + 100, by + 50, by), dk(SAGE, .12))
    o += P(bow, lin([(0, li(SAGE, .25)), (1, dk(SAGE, .12))])) + P(bow, pat("linen", .3)) + L("M497 %sC450 %s 410 %s 390 %sM497 %sC544 %s 584 %s 604 %s" % (by, by - 16, by - 22, by - 16, by, by - 16, by - 22, by - 16), dk(SAGE, .35), 4, op=.6) + R(470, by - 26, 54, 50, 16, fade(SAGE))
    return stand(B_LILAC, o, 794, [(500, 798, 330)])
