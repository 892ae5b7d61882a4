"""Lighting pictures."""
from draw import *

WARM = "#ffe3a3"


def pendant(cx, y, r, col, lit=True, cord_top=-10):
    h = r * .86
    o = L("M%s %sV%s" % (cx, cord_top, f(y)), dk(col if col != CHALK else OAT, .35), 9) + L("M%s %sV%s" % (cx - 1.5, cord_top, f(y)), li(col, .35), 2.5, op=.6)
    o += band(cx, y - 6, r * .07, r * .16, BRASS, .2, metal(BRASS, cx - r * .07, cx + r * .07))
    o += lathe(cx, [(r * .1, y + r * .13), (r * .13, y + r * .24)], col, .2, smooth=False)
    prof = [(r * .12, y + r * .24), (r * .42, y + r * .3), (r * .78, y + r * .55), (r * .96, y + r * .86), (r, y + h + r * .26)]
    fill = metal(col, cx - r, cx + r) if col == BRASS else None
    o += lathe(cx, prof, col, .16, gloss=.3, low=.1, fill=fill)
    yb = y + h + r * .26
    o += E(cx, yb, r, r * .16, li(col, .3))
    ins = "#fff3d2" if lit else "#efe8d8"
    o += E(cx, yb + 1, r - 7, r * .16 - 4, rad([(0, "#fffdf2"), (.4, ins), (1, dk("#f0c878", .06))], (.5, .6), .62))
    o += E(cx, yb + r * .035, r * .16, r * .07, "#fffdf5")
    o += P("M%s %sC%s %s %s %s %s %sC%s %s %s %s %s %sZ" % (
        f(cx - r * .86), f(y + r * .8), f(cx - r * .72), f(y + r * .54), f(cx - r * .5), f(y + r * .38), f(cx - r * .3), f(y + r * .34),
        f(cx - r * .5), f(y + r * .5), f(cx - r * .64), f(y + r * .64), f(cx - r * .74), f(y + r * .86)), "#fffaf0", op=.22)
    return o


def beam(cx, y, r, w, bottom=1000, op=.5):
    d = poly((cx - r, y), (cx + r, y), (cx + w, bottom), (cx - w, bottom))
    return blur(18, P(d, lin([(0, WARM, op), (.6, WARM, op * .3), (1, WARM, 0)])))


@pic("dome-pendant", fit=(1.08, 0, 36))
def _():
    return hang(B_BUTTER, pendant(500, 270, 315, INK), 1.1, over=beam(500, 632, 290, 470, 1010, .55))


@pic("dome-pendant-row")
def _():
    o = pendant(240, 250, 150, CHALK) + pendant(545, 430, 165, INK) + pendant(815, 180, 130, BRASS)
    b = beam(240, 425, 135, 230, 900, .4) + beam(545, 625, 150, 250, 1010, .4) + beam(815, 335, 115, 200, 800, .4)
    return hang(B_PINE, o, .9, over=b)


