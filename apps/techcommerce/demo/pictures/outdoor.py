"""Outdoor pictures."""
from draw import *


def flask(cx, base, h, r, col, cup=True):
    top = base - h
    sh = top + h * .26
    o = ""
    body = [(r * .66, sh - 4), (r * .8, sh + h * .016), (r * .92, sh + h * .05), (r * .985, sh + h * .1), (r, sh + h * .17), (r, base - 34, "c"), (r, base - 26)]
    o += lathe(cx, [(r, base - 28), (r * .98, base - 8), (r * .92, base)], STEEL, .13, fill=metal(STEEL, cx - r, cx + r))
    o += lathe(cx, body, col, .13, gloss=.26, low=.12, extra=speckle(cx - r, sh, 2 * r, h, li(col, .4), 90, 4, (.8, 1.8), .25))
    o += L("M%s %sV%s" % (f(cx - r * .66), f(sh + h * .15), f(base - 60)), "#fffaf0", r * .09, op=.3)
    o += arc(cx, base - 27, r, dk(col, .4), 3, .13, .6)
    o += L("M%s %sq%s %s %s 0t%s 0" % (f(cx - r * .3), f(sh + h * .4), f(r * .15), f(-r * .17), f(r * .3), f(r * .3)), li(col, .75) if col != CHALK else dk(col, .4), f(r * .06))
    if cup:
        o += lathe(cx, [(r * .62, top), (r * .66, top + 16), (r * .74, sh - 14)], STEEL, .13, fill=metal(STEEL, cx - r * .74, cx + r * .74), low=.1)
        o += E(cx, top, r * .62, r * .62 * .13, li(STEEL, .45)) + arc(cx, sh - 30, r * .73, dk(STEEL, .5), 3, .13, .5)
    else:
        o += lathe(cx, [(r * .5, sh - 60), (r * .52, sh - 6)], "#3a3b40", .13, smooth=False) + E(cx, sh - 60, r * .5, r * .07, "#57585e")
        o += band(cx, sh - 12, r * .64, 16, STEEL, .13, metal(STEEL, cx - r * .64, cx + r * .64))
    return o


@pic("vacuum-flask", fit=(1.1, -17, 26))
def _():
    loop = tube("M612 330C700 340 700 450 640 470", TAN, 22)
    return stand(B_OCHRE, loop + flask(500, 806, 640, 150, PINE) + C(608, 342, 12, metal(STEEL, 596, 620)), 806, [(500, 820, 146)])


@pic("vacuum-flask-pair", fit=(1.15, -38, -66))
def _():
    o = flask(330, 800, 560, 128, RUST, False) + flask(596, 772, 430, 112, CHALK)
    cx, b, r = 800, 806, 84
    o += lathe(cx, [(r, b - 120), (r * .92, b - 20), (r * .86, b)], STEEL, .2, fill=metal(STEEL, cx - r, cx + r)) + rim(cx, b - 120, r, STEEL, .2, 6)
    o += clip(E(cx, b - 119, r - 6, (r - 6) * .2, "#000"), E(cx, b - 108, r - 6, (r - 6) * .2, lin([(0, "#8a4a20"), (1, "#c98444")], (0, 0), (1, .4))))
    return stand(B_DUSK, o, 800, [(330, 816, 120), (596, 786, 106), (800, 820, 72)], over=steam(784, 660, .8))


def umbrella_open(c):
    cx, cy = 0, 0
    o = L("M0 -40V600", dk("#8a5a36", .3), 17) + L("M-2 -40V600", "#8a5a36", 11)
    h = "M0 560V650C0 740 -110 740 -110 656"
    o += tube(h, "#9a6238", 30, .5) + R(-17, 540, 34, 26, 6, metal(BRASS, -17, 17))
    # canopy
    n = "M-430 150Q-360 92 -290 168Q-220 110 -128 186Q-60 130 0 190Q60 130 128 186Q220 110 290 168Q360 92 430 150C420 -110 240 -300 0 -310C-240 -300 -420 -110 -430 150Z"
    o = P("M-430 150C-300 90 300 90 430 150C300 130 -300 130 -430 150Z", dk(c, .5)) + o
    o += P(n, lin([(0, li(c, .28)), (.4, c), (1, dk(c, .34))], (.1, 0), (.95, .8)))
    tips = [(-430, 150), (-290, 168), (-128, 186), (0, 190), (128, 186), (290, 168), (430, 150)]
    for i in range(6):
        x0, y0 = tips[i]
        x1, y1 = tips[i + 1]
        s0, s1 = x0 * .95, x1 * .95
        pan = "M0 -310C%s -300 %s -80 %s %sQ%s %s %s %sC%s -80 %s -300 0 -310Z" % (f(s0 * .62), f(x0 * 1.0), x0, y0, f((x0 + x1) / 2), f(min(y0, y1) - 56), x1, y1, f(x1 * 1.0), f(s1 * .62))
        o += clip(n, P(pan, "#1d1930" if i % 2 else "#fffaf0", op=.07))
    for x, y in tips[1:-1]:
        o += L("M0 -310C%s -300 %s -80 %s %s" % (f(x * .6), f(x), x, y), dk(c, .35), 3, op=.6)
    for x, y in tips:
        o += C(x, y, 7, BRASS)
    o += L("M-330 -40C-290 -150 -200 -230 -110 -262", "#fffaf0", 20, op=.2)
    o += P("M-22 -304H22L9 -372H-9Z", metal(BRASS, -22, 22))
    return o


