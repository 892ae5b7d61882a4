"""Audio pictures."""
from draw import *


def cone(x, y, r, ring="#2e2d31", paper="#4b4642"):
    o = C(x, y, r, lin([(0, li(ring, .3)), (.5, ring), (1, dk(ring, .4))], (0, 0), (1, 1)))
    for i in range(6):
        a = math.radians(30 + i * 60)
        o += C(x + math.cos(a) * r * .92, y + math.sin(a) * r * .92, r * .035, "#8c8f94")
    o += C(x, y, r * .84, lin([(0, "#17161a"), (1, "#4a494e")], (0, 0), (1, 1))) + C(x, y, r * .8, "none", stroke="#55545a", sw=r * .05, op=.7)
    o += C(x, y, r * .7, rad([(0, dk(paper, .5)), (.6, paper), (1, dk(paper, .3))], (.55, .58), .6))
    for q in (.34, .44, .54, .63):
        o += C(x, y, r * q, "none", stroke="#fffaf0", sw=1.6, op=.12)
    o += C(x, y, r * .26, rad([(0, li(paper, .45)), (.5, paper), (1, dk(paper, .5))], (.36, .32), .8))
    return o


def speaker(x, base, w, h, col, seed):
    dep = w * .2
    o = P(poly((x + w, base - h), (x + w + dep, base - h - dep * .5), (x + w + dep, base - dep * .55), (x + w, base)), dk(col, .4)) + clip(poly((x + w, base - h), (x + w + dep, base - h - dep * .5), (x + w + dep, base - dep * .55), (x + w, base)), vgrain(x + w, base - h - 40, dep, h + 40, dk(col, .3), seed + 1))
    o += P(poly((x, base - h), (x + dep, base - h - dep * .5), (x + w + dep, base - h - dep * .5), (x + w, base - h)), li(col, .24)) + clip(poly((x, base - h), (x + dep, base - h - dep * .5), (x + w + dep, base - h - dep * .5), (x + w, base - h)), hgrain(x, base - h - dep, w + dep, dep, col, seed + 2, 4))
    d = rr(x, base - h, w, h, 8)
    o += board(d, col, x, base - h, w, h, seed, "v", n=14) + P(d, stroke=li(col, .45), sw=3, op=.6)
    cx = x + w / 2
    tw = base - h + h * .22
    o += C(cx, tw, w * .19, lin([(0, "#4b4a50"), (1, "#232227")], (0, 0), (1, 1))) + C(cx, tw, w * .13, "#1c1b1f") + C(cx, tw, w * .095, rad([(0, "#8d8a90"), (.5, "#4a484e"), (1, "#2a292d")], (.36, .3), .8))
    o += cone(cx, base - h * .36, w * .4)
    o += R(cx - 16, base - 22, 32, 6, 3, BRASS, op=.8)
    return o


@pic("shelf-speakers", fit=(1, -6, -23))
def _():
    o = speaker(124, 800, 300, 500, OAK, 3) + speaker(532, 800, 300, 500, OAK, 9)
    return stand(B_PINE, o, 796, [(290, 804, 180), (700, 804, 180)])


