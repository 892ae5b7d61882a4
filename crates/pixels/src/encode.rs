//! From pixels to a file with nothing else in it.

use image::DynamicImage;

use crate::Mistake;

pub fn webp(picture: &DynamicImage, quality: f32) -> Result<bytes::Bytes, Mistake> {
    let (bytes, layout) = match picture {
        DynamicImage::ImageRgba8(pixels) => (pixels.as_raw(), webp::PixelLayout::Rgba),
        DynamicImage::ImageRgb8(pixels) => (pixels.as_raw(), webp::PixelLayout::Rgb),
        _ => return Err(Mistake::new("a layout that decode() does not give")),
    };
    let encoder = webp::Encoder::new(bytes, layout, picture.width(), picture.height());
    let encoded = encoder
        .encode_simple(false, quality)
        .map_err(|error| Mistake::new(format_args!("WebP: {error:?}")))?;
    Ok(bytes::Bytes::copy_from_slice(&encoded))
}