@pic("storm-umbrella", fit=(0.8, 0, -66))
def _():
    return hang(B_SKY, G(umbrella_open(OCHRE), tf="translate(528 424) rotate(14) scale(.96)"), .9)


@pic("storm-umbrella-closed", fit=(0.91, 30, 51))
def _():
    c = NAVY
    o = L("M0 -40V-120", "#9a6238", 16) + tube("M0 -120V-200C0 -286 104 -286 104 -204", "#9a6238", 29, .5) + R(-16, -130, 32, 26, 6, metal(BRASS, -16, 16))
    d = "M-26 -60C-52 40 -58 200 -44 360C-34 470 -16 560 -6 600H6C16 560 36 470 46 360C60 200 54 40 28 -60C14 -70 -12 -70 -26 -60Z"
    o += P(d, lin([(0, dk(c, .1)), (.3, li(c, .28)), (.6, c), (1, dk(c, .4))], (0, 0), (1, 0)))
    o += clip(d, "".join(L("M%s -70C%s 120 %s 340 %s 600" % (x, f(x * 2.6 + 14), f(x * 2.2 + 30), f(x * .2)), dk(c, .5), 4, op=.6) for x in (-24, -8, 8, 20)), "".join(L("M%s -70C%s 120 %s 340 %s 600" % (x - 5, f(x * 2.6 + 8), f(x * 2.2 + 24), f(x * .2)), li(c, .4), 3, op=.4) for x in (-24, -8, 8, 20)))
    o += P("M-53 150C-20 180 30 184 57 160V190C30 214 -20 210 -54 180Z", dk(c, .25)) + C(20, 192, 8, BRASS)
    o += P("M-8 596H8L4 670H-4Z", metal(BRASS, -8, 8))
    return stand(B_CLAY, G(o, tf="translate(420 300) rotate(-12) scale(1.2 .86)"), 868, [(541, 868, 12)], horizon=800, lean=-30, tall=.5)


@pic("ridge-tent")
def _():
    c = SAND
    o = ""
    for a, b in (((420, 330), (60, 800)), ((760, 250), (985, 640)), ((240, 652), (40, 720)), ((860, 560), (970, 690)), ((600, 800), (700, 900))):
        o += L("M%s %sL%s %s" % (*a, *b), "#f7f1e4", 3.4)
        o += L("M%s %sl14 26" % (b[0] - 5, b[1] - 10), RUST, 7)
    roof = poly((420, 322), (770, 240), (930, 640), (640, 800))
    o += P(roof, lin([(0, li(c, .1)), (1, dk(c, .2))], (0, 0), (.6, 1))) + P(roof, pat("linen", .22)) + clip(roof, blur(12, P("M500 300C560 460 640 600 720 760L740 740C660 580 580 420 540 290ZM640 270C700 420 780 560 860 690L880 670C790 540 720 400 670 264Z", "#1d1930"), op=.18))
    o += L("M420 322L770 240", li(c, .6), 8)
    frt = poly((420, 322), (640, 800), (170, 790))
    o += P(frt, dk(c, .05)) + P(poly((420, 350), (560, 790), (250, 788)), lin([(0, "#2d2433"), (1, "#5c4a46")]))
    o += P(poly((330, 700), (520, 702), (590, 792), (260, 790)), fade("#a9623f", .1)) + L("M344 716L512 718M328 740H540M306 766H566", "#e6c9a0", 4, op=.5)
    o += R(415, 322, 12, 468, 4, metal(OAK, 415, 427))
    # tied-back door flaps
    l = "M420 322L170 790H226C250 720 290 640 300 590C340 500 390 420 420 360Z"
    r = "M420 322L640 800H584C570 730 540 650 528 600C490 500 450 420 424 360Z"
    o += P(l, lin([(0, li(c, .35)), (1, c)], (0, 0), (1, .4))) + P(l, pat("linen", .22)) + P(r, lin([(0, li(c, .2)), (1, dk(c, .16))], (0, 0), (1, .5))) + P(r, pat("linen", .22))
    o += L("M300 592C290 596 276 600 268 606M528 602C540 606 548 610 556 616", RUST, 8)
    o += L("M226 790C250 720 290 640 300 590C340 500 390 420 420 360M584 800C570 730 540 650 528 600C490 500 450 420 424 360", dk(c, .35), 3, op=.6)
    o += C(421, 318, 9, BRASS)
    o += L("M421 318V292", OAK, 8)
    g = ""
    rnd = random.Random(9)
    for i in range(26):
        x, y = rnd.uniform(40, 960), rnd.uniform(800, 900)
        g += L("M%s %sl-6 -22M%s %sl0 -30M%s %sl7 -20" % (f(x), f(y), f(x + 3), f(y), f(x + 6), f(y)), "#7f9473", 4, op=.75)
    return stand(B_SAGE, o, 800, [(405, 800, 236)], horizon=640, over=g, sop=.34, under=P("M0 640C160 560 300 600 420 560S720 480 1000 590V720H0Z", "#b5c6ac", op=.7) + P("M0 670C240 610 480 690 700 640S900 620 1000 650V760H0Z", "#bccbb0", op=.8))