@pic("headphones")
def _():
    c = INK
    o = ""
    band_ = "M228 560C210 60 790 60 772 560"
    o += L(band_, dk(STEEL, .35), 22) + L(band_, STEEL, 15) + L("M226 520C222 90 760 90 770 470", "#ffffff", 4, op=.6)
    pad = "M272 330C330 120 670 120 728 330"
    o += L(pad, dk(c, .4), 76) + L(pad, c, 68) + L("M276 312C340 130 640 116 712 280", li(c, .4), 12, op=.5)
    o += "".join(L("M%s %sL%s %s" % (f(500 + math.cos(a) * 226), f(330 + math.sin(a) * 190), f(500 + math.cos(a) * 188), f(330 + math.sin(a) * 152)), dk(c, .5), 3, op=.35) for a in [math.radians(198 + i * 16) for i in range(10)])
    for s in (-1, 1):
        x = 500 + s * 262
        g = ""
        g += R(-20, -210, 40, 120, 12, metal(STEEL, -20, 20)) + "".join(L("M-12 %sh24" % (-190 + k * 14), dk(STEEL, .4), 2.4, op=.6) for k in range(5))
        g += L("M-18 -100C-80 -80 -80 100 -30 128", dk(STEEL, .25), 16) + L("M-18 -100C-80 -80 -80 100 -30 128", li(STEEL, .1), 9)
        shell = "M-56 -122C-20 -150 30 -140 34 -120V170C30 190 -20 200 -56 172C-92 120 -92 -72 -56 -122Z"
        g += P(shell, lin([(0, li(c, .3)), (.4, c), (1, dk(c, .3))], (0, 0), (1, .5))) + L("M-58 -90C-78 -40 -78 90 -58 140", li(c, .5), 7, op=.5)
        p_ = rr(22, -152, 84, 354, 42)
        g += P(p_, lin([(0, li("#55504f", .2)), (.4, "#47424a"), (1, dk("#47424a", .5))], (0, 0), (1, .3))) + L("M42 -118C34 -40 34 90 42 164", "#fffaf0", 8, op=.2) + "".join(L("M%s %sq30 8 62 0" % (34, -120 + k * 44), "#1d1930", 3, op=.25) for k in range(7))
        o += G(g, tf="translate(%s 560) scale(%s 1)" % (x, 1 if s < 0 else -1))
    o += tube("M206 740C200 830 300 830 360 800S520 760 600 820S760 880 1010 850", dk(c, .15), 10) + R(197, 722, 20, 40, 8, metal(BRASS, 197, 217))
    return stand(B_CLAY, o, 764, [(206, 772, 70), (794, 772, 70)])


@pic("headphones-sand", fit=(0.94, 0, -20))
def _():
    c = SAND
    o = ""
    # cable and plug, lying in a loose loop below
    d = "M236 800C240 900 330 930 430 880S600 760 680 820S700 960 560 940"
    o += G(L(d, "#1d1930", 11, op=.25), tf="translate(7 10)") + tube(d, RUST, 12)
    o += G(R(-13, -30, 26, 60, 6, metal(BRASS, -13, 13)), R(-9, 28, 18, 10, 2, BLACK), R(-5, 36, 10, 30, 2, metal(BRASS, -5, 5)), R(-5, 46, 10, 4, 0, BLACK), tf="translate(530 932) rotate(76)")
    b = "M236 520C196 20 804 20 764 520"
    o += L(b, dk(STEEL, .35), 20) + L(b, STEEL, 13) + L("M234 490C214 50 760 50 762 440", "#ffffff", 3.5, op=.6)
    pad = "M264 300C310 90 690 90 736 300"
    o += L(pad, dk(c, .42), 86) + L(pad, c, 78) + L("M262 286C318 92 650 84 722 248", li(c, .5), 14, op=.5)
    o += stitch("M296 306C340 136 660 136 704 306", dk(c, .4), 3.5, "13 9", .7) + stitch("M232 296C284 46 716 46 768 296", dk(c, .4), 3.5, "13 9", .7)
    for s in (-1, 1):
        x = 500 + s * 258
        o += R(x - 20, 336, 40, 110, 12, metal(STEEL, x - 20, x + 20)) + "".join(L("M%s %sh24" % (x - 12, 352 + k * 13), dk(STEEL, .4), 2.4, op=.6) for k in range(5))
        y = "M%s 640A172 190 0 0 1 %s 640" % (x - 172, x + 172)
        o += E(x + 6, 650, 168, 188, dk("#5e5348", .2)) + E(x, 642, 168, 188, lin([(0, "#8a7a68"), (1, "#54493f")], (0, 0), (1, 1)))
        o += E(x, 640, 146, 164, lin([(0, li(c, .4)), (.5, c), (1, dk(c, .28))], (0, 0), (1, 1)))
        o += E(x, 640, 112, 128, lin([(0, dk(c, .22)), (1, li(c, .3))], (0, 0), (1, 1))) + E(x, 640, 106, 122, fade(li(c, .05), .12))
        o += "".join(C(x + math.cos(a) * r, 640 + math.sin(a) * r * 1.12, 3.4, dk(c, .5)) for r, n in ((30, 10), (48, 16), (66, 22)) for a in [i * math.tau / n for i in range(n)])
        o += C(x, 640, 9, RUST)
        o += L(y, dk(STEEL, .4), 24) + L(y, STEEL, 16) + L("M%s 610A172 190 0 0 1 %s 470" % (x - 168, x - 50), "#ffffff", 4, op=.6)
        for q in (-172, 172):
            o += C(x + q, 640, 17, fade(BRASS, .3)) + C(x + q, 640, 6, dk(BRASS, .4))
        o += P("M%s 600C%s 550 %s 520 %s 506C%s 540 %s 580 %s 620Z" % (x - 126, x - 112, x - 84, x - 50, x - 80, x - 98, x - 104), "#fffaf0", op=.4)
    o += R(225, 800, 22, 34, 7, metal(BRASS, 225, 247))
    return flat(B_DUSK, o, .9)


