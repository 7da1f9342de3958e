#!/usr/bin/env bash
# libvips 8.18.7 (of pyvips-binary 8.18.7) does not open a TIFF in 8-bit CIELAB; libvips 8.16.1 opens it.
#
# TIFF 6.0, section 23: PhotometricInterpretation 8 is CIE L*a*b*, 8 bits a sample, a and b signed. Pillow writes such a
# file; libvips reads it into its own coding of L*a*b* (LABQ), whose check fails before the first pixel.
#
# Seen:    libvips 8.16.1: a red of 220, 20, 30 comes out as 218, 29, 25
#          libvips 8.18.7: image: bad labq format
# Ends with 0 as long as that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/open.py" <<'PYTHON'
import io

import pyvips
from PIL import Image, ImageCms

profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
lab = ImageCms.profileToProfile(Image.new("RGB", (16, 16), (220, 20, 30)), *profiles, outputMode="LAB")
data = io.BytesIO()
lab.save(data, "TIFF")
version = ".".join(str(pyvips.version(part)) for part in range(3))
try:
    image = pyvips.Image.tiffload_buffer(data.getvalue()).colourspace("srgb")
    came = ", ".join(str(round(value)) for value in image.getpoint(5, 5))
    print(f"libvips {version}: a red of 220, 20, 30 comes out as {came}")
except pyvips.Error as error:
    print(f"libvips {version}: {error.detail.splitlines()[0]}")
PYTHON
for binary in 8.16.1 8.18.7; do
    python3 -m venv "$folder/$binary"
    "$folder/$binary/bin/pip" install --quiet --disable-pip-version-check \
        pyvips==3.2.0 "pyvips-binary==$binary" pillow==13.0.0
    "$folder/$binary/bin/python" "$folder/open.py" | tee -a "$folder/seen"
done
diff "$folder/seen" - <<'SEEN'
libvips 8.16.1: a red of 220, 20, 30 comes out as 218, 29, 25
libvips 8.18.7: image: bad labq format
SEEN
