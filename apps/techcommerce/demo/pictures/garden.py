"""Garden pictures."""
from draw import *


def pot(cx, base, r, h, c=TERRA, soil=False, seed=1):
    top = base - h
    o = lathe(cx, [(r * .9, top + h * .22), (r * .78, top + h * .7), (r * .68, base)], c, .15, extra=speckle(cx - r, top, 2 * r, h + 30, li(c, .5), 50, seed, (1, 3), .4) + speckle(cx - r, top, 2 * r, h + 30, dk(c, .5), 30, seed + 1, (1, 2.4), .35))
    o += clip(lathe_d(cx, [(r * .9, top + h * .22), (r * .78, top + h * .7), (r * .68, base)], .15), blur(6, L("M%s %sA%s %s 0 0 0 %s %s" % (f(cx - r), f(top + h * .25), f(r), f(r * .15), f(cx + r), f(top + h * .25)), "#1d1930", 16), op=.4))
    o += lathe(cx, [(r, top, "c"), (r * .98, top + h * .23)], c, .15, smooth=False, gloss=.28, low=.08)
    o += rim(cx, top, r, c, .15, 13)
    if soil:
        o += clip(E(cx, top + 2, r - 13, (r - 13) * .15 - 1, "#000"), E(cx, top + 13, r - 13, (r - 13) * .15, "#4a352b"), speckle(cx - r, top, 2 * r, 40, "#7a5d49", 70, seed + 4, (2, 4), .8))
    return o


def olive(cx, y, s=1, seed=3):
    rnd = random.Random(seed)
    o = tube("M%s %sC%s %s %s %s %s %s" % (cx, y, cx - 14, y - 90 * s, cx + 12, y - 160 * s, cx + 2, y - 270 * s), "#8a7358", 15)
    br = [(cx - 2, y - 110 * s, -150 * s, -110 * s), (cx + 2, y - 140 * s, 150 * s, -120 * s), (cx, y - 190 * s, -120 * s, -160 * s), (cx + 4, y - 200 * s, 104 * s, -178 * s), (cx + 2, y - 240 * s, 6 * s, -190 * s), (cx + 2, y - 230 * s, -50 * s, -190 * s), (cx + 2, y - 220 * s, 60 * s, -196 * s)]
    leaves = []
    for bx, by, dx, dy in br:
        o += L("M%s %sQ%s %s %s %s" % (f(bx), f(by), f(bx + dx * .3), f(by + dy * .7), f(bx + dx), f(by + dy)), "#8a7358", 5)
        for i in range(8):
            t = .22 + i * .105
            px = (1 - t) ** 2 * bx + 2 * t * (1 - t) * (bx + dx * .3) + t * t * (bx + dx)
            py = (1 - t) ** 2 * by + 2 * t * (1 - t) * (by + dy * .7) + t * t * (by + dy)
            ang = math.degrees(math.atan2(dy * (.3 + t), dx * (t + .2))) + (48 if i % 2 else -48) + rnd.uniform(-10, 10)
            if i == 7:
                ang = math.degrees(math.atan2(dy, dx))
            leaves.append(leaf(px, py, rnd.uniform(58, 74) * s, f(ang), rnd.choice(["#7f9270", "#8fa07e", "#6f8463", "#9aaa8a"]), .2))
    return o + "".join(leaves)


@pic("terracotta-pot", fit=(0.9, 0, 32))
def _():
    p_ = pot(500, 778, 200, 240, soil=True)
    return stand(B_MIST, G(lathe(500, [(196, 768, "c"), (190, 792), (176, 800)], TERRA, .14), E(500, 768, 196, 27, li(TERRA, .25)), E(500, 770, 184, 23, dk(TERRA, .3)), p_, olive(500, 548, 1.12)), 800, [(500, 816, 178)])


@pic("terracotta-pot-trio", fit=(1, 0, -113))
def _():
    o = pot(340, 800, 220, 340, seed=2) + pot(730, 806, 150, 220, seed=6)
    o += clip("M500 200H960V588H876A146 20 0 0 1 584 588H500Z", pot(730, 700, 124, 200, seed=9))
    return stand(B_SAGE, o, 800, [(340, 822, 150), (730, 820, 104)])


