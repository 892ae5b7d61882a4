"""Desk and paper pictures."""
from draw import *


def notebook(col, w=430, h=600):
    o = P(rr(14, 12, w - 4, h - 4, 14), dk(col, .45)) + R(6, 10, w, h - 8, 8, PAPER)
    for i in range(4):
        o += L("M%s %sV%s" % (w + 1 + i * 1.6, 18, h - 2), "#d9cfbb", 1)
    d = rr(0, 0, w, h, 12)
    o += cloth(d, col, "linen", .3)
    o += clip(d, R(0, 0, 54, h, 0, dk(col, .22)), R(0, 0, 54, h, 0, pat("linen", .3)), R(54, 0, 6, h, 0, dk(col, .5), op=.35), R(60, 0, 4, h, 0, li(col, .5), op=.35), R(0, 0, 14, h, 0, li(col, .4), op=.25))
    o += R(w * .5 - 70 + 30, h * .2, 140, 84, 4, PAPER) + R(w * .5 - 70 + 30, h * .2, 140, 84, 4, "none", stroke=dk(PAPER, .2), sw=2, op=.5)
    o += L("M%s %sh92M%s %sh60" % (f(w * .5 - 16), f(h * .2 + 34), f(w * .5 - 0), f(h * .2 + 54)), dk(col, .25), 4, op=.7)
    return o


@pic("linen-notebook")
def _():
    rib = P("M300 590V684L310 672L320 684V590Z", lin([(0, OCHRE), (1, dk(OCHRE, .15))]))
    return flat(B_SAGE, G(rib, notebook(CLAY), tf="translate(340 150) rotate(8)"))


@pic("linen-notebook-stack", fit=(1.22, 7, -138))
def _():
    o = ""
    y = 790
    for col, x, w in ((SLATE, 190, 610), (OCHRE, 226, 590), (CLAY, 176, 600)):
        h = 92
        t = y - h
        top = ""
        o += R(x + 26, t + 12, w - 30, h - 22, 4, lin([(0, "#fbf5e8"), (1, "#ddd0b8")]))
        for i in range(9):
            o += L("M%s %sH%s" % (x + 40, f(t + 18 + i * 7.5), x + w - 6), "#b9ab92", 1.2, op=.6)
        o += P(rr(x, t, w, 15, 6), fade(col)) + P(rr(x, t + h - 14, w, 15, 6), dk(col, .12))
        sp = rr(x - 4, t, 44, h, 14)
        o += P(sp, lin([(0, li(col, .15)), (.5, col), (1, dk(col, .3))])) + P(sp, pat("linen", .3))
        o += P("M%s %sh14v46l-7 -8l-7 8z" % (x + w * .7, t + h - 4), RUST if col != CLAY else OCHRE)
        o += R(x + 44, t + 15, w - 48, 12, 0, "#1d1930", op=.14)
        y = t - 1
    d = poly((180, y), (228, y - 92), (738, y - 92), (774, y))
    o += P(d, lin([(0, li(CLAY, .3)), (1, CLAY)], (0, 0), (1, 1))) + P(d, pat("linen", .3)) + L("M214 %sL260 %s" % (y, y - 92), dk(CLAY, .3), 4, op=.5)
    o += P(poly((420, y - 24), (436, y - 60), (580, y - 60), (590, y - 24)), PAPER) + L("M456 %sh104M470 %sh74" % (y - 46, y - 36), dk(CLAY, .2), 3.5, op=.7)
    return stand(B_STONE, o, 792, [(494, 796, 306)])


