#!/bin/sh
# Draw every picture of the demo catalogue anew and write it to images/ as WebP
# in three sizes: <file>-320.webp, <file>-640.webp and <file>-1280.webp.
#
# Needs python3, rsvg-convert (librsvg2-bin) and cwebp (webp).
# Usage: ./render.sh            all pictures whose drawing changed
#        ./render.sh --all      all pictures
#        ./render.sh NAME ...   only these
#
# Running it twice changes nothing: a picture is rendered only when its SVG is
# newer than its WebP files. The SVGs are kept in build/, which is not committed.
set -eu
cd "$(dirname "$0")"

all=
if [ "${1:-}" = "--all" ]; then
    all=1
    shift
fi

mkdir -p build images
python3 pictures/generate.py build "$@"

for svg in build/*.svg; do
    name=$(basename "$svg" .svg)
    if [ $# -gt 0 ]; then
        case " $* " in *" $name "*) ;; *) continue ;; esac
    fi
    if [ -z "$all" ] && [ -z "$(find "$svg" -newer "images/$name-320.webp" 2>/dev/null || echo new)" ]; then
        continue
    fi
    rsvg-convert -w 1280 -h 1280 "$svg" -o build/picture.png
    # The smallest file is written last: it is the one compared above.
    cwebp -quiet -m 6 -sharp_yuv -q 70 build/picture.png -o "images/$name-1280.webp"
    cwebp -quiet -m 6 -sharp_yuv -q 76 -resize 640 640 build/picture.png -o "images/$name-640.webp"
    cwebp -quiet -m 6 -sharp_yuv -q 84 -resize 320 320 build/picture.png -o "images/$name-320.webp"
    echo "$name"
done
rm -f build/picture.png

python3 pictures/check.py