@pic("lever-desk-lamp", fit=(1.08, -14, 0))
def _():
    c = RUST
    o = lathe(560, [(150, 760), (156, 776), (158, 796)], c, .17, low=.1) + E(560, 760, 150, 25, lin([(0, li(c, .35)), (1, c)], (0, 0), (1, .4)))
    o += lathe(560, [(26, 716), (30, 756)], STEEL, .17, fill=metal(STEEL, 530, 590))
    for dx, dy in ((0, 0), (16, 6)):
        o += tube("M%s 722L%s 430" % (552 + dx, 690 + dx), STEEL if dx else li(STEEL, .1), 13)
    o += tube("M690 428L352 252", STEEL, 13) + tube("M704 436L372 268", dk(STEEL, .06), 11)
    o += L("M566 700L640 545", dk(STEEL, .5), 7, dash="5 4", cap="butt")
    for x, y, r in ((560, 718, 27), (696, 432, 27)):
        o += C(x, y, r, rad([(0, li(c, .5)), (.5, c), (1, dk(c, .35))], (.35, .3), .8)) + C(x, y, r * .34, metal(STEEL, x - 9, x + 9))
    hd = band(0, -96, 30, 34, STEEL, .2, metal(STEEL, -30, 30))
    hd += lathe(0, [(36, -70), (52, -52), (60, -10), (134, 108, "c"), (138, 122)], c, .2, gloss=.32, low=.1)
    hd += E(0, 122, 138, 28, li(c, .3)) + E(0, 124, 130, 22, rad([(0, "#fffdf0"), (.5, "#fff0c4"), (1, "#eebf6d")], (.5, .6), .6))
    hd += C(0, -98, 13, c)
    o += G(hd, tf="translate(318 300) rotate(28)")
    o += C(360, 258, 20, rad([(0, li(c, .5)), (.5, c), (1, dk(c, .35))], (.35, .3), .8)) + C(360, 258, 7, STEEL)
    o += tube("M700 790C800 800 830 830 1010 820", dk(c, .4), 8)
    b = blur(20, P(poly((150, 360), (372, 476), (420, 830), (0, 830), (-60, 560)), lin([(0, WARM, .55), (.7, WARM, .16), (1, WARM, 0)], (.7, 0), (.35, 1))))
    return stand(B_MIST, o, 790, [(560, 812, 156)], over=b)


@pic("paper-lantern")
def _():
    cx, cy, r = 500, 500, 318
    o = L("M500 -10V190", CHARCOAL, 7) + band(500, 168, 34, 22, CHARCOAL, .2)
    o += C(cx, cy, r, rad([(0, "#fffbe8"), (.38, "#fdf0c9"), (.75, "#f3dca8"), (1, "#d9b276")], (.5, .55), .56))
    ribs = ""
    n = 23
    for i in range(1, n):
        a = math.pi * i / n
        y = cy - math.cos(a) * r
        rx = math.sin(a) * r
        k = .1 * math.cos(a)
        ribs += L("M%s %sA%s %s 0 0 %d %s %s" % (f(cx - rx), f(y), f(rx), f(max(1, abs(k) * rx)), 1 if k < 0 else 0, f(cx + rx), f(y)), "#b98d4e", 2.6, op=.55)
        ribs += L("M%s %sA%s %s 0 0 %d %s %s" % (f(cx - rx), f(y + 4), f(rx), f(max(1, abs(k) * rx)), (1 if k < 0 else 0), f(cx + rx), f(y + 4)), "#fffbe8", 2.6, op=.6)
    o += clip(C(cx, cy, r, "#000"), ribs, E(cx - 120, cy - 150, 110, 70, "#fffdf3", op=.35, tf="rotate(-40 380 350)"))
    o += E(cx, cy - r + 8, 66, 13, dk("#c9a063", .35)) + E(cx, cy - r + 6, 62, 11, CHARCOAL)
    o += E(cx, cy + r - 8, 66, 10, "#fff8dc")
    return hang(B_CLAY, o, 1.2, under=glow(500, 500, 560, WARM, .55), over=glow(500, 520, 420, "#fff2c8", .25))


def table_lamp(glass, foot, night=False):
    o = ""
    o += lathe(500, [(46, 560), (44, 620), (78, 690), (150, 752), (172, 786), (164, 800)], foot, .15, gloss=.5)
    o += P("M458 590C450 660 400 720 358 766C350 780 346 786 348 792C370 740 440 690 470 600Z", "#fffaf0", op=.35)
    o += band(500, 528, 50, 40, BRASS, .16, metal(BRASS, 450, 550))
    d = lathe_d(500, [(3, 205), (80, 211), (170, 242), (256, 322), (296, 430), (286, 520, "c"), (270, 534)], .12)
    if night:
        o += P(d, rad([(0, "#fff6d6"), (.3, "#ffd98c"), (.7, glass), (1, dk(glass, .35))], (500, 470), 330, True))
    else:
        o += P(d, rad([(0, "#ffffff"), (.45, glass), (1, dk(glass, .3))], (400, 330), 470, True))
    o += clip(d, E(500, 536, 280, 40, dk(glass, .25), op=.35))
    o += P("M248 400C262 320 320 266 390 248C340 300 300 350 292 430Z", "#ffffff", op=.35 if night else .7)
    o += arc(500, 522, 284, "#fffaf0", 5, .12, .5)
    return o