@pic("brass-pen")
def _():
    paper = G(R(0, 0, 640, 820, 4, PAPER), "".join(L("M60 %sH590" % (110 + i * 62), "#c9d2d6", 2) for i in range(11)), tf="translate(150 110) rotate(-6)")
    ink = G(L("M0 0c16 -34 30 -40 28 -14s-14 30 4 20s26 -50 34 -22s-6 40 14 16s20 -26 30 -6s14 10 30 -8s40 -70 36 -20s-20 50 8 24s30 -20 42 -2s24 0 40 -14s20 16 44 0s16 -10 40 -2", "#2d3a5c", 5), tf="translate(230 350) rotate(-6)")
    def hexbar(x, y, w, h, c):
        return (R(x, y, w, h * .34, 3, lin([(0, li(c, .35)), (1, li(c, .6))])) + R(x, y + h * .3, w, h * .4, 0, lin([(0, li(c, .15)), (1, c)])) + R(x, y + h * .68, w, h * .32, 3, lin([(0, dk(c, .22)), (1, dk(c, .42))])))
    c = BRASS
    pen = hexbar(0, 0, 380, 46, c) + R(-24, 6, 26, 34, 3, metalv(c, 6, 40)) + "".join(R(-24 + i * 6, 6, 2, 34, 0, dk(c, .45)) for i in range(4))
    pen += P("M380 2L470 14V32L380 44Z", metalv(c, 2, 44)) + P("M470 14L516 20V26L470 32Z", metalv(STEEL, 14, 32)) + C(517, 23, 3.5, INK) + R(372, 0, 10, 46, 0, dk(c, .3))
    cap = hexbar(0, 0, 200, 48, c) + R(30, -13, 150, 13, 6, metalv(c, -13, 0)) + R(22, -13, 16, 18, 4, dk(c, .2)) + R(196, 2, 6, 44, 0, dk(c, .4))
    o = G(pen, tf="translate(786 688) rotate(207)")
    o += G(cap, tf="translate(520 720) rotate(24)")
    return flat(B_ROSE, o, .6, under=G(G(blur(14, G(R(0, 0, 640, 820, 4, dk(B_ROSE, .6)), tf="translate(166 132) rotate(-6)"), op=.4)), paper, ink))


@pic("felt-desk-mat")
def _():
    c = SLATE
    d = "M60 250H940V640L850 740H60Z"
    o = P(d, fade(c, .12)) + P(d, pat("felt", .3))
    # keyboard
    kb = R(0, 0, 470, 190, 20, fade("#e9e5dc", .1)) + R(8, 6, 454, 178, 16, "#d9d4c8")
    for r in range(4):
        x = 18
        keys = [30] * 13 if r < 3 else [46, 46, 190, 46, 46]
        for k, w in enumerate(keys):
            kb += R(x, 14 + r * 42, w if r == 3 else 29, 35, 6, (OCHRE if (r, k) == (0, 0) else CORAL if (r, k) == (2, 12) else "#fbf8f1")) + R(x, 14 + r * 42 + 30, w if r == 3 else 29, 5, 3, "#1d1930", op=.12)
            x += (w if r == 3 else 29) + (5 if r < 3 else 15)
    o += G(blur(8, R(0, 10, 474, 190, 20, "#1d1930"), op=.4), kb, tf="translate(230 400)")
    # cup from above
    o += blur(10, C(826, 380, 74, "#1d1930"), op=.4) + L("M876 344L916 310", CHALK, 22) + C(812, 362, 74, fade(CHALK, .1)) + C(812, 362, 64, "#4b2c1c") + C(816, 366, 58, rad([(0, "#7a4a2c"), (1, "#4b2c1c")], (.6, .65), .7))
    # mouse
    o += blur(9, E(798, 590, 44, 66, "#1d1930"), op=.4) + E(788, 576, 44, 68, fade("#efebe2", .12)) + L("M788 510v46", "#b9b3a6", 3) + R(783, 528, 10, 24, 5, "#b9b3a6")
    # corner turned up shows the cork
    o += P("M940 640L850 740L830 648Z", "none") + blur(8, P("M850 740L940 640L812 622Z", "#1d1930"), op=.3)
    fd = "M940 640L850 740C842 706 836 664 838 628C872 634 910 638 940 640Z"
    o += P(fd, lin([(0, "#c79a66"), (.5, "#dbb182"), (1, "#b98a58")], (0, 0), (1, 1))) + clip(fd, speckle(820, 610, 130, 140, "#7a5433", 80, 2, (1.5, 4)))
    o += stitch("M74 264H926", li(c, .4), 2, "6 6", .5)
    return flat(B_BLUSH, o, .5)