def record(r, label=RUST):
    o = C(0, 0, r, lin([(0, "#3a393e"), (.5, "#232227"), (1, "#121115")], (0, 0), (1, 1)))
    for i in range(14):
        o += C(0, 0, r * (.96 - i * .038), "none", stroke="#5a595f" if i % 4 else "#0d0c10", sw=1.6, op=.5)
    wedge = lambda a, b: "M0 0L%s %sA%s %s 0 0 1 %s %sZ" % (f(math.cos(a) * r * .97), f(math.sin(a) * r * .97), f(r * .97), f(r * .97), f(math.cos(b) * r * .97), f(math.sin(b) * r * .97))
    for a in (3.75, .6):
        o += P(wedge(a, a + .3), "#fffaf0", op=.12) + P(wedge(a + .08, a + .2), "#fffaf0", op=.12)
    return o + C(0, 0, r * .35, label) + C(0, 0, r * .35, lin([(0, "#fffaf0", .3), (1, "#1d1930", .25)], (0, 0), (1, 1))) + C(0, 0, r * .26, "none", stroke="#f7efdd", sw=2, op=.7) + L("M%s %sq%s %s %s 0t%s 0" % (f(-r * .14), f(-r * .14), f(r * .07), f(-r * .09), f(r * .14), f(r * .14)), "#f7efdd", f(r * .025)) + C(0, 0, r * .035, "#f2efe6")


@pic("turntable-above", fit=(0.94, 0, 12))
def _():
    c = ASH
    d = rr(110, 170, 780, 660, 22)
    o = board(d, c, 110, 170, 780, 660, 6, n=34) + P(d, stroke=li(c, .5), sw=4, op=.8)
    o += C(440, 500, 290, dk(c, .3), op=.5) + C(436, 496, 284, lin([(0, "#f1f2f3"), (.5, STEEL), (1, dk(STEEL, .4))], (0, 0), (1, 1))) + G(record(272), tf="translate(436 496)")
    o += C(786, 300, 62, dk(c, .35), op=.5) + C(782, 296, 58, fade("#3b3b40", .3)) + C(782, 296, 40, lin([(0, "#fff"), (.5, STEEL), (1, dk(STEEL, .4))], (0, 0), (1, 1))) + C(782, 296, 17, fade("#3b3b40", .2))
    arm = "M786 250V520C786 570 750 590 700 620L596 664"
    o += G(L("M782 240V520C782 570 750 590 700 620L600 662", "#1d1930", 16, op=.25), tf="translate(12 14)") + tube("M782 240V520C782 570 750 590 700 620L610 658", STEEL, 15, .7) + R(760, 190, 44, 66, 10, metal("#4a4a50", 760, 804))
    o += G(R(-50, -17, 100, 34, 6, fade("#35353a", .25)), R(-50, -10, 22, 20, 2, RUST), L("M40 -14l26 -12", STEEL, 6), tf="translate(590 668) rotate(-24)")
    for i, y in enumerate((752,)):
        o += C(186, 756, 36, dk(c, .4), op=.5) + C(183, 752, 34, lin([(0, "#fff"), (.5, STEEL), (1, dk(STEEL, .4))], (0, 0), (1, 1))) + L("M183 752V724", RUST, 5)
    o += T(244, 764, "33", 24, dk(c, .5), "'DejaVu Sans',sans-serif") + T(290, 764, "45", 24, dk(c, .5), "'DejaVu Sans',sans-serif")
    o += L("M700 776q22 -26 44 0t44 0", dk(c, .5), 6)
    return flat(B_PLUM, o, .9)