@pic("watering-can", fit=(0.91, 20, -4))
def _():
    c = "#5f7d62"
    o = ""
    # spout
    sp = "M400 700C300 690 240 560 128 330L162 312C250 470 320 560 412 590Z"
    o += P(sp, lin([(0, li(c, .3)), (.5, c), (1, dk(c, .35))], (.1, .5), (.6, 1)))
    o += L("M250 470L430 470", dk(c, .2), 14) + L("M252 467L430 467", li(c, .2), 5)
    o += G(lathe(0, [(28, 20), (44, -10), (84, -60, "c"), (86, -70)], BRASS, .3, fill=metal(BRASS, -86, 86)), E(0, -70, 86, 26, li(BRASS, .4)), "".join(C(math.cos(a) * r, -70 + math.sin(a) * r * .3, 3.6, dk(BRASS, .6)) for r, n in ((20, 6), (44, 12), (68, 18)) for a in [i * math.tau / n for i in range(n)]), tf="translate(144 322) rotate(-28) scale(.98)")
    # handles
    o += tube("M760 700C950 690 930 400 700 350C600 330 500 330 440 400", c, 30, .4)
    body = [(190, 440, "c"), (196, 470), (200, 640), (208, 790)]
    o += lathe(580, body, c, .14)
    for y in (500, 740):
        r = 197 + (y - 470) * .035
        o += arc(580, y, r, dk(c, .4), 6, .14, .5) + arc(580, y - 5, r, li(c, .5), 3, .14, .6)
    o += E(580, 440, 190, 27, li(c, .3)) + E(580, 442, 182, 23, dk(c, .45))
    o += P("M391 440A190 27 0 0 1 580 413V467A190 27 0 0 1 391 440Z", lin([(0, li(c, .25)), (1, dk(c, .05))], (0, 0), (1, .4)))
    o += L("M580 413V467", li(c, .5), 4)
    o += L("M440 520V700", "#fffaf0", 20, op=.22)
    o += L("M560 610q18 -22 36 0t36 0", "#f3ead2", 7, op=.9)
    return stand(B_BUTTER, o, 800, [(580, 818, 206)])


@pic("hand-tools", fit=(0.95, -7, 3))
def _():
    st = "#aeb5b9"

    def handle():
        d = "M-26 0C-34 60 -36 130 -30 220C-26 262 -14 276 0 276S26 262 30 220C36 130 34 60 26 0Z"
        return P(d, lin([(0, dk(ASH, .1)), (.3, li(ASH, .3)), (.6, ASH), (1, dk(ASH, .35))], (0, 0), (1, 0))) + clip(d, vgrain(-36, 0, 72, 280, ASH, 5, 6)) + E(0, 250, 7, 7, dk(ASH, .6)) + R(-28, -14, 56, 40, 5, metal(BRASS, -28, 28)) + L("M-28 4H28", dk(BRASS, .4), 3, op=.6) + tube("M0 252C-30 320 40 330 4 254", TAN, 7)
    tang = P("M-15 -10L-10 -110H10L15 -10Z", metal(st, -15, 15))
    bl = "M-70 -140C-70 -116 -30 -104 -12 -96H12C30 -104 70 -116 70 -140L62 -320C54 -388 20 -430 0 -446C-20 -430 -54 -388 -62 -320Z"
    tr = tang + P(bl, lin([(0, dk(st, .25)), (.3, li(st, .5)), (.5, st), (.55, dk(st, .2)), (1, dk(st, .4))], (0, 0), (1, 0))) + P("M-34 -130C-20 -200 -20 -320 0 -420C20 -320 20 -200 34 -130C10 -118 -10 -118 -34 -130Z", lin([(0, dk(st, .3)), (.6, st), (1, li(st, .4))], (0, 0), (1, 0)), op=.7) + L("M-66 -220h22M-64 -300h22", dk(st, .5), 3, op=.7) + handle()
    fk = tang + P("M-72 -200C-72 -130 -30 -110 -12 -96H12C30 -110 72 -130 72 -200H48C48 -170 30 -160 14 -158V-200H-14V-158C-30 -160 -48 -170 -48 -200Z", lin([(0, dk(st, .1)), (.4, li(st, .4)), (1, dk(st, .35))], (0, 0), (1, .3)))
    for x in (-60, 0, 60):
        fk += P("M%s -190L%s -370L%s -420L%s -370L%s -190Z" % (x - 13, x - 11, x, x + 11, x + 13), metal(st, x - 13, x + 13))
    fk += handle()
    o = G(tr, tf="translate(370 580) rotate(-8) scale(1.04)") + G(fk, tf="translate(640 570) rotate(7) scale(1.04)")
    crumbs = speckle(250, 110, 480, 120, "#5b4334", 26, 5, (3, 8), .9)
    return flat(B_ROSE, o, .8)