@pic("glass-table-lamp", fit=(1.13, 0, -6))
def _():
    return stand(B_DUSK, table_lamp("#f3efe4", "#e9e4d8"), 796, [(500, 814, 168)], over=glow(500, 430, 340, "#fff0c4", .35))


@pic("glass-table-lamp-amber", fit=(1.13, 0, -6))
def _():
    o = table_lamp("#d98a35", "#a8642a", True)
    return stand(B_INK, o, 796, [(500, 814, 168)], under=glow(500, 440, 620, "#ffca77", .5) + E(500, 850, 460, 90, rad([(0, "#ffca77", .5), (1, "#ffca77", 0)])),
                 over=glow(500, 440, 430, "#ffdf9c", .4))


@pic("tripod-floor-lamp")
def _():
    o = tube("M500 470L540 760", dk(OAK, .25), 22)
    o += tube("M494 470L296 850", OAK, 26) + tube("M506 470L716 850", dk(OAK, .06), 26)
    o += band(500, 440, 30, 50, BRASS, .2, metal(BRASS, 470, 530))
    o += band(500, 386, 9, 56, BRASS, .2, metal(BRASS, 491, 509))
    d = lathe_d(500, [(190, 130), (222, 400)], .13, False)
    o += P(d, lin([(0, dk(OAT, .2)), (.2, li(OAT, .15)), (.5, "#fff3d4"), (.8, OAT), (1, dk(OAT, .3))], (278, 0), (722, 0), True)) + P(d, pat("linen", .3, 1))
    o += P(d, rad([(0, "#ffedb8", .85), (1, "#ffedb8", 0)], (500, 300), 230, True))
    o += E(500, 130, 190, 24, dk(OAT, .12)) + E(500, 131, 182, 20, lin([(0, "#e8c98c"), (1, "#fff1c9")]))
    o += arc(500, 134, 190, dk(OAT, .3), 5, .13, .5) + arc(500, 396, 222, dk(OAT, .3), 5, .13, .5)
    o += tube("M716 850C760 880 860 860 1010 880", CHARCOAL, 7)
    return stand(B_PLUM, o, 850, [(296, 858, 26), (716, 858, 26), (541, 768, 20)], horizon=700, over=glow(500, 290, 420, WARM, .4), sop=.35)


@pic("brass-wall-light", fit=(1.21, 14, 94))
def _():
    o = C(300, 470, 118, lin([(0, li(BRASS, .5)), (.5, BRASS), (1, dk(BRASS, .35))], (0, 0), (1, 1))) + C(300, 470, 104, lin([(0, li(BRASS, .2)), (.5, li(BRASS, .5)), (1, dk(BRASS, .2))], (0, 0), (1, 1)))
    for a in (90, 270):
        o += C(300 + 80 * math.cos(math.radians(a)), 470 + 80 * math.sin(math.radians(a)), 9, dk(BRASS, .3))
    o += C(300, 470, 34, dk(BRASS, .2))
    o += tube("M300 470C390 470 400 560 480 620S620 660 620 560", BRASS, 24, .6)
    o += C(300, 470, 28, rad([(0, li(BRASS, .7)), (.6, BRASS), (1, dk(BRASS, .35))], (.35, .3), .8))
    o += band(620, 530, 52, 40, BRASS, .2, metal(BRASS, 568, 672)) + band(620, 516, 66, 16, BRASS, .16, metal(BRASS, 554, 686))
    o += C(620, 370, 168, rad([(0, "#fffef6"), (.5, "#fdf5dd"), (.85, "#f1deb2"), (1, "#d8bb86")], (.45, .5), .58))
    o += E(556, 300, 50, 30, "#ffffff", op=.7, tf="rotate(-40 556 300)")
    return hang(B_SAGE, o, .9, under=glow(620, 380, 470, "#fff2c0", .75), over=glow(620, 370, 260, "#fff6d8", .4))


