"""Kitchen pictures."""
from draw import *


def mug(cx, base, r, h, col, k=.17, drink=None, seed=4, dots=True, handle=1):
    top = base - h
    hx = cx + handle * (r - 14)
    hd = "M%s %sC%s %s %s %s %s %s" % (f(hx), f(top + h * .2), f(hx + handle * r * .82), f(top + h * .08), f(hx + handle * r * .82), f(top + h * .86), f(hx), f(top + h * .74))
    o = tube(hd, col, 40)
    prof = [(r, top), (r * .985, top + h * .45), (r * .95, top + h * .8), (r * .8, base - 10), (r * .76, base)]
    o += lathe(cx, prof, col, k, extra=speckle(cx - r, top, 2 * r, h + 40, dk(col, .55), 80, seed) if dots else "")
    o += rim(cx, top, r, col, k, 11)
    if drink:
        o += clip(E(cx, top + 2, r - 11, (r - 11) * k - 1, "#000"), E(cx, top + 17, r - 9, (r - 9) * k, lin([(0, dk(drink, .2)), (.5, drink), (1, li(drink, .2))], (0, 0), (1, .5))),
                  L("M%s %sa%s %s 0 0 0 %s 8" % (f(cx - r * .6), f(top + 24), f(r * .7), f(r * .12), f(r * .7)), li(drink, .5), 4, op=.5))
    o += L("M%s %sv%s" % (f(cx - r * .62), f(top + h * .2), f(h * .46)), "#fffaf0", 12, op=.28)
    return o


@pic("stoneware-mug", fit=(1.14, -28, -66))
def _():
    return stand(B_SAGE, mug(455, 762, 235, 372, SAND), 780, [(455, 790, 190)])


@pic("stoneware-mug-ink", fit=(1.1, -28, -46))
def _():
    o = mug(455, 740, 240, 330, INK, .3, "#3a2318", 9, handle=1)
    return stand(B_BLUSH, o, 770, [(455, 782, 190)], over=steam(430, 380))


@pic("enamel-kettle", fit=(1.19, 52, -6))
def _():
    c = SAGE
    spout = "M318 690C236 668 232 548 150 470L142 446L196 424L212 440C268 492 276 560 350 574Z"
    o = P(spout, lin([(0, li(c, .25)), (.5, c), (1, dk(c, .3))], (.2, 0), (.9, .7)))
    o += L("M142 447L197 425", IRON, 9)
    # bail handle behind the lid
    o += tube("M322 520C300 300 420 250 520 250S740 300 718 520", STEEL, 15)
    prof = [(128, 452, "c"), (176, 486), (222, 570), (236, 660), (230, 736, "c"), (222, 770)]
    o += lathe(520, prof, c, .13)
    o += arc(520, 744, 226, dk(c, .45), 5, op=.35)
    o += band(520, 762, 224, 10, IRON)
    o += E(520, 452, 134, 20, IRON) + E(520, 448, 130, 18, li(c, .1))
    o += lathe(520, [(20, 392), (70, 404), (118, 432), (128, 448)], c, .13, low=.1)
    o += arc(520, 448, 128, IRON, 6)
    o += band(520, 372, 12, 24, STEEL) + E(520, 364, 30, 24, rad([(0, li(BEECH, .5)), (.5, BEECH), (1, dk(BEECH, .35))], (.35, .3), .75))
    o += L("M404 268C460 246 580 246 636 268", dk(BEECH, .35), 42) + L("M404 265C460 243 580 243 636 265", BEECH, 35) + L("M410 257C470 238 560 238 622 254", li(BEECH, .45), 8, op=.8)
    o += C(322, 520, 15, metal(STEEL, 307, 337)) + C(718, 520, 15, metal(STEEL, 703, 733))
    o += P("M352 560C332 620 330 690 344 740C356 690 362 620 384 548Z", "#fffaf0", op=.3)
    return stand(B_CLAY, o, 782, [(520, 798, 218)])