@pic("seed-packets")
def _():
    def flower(x, y, s, c, k=0):
        o = ""
        if k == 0:
            o = "".join(G(E(0, -20, 9, 20, c), tf="rotate(%s)" % (i * 36)) for i in range(10)) + C(0, 0, 10, OCHRE)
        elif k == 1:
            o = "".join(G(P("M0 0C-26 -10 -26 -40 0 -44C26 -40 26 -10 0 0Z", lin([(0, li(c, .2)), (1, dk(c, .15))])), tf="rotate(%s)" % (i * 90 + 20)) for i in range(4)) + C(0, 0, 9, BLACK)
        else:
            o = "".join(G(P("M0 0L-10 -34L-3 -28L0 -38L3 -28L10 -34Z", c), tf="rotate(%s)" % (i * 45)) for i in range(8)) + C(0, 0, 8, dk(c, .4))
        return G(o, tf="translate(%s %s) scale(%s)" % (x, y, s))

    def packet(c, flowers, leafc, seed):
        d = rr(0, 0, 300, 420, 6)
        o = P(d, fade("#eee0c2", .1)) + P(d, pat("felt", .1)) + R(0, 0, 300, 52, 6, fade(c, .1)) + L("M0 52H300", dk(c, .3), 3, op=.4) + stitch("M10 40H290", "#fffaf0", 2, "6 5", .7)
        o += R(30, 76, 240, 66, 3, "#fbf5e6") + L("M120 98q15 -18 30 0t30 0", c, 6) + L("M90 124H210", dk(c, .2), 4, op=.6)
        for x, y, s, fc, k in flowers:
            o += L("M%s %sC%s %s %s %s %s 410" % (x, y, x, y + 60, f(150 + (x - 150) * .5), 340, f(150 + (x - 150) * .4)), leafc, 5)
        rnd = random.Random(seed)
        for i in range(9):
            o += leaf(150 + rnd.uniform(-60, 60), 396 - rnd.uniform(0, 60), rnd.uniform(40, 64), f(-90 + rnd.uniform(-70, 70)), leafc, .24)
        for x, y, s, fc, k in flowers:
            o += flower(x, y, s, fc, k)
        return R(6, 6, 300, 420, 6, dk("#eee0c2", .25)) + o + P(d, lin([(0, "#fffaf0", .2), (.5, "#fffaf0", 0), (1, "#1d1930", .12)], (0, 0), (1, 1)))
    a = packet(RUST, [(70, 220, 1.1, RUST, 1), (150, 184, 1.2, CORAL, 1), (232, 236, 1.05, "#f6f1e4", 0), (120, 290, .9, "#f6f1e4", 0), (196, 300, .9, RUST, 1)], "#6f8a58", 1)
    b = packet(INK, [(80, 200, 1.3, "#5b79b5", 2), (160, 240, 1.2, "#6f63a8", 2), (236, 196, 1.2, "#5b79b5", 2), (110, 300, 1, OCHRE, 0), (210, 306, 1, "#8fa6cf", 2)], "#7c9366", 2)
    c = packet(PINE, [(70, 230, 1, "#f6f1e4", 0), (150, 190, 1.15, "#e9c6d4", 1), (230, 226, 1, "#f6f1e4", 0), (110, 300, .9, "#e9c6d4", 1), (200, 296, 1, OCHRE, 0)], "#5f7d52", 3)
    seeds = "".join(G(E(0, 0, 7, 4, "#6a4d38"), E(-1, -1, 3, 1.4, "#b08b6a"), tf="translate(%s %s) rotate(%s)" % (x, y, r)) for x, y, r in ((220, 770, 20), (250, 800, 80), (282, 778, 140), (310, 812, 10), (190, 806, 60), (346, 790, 100), (268, 832, 30)))
    o = G(c, tf="translate(560 250) rotate(17)") + G(blur(12, R(8, 10, 300, 424, 8, "#1d1930"), op=.3), b, tf="translate(346 232) rotate(2)") + G(blur(12, R(8, 10, 300, 424, 8, "#1d1930"), op=.3), a, tf="translate(130 316) rotate(-14)") + seeds
    return flat(B_PINE, G(o, tf="translate(14 -12)"), .7)