@pic("ash-laptop-stand", fit=(1.18, 0, 27))
def _():
    c = ASH
    o = ""
    # screen
    o += P("M262 176H738L752 474H248Z", lin([(0, "#8b9096"), (1, "#5e6368")])) + P("M274 188H726L738 462H262Z", lin([(0, "#3e5a6b"), (.6, "#7fa1a6"), (1, "#d9b48a")], (0, 0), (.3, 1)))
    o += clip("M274 188H726L738 462H262Z", C(610, 330, 52, "#f3d7a2"), P("M240 400C340 340 420 380 500 400S680 340 780 390V480H240Z", "#35505a"), P("M240 440C340 400 460 430 560 430S700 410 780 430V480H240Z", "#27404b"), P("M274 188H430L330 470H240Z", "#ffffff", op=.08))
    o += P("M248 474H752L800 560H200Z", lin([(0, "#9da2a7"), (1, "#c9cdd0")]))
    for r in range(4):
        y0, y1 = 484 + r * 12, 493 + r * 12
        i0, i1 = (y0 - 474) * .56, (y1 - 474) * .56
        o += P(poly((284 - i0, y0), (716 + i0, y0), (716 + i1, y1), (284 - i1, y1)), "#4c5156", op=.85)
    o += P(poly((430, 538), (570, 538), (576, 554), (424, 554)), "#aeb3b7")
    o += P("M200 560H800L796 574C794 578 790 580 786 580H214C210 580 206 578 204 574Z", lin([(0, "#e4e6e7"), (1, "#8e9398")]))
    # cross bar and sides
    o += G(R(290, 690, 420, 30, 10, fade(dk(c, .12))), clip(rr(290, 690, 420, 30, 10), hgrain(290, 690, 420, 30, c, 3)))
    for s in (0, 1):
        x = 262 if not s else 694
        d = "M%s 556h44v150c0 50 -4 74 -10 92h-30c-4 -18 -4 -42 -4 -92z" % x
        o += P(d, lin([(0, li(c, .25)), (.6, c), (1, dk(c, .3))], (0, 0), (1, 0))) + clip(d, vgrain(x, 556, 44, 250, c, 4 + s, 4))
        o += P("M%s 800c-10 -22 -40 -30 -60 -26c-10 2 -12 22 0 26z" % (x + 40), fade(c)) if not s else P("M%s 800c10 -22 40 -30 60 -26c10 2 12 22 0 26z" % (x + 4), fade(dk(c, .05)))
        o += P("M%s 556v-26c0 -10 44 -10 44 0v50h-44z" % x, lin([(0, li(c, .3)), (1, dk(c, .15))])) + R(x + 6, 562, 32, 14, 3, "#a9764a", op=.7)
    return stand(B_LILAC, o, 800, [(262, 806, 52), (738, 806, 52)])