def lemon(cx, cy, r):
    o = C(cx, cy, r, fade("#e6b93a")) + C(cx, cy, r * .92, "#f8ecc2") + C(cx, cy, r * .84, "#f1cf5c")
    for i in range(9):
        a = i * math.tau / 9
        o += L("M%s %sL%s %s" % (f(cx), f(cy), f(cx + math.cos(a) * r * .84), f(cy + math.sin(a) * r * .84)), "#fbf1cf", 6)
        b = a + math.tau / 18
        o += L("M%s %sL%s %s" % (f(cx + math.cos(b) * r * .35), f(cy + math.sin(b) * r * .35), f(cx + math.cos(b) * r * .68), f(cy + math.sin(b) * r * .68)), "#f9e08a", 8, op=.7)
    return o + C(cx, cy, r * .1, "#fbf1cf")


@pic("oak-chopping-board", fit=(1, 22, 40))
def _():
    d = "M330 330C330 300 350 286 384 282C440 274 452 250 452 214V150C452 112 474 92 505 92S558 112 558 150V214C558 250 570 274 626 282C660 286 680 300 680 330V742C680 772 664 788 634 788H376C346 788 330 772 330 742Z"
    o = G(P(d, lin([(0, dk(OAK, .25)), (1, dk(OAK, .45))])), tf="translate(24 -6)")
    o += P(d, fade(OAK, .16))
    for i, (x, w) in enumerate([(330, 92), (422, 84), (506, 96), (602, 80)]):
        o += clip(d, clip(R(x, 80, w, 720, 0, "#000"), R(x, 80, w, 720, 0, [li(OAK, .12), OAK, dk(OAK, .07), li(OAK, .06)][i], op=.6), vgrain(x, 80, w, 720, OAK, 11 + i, 7)))
    o += L("M384 344C384 336 390 330 400 330H610C622 330 628 336 628 346V720C628 732 620 738 610 738H400C390 738 384 732 384 720Z", dk(OAK, .3), 9, op=.5)
    o += L("M387 724V346C387 338 392 333 402 333H606", dk(OAK, .55), 3, op=.4) + L("M400 742H610C624 742 632 734 632 722V350", li(OAK, .6), 3, op=.7)
    o += L(d, li(OAK, .5), 3, op=.5)
    o += C(505, 158, 24, dk(OAK, .5)) + C(508, 161, 21, mix(B_MIST, OAK, .2))
    o += E(234, 744, 86, 68, rad([(0, "#f8df86"), (.45, "#e8bd42"), (1, "#b98620")], (.35, .3), .8)) + P("M148 744c-14 -8 -20 4 -12 14z", "#c99a2c")
    o += lemon(742, 716, 80)
    return stand(B_MIST, o, 792, [(505, 792, 182), (236, 806, 74), (742, 794, 56)])


@pic("cast-iron-casserole", fit=(1.07, 0, -49))
def _():
    c = RUST
    o = ""
    for s in (-1, 1):
        x = 500 + s * 270
        o += tube("M%s 540C%s 520 %s 526 %s 560S%s 604 %s 590" % (x - s * 20, x + s * 50, x + s * 84, x + s * 80, x + s * 40, x - s * 20), dk(c, .05), 32)
    prof = [(286, 520, "c"), (282, 640), (268, 716), (226, 764), (206, 772)]
    o += lathe(500, prof, c, .15, gloss=.3)
    o += P("M262 580C264 650 276 700 300 738C296 690 292 640 294 582Z", "#fffaf0", op=.3)
    o += band(500, 506, 290, 16, dk(c, .3), .15)
    lid = [(60, 392), (150, 412), (236, 450), (286, 496, "c"), (292, 510)]
    o += lathe(500, lid, c, .15, gloss=.34, low=.12)
    o += E(500, 392, 60, 9, li(c, .25))
    o += L("M268 492C330 452 400 426 470 418", "#fffaf0", 9, op=.35)
    o += lathe(500, [(24, 344), (22, 372), (34, 392)], STEEL, .2, fill=metal(STEEL, 470, 530))
    o += lathe(500, [(50, 322), (56, 336), (40, 352)], STEEL, .2, fill=metal(STEEL, 444, 556), low=.2) + E(500, 322, 50, 10, li(STEEL, .5))
    return stand(B_BUTTER, o, 782, [(500, 800, 208)])