@pic("twine-ball", fit=(1, -13, -108))
def _():
    c = "#c79f63"
    rnd = random.Random(6)
    # tin
    t = PINE
    o = lathe(330, [(190, 470), (190, 780, "c"), (186, 796)], t, .15, smooth=False, gloss=.34)
    o += P("M150 600A190 28 0 0 0 510 600V720A190 28 0 0 1 150 720Z", round_("#efe3c6", 140, 520)) + L("M290 672q20 -24 40 0t40 0", t, 7) + L("M250 712q80 14 160 0", t, 4, op=.6)
    o += arc(330, 776, 189, li(BRASS, .1), 6, .15) + lathe(330, [(198, 440), (198, 480)], t, .15, smooth=False, gloss=.34) + E(330, 440, 198, 30, lin([(0, li(t, .4)), (1, li(t, .05))], (0, 0), (1, .5))) + E(330, 440, 176, 25, "none", stroke=dk(t, .3), sw=3, op=.5)
    o += E(330, 438, 34, 9, dk(t, .7)) + E(330, 436, 34, 9, "none", stroke=BRASS, sw=5)
    o += tube("M330 440C336 380 380 350 420 392S520 470 590 440", c, 9)
    # ball
    bx, by, r = 690, 640, 176
    b = C(bx, by, r, rad([(0, li(c, .3)), (.5, c), (1, dk(c, .45))], (.36, .3), .75))
    ln = ""
    for ang in (-28, 34, 84):
        for i in range(-9, 10):
            q = i / 10
            rx = r * math.sqrt(1 - q * q)
            dd = "M%s %sQ0 %s %s %s" % (f(-rx), f(q * r), f(q * r + 34), f(rx), f(q * r))
            if ang == 34 and abs(i) > 4 or ang == 84 and abs(i) > 2:
                continue
            ln += G(L(dd, dk(c, .45), 13, op=.55), L(dd, li(c, .12 + .06 * (i % 2)), 10), L(dd, dk(c, .3), 8, dash="3 9", cap="butt", op=.4), tf="translate(%s %s) rotate(%s)" % (bx, by, ang))
    o += b + clip(C(bx, by, r, "#000"), ln, C(bx, by, r, rad([(0, "#fffaf0", .28), (.4, "#fffaf0", 0), (.65, "#1d1930", .06), (1, "#1d1930", .55)], (.36, .3), .78)))
    for i in range(30):
        a = rnd.uniform(0, math.tau)
        o += L("M%s %sl%s %s" % (f(bx + math.cos(a) * r), f(by + math.sin(a) * r), f(math.cos(a) * rnd.uniform(4, 12)), f(math.sin(a) * rnd.uniform(4, 12))), c, 2, op=.8)
    o += tube("M640 806C560 850 700 880 760 850S880 830 900 870", c, 9)
    return stand(B_SKY, o, 800, [(330, 820, 186), (690, 814, 100)])


@pic("secateurs", fit=(0.9, -23, -31))
def _():
    c = RUST
    st = "#b4babd"
    o = ""
    # upper handle (to the blade)
    h1 = "M-20 30C-60 120 -110 230 -112 340C-112 400 -84 420 -62 408C-40 396 -52 350 -44 310C-30 220 14 120 40 40Z"
    h2 = "M20 30C70 120 112 220 120 340C122 400 96 420 74 410C50 398 58 350 46 300C26 210 -6 120 -36 50Z"
    spring = "".join(L("M%s %sL%s %s" % (-34 + (i % 2) * 6, 108 + i * 13, 36 - (i % 2) * 6, 116 + i * 13), dk(STEEL, .2 if i % 2 else .4), 8) for i in range(7))
    o += spring
    hook = "M36 56C70 10 90 -60 74 -150C70 -176 46 -180 40 -156C30 -110 16 -70 -30 -36L-34 40Z"
    o += P(hook, lin([(0, dk(st, .2)), (.5, dk(st, .42)), (1, dk(st, .6))], (0, 0), (1, .3))) + L("M74 -150C90 -60 70 10 36 56", li(st, .2), 4, op=.7)
    o += P(h2, lin([(0, li(c, .25)), (.5, c), (1, dk(c, .35))], (0, 0), (1, .3))) + L("M86 250C98 300 102 350 98 392", li(c, .5), 7, op=.5)
    blade = "M-40 46C-66 -20 -60 -110 -6 -230C4 -246 16 -240 14 -222C14 -140 24 -70 44 -10L36 54Z"
    o += clip(hook, blur(8, P(blade, "#1d1930", tf="translate(8 6)"), op=.6)) + P(blade, lin([(0, "#f7f8f8"), (.4, st), (1, dk(st, .3))], (0, 0), (1, .2))) + P("M-40 46C-66 -20 -60 -110 -6 -230C-30 -120 -34 -40 -14 50Z", "#ffffff", op=.55)
    o += P(h1, lin([(0, li(c, .3)), (.5, c), (1, dk(c, .3))], (0, 0), (1, .3))) + L("M-36 100C-70 180 -94 260 -96 340", li(c, .55), 8, op=.5)
    o += C(0, 24, 34, dk(BRASS, .5)) + C(-2, 21, 31, lin([(0, li(BRASS, .6)), (.5, BRASS), (1, dk(BRASS, .35))], (0, 0), (1, 1))) + P("M-16 13L-2 5L13 13V29L-2 37L-16 29Z", lin([(0, "#fff6dd"), (1, dk(BRASS, .3))], (0, 0), (1, 1)))
    tool = G(o, tf="translate(430 470) rotate(24) scale(1.18)")
    tw = tube("M560 160C640 200 760 330 860 360", "#7d6a4d", 20) + E(556, 157, 8, 12, "#e5d7b0", tf="rotate(-30 556 157)") + "".join(leaf(x, y, l, a, mix(LEAF, "#86a06a", k), .34) for x, y, l, a, k in ((620, 206, 90, -50, 0), (660, 242, 96, 76, .6), (722, 296, 100, -42, .3), (770, 326, 92, 90, 0), (830, 352, 86, -30, .7), (862, 360, 84, 24, .2)))
    return flat(B_SAND, tool + tw, .8)