@pic("desk-clock", fit=(1.16, -9, 18))
def _():
    c = OCHRE
    o = tube("M380 740L340 796", dk(c, .15), 34) + tube("M620 740L660 796", dk(c, .15), 34)
    o += G(C(0, 0, 292, dk(c, .4)), tf="translate(522 494)")
    o += C(500, 490, 292, fade(c, .28)) + C(500, 490, 262, lin([(0, dk(c, .35)), (1, li(c, .2))], (0, 0), (1, 1))) + C(500, 490, 252, lin([(0, "#f0eadc"), (1, "#fffaf0")], (0, 0), (1, 1)))
    for i in range(60):
        a = math.radians(i * 6)
        big = i % 5 == 0
        o += L("M%s %sL%s %s" % (f(500 + math.sin(a) * 234), f(490 - math.cos(a) * 234), f(500 + math.sin(a) * (204 if big else 222)), f(490 - math.cos(a) * (204 if big else 222))), INK, 9 if big else 2.6, op=1 if big else .6)
    o += C(500, 600, 46, "none", stroke=INK, sw=2, op=.35) + L("M500 600L520 566", CORAL, 4)
    for n, x, y in (("12", 500, 348), ("3", 656, 508), ("9", 344, 508)):
        o += T(x, y, n, 54, INK, "'DejaVu Sans', Helvetica, sans-serif", text_anchor="middle", font_weight="bold")
    def hand(a, ln, w, col, tail=36):
        return G(R(-w / 2, -ln, w, ln + tail, w / 2, col), tf="translate(500 490) rotate(%s)" % a)
    o += G(hand(-54, 130, 16, "#1d1930"), hand(58, 196, 11, "#1d1930"), op=.16, tf="translate(7 9)") + hand(-54, 130, 16, INK) + hand(58, 196, 11, INK) + hand(196, 214, 4, RUST, 60)
    o += C(500, 490, 15, RUST) + C(497, 487, 5, li(RUST, .6))
    o += P("M300 380A230 230 0 0 1 470 260C400 310 350 370 330 440C310 420 300 400 300 380Z", "#ffffff", op=.4)
    o += R(466, 178, 68, 26, 9, fade(dk(c, .1)))
    return stand(B_TEAL, o, 800, [(344, 806, 34), (664, 806, 34)])


@pic("tape-dispenser", fit=(1.07, -8, -49))
def _():
    c = INK
    d = "M140 760C140 560 190 430 330 418C440 410 470 560 560 606C640 644 720 600 800 556C826 542 850 552 854 580L866 770C866 784 858 790 846 790H168C148 790 140 780 140 760Z"
    o = G(P(d, dk(c, .35)), tf="translate(14 -26)") + C(338, 470, 156, "#d9c58e", op=.85) + C(338, 470, 156, lin([(0, "#fff4cf", .8), (.5, "#e6cf92", .5), (1, "#b79a58", .8)], (0, 0), (1, 1)))
    for r in (146, 134, 122):
        o += C(338, 470, r, "none", stroke="#b79a58", sw=1.6, op=.5)
    o += P("M380 320C560 380 700 500 842 540L838 552C700 520 520 430 470 540Z", "#f0dca0", op=.75) + L("M384 322C560 380 700 500 846 540", "#fff8dd", 4, op=.8)
    o += C(338, 470, 100, "#e6d6b0") + C(338, 470, 92, lin([(0, dk(BEECH, .2)), (1, li(BEECH, .2))], (0, 0), (1, 1)))
    d2 = "M140 760C140 640 156 560 196 500C236 600 440 620 480 500C500 560 520 588 560 606C640 644 720 600 800 556C826 542 850 552 854 580L866 770C866 784 858 790 846 790H168C148 790 140 780 140 760Z"
    o += P(d2, lin([(0, li(c, .3)), (.45, c), (1, dk(c, .3))], (0, 0), (.4, 1)))
    o += L("M198 508C240 606 436 624 479 508C500 562 520 592 562 610C640 646 720 604 802 560", li(c, .6), 4, op=.6)
    o += C(338, 470, 60, rad([(0, li(c, .4)), (.6, c), (1, dk(c, .3))], (.35, .3), .8)) + C(338, 470, 22, metal(STEEL, 316, 360))
    o += P("M800 552L856 536L868 566L820 580Z", metal(STEEL, 796, 870)) + "".join(P("M%s %sl9 -12l5 12z" % (802 + i * 9, 552 - i * 2.6), STEEL) for i in range(6))
    o += R(150, 786, 708, 16, 6, dk(OAT, .25)) + R(150, 786, 708, 16, 6, pat("felt", .3))
    o += speckle(200, 640, 640, 140, li(c, .4), 50, 5, (1, 2), .3)
    return stand(B_CLAY, o, 800, [(505, 804, 356)])