@pic("turntable", fit=(1, 0, -56))
def _():
    c = ASH
    o = ""
    for x in (210, 790):
        o += lathe(x, [(44, 736), (38, 790)], "#3b3b40", .16, smooth=False)
    top = poly((110, 650), (220, 400), (780, 400), (890, 650))
    fr = rr(110, 648, 780, 106, 10)
    o += board(top, li(c, .12), 110, 400, 780, 250, 4, n=16) + board(fr, c, 110, 648, 780, 106, 7, n=7) + L("M112 650H888", li(c, .6), 4)
    o += P(rr(110, 648, 780, 106, 10), lin([(0, "#1d1930", 0), (1, "#1d1930", .2)]))
    pl = lambda r, col, y: E(452, y, r, r * .405, col)
    o += pl(290, dk(c, .35), 536) + P("M168 518A284 115 0 0 0 736 518V532A284 115 0 0 1 168 532Z", metal(STEEL, 168, 736)) + pl(284, li(STEEL, .3), 516)
    o += G(record(276, RUST), tf="translate(452 508) scale(1 .405)")
    o += G(R(448, 488, 8, 18, 3, metal(STEEL, 448, 456)))
    o += E(784, 470, 56, 23, dk(c, .4), op=.5) + lathe(780, [(48, 430), (50, 462)], "#3b3b40", .4, smooth=False) + E(780, 430, 48, 19, "#57575d") + lathe(780, [(20, 396), (20, 426)], STEEL, .4, smooth=False, fill=metal(STEEL, 760, 800)) + E(780, 396, 20, 8, li(STEEL, .5))
    sh = "M784 420C776 500 740 540 650 572"
    o += G(L(sh, "#1d1930", 13, op=.3), tf="translate(8 26)")
    o += tube("M800 372L770 436C760 500 724 528 640 566", STEEL, 13, .7) + G(R(-22, -24, 44, 42, 9, metal("#4a4a50", -22, 22)), tf="translate(806 364) rotate(24)")
    o += G(R(-36, -12, 72, 24, 5, fade("#35353a", .25)), R(-36, 10, 18, 9, 1, RUST), tf="translate(628 572) rotate(-26)")
    o += E(196, 616, 28, 12, dk(c, .4), op=.5) + lathe(194, [(24, 600), (24, 610)], STEEL, .42, smooth=False, fill=metal(STEEL, 170, 218)) + E(194, 600, 24, 10, li(STEEL, .5))
    o += L("M470 702q20 -24 40 0t40 0", dk(c, .5), 5.5) + C(838, 700, 6, OCHRE)
    return stand(B_BLUSH, o, 790, [(210, 798, 44), (790, 798, 44)])


