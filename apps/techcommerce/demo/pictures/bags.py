"""Bag pictures."""
from draw import *


def buckle(x, y, w=64, h=50, bar=10):
    """Roller buckle, centred on x, y."""
    o = R(x - w / 2, y - h / 2, w, h, 9, "none", stroke=dk(BRASS, .45), sw=bar + 3)
    o += R(x - w / 2, y - h / 2, w, h, 9, "none", stroke=lin([(0, li(BRASS, .55)), (.5, BRASS), (1, dk(BRASS, .3))], (0, 0), (1, 1)), sw=bar)
    o += R(x - w / 2 + 3, y - h / 2 - 3, w - 6, 3, 1, li(BRASS, .7), op=.8)
    o += R(x - 4, y - h / 2, 8, h + 4, 4, metal(BRASS, x - 4, x + 4))
    return o


def strap(x, y, w, h, col=TAN, r=10, holes=(), tip=False):
    d = rr(x, y, w, h, r) if not tip else "M%s %sh%sv%sl%s %sl%s %sz" % (x, y, w, h - w * .4, -w / 2, w * .4, -w / 2, -w * .4)
    o = G(P(d, dk(col, .5), op=.35), tf="translate(4 5)") + P(d, lin([(0, dk(col, .12)), (.2, li(col, .15)), (.7, col), (1, dk(col, .25))], (0, 0), (1, 0)))
    if w >= 30:
        o += stitch("M%s %sv%s" % (x + 7, y + 8, h - 20), li(col, .55), 2.4, "8 6") + stitch("M%s %sv%s" % (x + w - 7, y + 8, h - 20), li(col, .55), 2.4, "8 6")
    for hy in holes:
        o += E(x + w / 2, hy, 4.5, 5.5, dk(col, .6))
    return o


def rivet(x, y, r=8):
    return C(x, y, r + 1.5, dk(BRASS, .5)) + C(x, y, r, rad([(0, li(BRASS, .6)), (.6, BRASS), (1, dk(BRASS, .3))], (.35, .3), .75))


@pic("canvas-rucksack", fit=(1.17, 0, 38))
def _():
    c = OLIVE
    o = tube("M340 330C250 380 232 560 262 742", dk(TAN, .15), 34) + tube("M660 330C750 380 768 560 738 742", dk(TAN, .15), 34)
    o += tube("M440 236C440 150 560 150 560 236", TAN, 24)
    # side pockets
    for s, d in ((0, "M292 560C236 556 222 600 226 680C230 748 252 772 300 772Z"), (1, "M708 560C764 556 778 600 774 680C770 748 748 772 700 772Z")):
        o += cloth(d, dk(c, .12 if not s else .3)) + stitch("M238 600h50" if not s else "M712 600h50", li(c, .4), 2.5)
    body = "M300 330C300 262 352 224 420 220H580C648 224 700 262 700 330L716 740C716 774 700 792 668 792H332C300 792 284 774 284 740Z"
    o += cloth(body, c, fill=lin([(0, li(c, .1)), (.35, c), (1, dk(c, .34))], (0, 0), (1, .5)))
    o += shadow_in(body, P("M300 480H700V530C600 560 400 560 300 530Z", "#1d1930"), px=16, op=.5)
    # base
    base = "M284 716L283 740C284 774 300 792 332 792H668C700 792 716 774 717 740L716 716C600 728 400 728 284 716Z"
    o += P(base, lin([(0, li(TAN, .05)), (.4, dk(TAN, .1)), (1, dk(TAN, .4))], (0, 0), (1, .4))) + stitch("M288 728C400 740 600 740 712 728", li(TAN, .5), 2.6)
    # front pocket
    fp = "M356 570H644V690C644 714 632 724 612 724H388C368 724 356 714 356 690Z"
    o += P(fp, "#1d1930", op=.2, tf="translate(6 8)") + cloth(fp, li(c, .05), fill=lin([(0, li(c, .12)), (1, dk(c, .2))], (0, 0), (1, .6))) + stitch("M368 582V688C368 706 376 712 392 712H608C624 712 632 706 632 688V582", li(c, .45), 2.6)
    # flap
    fl = "M296 330C296 258 350 216 420 212H580C650 216 704 258 704 330L706 470C706 512 690 528 654 532C560 540 440 540 346 532C310 528 294 512 294 470Z"
    o += blur(9, P(fl, "#1d1930", op=.4, tf="translate(3 12)")) + cloth(fl, c, fill=lin([(0, li(c, .24)), (.4, li(c, .04)), (1, dk(c, .22))], (0, 0), (.8, 1)))
    o += stitch("M308 470C308 502 320 516 350 519C440 527 560 527 650 519C680 516 692 502 692 470", li(c, .5), 3)
    o += L("M330 300C350 262 390 246 430 244H560", li(c, .5), 7, op=.35)
    for x in (390, 574):
        o += strap(x, 372, 36, 300, holes=(620, 642), tip=True)
        o += buckle(x + 18, 580, 58, 46) + strap(x - 1, 604, 38, 16, dk(TAN, .1), 4)
        o += rivet(x + 18, 396)
    o += R(452, 268, 96, 52, 6, fade(TAN)) + R(459, 275, 82, 38, 4, "none", stroke=li(TAN, .5), sw=2, dash="6 5") + L("M474 296q13 -14 26 0t26 0", dk(TAN, .5), 4)
    return stand(B_BLUSH, o, 790, [(500, 794, 212)])


