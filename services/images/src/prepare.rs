//! From an upload, which may be anything, to the sizes that are kept. It blocks and needs memory
//! for all pixels: run it apart, one at a time.

use std::io::Cursor;

use fast_image_resize::{
    FilterType, MulDiv, PixelTrait, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::{U8x3, U8x4},
};
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, RgbImage, RgbaImage,
    metadata::Orientation,
};
use techcommerce_contracts::codes::IMAGE_REFUSED;
use techcommerce_kernel::{Error, Kind};

use crate::variant::Variant;

/// The most pixels of an upload.
pub const MAX_PIXELS: u64 = 40_000_000;
/// The most bytes that decoding may take, for pixels as for packed metadata: all pixels with
/// alpha, or half as many with 16 bits a channel.
const MAX_MEMORY: u64 = MAX_PIXELS * 4 + 16 * 1024 * 1024;
/// Of WebP, from 0 to 100.
const QUALITY: f32 = 82.0;

/// An upload, cleaned.
#[derive(Debug)]
pub struct Prepared {
    /// What was uploaded: `png`, `jpeg`, `gif` or `webp`.
    pub format: &'static str,
    /// Pixels of the largest size.
    pub size: (u32, u32),
    /// The largest size as WebP, from which the others are made.
    pub original: bytes::Bytes,
}

/// Decodes, turns upright, scales down and encodes anew, so that nothing but the pixels is left
/// of the upload: no place where it was taken, nothing hidden behind it. Of a moving picture the
/// first frame is taken.
///
/// # Errors
/// `image_refused`: of another type than PNG, JPEG, GIF and WebP (415), broken or too large (400).
pub fn prepare(upload: &[u8]) -> Result<Prepared, Error> {
    let (picture, orientation, format) = decode(upload)?;
    let size = Variant::Original.fit((picture.width(), picture.height()));
    // Scaled first and turned then: the other way round needs all pixels twice.
    let mut largest = scaled(picture, size)?;
    largest.apply_orientation(orientation);
    Ok(Prepared {
        format,
        size: (largest.width(), largest.height()),
        original: encode(&largest)?,
    })
}

/// The sizes that are smaller than the largest, made from it.
///
/// # Errors
/// `image_refused` if `original` is not what [`prepare`] made.
pub fn smaller(original: &[u8]) -> Result<Vec<(Variant, bytes::Bytes)>, Error> {
    let (mut last, ..) = decode(original)?;
    let size = (last.width(), last.height());
    let mut variants = Vec::with_capacity(3);
    for variant in Variant::all().filter(|variant| variant.file(size) == *variant) {
        if variant == Variant::Original {
            continue;
        }
        // From the next larger one, which is quicker and looks the same.
        last = scaled(last, variant.fit(size))?;
        variants.push((variant, encode(&last)?));
    }
    Ok(variants)
}

/// The type by the content alone, the size by the header alone, and only then the pixels.
fn decode(upload: &[u8]) -> Result<(DynamicImage, Orientation, &'static str), Error> {
    let (format, name) = match image::guess_format(upload) {
        Ok(ImageFormat::Png) => (ImageFormat::Png, "png"),
        Ok(ImageFormat::Jpeg) => (ImageFormat::Jpeg, "jpeg"),
        Ok(ImageFormat::Gif) => (ImageFormat::Gif, "gif"),
        Ok(ImageFormat::WebP) => (ImageFormat::WebP, "webp"),
        _ => {
            let message = "The file is no PNG, JPEG, GIF or WebP picture.";
            return Err(Error::new(Kind::UnsupportedMedia, IMAGE_REFUSED, message));
        }
    };
    if format == ImageFormat::Jpeg && !is_whole_jpeg(upload) {
        return Err(broken("the end is missing"));
    }
    let mut reader = ImageReader::with_format(Cursor::new(upload), format);
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(undecodable)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Error::invalid(
            IMAGE_REFUSED,
            format!(
                "The picture has {width} × {height} pixels; at most {} million are allowed.",
                MAX_PIXELS / 1_000_000
            ),
        ));
    }
    // The limit above is for what a decoder needs beside the pixels.
    if decoder.total_bytes() > MAX_MEMORY {
        return Err(needs_too_much());
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(undecodable)?;
    // Two layouts are enough for all that follows.
    let picture = if picture.color().has_alpha() {
        DynamicImage::ImageRgba8(picture.into_rgba8())
    } else {
        DynamicImage::ImageRgb8(picture.into_rgb8())
    };
    Ok((picture, orientation, name))
}