@pic("carbon-steel-pan", fit=(1, -15, -70))
def _():
    c = "#4b4d55"
    h = "M640 560L690 500C760 448 838 408 900 392C926 388 934 410 914 424C848 456 786 504 742 560L700 606Z"
    o = P(h, lin([(0, li(c, .35)), (.5, c), (1, dk(c, .4))], (.3, 0), (.6, 1)))
    o += L("M694 504C764 452 836 414 898 397", li(c, .6), 4, op=.7)
    o += P("M872 412C886 404 900 400 908 404C904 414 892 420 880 426Z", dk(B_TEAL, .1))
    body = "M118 590C134 690 214 752 300 764A150 26 0 0 0 540 764C630 752 706 690 722 590Z"
    o += P(body, round_(c, 118, 722, .3, .4))
    o += P("M150 640C180 700 240 742 300 756C250 716 214 680 200 640Z", "#fffaf0", op=.12)
    o += E(420, 590, 304, 92, lin([(0, li(c, .55)), (.4, li(c, .2)), (1, dk(c, .1))], (0, 0), (1, .6)))
    o += E(420, 594, 291, 84, lin([(0, dk(c, .5)), (.6, c), (1, li(c, .18))], (0, 0), (1, .4)))
    o += E(426, 622, 216, 50, lin([(0, li(c, .05)), (.5, li(c, .2)), (1, dk(c, .12))], (0, 0), (1, .3)))
    o += E(380, 612, 110, 20, "#fffaf0", op=.1)
    for x, y in ((664, 566), (690, 546), (694, 584)):
        o += C(x, y, 9, rad([(0, li(STEEL, .6)), (.6, STEEL), (1, dk(STEEL, .4))], (.35, .35), .7))
    return stand(B_TEAL, o, 772, [(420, 782, 150)])


def thyme(x, y, ang, n=6):
    o = L("M0 0C40 -8 90 -8 150 6", "#6b6a45", 4)
    for i in range(n):
        o += leaf(20 + i * 22, -2, 26, -60, LEAF, .4) + leaf(20 + i * 22, 0, 26, 60, LEAF, .4)
    return G(o, tf="translate(%s %s) rotate(%s)" % (x, y, ang))


def egg(x, y, s=1, seed=1):
    rnd = random.Random(seed)
    pts = [(math.cos(a) * rnd.uniform(84, 116), math.sin(a) * rnd.uniform(80, 108)) for a in [i * math.tau / 9 for i in range(9)]]
    w = spline(pts, True)
    return G(G(P(w, "#c9a06a", op=.6), tf="scale(1.04)"), P(w, rad([(0, "#ffffff"), (.7, "#fbf6ea"), (1, "#eadfc6")])),
             E(6, 6, 48, 46, "#d99a2c", op=.5), C(2, 0, 45, rad([(0, "#ffd869"), (.5, "#f4b13a"), (1, "#dc8a22")], (.36, .32), .75)), E(-14, -16, 12, 8, "#fff6d8", op=.8, tf="rotate(-30)"),
             tf="translate(%s %s) scale(%s)" % (x, y, s))


@pic("carbon-steel-pan-above", fit=(0.91, -3, 19))
def _():
    c = "#4b4d55"
    h = "M640 690L690 640L898 838C922 866 890 900 860 878Z"
    o = P(h, fade(c, .3)) + L("M694 646L894 836", li(c, .5), 4, op=.6) + G(R(-20, -8, 40, 16, 8, dk(B_OCHRE, .15)), tf="translate(862 848) rotate(44)")
    o += C(430, 430, 330, lin([(0, li(c, .5)), (.5, c), (1, dk(c, .3))], (0, 0), (1, 1)))
    o += C(430, 430, 318, lin([(0, dk(c, .5)), (.5, dk(c, .1)), (1, li(c, .3))], (0, 0), (1, 1)))
    o += C(430, 430, 256, lin([(0, li(c, .16)), (1, dk(c, .18))], (0, 0), (1, 1)))
    for r in (90, 150, 205):
        o += C(430, 430, r, "none", stroke=li(c, .3), sw=2, op=.25)
    for x, y in ((640, 596), (664, 640), (596, 640)):
        o += C(x, y, 11, rad([(0, li(STEEL, .6)), (.6, STEEL), (1, dk(STEEL, .4))], (.35, .35), .7))
    o += egg(350, 380, 1.12, 2) + egg(520, 490, 1.05, 7) + thyme(300, 570, 12, 6)
    return flat(B_OCHRE, o, 1.1)