@pic("canvas-rucksack-buckle")
def _():
    c = OLIVE
    o = R(0, 0, 1000, 1000, 0, dk(c, .18)) + R(0, 0, 1000, 1000, 0, pat("canvas", .3, 1.7))
    o += blur(20, R(-40, -40, 1080, 690, 0, "#1d1930"), op=.5)
    o += R(-10, -10, 1020, 630, 0, lin([(0, li(c, .16)), (1, c)])) + R(-10, -10, 1020, 630, 0, pat("canvas", .3, 1.7)) + L("M0 618H1000", li(c, .3), 5, op=.5)
    o += "".join(stitch("M0 %sH1000" % y, "#d9cfa0", 6, "30 16") for y in (560, 586))
    o += blur(14, R(378, -20, 270, 900, 0, "#1d1930"), op=.5)
    st = "M370 -20H630V800L500 920L370 800Z"
    o += P(st, lin([(0, dk(TAN, .2)), (.12, li(TAN, .12)), (.3, li(TAN, .2)), (.7, TAN), (1, dk(TAN, .3))], (0, 0), (1, 0)))
    o += clip(st, speckle(370, 0, 260, 920, dk(TAN, .5), 240, 3, (1, 2.4), .3), speckle(370, 0, 260, 920, li(TAN, .5), 160, 6, (1, 2.2), .3))
    o += stitch("M396 -10V790L500 886L604 790V-10", "#f0dcb4", 6, "24 13")
    for y in (660, 740):
        o += E(500, y, 15, 18, dk(TAN, .65)) + E(500, y + 14, 13, 5, li(TAN, .4), op=.5)
    bd = rr(310, 350, 380, 220, 46)
    o += blur(12, R(322, 372, 380, 220, 46, "none", stroke="#1d1930", sw=40), op=.5)
    o += P(bd, stroke=dk(BRASS, .45), sw=48) + P(bd, stroke=lin([(0, li(BRASS, .6)), (.3, BRASS), (.5, li(BRASS, .35)), (1, dk(BRASS, .3))], (0, 0), (1, 1)), sw=40)
    o += L("M334 362C340 340 350 336 370 336H600", "#fff6da", 7, op=.8)
    o += R(484, 330, 32, 250, 16, dk(BRASS, .4)) + R(486, 330, 26, 246, 13, metal(BRASS, 486, 512))
    lp = rr(352, 190, 296, 84, 12)
    o += blur(8, P(lp, "#1d1930"), op=.4) + P(lp, lin([(0, li(TAN, .2)), (.5, TAN), (1, dk(TAN, .25))])) + stitch("M364 206H636M364 258H636", "#f0dcb4", 5, "20 12")
    o += C(500, 70, 30, dk(BRASS, .5)) + C(498, 67, 27, rad([(0, li(BRASS, .7)), (.6, BRASS), (1, dk(BRASS, .35))], (.35, .3), .75))
    return close(c, o)


