"""Write one SVG per picture: python3 generate.py OUT_DIR [name ...]"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import draw  # noqa: E402

for module in ("kitchen", "lighting", "desk", "bags", "outdoor", "textiles", "audio", "garden"):
    if (pathlib.Path(__file__).parent / (module + ".py")).exists():
        __import__(module)


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    names = sys.argv[2:] or sorted(draw.PICTURES)
    for name in names:
        svg = draw.draw(name)
        path = out / (name + ".svg")
        if not path.exists() or path.read_text("utf-8") != svg:
            path.write_text(svg, "utf-8")  # untouched files keep their time stamp


if __name__ == "__main__":
    main()