def glassware(cx, prof, k=.13, tint=GLASS, inner=""):
    d = lathe_d(cx, prof, k)
    R_ = max(p[0] for p in prof)
    o = P(d, lin([(0, dk(tint, .1), .75), (.07, tint, .35), (.2, "#ffffff", .5), (.3, tint, .22), (.8, tint, .22), (.93, dk(tint, .12), .4), (1, dk(tint, .25), .75)], (f(cx - R_), 0), (f(cx + R_), 0), True))
    o += inner
    y0, y1 = prof[0][1], prof[-1][1]
    o += L(d, dk(tint, .3), 2.5, op=.5)
    o += L("M%s %sV%s" % (f(cx - R_ * .72), f(y0 + (y1 - y0) * .14), f(y0 + (y1 - y0) * .72)), "#ffffff", 13, op=.55)
    o += L("M%s %sV%s" % (f(cx + R_ * .8), f(y0 + (y1 - y0) * .2), f(y0 + (y1 - y0) * .8)), "#ffffff", 5, op=.4)
    return o


@pic("pour-over-set", fit=(1.12, -15, 0))
def _():
    c = CHALK
    cof = "#5a3420"
    prof = [(112, 520), (120, 560), (196, 650), (204, 740), (186, 786), (176, 790)]
    d = lathe_d(480, prof)
    inner = clip(d, R(250, 664, 460, 160, 0, lin([(0, dk(cof, .25)), (.25, li(cof, .15)), (.6, cof), (1, dk(cof, .35))], (0, 0), (1, 0))), E(480, 664, 200, 22, li(cof, .22)), E(470, 662, 150, 13, li(cof, .35), op=.6))
    o = tube("M660 600C760 580 790 720 672 742", "#dfe9e8", 20, .8)
    o += glassware(480, prof, inner=inner)
    o += band(480, 506, 118, 22, WALNUT)
    # dripper
    o += tube("M640 330C760 318 760 470 596 462", c, 28)
    o += lathe(480, [(196, 292, "c"), (188, 320), (92, 478), (84, 490)], c, .15, gloss=.5)
    for i in range(-4, 5):
        o += L("M%s %sL%s 474" % (f(480 + i * 40), f(330 - abs(i) * 3), f(480 + i * 18)), dk(c, .28), 4, op=.16)
    o += lathe(480, [(188, 486, "c"), (186, 500)], c, .13, gloss=.4) + E(480, 486, 188, 22, li(c, .2)) + E(480, 482, 100, 11, dk(c, .2), op=.5)
    o += lathe(480, [(196, 292, "c"), (188, 320), (92, 474), (88, 482)], c, .15, gloss=.5, extra="".join(L("M%s 320L%s 476" % (f(480 + i * 46), f(480 + i * 20)), dk(c, .3), 4, op=.2) for i in range(-3, 4)))
    o += rim(480, 292, 196, c, .16, 10, dk(c, .18))
    o += clip(E(480, 294, 184, 27, "#000"), P("M300 260H660V300C620 306 560 330 480 330S340 306 300 300Z", "#cdb28a"), E(480, 312, 110, 15, "#4a2a1a"))
    return stand(B_DUSK, o, 792, [(480, 806, 178)], over=steam(440, 270, .9))


def lid_wood(cx, y, r, h=46, col=BEECH, k=.13, seed=5):
    return lathe(cx, [(r, y), (r, y + h)], col, k, smooth=False, grain=seed) + E(cx, y, r, r * k, fade(li(col, .2), .1)) + "".join(E(cx, y, r * q, r * k * q, "none", stroke=dk(col, .2), sw=2, op=.4) for q in (.3, .55, .8))