def tote(col, full=True):
    c = col
    hc = dk(c, .06)
    o = L("M372 420C372 190 628 190 628 420", dk(c, .28), 34, cap="butt")
    if full:
        for i, (x, a) in enumerate(((560, 6), (600, 12), (640, 20))):
            lk = R(-15, -330, 30, 330, 14, lin([(0, "#f3f1dc"), (.45, "#dfe6bd"), (1, "#b9cd8c")], (0, 1), (0, 0)))
            lk += P("M-15 -300C-44 -380 -60 -430 -92 -460C-40 -450 -16 -400 0 -340C6 -410 30 -470 84 -490C50 -440 30 -380 15 -300Z", lin([(0, "#5d8055"), (1, "#8fae6d")])) + L("M0 -330C4 -390 20 -440 50 -470M-4 -330C-20 -390 -40 -420 -66 -446", "#b9cd8c", 3, op=.6)
            o += G(lk, tf="translate(%s 470) rotate(%s) scale(.8)" % (x, a))
        bg = P("M-44 0C-50 -200 -40 -340 0 -372C40 -340 50 -200 44 0Z", lin([(0, "#e6b673"), (.5, "#cf9450"), (1, "#a66d34")], (0, 0), (1, 0))) + "".join(P("M-34 %sC-10 %s 20 %s 36 %sC20 %s -10 %s -34 %sZ" % (y, y - 30, y - 40, y - 52, y - 20, y - 8, y), "#f5ddae", op=.9) for y in (-60, -130, -200, -270))
        o += G(bg, tf="translate(400 480) rotate(-10) scale(.95)")
    body = "M262 420C340 430 660 430 738 420L770 764C772 784 764 792 746 792H254C236 792 228 784 230 764Z"
    o += P("M262 420C340 404 660 404 738 420C660 432 340 432 262 420Z", dk(c, .4)) if not full else ""
    o += cloth(body, c, "canvas", .16, fill=lin([(0, li(c, .25)), (.4, c), (1, dk(c, .26))], (0, 0), (1, .6)))
    o += shadow_in(body, P("M300 792C330 690 320 600 300 500C350 600 350 720 340 792ZM640 792C600 700 640 560 690 470C670 580 650 700 670 792Z", "#1d1930"), px=14, op=.22)
    o += P("M230 764L236 700C330 716 670 716 764 700L770 764C772 784 764 792 746 792H254C236 792 228 784 230 764Z", "#1d1930", op=.08) + stitch("M237 702C330 718 670 718 763 702", dk(c, .35), 2.5, op=.6)
    o += stitch("M262 446C340 456 660 456 740 446", dk(c, .35), 2.5, op=.7) + L("M263 424C340 433 660 433 737 424", li(c, .6), 4, op=.8)
    for x in (356, 612):
        o += R(x, 420, 34, 372, 0, lin([(0, li(hc, .2)), (1, dk(hc, .14))], (0, 0), (1, 0))) + R(x, 420, 34, 372, 0, pat("canvas", .14)) + stitch("M%s 424V790M%s 424V790" % (x + 6, x + 28), dk(c, .35), 2, "7 6", .6)
        o += L("M%s 520h26l-26 30h26l-26 -30v30M%s 520v30" % (x + 4, x + 30), RUST if c != RUST else INK, 3, op=.9)
    fr = "M373 440C373 150 627 150 627 440"
    o += L(fr, dk(c, .3), 36, cap="butt") + L(fr, hc, 32, cap="butt") + L("M364 430C366 150 600 140 622 400", li(hc, .4), 6, op=.5, cap="butt")
    return o


@pic("market-tote", fit=(1, -24, 52))
def _():
    return stand(B_DUSK, G(tote("#e3d6bc"), tf="translate(0 20)"), 808, [(500, 814, 262)])


@pic("market-tote-ink", fit=(1.06, 0, 89))
def _():
    peg = R(410, 96, 180, 60, 30, fade(OAK, .15)) + clip(rr(410, 96, 180, 60, 30), hgrain(410, 96, 180, 60, OAK, 4))
    front = C(500, 126, 40, dk(OAK, .3)) + C(496, 120, 38, rad([(0, li(OAK, .5)), (.6, OAK), (1, dk(OAK, .3))], (.35, .3), .8))
    return hang(B_OCHRE, peg + G(tote(INK, False), tf="translate(0 -60) scale(1 1.05)") + front, .8)