@pic("nest-box", fit=(0.96, -24, 10))
def _():
    c = "#cf9f6b"
    o = ""
    back = rr(430, 130, 140, 800, 10)
    o += board(back, dk(c, .18), 430, 130, 140, 800, 6, "v") + C(500, 166, 11, "#3b3a3d") + C(500, 890, 11, "#3b3a3d")
    side = poly((690, 330), (772, 300), (772, 770), (690, 800))
    o += P(side, lin([(0, dk(c, .3)), (1, dk(c, .45))])) + clip(side, vgrain(690, 300, 84, 500, dk(c, .3), 8))
    fr = rr(300, 330, 392, 470, 4)
    o += P(fr, fade(c))
    for i in range(3):
        x = 300 + i * 131
        o += clip(fr, R(x, 330, 131, 470, 0, [li(c, .08), dk(c, .05), c][i], op=.7), vgrain(x, 330, 131, 470, c, 21 + i, 8), L("M%s 330V800" % x, dk(c, .5), 3, op=.6))
    o += clip(fr, blur(14, R(290, 310, 410, 64, 0, "#1d1930"), op=.5))
    o += C(496, 500, 92, dk(STEEL, .35)) + C(493, 497, 90, lin([(0, "#f5f6f6"), (.5, STEEL), (1, dk(STEEL, .3))], (0, 0), (1, 1)))
    for a in (45, 135, 225, 315):
        o += C(493 + math.cos(math.radians(a)) * 74, 497 + math.sin(math.radians(a)) * 74, 6, dk(STEEL, .55))
    o += C(493, 497, 54, lin([(0, "#120e12"), (1, "#3b2a22")], (0, 0), (0, 1))) + L("M443 516A54 54 0 0 0 540 522", "#fffaf0", 3, op=.4)
    roof = poly((256, 340), (316, 262), (820, 236), (742, 326))
    o += P(roof, lin([(0, li(PINE, .28)), (1, PINE)], (0, 0), (1, 1))) + P(poly((256, 340), (742, 326), (742, 350), (256, 364)), dk(PINE, .15)) + P(poly((742, 326), (820, 236), (820, 258), (742, 350)), dk(PINE, .45)) + L("M258 340L740 326", li(PINE, .5), 3)
    for x in (330, 660):
        o += C(x, 770, 5, "#3b3a3d")
    # blue tit
    b = P("M-64 40C-110 60 -150 66 -180 88C-140 92 -100 88 -60 70Z", "#4f6f9c") + P("M-76 20C-76 -40 -30 -84 30 -84C76 -84 98 -50 92 -10C86 44 40 78 -16 78C-56 78 -76 56 -76 20Z", lin([(0, "#f1cf5c"), (1, "#d8aa3a")]))
    b += P("M-70 36C-90 0 -50 -50 0 -50C10 0 -20 50 -90 66Z", lin([(0, "#7aa0c4"), (1, "#4f6f9c")])) + L("M-60 20C-40 30 -20 20 -8 0", "#fffaf0", 6, op=.8)
    b += P("M10 -60C20 -100 90 -108 100 -56C98 -30 80 -16 56 -18C30 -20 10 -36 10 -60Z", "#fbf6ea") + P("M12 -66C24 -106 88 -110 98 -64C70 -78 40 -78 12 -66Z", "#5b86b5") + L("M20 -56L98 -56", "#2d3d5f", 8) + C(72, -56, 8, "#1a1a22") + C(75, -59, 2.6, "#fff") + P("M98 -58L122 -50L98 -42Z", "#3a3a40") + L("M0 78v22M26 76v22", "#4a4a50", 5)
    o += G(b, tf="translate(560 172) scale(.84)")
    return hang(B_TEAL, G(o, tf="translate(-8 -30)"), .9)