@pic("table-radio", fit=(0.94, -12, 66))
def _():
    c = CHERRY
    o = tube("M760 330L900 90", STEEL, 7) + C(901, 88, 8, STEEL)
    for x in (200, 800):
        o += P("M%s 770h60l-10 34h-40z" % (x - 30), dk(c, .35))
    o += P("M140 350H860L830 318H170Z", lin([(0, li(c, .4)), (1, li(c, .2))])) + clip("M140 350H860L830 318H170Z", hgrain(140, 316, 720, 40, c, 3, 5))
    d = rr(130, 346, 740, 428, 40)
    o += board(d, c, 130, 346, 740, 428, 5, n=24) + P(d, stroke=li(c, .4), sw=4, op=.6)
    i = rr(162, 378, 676, 364, 22)
    o += P(i, "#1d1930", op=.5) + P(rr(166, 382, 668, 356, 20), fade("#efe5cf", .06))
    g = rr(180, 396, 376, 328, 12)
    o += P(g, fade("#b79c74", .14)) + P(g, pat("canvas", .34, 1.5)) + P(g, stroke="#1d1930", sw=3, op=.25) + clip(g, blur(16, C(368, 560, 140, "#1d1930"), op=.22))
    o += L("M480 690q14 -17 28 0t28 0", "#f7efdd", 5)
    o += C(704, 510, 112, dk("#efe5cf", .25)) + C(704, 510, 106, "#fbf5e6")
    for k in range(41):
        a = math.radians(-220 + k * 6.5)
        b = k % 5 == 0
        o += L("M%s %sL%s %s" % (f(704 + math.cos(a) * 100), f(510 + math.sin(a) * 100), f(704 + math.cos(a) * (82 if b else 90)), f(510 + math.sin(a) * (82 if b else 90))), INK, 4 if b else 2)
    o += C(708, 516, 68, "#1d1930", op=.25) + C(704, 510, 66, fade(c, .25)) + C(704, 510, 56, lin([(0, dk(c, .2)), (1, li(c, .25))], (0, 0), (1, 1))) + G(R(-4, -62, 8, 40, 4, "#f7efdd"), tf="translate(704 510) rotate(38)")
    for k, x in enumerate((632, 704, 776)):
        o += C(x + 2, 684, 24, "#1d1930", op=.25) + C(x, 680, 23, lin([(0, "#fff6dc"), (.5, BRASS), (1, dk(BRASS, .35))], (0, 0), (1, 1))) + L("M%s 680v-16" % x, dk(BRASS, .6), 4)
    o += R(586, 408, 60, 12, 4, "#e6a34c", op=.9)
    return stand(B_BUTTER, o, 800, [(500, 804, 340)])


@pic("pocket-speaker", fit=(1, -26, -43))
def _():
    c = CORAL
    o = tube("M838 470C960 470 960 660 840 650", "#3a3a40", 22) + R(816, 452, 40, 40, 10, fade("#3a3a40", .2))
    side = rr(150, 320, 720, 470, 84)
    o += P(side, lin([(0, li(c, .2)), (.3, dk(c, .16)), (1, dk(c, .44))]))
    d = rr(130, 340, 720, 450, 78)
    o += P(d, lin([(0, li(c, .34)), (.3, c), (1, dk(c, .2))], (0, 0), (.7, 1)))
    o += L("M170 380C180 362 194 356 214 356H760", "#fffaf0", 7, op=.5)
    rows, cols = 12, 23
    for i in range(rows):
        for j in range(cols):
            x, y = 188 + j * 27.5 + (i % 2) * 0, 402 + i * 27.5
            dx, dy = abs(x - 490) / 310, abs(y - 553) / 165
            if dx ** 4 + dy ** 4 < 1.05:
                o += C(x + 1.2, y + 1.6, 8, li(c, .4), op=.6) + C(x, y, 7.6, dk(c, .6))
    o += R(706, 720, 92, 34, 8, dk(c, .12)) + L("M728 738q12 -15 24 0t24 0", "#fffaf0", 4.5)
    for k, x in enumerate((330, 420, 510)):
        o += E(x, 330, 26, 6, dk(c, .3))
    o += C(180, 752, 6, "#f6efc8")
    return stand(B_SKY, o, 790, [(500, 796, 320)])