@pic("card-wallet", fit=(1.2, 0, -9))
def _():
    o = G(R(150, 190, 460, 300, 24, fade("#e7ddc8")), R(150, 240, 460, 46, 0, INK, op=.8), tf="rotate(-3 400 300)")
    o += G(R(160, 240, 460, 300, 24, fade("#6d94a0")), L("M200 300c20 -16 40 -16 60 0s40 16 60 0", "#f7efdd", 7, op=.8), tf="rotate(1 400 300)")
    d = rr(120, 330, 560, 400, 34)
    o += blur(7, R(120, 322, 560, 60, 20, "#1d1930"), op=.4) + P(d, fade(TAN, .2)) + clip(d, speckle(120, 330, 560, 400, dk(TAN, .5), 300, 3, (.8, 2), .25), speckle(120, 330, 560, 400, li(TAN, .5), 160, 8, (.8, 2), .22))
    # second slot and thumb notch
    d2 = "M120 450L680 410V696C680 718 668 730 646 730H154C132 730 120 718 120 696Z"
    o += clip(d, blur(7, P(d2, "#1d1930"), op=.45)) + P(d2, fade(li(TAN, .04), .16)) + clip(d2, speckle(120, 400, 560, 330, dk(TAN, .5), 240, 5, (.8, 2), .25)) + L("M120 450L680 410", li(TAN, .5), 4, op=.8)
    o += stitch("M142 352V690C142 702 150 708 162 708H638C650 708 658 702 658 690V352", "#f0dcb4", 4, "15 10")
    o += P("M350 330A50 34 0 0 0 450 330Z", "#6d94a0") + L("M350 331A50 34 0 0 0 450 331", dk(TAN, .4), 4)
    o += L("M560 660q13 -14 26 0t26 0", dk(TAN, .5), 5)
    return flat(B_PINE, G(o, tf="translate(100 36) rotate(-9 400 500) translate(-8 20)"), .8)


@pic("messenger-satchel", fit=(1.06, 0, 25))
def _():
    c = CHARCOAL
    o = L("M190 470C170 120 830 120 810 470", dk("#7a7363", .3), 44) + L("M190 470C170 124 830 124 810 470", "#7a7363", 38) + L("M190 470C170 124 830 124 810 470", pat("twill", .3), 38)
    o += R(168, 430, 44, 60, 8, fade(TAN)) + R(788, 430, 44, 60, 8, fade(dk(TAN, .15))) + rivet(190, 474) + rivet(810, 474)
    body = rr(160, 440, 680, 350, 34)
    o += cloth(body, c, "canvas", .22, fill=lin([(0, li(c, .15)), (.4, c), (1, dk(c, .35))], (0, 0), (1, .6)))
    o += stitch("M176 600V750C176 764 184 774 198 774H802C816 774 824 764 824 750V600", li(c, .45), 2.6)
    fl = "M150 452C150 424 164 412 192 412H808C836 412 850 424 850 452V610C850 668 812 690 760 690H240C188 690 150 668 150 610Z"
    o += clip(body, blur(12, P(fl, "#1d1930", tf="translate(4 14)"), op=.6)) + P(fl, lin([(0, li(TAN, .22)), (.35, TAN), (1, dk(TAN, .32))], (0, 0), (.8, 1)))
    o += clip(fl, speckle(150, 412, 700, 280, dk(TAN, .5), 420, 3, (.8, 2.2), .25), speckle(150, 412, 700, 280, li(TAN, .5), 240, 8, (.8, 2), .2), L("M180 440H820", "#fffaf0", 16, op=.16))
    o += stitch("M166 460V608C166 656 196 674 242 674H758C804 674 834 656 834 608V460", "#f0dcb4", 3.4, "13 9")
    for x in (278, 678):
        o += strap(x, 412, 46, 330, dk(TAN, .14), holes=(), tip=True) + buckle(x + 23, 624, 74, 56, 11) + strap(x - 3, 664, 52, 18, dk(TAN, .2), 4) + rivet(x + 23, 720, 7)
    return stand(B_SKY, o, 790, [(500, 794, 332)])


