#!/usr/bin/env bash
# libvips 8.18.7 (of pyvips-binary 8.18.7) hands out two kinds of AVIF samples as they are stored.
#
# MIAF (ISO/IEC 23000-22) has colours multiplied by alpha (`prem`), and nclx (ISO/IEC 14496-12) a narrow range of samples,
# black being 16 and white 235. Pillow, by way of libavif, reads both as they were meant.
#
# Seen:    premultiplied: Pillow 200, 100, 50, 128; libvips 100, 50, 25, 128
#          grey of narrow range: Pillow 255; libvips 235
# Ends with 0 as long as that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/open.py" <<'PYTHON'
import io

import pyvips
from PIL import Image


def compare(name, image, **options):
    data = io.BytesIO()
    image.save(data, "AVIF", quality=100, **options)
    pillow = Image.open(data).convert(image.mode).getpixel((5, 5))
    libvips = pyvips.Image.heifload_buffer(data.getvalue()).getpoint(5, 5)
    bands = pillow if isinstance(pillow, tuple) else (pillow,)
    seen = ", ".join(str(round(value)) for value in libvips[: len(bands)])
    print(f"{name}: Pillow {', '.join(map(str, bands))}; libvips {seen}")


compare("premultiplied", Image.new("RGBA", (16, 16), (200, 100, 50, 128)), alpha_premultiplied=True)
compare("grey of narrow range", Image.new("L", (16, 16), 255), subsampling="4:0:0", range="limited")
PYTHON
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyvips==3.2.0 pyvips-binary==8.18.7 pillow==13.0.0
"$folder/venv/bin/python" "$folder/open.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
premultiplied: Pillow 200, 100, 50, 128; libvips 100, 50, 25, 128
grey of narrow range: Pillow 255; libvips 235
SEEN
