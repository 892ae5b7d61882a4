//! Pixels in another size.

use fast_image_resize::{
    FilterType, MulDiv, PixelTrait, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::{U8x3, U8x4},
};
use image::{DynamicImage, RgbImage, RgbaImage};

use crate::Mistake;

/// It takes the picture, so that no second one of its size is needed.
pub fn scaled(picture: DynamicImage, size: (u32, u32)) -> Result<DynamicImage, Mistake> {
    let from = (picture.width(), picture.height());
    if size == from {
        return Ok(picture);
    }
    let scaled = match picture {
        DynamicImage::ImageRgba8(pixels) => resized::<U8x4>(pixels.into_raw(), from, size, true)
            .map(|raw| RgbaImage::from_raw(size.0, size.1, raw).map(DynamicImage::ImageRgba8)),
        DynamicImage::ImageRgb8(pixels) => resized::<U8x3>(pixels.into_raw(), from, size, false)
            .map(|raw| RgbImage::from_raw(size.0, size.1, raw).map(DynamicImage::ImageRgb8)),
        _ => Err(Mistake::new("a layout that decode() does not give")),
    };
    scaled?.ok_or_else(|| Mistake::new("the scaled picture is not of the size asked for"))
}

/// The raw pixels in another size. The layout is a type, because for a `DynamicImage` the resizer
/// would be compiled for every layout that there is, which takes minutes. With `alpha`, colours
/// are weighted by it, in place: the resizer would copy the picture for that.
fn resized<P: PixelTrait>(
    mut raw: Vec<u8>,
    from: (u32, u32),
    to: (u32, u32),
    alpha: bool,
) -> Result<Vec<u8>, Mistake> {
    let weights = MulDiv::new();
    if alpha {
        let mut pixels =
            TypedImage::<P>::from_buffer(from.0, from.1, &mut raw).map_err(Mistake::new)?;
        weights
            .multiply_alpha_inplace_typed(&mut pixels)
            .map_err(Mistake::new)?;
    }
    let source = TypedImageRef::<P>::from_buffer(from.0, from.1, &raw).map_err(Mistake::new)?;
    let mut bytes = vec![0; to.0 as usize * to.1 as usize * size_of::<P>()];
    let mut target = TypedImage::<P>::from_buffer(to.0, to.1, &mut bytes).map_err(Mistake::new)?;
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .use_alpha(false);
    Resizer::new()
        .resize_typed(&source, &mut target, &options)
        .map_err(Mistake::new)?;
    if alpha {
        weights
            .divide_alpha_inplace_typed(&mut target)
            .map_err(Mistake::new)?;
    }
    drop(target);
    Ok(bytes)
}