@pic("weekend-holdall", fit=(1, 21, -10))
def _():
    c = NAVY
    o = tube("M340 500C330 250 600 250 600 480", dk(TAN, .3), 26)
    body = "M130 560C130 440 190 392 290 386H710C810 392 870 440 870 560V730C870 774 850 792 806 792H194C150 792 130 774 130 730Z"
    o += cloth(body, c, "canvas", .22, fill=lin([(0, li(c, .25)), (.4, c), (1, dk(c, .35))], (0, 0), (.6, 1)))
    o += clip(body, blur(22, P("M150 440C190 470 200 620 170 720H110V440Z", "#1d1930", op=.4) + P("M850 440C800 480 800 640 830 720H900V440Z", "#1d1930", op=.5)))
    # zip along the top
    o += P("M250 402C400 378 600 378 750 402C600 420 400 420 250 402Z", dk(c, .4)) + L("M262 401C400 384 600 384 738 401", BRASS, 6, dash="5 4", cap="butt") + G(R(-7, 0, 14, 46, 6, fade(TAN)), R(-10, -12, 20, 20, 5, metal(BRASS, -10, 10)), tf="translate(714 402) rotate(-24)")
    base = "M130 650V730C130 774 150 792 194 792H806C850 792 870 774 870 730V650C640 676 360 676 130 650Z"
    o += P(base, lin([(0, li(TAN, .16)), (.4, TAN), (1, dk(TAN, .4))], (0, 0), (.7, 1))) + clip(base, speckle(130, 650, 740, 150, dk(TAN, .5), 260, 3, (.8, 2.2), .25)) + stitch("M131 664C360 690 640 690 869 664", "#f0dcb4", 3.2, "13 9")
    for x in (318, 618):
        o += strap(x, 430, 48, 300, TAN, 6) + R(x - 3, 640, 54, 60, 6, dk(TAN, .06)) + stitch("M%s 652h34v36h-34z" % (x + 7), "#f0dcb4", 2.6, "7 6") + rivet(x + 24, 670)
        o += R(x - 6, 424, 60, 14, 5, metal(BRASS, x - 6, x + 54))
    h = "M342 430C332 210 652 210 642 430"
    o += tube(h, TAN, 30) + L("M412 290C440 268 540 268 572 290", dk(TAN, .35), 46) + L("M412 288C440 266 540 266 572 288", dk(TAN, .1), 40) + stitch("M420 298C448 280 536 280 564 298", "#f0dcb4", 3)
    o += tube("M132 560C70 580 70 700 130 700", TAN, 22)
    o += R(438, 560, 108, 60, 6, fade(TAN)) + L("M462 592q15 -16 30 0t30 0", dk(TAN, .5), 4.5)
    return stand(B_ROSE, o, 790, [(500, 794, 360)])


@pic("laptop-sleeve", fit=(1.1, 4, 15))
def _():
    c = CHARCOAL
    o = R(110, 150, 560, 500, 26, fade("#cfd3d6", .12)) + R(110, 150, 560, 500, 26, "none", stroke="#f2f3f4", sw=3)
    d = rr(80, 260, 620, 470, 26)
    o += blur(8, R(80, 250, 620, 40, 20, "#1d1930"), op=.4) + P(d, fade(c, .14)) + P(d, pat("felt", .3, 1))
    o += stitch("M98 276V700M682 276V700", OCHRE, 4, "15 10") + L("M84 263H696", li(c, .4), 4, op=.6)
    fl = "M250 214H530V440C530 486 500 510 470 510H310C280 510 250 486 250 440Z"
    o += blur(9, P(fl, "#1d1930", tf="translate(5 10)"), op=.5) + P(fl, fade(TAN, .2)) + clip(fl, speckle(250, 214, 280, 300, dk(TAN, .5), 200, 3, (.8, 2.2), .25)) + stitch("M268 230V436C268 474 290 492 314 492H466C490 492 512 474 512 436V230", "#f0dcb4", 3.4, "13 9")
    o += rivet(390, 450, 17)
    return flat(B_CLAY, G(o, tf="translate(110 56) rotate(7 390 440)"), .9)