@pic("letter-tray", fit=(1.13, 0, -84))
def _():
    c = OAK

    def one(y, papers, seed):
        x0, x1, dep, ins, h = 150, 850, 168, 86, 120
        yb = y - dep
        o = P(poly((x0, y), (x0 + ins, yb), (x1 - ins, yb), (x1, y)), dk(c, .2))
        # back wall
        bd = poly((x0 + ins, yb - h + 18), (x1 - ins, yb - h + 18), (x1 - ins, yb), (x0 + ins, yb))
        o += board(bd, dk(c, .14), x0 + ins, yb - h, x1 - x0 - 2 * ins, h, seed)
        for i in range(papers):
            yy = -i * 5
            o += P(poly((x0 + 46 + i, y - 14 + yy), (x0 + ins + 26, yb + 14 + yy), (x1 - ins - 30 + i * 2, yb + 14 + yy), (x1 - 50 - i, y - 14 + yy)), mix("#fdf9f0", "#e3d9c6", (i % 2) * .7))
        if papers:
            yy = -(papers - 1) * 5
            o += "".join(L("M%s %sH%s" % (f(300 - q * 11), f(yb + 40 + yy + q * 20), f(640 + q * 7 - (q == 4) * 160)), "#9aa3a8", 4, op=.6) for q in range(5))
        for s in (0, 1):
            a, b = (x0, x0 + ins) if not s else (x1, x1 - ins)
            sg = 1 if not s else -1
            inn = poly((a + sg * 22, y), (a + sg * 22, y - h + 8), (b + sg * 14, yb - h + 22), (b + sg * 14, yb))
            if s:
                o += P(inn, fade(dk(c, .08)))
            else:
                o += P(inn, fade(dk(c, .3)))
            top = poly((a, y - h), (a + sg * 24, y - h), (b + sg * 14, yb - h + 18), (b, yb - h + 18))
            o += P(top, li(c, .28))
            fr = rr(a if not s else a - 24, y - h, 24, h, 3)
            o += P(fr, fade(c)) + clip(fr, vgrain(a - 24, y - h, 48, h, c, seed + 5, 4))
        lip = "M%s %sV%sC%s %s %s %s %s %sH%sC%s %s %s %s %s %sV%sZ" % (x0, y, y - h, x0 + 70, y - h, x0 + 60, y - 34, x0 + 130, y - 34, x1 - 130, x1 - 60, y - 34, x1 - 70, y - h, x1, y - h, y)
        o += board(lip, c, x0, y - h, x1 - x0, h, seed + 2) + L("M%s %sC%s %s %s %s %s %sH%s" % (x0 + 2, y - h + 1, x0 + 70, y - h, x0 + 60, y - 33, x0 + 130, y - 33, x1 - 130), li(c, .6), 3, op=.8)
        for k in range(3):
            for xx in (x0, x1 - 20):
                o += R(xx, y - 108 + k * 38, 20, 18, 1, dk(c, .28), op=.5)
        return o
    o = one(790, 3, 3) + "".join(R(x, 650, 20, 26, 4, metal(BRASS, x, x + 20)) for x in (168, 812)) + one(650, 5, 8)
    return stand(B_BUTTER, o, 792, [(500, 796, 350)])