@pic("garden-trug", fit=(0.89, 0, 21))
def _():
    c = "#c08e58"
    o = ""
    # leaves and carrots
    rnd = random.Random(11)
    veg = ""
    for i in range(9):
        x = 230 + i * 20
        dx, dy = -rnd.uniform(20, 150) + i * 6, -rnd.uniform(110, 190)
        veg += L("M%s 560q%s %s %s %s" % (x, f(dx * .2), f(dy * .6), f(dx), f(dy)), "#6f8a58", 7)
        for k in range(7):
            t = .4 + k * .1
            veg += leaf(x + dx * t * t, 560 + dy * t, rnd.uniform(30, 48), f(-90 + (60 if k % 2 else -60) + dx * .2), rnd.choice(["#6f8a58", "#86a06a", "#5f7d4c"]), .4)
    o += veg
    for i in range(8):
        x, y, a = 330 + i * 46, 520 + (i % 3) * 20, 8 + rnd.uniform(-10, 10)
        cc = rnd.choice(["#df8440", "#d97838", "#e6914c"])
        g = P("M0 -26C60 -34 200 -22 270 6C200 30 60 40 0 30C-16 16 -16 -12 0 -26Z", lin([(0, li(cc, .35)), (.5, cc), (1, dk(cc, .3))])) + "".join(L("M%s %sq6 12 2 24" % (30 + k * 42, -20 + k * 3), dk(cc, .35), 3, op=.5) for k in range(5))
        o += G(g, tf="translate(%s %s) rotate(%s) scale(.9)" % (x, y, f(a)))
    body = "M110 560C130 720 240 800 500 800S870 720 890 560C760 620 240 620 110 560Z"
    o += P(body, round_(c, 110, 890, .2, .3))
    strips = ""
    for k, (y0, y1) in enumerate(((560, 610), (640, 700), (716, 760), (775, 800))):
        strips += L("M90 %sC240 %s 760 %s 910 %s" % (y0 + 30, y1 + 34, y1 + 34, y0 + 30), dk(c, .5), 5, op=.6) + L("M90 %sC240 %s 760 %s 910 %s" % (y0 + 36, y1 + 40, y1 + 40, y0 + 36), li(c, .5), 3, op=.5)
    grain = "".join(L("M90 %sC240 %s 760 %s 910 %s" % (570 + q * 11, 618 + q * 12, 618 + q * 12, 570 + q * 11), dk(c, .3), 1.6, op=.35) for q in range(22))
    o += clip(body, grain, strips, P(body, lin([(0, "#1d1930", 0), (.5, "#1d1930", 0), (1, "#1d1930", .35)])))
    rimd = "M104 548C240 616 760 616 896 548"
    o += L(rimd, dk(c, .45), 34) + L(rimd, li(c, .08), 28) + L("M112 544C244 608 756 608 888 544", li(c, .5), 6, op=.6)
    hfront = "M470 796C440 700 430 600 432 470C436 90 700 80 712 500"
    o += L(hfront, dk(c, .45), 42, cap="butt") + L(hfront, li(c, .06), 35, cap="butt") + L("M462 780C436 690 424 590 424 470C430 100 660 70 700 420", li(c, .5), 6, op=.5, cap="butt")
    for x, y in ((438, 590), (446, 680), (464, 770)):
        o += C(x, y, 8, "#b56a3c") + C(x - 2, y - 2, 3, "#eab08a")
    for x in (200, 330, 620, 740, 830):
        o += C(x, 600 - abs(x - 500) * .085, 6, "#b56a3c")
    for x in (300, 700):
        o += R(x - 40, 786, 80, 26, 8, fade(dk(c, .2)))
    return stand(B_DUSK, o, 806, [(300, 816, 46), (700, 816, 46), (500, 806, 230)])