@pic("carry-lantern", fit=(1, 0, 34))
def _():
    c = MOSS
    o = tube("M330 330C300 90 700 90 670 330", STEEL, 13)
    o += L("M440 152C470 142 530 142 560 152", dk(BEECH, .3), 36) + L("M440 149C470 139 530 139 560 149", BEECH, 30) + L("M446 142C474 134 526 134 550 141", li(BEECH, .45), 7)
    o += lathe(500, [(166, 600), (184, 640), (190, 770, "c"), (182, 800)], c, .15)
    o += E(500, 600, 166, 25, li(c, .2))
    gl = lathe_d(500, [(118, 356), (140, 420), (148, 500), (142, 600)], .15)
    o += P(gl, rad([(0, "#fffdf0"), (.5, "#fff1cb"), (1, "#e6c68c")], (490, 490), 200, True))
    o += L("M410 420V560", "#ffffff", 14, op=.6)
    for x0, x1 in ((362, 346), (500, 500), (638, 654)):
        o += L("M%s 350C%s 440 %s 520 %s 618" % (x0, x1 - (500 - x0) * .1, x1, x1), dk(STEEL, .2), 8) + L("M%s 350C%s 440 %s 520 %s 618" % (x0 - 2, x1 - (500 - x0) * .1 - 2, x1 - 2, x1 - 2), li(STEEL, .5), 2.5)
    o += lathe(500, [(50, 268), (120, 290), (166, 330, "c"), (170, 356)], c, .15) + E(500, 268, 50, 8, li(c, .3))
    o += C(330, 334, 14, STEEL) + C(670, 334, 14, STEEL)
    o += C(500, 716, 26, dk(c, .35)) + C(498, 713, 22, metal(STEEL, 476, 520)) + L("M498 700V713", RUST, 5)
    return stand(B_STONE, o, 796, [(500, 820, 184)], over=glow(500, 480, 330, WARM, .55))


def candle(cx, base, top, seed):
    c = "#dca546"
    r = 30
    o = lathe(cx, [(70, base - 30, "c"), (88, base - 14), (90, base)], IRON, .2, gloss=.3) + E(cx, base - 30, 72, 14, li(IRON, .2)) + E(cx, base - 29, 60, 10, IRON)
    o += lathe(cx, [(38, base - 104), (34, base - 60), (44, base - 36)], IRON, .2, gloss=.35)
    d = lathe_d(cx, [(r * .52, top), (r * .72, top + 26), (r * .82, top + 160), (r, base - 100)], .2)
    o += P(d, lin([(0, dk(c, .2)), (.3, li(c, .4)), (.6, c), (1, dk(c, .3))], (cx - r, 0), (cx + r, 0), True))
    o += P(d, lin([(0, "#fff0b8", .9), (.3, "#fff0b8", 0)]))
    o += E(cx, top, r * .52, 6, "#f6d68a") + L("M%s %sc-3 -14 3 -20 1 -30" % (cx, top), "#4a352a", 5)
    o += P("M%s %sc-34 -10 -34 -54 4 -124c36 68 32 114 -4 124z" % (cx, top - 8), rad([(0, "#fffdf0"), (.4, "#ffe79a"), (.8, "#ffb94a"), (1, "#ef8d2e")], (.5, .7), .6))
    o += E(cx, top - 24, 8, 16, "#7fa0c8", op=.5)
    return o


@pic("beeswax-candles", fit=(1.13, 0, 15))
def _():
    o = candle(378, 806, 300, 1) + candle(622, 790, 390, 2)
    return stand(B_PINE, o, 796, [(378, 818, 90), (622, 802, 90)], under=glow(500, 320, 560, "#ffd88a", .4), over=glow(378, 240, 220, "#ffdf9a", .7) + glow(622, 330, 200, "#ffdf9a", .65))