@pic("graphite-pencils", fit=(1, -24, 54))
def _():
    o = ""
    def pencil(x, y, ln, grade, c):
        p = R(x, y, 16, ln, 2, li(c, .3)) + R(x + 13, y, 20, ln, 0, c) + R(x + 30, y, 16, ln, 2, dk(c, .18))
        p += P("M%s %sL%s %sH%sL%s %sQ%s %s %s %sQ%s %s %s %sQ%s %s %s %sZ" % (x, y + 4, x + 17, y - 66, x + 29, x + 46, y + 4, x + 38, y - 10, x + 31, y + 4, x + 23, y - 10, x + 15, y + 4, x + 8, y - 10, x, y + 4),
               lin([(0, li("#e9cfa4", .35)), (.5, "#e0c193"), (1, "#b98f5c")], (0, 0), (1, 0)))
        p += P("M%s %sL%s %sL%s %sZ" % (x + 17, y - 66, x + 23, y - 98, x + 29, y - 66), lin([(0, "#6b6d73"), (1, "#2c2d33")], (0, 0), (1, 0)))
        p += R(x, y + ln - 16, 46, 16, 2, [INK, RUST, OCHRE, PINE][grade % 4])
        p += T(0, 0, ["4H", "2H", "H", "HB", "B", "2B", "4B", "6B"][grade], 24, dk(c, .55), "'DejaVu Sans', sans-serif", tf="translate(%s %s) rotate(-90)" % (x + 31, y + ln - 34))
        return p
    for i in range(7):
        o += pencil(0 + i * 62, 90 + (i * 37 % 23), 520, i, "#dcbd8c")
    box_ = P(rr(460, 40, 210, 600, 6), dk(PAPER, .12)) + R(466, 46, 198, 60, 3, dk(BEECH, .1))
    for i in range(4):
        box_ += R(472 + i * 47, 20, 42, 80, 3, lin([(0, li("#dcbd8c", .3)), (.5, "#dcbd8c"), (1, dk("#dcbd8c", .25))], (0, 0), (1, 0))) + P("M%s 22l15 -50h12l15 50z" % (472 + i * 47), lin([(0, "#f0dcb6"), (1, "#b98f5c")], (0, 0), (1, 0))) + P("M%s -26l6 -24l6 24z" % (487 + i * 47), "#3c3d43")
    box_ += P(rr(454, 96, 222, 560, 8), fade(PINE, .14)) + R(454, 96, 222, 10, 4, li(PINE, .3), op=.5)
    box_ += R(484, 190, 162, 200, 4, PAPER) + L("M505 330C535 280 555 290 565 310S600 340 625 290", PINE, 9) + L("M505 356H625", OCHRE, 6) + T(565, 258, "12", 56, PINE, text_anchor="middle") + L("M484 600h162", li(PINE, .3), 3, op=.6)
    return flat(B_OCHRE, G(o, box_, tf="translate(170 190) rotate(-4)"), .7)


@pic("gift-card", fit=(1.07, -8, -20))
def _():
    env = "M0 0H620V420H0Z"
    card = R(60, -210, 500, 330, 22, fade("#24495a", .12))
    card += clip(rr(60, -210, 500, 330, 22), "".join(L("M40 %sc70 -50 130 -50 200 0s130 50 200 0s130 -50 200 0" % (-60 + i * 42), mix("#2f6072", "#e6a34c", i / 7), 15, op=.75) for i in range(6)))
    card += G(P("M11 24.5C17 14.5 25 14.5 32 20.5S47 26.5 53 16.5", stroke="#f7efdd", sw=8, stroke_linecap="round"), P("M32 33V50", stroke="#e6a34c", sw=8.5, stroke_linecap="round"), tf="translate(86 -196) scale(1.5)")
    o = P(rr(0, 0, 620, 420, 12), dk("#e7d3b3", .12))
    o += G(blur(10, R(66, -200, 500, 330, 22, "#1d1930"), op=.35)) + card
    front = "M0 14C0 6 6 2 14 6L292 200C304 208 316 208 328 200L606 6C614 2 620 6 620 14V406C620 414 614 420 606 420H14C6 420 0 414 0 406Z"
    o += blur(8, P(front, "#1d1930"), op=.3) + P(front, fade("#ecdcc0", .12)) + L("M6 414L250 176M614 414L370 176", dk("#ecdcc0", .22), 3, op=.6) + L("M8 8L292 203C304 211 316 211 328 203L612 8", "#fffaf0", 4, op=.7)
    o += C(310, 258, 46, rad([(0, li(RUST, .2)), (.7, RUST), (1, dk(RUST, .25))], (.4, .35), .7)) + C(310, 258, 34, "none", stroke=dk(RUST, .3), sw=3, op=.5) + G(P("M11 24.5C17 14.5 25 14.5 32 20.5S47 26.5 53 16.5", stroke=dk(RUST, .45), sw=7, stroke_linecap="round"), P("M32 33V50", stroke=dk(RUST, .45), sw=7, stroke_linecap="round"), tf="translate(284 231) scale(.82)")
    return flat(B_ROSE, G(o, tf="translate(200 420) rotate(-7 310 200)"), .9)