@pic("camp-mug", fit=(1.12, -8, -24))
def _():
    c = CHALK
    o = tube("M648 420C800 380 810 690 640 690", c, 38, .5)
    o += lathe(460, [(222, 350), (218, 700, "c"), (212, 764), (196, 776)], c, .16, gloss=.6, extra=speckle(230, 340, 460, 460, INK, 110, 6, (1.2, 3.4), .6))
    o += L("M312 440V660", "#ffffff", 22, op=.7)
    o += E(460, 350, 226, 37, INK) + E(460, 347, 222, 34, STEEL) + E(460, 351, 211, 29, lin([(0, dk(c, .35)), (.6, dk(c, .08)), (1, c)], (0, 0), (1, .4)))
    o += clip(E(460, 351, 211, 29, "#000"), E(460, 368, 208, 28, lin([(0, "#8a4a20"), (1, "#c98444")], (0, 0), (1, .4))))
    o += arc(460, 353, 225, INK, 7, .16)
    o += G(P("M300 600l60 -110l34 54l22 -30l70 86z", PINE, op=.85), P("M360 490l-14 26l14 10l12 -12l10 14l6 -6z", c), C(450, 500, 15, RUST), tf="translate(60 30)")
    return stand(B_ROSE, o, 784, [(460, 800, 196)], over=steam(440, 300))


@pic("folding-stool", fit=(1.26, -3, -86))
def _():
    c = OLIVE
    w = ASH
    o = tube("M640 420L420 800", dk(w, .12), 30)
    o += tube("M520 352L512 770", dk(w, .2), 30)
    o += tube("M286 450L668 810", w, 36) + tube("M716 450L330 816", w, 36)
    o += C(505, 656, 24, dk(BRASS, .4)) + C(503, 653, 20, rad([(0, li(BRASS, .6)), (.6, BRASS), (1, dk(BRASS, .35))], (.35, .3), .8)) + L("M492 653h22", dk(BRASS, .5), 4)
    under = "M262 452C380 540 640 540 740 450L735 480C640 580 370 580 268 482Z"
    o += P(under, dk(c, .45))
    seat = "M250 440C330 400 440 350 520 320C600 352 690 400 754 440C740 466 640 536 502 540C370 536 270 470 250 440Z"
    o += cloth(seat, c, "canvas", .22, 1.1, fill=lin([(0, li(c, .28)), (.5, c), (1, dk(c, .24))], (0, 0), (.7, 1)))
    o += shadow_in(seat, E(500, 440, 150, 52, "#1d1930"), px=26, op=.35)
    o += stitch("M276 442C350 406 450 364 520 336C592 366 670 408 728 442C700 470 610 520 502 522C400 518 300 474 276 442Z", li(c, .5), 3)
    for d in ("M250 440C262 434 290 420 318 407L352 488C300 470 262 452 250 440Z", "M754 440C742 432 714 418 688 405L648 490C704 474 742 454 754 440Z", "M520 320C506 326 484 336 466 344L500 372L574 346C556 337 534 327 520 320Z"):
        o += P(d, fade(TAN)) + P(d, stroke=li(TAN, .5), sw=2.4, dash="8 6")
    return stand(B_LILAC, o, 812, [(664, 818, 24), (334, 822, 24), (512, 782, 20), (424, 806, 20)])


