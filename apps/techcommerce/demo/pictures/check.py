"""Verify catalogue.json and the pictures it names. Exit status 1 on any fault."""
import itertools
import json
import pathlib
import re
import sys
from collections import Counter

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIZES = (320, 640, 1280)
LIMIT = 6 * 1024 * 1024
HANDLE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
faults = []


def need(ok, text):
    if not ok:
        faults.append(text)


def webp_size(path):
    """Width and height of a WebP file, from its first chunk."""
    b = path.read_bytes()[:32]
    if b[:4] != b"RIFF" or b[8:12] != b"WEBP":
        return None
    if b[12:16] == b"VP8 ":
        return (int.from_bytes(b[26:28], "little") & 0x3FFF, int.from_bytes(b[28:30], "little") & 0x3FFF)
    if b[12:16] == b"VP8L":
        n = int.from_bytes(b[21:25], "little")
        return ((n & 0x3FFF) + 1, ((n >> 14) & 0x3FFF) + 1)
    return (int.from_bytes(b[24:27], "little") + 1, int.from_bytes(b[27:30], "little") + 1)


def unique(values, what):
    for value, n in Counter(values).items():
        need(n == 1, "%s used %d times: %s" % (what, n, value))


def keys(obj, expected, where):
    need(set(obj) == set(expected), "%s: keys are %s" % (where, sorted(obj)))


def main():
    data = json.loads((ROOT / "catalogue.json").read_text("utf-8"))
    keys(data, ("categories", "products"), "catalogue")
    cats, products = data["categories"], data["products"]
    variants = [v for p in products for v in p["variants"]]
    images = [i for p in products for i in p["images"]]
    unique([c["handle"] for c in cats], "category handle")
    unique([p["handle"] for p in products], "product handle")
    unique([p["title"] for p in products], "product title")
    unique([v["sku"] for v in variants], "SKU")
    unique([i["file"] for i in images], "image")

    for c in cats:
        keys(c, ("handle", "title", "description"), c["handle"])
    for p in products:
        h = p["handle"]
        keys(p, ("handle", "title", "description", "vendor", "tags", "category", "options", "images", "variants"), h)
        need(HANDLE.fullmatch(h), h + ": handle")
        need(p["category"] in {c["handle"] for c in cats}, h + ": unknown category")
        need(2 <= len(p["tags"]) <= 5 and all(HANDLE.fullmatch(t) for t in p["tags"]), h + ": tags")
        need(len(set(p["tags"])) == len(p["tags"]), h + ": repeated tag")
        tags = re.findall(r"<[^>]*>", p["description"])
        need(all(re.fullmatch(r"</?(p|ul|li|strong|em)>", t) for t in tags), h + ": markup")
        for t in ("p", "ul", "li", "strong", "em"):
            need(tags.count("<%s>" % t) == tags.count("</%s>" % t), h + ": unbalanced <%s>" % t)
        need("<" not in re.sub(r"<[^>]*>", "", p["description"]), h + ": stray <")
        need(not re.search(r"&(?!(amp|lt|gt|quot|#\d+);)", p["description"]), h + ": bare ampersand")
        need(2 <= len(re.findall(r"<p>|<ul>", p["description"])) <= 4, h + ": number of paragraphs")
        need(p["images"], h + ": no image")
        need(all(i["alt"].strip() for i in p["images"]), h + ": alternative text")
        names = [o["name"] for o in p["options"]]
        need(len(names) <= 2 and len(set(names)) == len(names), h + ": option names")
        for o in p["options"]:
            need(len(set(o["values"])) == len(o["values"]) >= 2, h + ": values of " + o["name"])
        wanted = list(itertools.product(*(o["values"] for o in p["options"])))
        got = [tuple(v["options"]) for v in p["variants"]]
        need(sorted(wanted) == sorted(got), h + ": variants do not match the options")
        need(1 <= len(got) <= 9, h + ": number of variants")
        for v in p["variants"]:
            s = v["sku"]
            keys(v, ("sku", "options", "price", "compare_at_price", "stock", "inventory_policy"), s)
            need(re.fullmatch(r"[A-Z]{3}-[A-Z]{3}(-[A-Z0-9]+)*", s), s + ": SKU pattern")
            need(isinstance(v["price"], int) and v["price"] > 0, s + ": price")
            was = v["compare_at_price"]
            need(was is None or isinstance(was, int) and was > v["price"], s + ": compare_at_price")
            need(v["stock"] is None or isinstance(v["stock"], int) and 0 <= v["stock"] <= 120, s + ": stock")
            need(v["inventory_policy"] in ("deny", "continue"), s + ": inventory_policy")

    total = 0
    for i in images:
        for size in SIZES:
            path = ROOT / "images" / ("%s-%d.webp" % (i["file"], size))
            if not path.exists():
                faults.append("missing: " + path.name)
                continue
            total += path.stat().st_size
            need(webp_size(path) == (size, size), path.name + ": not %d pixels square" % size)
    known = {"%s-%d.webp" % (i["file"], s) for i in images for s in SIZES}
    for path in (ROOT / "images").iterdir():
        need(path.name in known, "not in the catalogue: " + path.name)
    need(total < LIMIT, "images: %d bytes" % total)

    gone = lambda v: v["stock"] == 0 and v["inventory_policy"] == "deny"
    per_cat = Counter(p["category"] for p in products)
    sold_out = [p for p in products if all(map(gone, p["variants"]))]
    partly = [p for p in products if any(map(gone, p["variants"])) and p not in sold_out]
    sale = [p for p in products if any(v["compare_at_price"] for v in p["variants"])]
    made = [v for v in variants if v["inventory_policy"] == "continue"]
    untracked = [p for p in products if all(v["stock"] is None for v in p["variants"])]
    second = [p for p in products if len(p["images"]) > 1]
    vendors = {p["vendor"] for p in products}
    need(len(cats) == 8, "categories: %d" % len(cats))
    need(len(products) >= 64, "products: %d" % len(products))
    for c in cats:
        need(per_cat[c["handle"]] >= 8, "%s: %d products" % (c["handle"], per_cat[c["handle"]]))
    need(5 <= len(vendors) <= 8, "vendors: %d" % len(vendors))
    need(5 <= len(sold_out) <= 8, "sold out: %d" % len(sold_out))
    need(8 <= len(partly) <= 13, "partly sold out: %d" % len(partly))
    need(10 <= len(sale) <= 15, "on sale: %d" % len(sale))
    need(len(made) == 3, "made to order: %d" % len(made))
    need(len(untracked) == 2, "untracked: %d" % len(untracked))
    need(len(second) >= 16, "products with a second picture: %d" % len(second))

    for fault in faults:
        print("fault:", fault)
    print("%d categories, %d products, %d variants, %d vendors, %d pictures" % (len(cats), len(products), len(variants), len(vendors), len(images)))
    print("sold out %d, partly %d, on sale %d, made to order %d, untracked %d, second picture %d" % (len(sold_out), len(partly), len(sale), len(made), len(untracked), len(second)))
    print("images: %.2f MB in %d files" % (total / 1e6, len(images) * len(SIZES)))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