def jar(cx, base, r, h, fill_items, level=.12, seed=5):
    top = base - h
    prof = [(r, top), (r, top + h * .5), (r, base - 22), (r * .93, base)]
    d = lathe_d(cx, prof)
    inner = clip(d, *fill_items)
    return glassware(cx, prof, inner=inner) + lid_wood(cx, top - 38, r + 8, 48, seed=seed)


@pic("storage-jar", fit=(1.21, 0, 6))
def _():
    rnd = random.Random(12)
    bits = [R(300, 400, 400, 420, 0, "#b98a45")]
    for row in range(13):
        for i in range(7):
            x, y, a = 330 + i * 58 + rnd.uniform(-20, 20), 800 - row * 34 + rnd.uniform(-10, 10), rnd.uniform(0, 180)
            c = rnd.choice(["#e5bd72", "#dcb065", "#edca86", "#d4a456"])
            bits.append(G(R(-36, -14, 72, 28, 9, lin([(0, li(c, .35)), (.4, c), (1, dk(c, .28))])), E(-34, 0, 7, 13, dk(c, .45)), "".join(L("M-22 %sH32" % q, dk(c, .25), 1.6, op=.4) for q in (-6, 0, 6)), tf="translate(%s %s) rotate(%s)" % (f(x), f(y), f(a))))
    o = jar(500, 786, 178, 520, bits)
    return stand(B_LILAC, o, 792, [(500, 806, 172)])


@pic("storage-jar-trio")
def _():
    rnd = random.Random(5)

    def grains(x, y, w, h, cols, r, n, bg, squash=.7):
        o = [R(x, y, w, h + 60, 0, bg)]
        for _ in range(n):
            c = rnd.choice(cols)
            px, py = x + rnd.random() * w, y + 6 + rnd.random() * (h + 30)
            o.append(G(E(0, 0, r, r * squash, c), E(-r * .2, -r * .2, r * .5, r * .25, li(c, .4), op=.6), tf="translate(%s %s) rotate(%s)" % (f(px), f(py), rnd.randint(0, 180))))
        return o
    o = jar(240, 778, 126, 250, grains(100, 586, 280, 190, ["#c4643f", "#b3552f", "#cf7a52"], 9, 620, "#8e4327"), seed=2)
    o += jar(520, 790, 126, 500, grains(380, 400, 280, 400, ["#3c241a", "#4e2f20", "#5d3a27"], 15, 620, "#2a1812", .68), seed=7)
    o += jar(790, 778, 126, 370, grains(650, 476, 280, 310, ["#e6d2a8", "#dcc494", "#efe0bd"], 13, 620, "#c2a873", .55), seed=9)
    return stand(B_ROSE, o, 788, [(240, 794, 120), (520, 806, 120), (790, 794, 120)])


@pic("pepper-mill", fit=(1.12, -33, -10))
def _():
    c = BEECH
    prof = [(86, 470, "c"), (92, 486), (70, 540), (60, 590), (74, 660), (104, 730), (112, 770, "c"), (112, 790)]
    o = lathe(480, prof, c, .15, grain=8)
    o += arc(480, 742, 104, dk(c, .5), 4, .15, .4)
    head = [(30, 240), (76, 256), (98, 310), (90, 376), (64, 420, "c"), (84, 440), (86, 458)]
    o += band(480, 456, 80, 16, STEEL, .15, metal(STEEL, 400, 560))
    o += lathe(480, head, c, .15, grain=3)
    o += E(480, 240, 30, 5, li(c, .3))
    o += lathe(480, [(22, 196), (30, 214), (24, 236)], STEEL, .2, fill=metal(STEEL, 450, 510)) + E(480, 197, 22, 6, li(STEEL, .6))
    rnd = random.Random(3)
    corns = ""
    for x, y in ((650, 800), (690, 822), (668, 838), (724, 796), (610, 832), (742, 836), (770, 812), (334, 822), (310, 804)):
        corns += C(x, y, rnd.uniform(11, 14), rad([(0, "#7b6657"), (.5, "#46362e"), (1, "#231a18")], (.35, .3), .75))
    return stand(B_OCHRE, o + corns, 800, [(480, 806, 108)])