@pic("picnic-blanket", fit=(1.09, -6, -40))
def _():
    c = RUST

    def check(x, y, w, h):
        s = R(x, y, w, h, 0, "#e9dcc0")
        for i in range(int(w / 92) + 1):
            s += R(x + i * 92, y, 46, h, 0, c, op=.72) + R(x + i * 92 + 66, y, 6, h, 0, INK, op=.55)
        for i in range(int(h / 92) + 1):
            s += R(x, y + i * 92, w, 46, 0, c, op=.6) + R(x, y + i * 92 + 66, w, 6, 0, INK, op=.45)
        return s
    body = rr(230, 390, 640, 400, 120)
    o = clip(body, check(200, 380, 700, 420), R(200, 380, 700, 420, 0, pat("twill", .12)), R(200, 380, 700, 420, 0, lin([(0, "#fffaf0", .35), (.25, "#fffaf0", .25), (.5, "#1d1930", 0), (.85, "#1d1930", .42), (1, "#1d1930", .3)])))
    # rolled end
    o += E(262, 590, 116, 200, dk(c, .3)) + clip(E(262, 590, 112, 196, "#000"), R(140, 380, 240, 420, 0, "#d9c9a8"))
    for i in range(7):
        k = 1 - i * .14
        o += E(262, 590, 108 * k, 192 * k, "none", stroke=c if i % 2 == 0 else PINE, sw=11, op=.95) + E(262, 590, 108 * k - 8, 192 * k - 9, "none", stroke="#fffaf0", sw=2.5, op=.35)
    o += C(262, 590, 10, dk(c, .5))
    for x in (440, 720):
        d = "M%s 388C%s 440 %s 740 %s 792h46C%s 740 %s 440 %s 388Z" % (x, x - 34, x - 34, x, x + 12, x + 12, x + 46)
        o += G(P(d, "#1d1930", op=.3), tf="translate(7 3)") + P(d, lin([(0, li(TAN, .3)), (.4, TAN), (1, dk(TAN, .35))])) + stitch("M%s 396C%s 446 %s 734 %s 784" % (x + 7, x - 26, x - 26, x + 7), "#f0dcb4", 2.6, "9 7")
        o += G(R(-26, -22, 60, 50, 8, "none", stroke=dk(BRASS, .4), sw=12), R(-26, -22, 60, 50, 8, "none", stroke=BRASS, sw=9), R(-2, -22, 8, 52, 4, li(BRASS, .3)), tf="translate(%s 560)" % (x - 6))
    o += L("M462 392H742", dk(TAN, .35), 34) + L("M462 388H742", TAN, 30) + L("M470 380H730", li(TAN, .4), 5, op=.6)
    o += tube("M520 384C530 290 676 290 686 384", TAN, 28) + C(522, 386, 10, BRASS) + C(684, 386, 10, BRASS)
    return stand(B_MIST, o, 788, [(560, 792, 310)])