@pic("integrated-amplifier", fit=(1, 0, -70))
def _():
    o = ""
    for x in (220, 780):
        o += lathe(x, [(46, 752), (40, 796)], "#37373c", .14, smooth=False)
    t = poly((104, 486), (200, 360), (800, 360), (896, 486))
    o += P(t, lin([(0, "#6a6a70"), (1, "#47474d")], (0, 0), (1, 1)))
    for r in range(7):
        for k in range(15):
            y = 378 + r * 14
            xx = 500 + (k - 7) * (36 + r * 1.2)
            o += R(xx - 12, y, 24, 5, 2.5, "#232327")
    d = rr(100, 484, 800, 276, 12)
    m = "#c9c6bf"
    o += P(d, lin([(0, li(m, .4)), (.5, m), (1, dk(m, .2))], (0, 0), (1, 1)))
    rnd = random.Random(1)
    o += clip(d, "".join(L("M100 %sH900" % f(486 + i * 4.6), rnd.choice(["#ffffff", "#8a877f"]), 1.3, op=.28) for i in range(60)))
    o += L("M106 488H894", "#ffffff", 4, op=.9) + R(100, 736, 800, 24, 8, "#1d1930", op=.12)
    x, y = 720, 622
    o += C(x + 8, y + 12, 100, "#1d1930", op=.25) + C(x, y, 98, lin([(0, "#ffffff"), (.4, "#b9b6ae"), (1, "#6f6c66")], (0, 0), (1, 1))) + C(x, y, 84, lin([(0, "#a19e97"), (.5, "#e3e1db"), (1, "#8f8c85")], (0, 0), (1, 1))) + C(x, y, 82, "none", stroke="#fff", sw=2, op=.5) + G(R(-5, -80, 10, 40, 5, RUST), tf="translate(%s %s) rotate(-42)" % (x, y))
    for k in range(11):
        a = math.radians(-225 + k * 27)
        o += C(x + math.cos(a) * 116, y + math.sin(a) * 116, 3.6, "#4a4842")
    for k in range(4):
        bx = 190 + k * 74
        o += R(bx + 3, 606, 52, 52, 10, "#1d1930", op=.22) + R(bx, 600, 52, 52, 10, lin([(0, "#fbfaf7"), (1, "#a9a69e")], (0, 0), (1, 1)) if k != 1 else lin([(0, dk(OCHRE, .1)), (1, li(OCHRE, .1))])) + L("M%s 676h28" % (bx + 12), "#4a4842", 3.5, op=.7)
    o += C(530, 626, 20, "#3b3a37") + C(530, 626, 12, "#141316") + C(530, 626, 20, "none", stroke=BRASS, sw=4)
    o += C(190, 548, 8, "#f0a948") + C(190, 548, 18, rad([(0, "#f0a948", .6), (1, "#f0a948", 0)])) + L("M222 548q15 -18 30 0t30 0", "#4a4842", 5)
    return stand(B_TEAL, o, 796, [(220, 802, 44), (780, 802, 44), (500, 798, 380)])


@pic("braided-cable", fit=(0.93, -22, -37))
def _():
    def braid(d, w=26):
        return (L(d, dk(RUST, .35), w) + L(d, RUST, w - 5) + L(d, OAT, w - 5, dash="9 17", cap="butt") + G(L(d, "#fffaf0", 4, op=.35), tf="translate(-4 -4)"))

    def plug(x, y, a):
        g = R(-24, -66, 48, 96, 8, metal(BRASS, -24, 24)) + "".join(L("M-24 %sh48" % (-52 + k * 9), dk(BRASS, .45), 2, op=.6) for k in range(7))
        g += R(-17, 28, 34, 16, 3, metal(STEEL, -17, 17)) + R(-9, 42, 18, 56, 3, metal(BRASS, -9, 9)) + R(-9, 62, 18, 5, 0, BLACK) + R(-9, 80, 18, 5, 0, BLACK) + P("M-9 98L0 114L9 98Z", BRASS) + R(-13, -84, 26, 22, 6, fade("#3a3a40"))
        return G(g, tf="translate(%s %s) rotate(%s)" % (x, y, a))
    sh = lambda r, a=0: "M%s %sa%s %s 0 1 1 -.1 0" % (f(480 + a), f(470 - r), r, f(r))
    o = ""
    for r, dx, dy in ((262, 0, 0), (246, 12, 8), (270, 6, -4), (232, -6, 4)):
        d = "M%s %sa%s %s 0 1 1 -.1 0" % (480 + dx, 450 + dy - r, r, f(r * .98))
        o += G(L(d, "#1d1930", 26, op=.22), tf="translate(6 9)") + braid(d)
    t1 = "M700 620C760 700 720 780 640 792"
    t2 = "M610 680C640 760 800 700 842 790"
    o += G(L(t1, "#1d1930", 26, op=.22), L(t2, "#1d1930", 26, op=.22), tf="translate(6 9)") + braid(t1) + plug(586, 808, 72) + braid(t2) + plug(862, 852, -24)
    tie = rr(196, 412, 110, 76, 14)
    o += G(P(tie, "#1d1930", op=.3, tf="translate(5 8)"), P(tie, fade(TAN, .2)), stitch("M206 424h90v52h-90z", "#f0dcb4", 3, "9 7"), C(276, 450, 10, BRASS), tf="rotate(-4 250 450)")
    return flat(B_MIST, G(o, tf="translate(-20 -6)"), .5)