/// It takes the picture, so that no second one of its size is needed.
fn scaled(picture: DynamicImage, size: (u32, u32)) -> Result<DynamicImage, Error> {
    let from = (picture.width(), picture.height());
    if size == from {
        return Ok(picture);
    }
    let scaled = match picture {
        DynamicImage::ImageRgba8(pixels) => resized::<U8x4>(pixels.into_raw(), from, size, true)
            .map(|raw| RgbaImage::from_raw(size.0, size.1, raw).map(DynamicImage::ImageRgba8)),
        DynamicImage::ImageRgb8(pixels) => resized::<U8x3>(pixels.into_raw(), from, size, false)
            .map(|raw| RgbImage::from_raw(size.0, size.1, raw).map(DynamicImage::ImageRgb8)),
        _ => Err(Error::internal("a layout that decode() does not give")),
    };
    scaled?.ok_or_else(|| Error::internal("the scaled picture is not of the size asked for"))
}

/// The raw pixels in another size. The layout is a type, because for a `DynamicImage` the resizer
/// would be compiled for every layout that there is, which takes minutes. With `alpha`, colours
/// are weighted by it, in place: the resizer would copy the picture for that.
fn resized<P: PixelTrait>(
    mut raw: Vec<u8>,
    from: (u32, u32),
    to: (u32, u32),
    alpha: bool,
) -> Result<Vec<u8>, Error> {
    let weights = MulDiv::new();
    if alpha {
        let mut pixels =
            TypedImage::<P>::from_buffer(from.0, from.1, &mut raw).map_err(Error::internal)?;
        weights
            .multiply_alpha_inplace_typed(&mut pixels)
            .map_err(Error::internal)?;
    }
    let source = TypedImageRef::<P>::from_buffer(from.0, from.1, &raw).map_err(Error::internal)?;
    let mut bytes = vec![0; to.0 as usize * to.1 as usize * size_of::<P>()];
    let mut target =
        TypedImage::<P>::from_buffer(to.0, to.1, &mut bytes).map_err(Error::internal)?;
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .use_alpha(false);
    Resizer::new()
        .resize_typed(&source, &mut target, &options)
        .map_err(Error::internal)?;
    if alpha {
        weights
            .divide_alpha_inplace_typed(&mut target)
            .map_err(Error::internal)?;
    }
    drop(target);
    Ok(bytes)
}

fn encode(picture: &DynamicImage) -> Result<bytes::Bytes, Error> {
    let (bytes, layout) = match picture {
        DynamicImage::ImageRgba8(pixels) => (pixels.as_raw(), webp::PixelLayout::Rgba),
        DynamicImage::ImageRgb8(pixels) => (pixels.as_raw(), webp::PixelLayout::Rgb),
        _ => return Err(Error::internal("a layout that decode() does not give")),
    };
    let encoder = webp::Encoder::new(bytes, layout, picture.width(), picture.height());
    let encoded = encoder
        .encode_simple(false, QUALITY)
        .map_err(|error| Error::internal(format!("WebP: {error:?}")))?;
    Ok(bytes::Bytes::copy_from_slice(&encoded))
}

/// The decoder fills what is missing of a JPEG with grey; we look for its end ourselves. Within
/// the picture's data, FF D9 stands for nothing else (ITU-T T.81 §B.1.1.5).
fn is_whole_jpeg(upload: &[u8]) -> bool {
    let mut at = 2;
    while let Some([0xff, marker, high, low]) = upload.get(at..at + 4) {
        // Any number of FF may stand before a marker.
        if *marker == 0xff {
            at += 1;
            continue;
        }
        at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
        // The start of a scan: its data begins behind this segment.
        if *marker == 0xda {
            let data = upload.get(at..).unwrap_or_default();
            return data.windows(2).any(|pair| pair == [0xff, 0xd9]);
        }
    }
    false
}

fn undecodable(error: ImageError) -> Error {
    match error {
        ImageError::Limits(_) => needs_too_much().caused_by(error),
        _ => broken(error),
    }
}

fn needs_too_much() -> Error {
    Error::invalid(
        IMAGE_REFUSED,
        "The picture needs too much memory to be opened: save it with 8 bits a channel, or smaller.",
    )
}

fn broken(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::invalid(
        IMAGE_REFUSED,
        "The picture is broken or not of the type that it begins as.",
    )
    .caused_by(cause)
}