@pic("wash-bag", fit=(1.09, 23, -83))
def _():
    c = NAVY
    body = "M180 520C180 470 210 448 260 446H740C790 448 820 470 820 520L832 748C832 780 816 792 786 792H214C184 792 168 780 168 748Z"
    o = tube("M172 560C110 560 100 640 166 646", TAN, 24)
    top = "M186 506C200 420 260 384 340 380H660C740 384 800 420 814 506C780 440 700 452 500 452S220 440 186 506Z"
    o += cloth(top, li(c, .12), "canvas", .2) + cloth(body, c, "canvas", .22, fill=lin([(0, li(c, .25)), (.4, c), (1, dk(c, .35))], (0, 0), (.7, 1)))
    o += L("M184 500C204 446 260 448 500 448S796 446 816 500", dk(c, .45), 34, cap="butt") + L("M186 497C206 448 260 448 500 448S794 448 814 497", BRASS, 11, dash="6 4", cap="butt") + L("M186 497C206 448 260 448 500 448S794 448 814 497", dk(BRASS, .4), 2)
    o += R(640, 436, 38, 24, 6, metal(BRASS, 640, 678)) + G(R(-13, 0, 26, 96, 10, fade(TAN)), stitch("M-6 14V84M6 14V84", "#f0dcb4", 2, "7 5"), C(0, 6, 8, BRASS), tf="translate(664 452) rotate(-14)")
    o += shadow_in(body, P("M200 500C260 560 240 700 210 792H150V500Z", "#1d1930"), P("M800 500C750 580 760 700 790 792H850V500Z", "#1d1930"), px=22, op=.4)
    o += stitch("M178 730C400 744 600 744 826 730", li(c, .45), 2.8) + L("M230 540C260 510 330 500 420 498", "#fffaf0", 12, op=.12)
    o += R(226, 640, 96, 54, 6, fade(TAN)) + L("M246 668q14 -15 28 0t28 0", dk(TAN, .5), 4.5)
    return stand(B_BUTTER, o, 790, [(500, 794, 326)])


@pic("roll-top-pack", fit=(1.14, 0, 12))
def _():
    c = SLATE
    o = tube("M330 360C236 420 240 640 286 760", dk(c, .35), 40) + tube("M670 360C764 420 760 640 714 760", dk(c, .45), 40)
    body = "M310 330H690C704 420 722 600 722 730C722 776 706 794 664 794H336C294 794 278 776 278 730C278 600 296 420 310 330Z"
    o += P(body, lin([(0, li(c, .2)), (.35, c), (1, dk(c, .36))], (0, 0), (1, .4)))
    o += clip(body, blur(14, P("M310 350C380 420 370 480 340 560L350 380ZM690 350C640 430 650 500 680 580L660 400Z", "#1d1930"), op=.35), L("M372 380C356 500 350 620 352 740", "#fffaf0", 16, op=.13))
    # roll
    roll = "M280 262C280 226 296 214 322 214H678C704 214 720 226 720 262V300C720 330 704 342 678 342H322C296 342 280 330 280 300Z"
    o += blur(9, P(roll, "#1d1930", tf="translate(0 16)"), op=.45) + P(roll, lin([(0, li(c, .3)), (.3, li(c, .06)), (.5, dk(c, .25)), (.56, li(c, .1)), (1, dk(c, .3))]))
    o += L("M290 274C420 284 580 284 710 274", dk(c, .5), 3, op=.6) + L("M300 236H690", "#fffaf0", 6, op=.2)
    for x, s in ((300, -1), (700, 1)):
        o += L("M%s 290V430" % x, dk(OCHRE, .25), 30, cap="butt") + L("M%s 290V430" % x, OCHRE, 26, cap="butt")
        o += R(x - 24, 330, 48, 58, 9, fade("#35363b", .2)) + R(x - 14, 342, 28, 18, 4, "#1f2024") + L("M%s 372h28" % (x - 14), "#6a6c72", 3)
    # centre strap
    o += L("M500 210V560", dk(OCHRE, .3), 44, cap="butt") + L("M500 208V560", OCHRE, 38, cap="butt") + L("M488 208V556", li(OCHRE, .4), 5, op=.6)
    o += R(466, 428, 68, 84, 10, fade("#35363b", .2)) + R(480, 446, 40, 22, 5, "#1f2024") + L("M482 488h36", "#6a6c72", 4)
    pk = "M346 560H654V724C654 744 644 754 624 754H376C356 754 346 744 346 724Z"
    o += P(pk, "#1d1930", op=.2, tf="translate(5 8)") + P(pk, lin([(0, li(c, .14)), (1, dk(c, .24))], (0, 0), (1, .8))) + L("M350 566H650", dk(c, .5), 10) + L("M356 566H644", "#8d99a2", 3, dash="6 4", cap="butt")
    o += R(570, 562, 16, 50, 6, OCHRE) + L("M380 710q18 -20 36 0t36 0", li(c, .6), 6)
    return stand(B_BLUSH, o, 792, [(500, 796, 220)])