@pic("record-crate", fit=(1.06, 0, 25))
def _():
    c = "#dfc091"
    rnd = random.Random(14)
    o = ""
    # back wall
    o += P(poly((230, 300), (770, 300), (770, 500), (230, 500)), dk(c, .25))
    cols = [INK, OCHRE, RUST, "#e9dfc8", PINE, CORAL, SLATE, "#7d5a6b", SAGE, BLACK, "#d9b44a", "#35606b"]
    n = 15
    for i in range(n):
        y = 300 + i * 13
        w = 236 + i * 4.4
        h = 330
        top = y - 116 + rnd.uniform(-8, 8)
        col = cols[(i * 5 + 1) % len(cols)]
        o += P(poly((500 - w, top), (500 + w, top), (500 + w + 5, top + h), (500 - w - 5, top + h)), lin([(0, li(col, .15)), (1, dk(col, .2))])) + L("M%s %sH%s" % (f(500 - w), f(top), f(500 + w)), li(col, .5), 3, op=.7)
    # front cover design
    ty = 300 + 14 * 13 - 112
    w = 298
    cv = poly((500 - w, ty), (500 + w, ty), (500 + w + 4, ty + 330), (500 - w - 4, ty + 330))
    o += P(cv, "#e9dfc8") + clip(cv, C(500, ty + 175, 130, RUST), C(500, ty + 175, 92, OCHRE), C(500, ty + 175, 52, "#f4e6bd"), R(180, ty + 190, 640, 200, 0, INK), "".join(L("M180 %sq40 -18 80 0t80 0t80 0t80 0t80 0t80 0t80 0t80 0" % f(ty + 206 + k * 22), "#e9dfc8", 4, op=.8 - k * .12) for k in range(5)), R(180, ty, 640, 330, 0, lin([(0, "#fffaf0", .14), (1, "#1d1930", .2)])))
    # sides
    for s in (0, 1):
        sd = poly((230, 268), (250, 268), (176, 560), (150, 560)) if not s else poly((770, 268), (750, 268), (824, 560), (850, 560))
        o += P(sd, li(c, .2) if not s else c)
    o += P(poly((150, 556), (176, 556), (176, 800), (150, 800)), c)
    fr = "M150 556C240 560 260 600 340 604H660C740 600 760 560 850 556V784C850 796 844 800 834 800H166C156 800 150 796 150 784Z"
    o += G(blur(10, P(fr, "#1d1930", tf="translate(0 -10)"), op=.3)) + board(fr, c, 150, 556, 700, 244, 9, n=10)
    for k in range(6):
        o += L("M%s %sH%s" % (152, 786 - k * 3, 848), dk(c, .35 if k % 2 else .1), 2, op=.5)
    o += R(400, 664, 200, 54, 27, dk(c, .62)) + P("M404 690a27 26 0 0 1 26 -25h140a27 26 0 0 1 26 25", "none", stroke=dk(c, .7), sw=6, op=.5) + L("M430 717h140", li(c, .5), 3)
    o += L("M152 558C240 562 260 602 340 606H660C740 602 760 562 848 558", li(c, .6), 4)
    for x in (182, 818):
        for y in (620, 760):
            o += C(x, y, 9, metal(STEEL, x - 9, x + 9)) + L("M%s %sl10 4" % (x - 5, y - 2), dk(STEEL, .6), 2.5)
    o += T(0, 0, "", 1, c)
    return stand(B_SAGE, o, 800, [(500, 804, 346)])