@pic("field-compass", fit=(0.93, -65, 10))
def _():
    c = BRASS
    lid = C(500, 262, 190, lin([(0, li(c, .55)), (.5, c), (1, dk(c, .35))], (0, 0), (1, 1))) + C(500, 262, 172, lin([(0, dk(c, .35)), (.6, c), (1, li(c, .4))], (0, 0), (1, 1))) + C(500, 262, 150, lin([(0, dk(c, .12)), (.5, li(c, .35)), (1, dk(c, .15))], (0, 0), (1, 1)))
    lid += R(494, 110, 12, 150, 5, dk(c, .55)) + C(500, 262, 150, "none", stroke=dk(c, .4), sw=2, op=.5) + T(500, 340, "Tidewell", 36, dk(c, .5), text_anchor="middle", font_style="italic")
    o = tube("M800 660C880 640 900 720 860 800S720 900 610 872", dk(RUST, .1), 12)
    o += G(lid, tf="translate(0 20)")
    o += R(448, 452, 104, 40, 8, metal(c, 448, 552)) + R(436, 458, 128, 14, 6, dk(c, .3))
    o += C(500, 680, 232, dk(c, .45)) + C(500, 676, 232, lin([(0, li(c, .6)), (.4, c), (1, dk(c, .35))], (0, 0), (1, 1)))
    for i in range(72):
        o += G(R(-2, -231, 4, 14, 0, dk(c, .5), op=.5), tf="translate(500 676) rotate(%s)" % (i * 5))
    o += C(500, 676, 208, lin([(0, dk(c, .5)), (1, li(c, .3))], (0, 0), (1, 1))) + C(500, 676, 198, lin([(0, "#efe8d8"), (1, "#fffaf0")], (0, 0), (1, 1)))
    for i in range(72):
        big = i % 6 == 0
        o += G(R(-1.5 if not big else -3, -190, 3 if not big else 6, 12 if not big else 22, 0, INK, op=.9 if big else .5), tf="translate(500 676) rotate(%s)" % (i * 5))
    for i, s in enumerate("NESW"):
        a = math.radians(i * 90)
        o += T(500 + math.sin(a) * 138, 676 - math.cos(a) * 138 + 15, s, 44, RUST if s == "N" else INK, "'DejaVu Sans',sans-serif", text_anchor="middle", font_weight="bold")
    star = ""
    for i in range(8):
        ln = 96 if i % 2 == 0 else 60
        star += G(P("M0 0L-14 -18L0 %sZ" % -ln, "#b9b2a2"), P("M0 0L14 -18L0 %sZ" % -ln, "#d8d1c1"), tf="rotate(%s)" % (i * 45))
    o += G(star, tf="translate(500 676)")
    nd = P("M-15 0L0 -168L15 0Z", lin([(0, li(RUST, .2)), (.5, RUST), (.5, dk(RUST, .2)), (1, dk(RUST, .3))], (0, 0), (1, 0))) + P("M-15 0L0 168L15 0Z", lin([(0, "#fff"), (.5, STEEL), (.5, dk(STEEL, .3)), (1, dk(STEEL, .4))], (0, 0), (1, 0)))
    o += G(G(P("M-15 0L0 -168L15 0L0 168Z", "#1d1930", op=.22), tf="translate(8 4)"), nd, C(0, 0, 14, BRASS), C(-3, -3, 5, li(BRASS, .7)), tf="translate(500 676) rotate(28)")
    o += P("M330 640A180 180 0 0 1 470 508C430 560 400 600 380 690C350 690 332 670 330 640Z", "#ffffff", op=.5)
    return flat(B_PINE, G(o, tf="translate(500 500) scale(.97) rotate(-8) translate(-500 -500)"), .8)


@pic("wool-beanie", fit=(1.07, 0, 9))
def _():
    c = OCHRE
    d = "M190 640C186 420 280 190 500 186S814 420 810 640Z"
    o = P(d, lin([(0, li(c, .2)), (.4, c), (1, dk(c, .34))], (0, 0), (1, .6)))
    ribs = ""
    for i in range(-9, 10):
        x = 500 + i * 35
        ribs += L("M%s 660C%s 480 %s 280 %s 186" % (x, f(500 + i * 37), f(500 + i * 24), f(500 + i * 3)), dk(c, .4), 8, op=.5) + L("M%s 660C%s 480 %s 280 %s 186" % (x - 12, f(500 + i * 37 - 12), f(500 + i * 24 - 8), f(500 + i * 3 - 1)), li(c, .45), 7, op=.42)
    o += clip(d, ribs, P(d, pat("knit", .12, .8)))
    o += shadow_in(d, R(170, 590, 660, 60, 20, "#1d1930"), px=14, op=.5)
    cuff = "M166 640C166 606 180 596 210 596C400 620 600 620 790 596C820 596 834 606 834 640L842 752C842 786 826 796 800 798C600 822 400 822 200 798C174 796 158 786 158 752Z"
    o += P(cuff, lin([(0, li(c, .26)), (.4, c), (1, dk(c, .36))], (0, 0), (1, .5)))
    o += clip(cuff, "".join(L("M%s 590C%s 660 %s 740 %s 830" % (x, x - 4, x - 4, x), dk(c, .4), 9, op=.5) + L("M%s 590C%s 660 %s 740 %s 830" % (x - 13, x - 17, x - 17, x - 13), li(c, .45), 8, op=.45) for x in range(150, 870, 36)), P(cuff, pat("knit", .12, .8)), P(cuff, lin([(0, "#1d1930", 0), (.7, "#1d1930", 0), (1, "#1d1930", .3)])))
    o += L("M172 622C180 604 196 602 214 604C400 628 600 628 786 604", li(c, .55), 6, op=.6)
    o += R(566, 664, 120, 76, 4, fade(PINE, .1)) + R(573, 671, 106, 62, 2, "none", stroke="#f3e6c8", sw=2.6, dash="7 5") + L("M598 706q14 -17 28 0t28 0", "#f3e6c8", 5)
    return stand(B_DUSK, o, 800, [(500, 808, 320)])