@pic("bag-repair-service", fit=(0.88, -8, -6))
def _():
    c = OLIVE
    o = cloth(poly((60, 150), (700, 120), (720, 800), (90, 840)), c, "canvas", .28, 1.3)
    edge = ""
    rnd = random.Random(4)
    for i in range(40):
        y = 150 + i * 17
        edge += L("M%s %sl%s %s" % (f(62 + i * .75), y, f(-rnd.uniform(8, 26)), f(rnd.uniform(-5, 5))), li(c, .2), 3)
    o = edge + o
    p_ = rr(210, 260, 350, 380, 14)
    o += G(G(P(p_, "#1d1930", op=.35, tf="translate(6 9)"), cloth(p_, TAN, "canvas", .26, 1.3)), stitch("M236 286H534V614H330", "#f3e6c8", 8, "24 15", 1), stitch("M236 614V286", "#f3e6c8", 8, "24 15", 1), stitch("M264 590V314H506V586H330", dk(TAN, .4), 3, "10 8", .5), tf="rotate(-5 380 450)")
    o += L("M352 640C420 720 520 640 600 700S700 560 640 500", dk("#f3e6c8", .25), 6) + L("M352 639C420 718 520 638 600 698S700 560 640 500", "#f3e6c8", 4.5)
    o += G(P("M0 0L150 -6C160 -6 170 -2 172 2C170 8 160 8 150 8L0 4Z", lin([(0, "#ffffff"), (.5, STEEL), (1, dk(STEEL, .4))])), E(158, 1, 9, 2.6, dk(STEEL, .6)), tf="translate(486 596) rotate(-32)")
    # reel of thread
    sp = C(0, 0, 92, fade(BEECH, .18)) + C(0, 0, 80, "none", stroke=dk(BEECH, .2), sw=2)
    reel = R(-86, -100, 172, 34, 8, fade(BEECH)) + R(-86, 92, 172, 34, 8, fade(dk(BEECH, .1)))
    th = rr(-66, -68, 132, 162, 10)
    reel += P(th, round_("#f0e2c2", -66, 66)) + clip(th, "".join(L("M-70 %sL70 %s" % (-66 + i * 9, -60 + i * 9), "#b8a67f", 2.2, op=.7) for i in range(19)))
    o += G(reel, tf="translate(846 270) rotate(14)")
    # scissors
    sc = ""
    for s in (1, -1):
        sc += G(P("M-6 0L10 -250C14 -256 18 -240 18 -226L12 10Z", lin([(0, "#f2f4f5"), (.5, STEEL), (1, dk(STEEL, .35))], (0, 0), (1, 0))), L("M4 0C16 40 40 60 40 108", dk(STEEL, .3), 16), E(40, 152, 38, 50, "none", stroke=IRON, sw=20), E(38, 149, 38, 50, "none", stroke=li(IRON, .35), sw=5), tf="scale(%s 1) rotate(11)" % s)
    o += G(sc, C(0, -4, 12, BRASS), tf="translate(858 690) rotate(-10) scale(.98)")
    return flat(B_STONE, G(o, tf="translate(16 10)"), .7)
