//! From a file, which may be anything, to pixels.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, metadata::Orientation,
};

use crate::{MAX_PIXELS, Picture, Refused};

/// The most bytes that decoding may take, for pixels as for packed metadata: all pixels with
/// alpha, or half as many with 16 bits a channel.
const MAX_MEMORY: u64 = MAX_PIXELS * 4 + 16 * 1024 * 1024;

pub fn decode(file: &[u8]) -> Result<Picture, Refused> {
    let (format, name) = match image::guess_format(file) {
        Ok(ImageFormat::Png) => (ImageFormat::Png, "png"),
        Ok(ImageFormat::Jpeg) => (ImageFormat::Jpeg, "jpeg"),
        Ok(ImageFormat::Gif) => (ImageFormat::Gif, "gif"),
        Ok(ImageFormat::WebP) => (ImageFormat::WebP, "webp"),
        _ => return Err(Refused::Type),
    };
    if format == ImageFormat::Jpeg && !is_whole_jpeg(file) {
        return Err(Refused::Broken("the end is missing".into()));
    }
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(undecodable)?;
    let (width, height) = decoder.dimensions();
    // A GIF may say so of itself; nothing can be made of it.
    if width == 0 || height == 0 {
        return Err(Refused::Broken("it has no pixels".into()));
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Refused::Pixels { width, height });
    }
    // The limit above is for what a decoder needs beside the pixels.
    if decoder.total_bytes() > MAX_MEMORY {
        return Err(Refused::Memory(None));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(undecodable)?;
    // Two layouts are enough for all that follows.
    let pixels = if picture.color().has_alpha() {
        DynamicImage::ImageRgba8(picture.into_rgba8())
    } else {
        DynamicImage::ImageRgb8(picture.into_rgb8())
    };
    Ok(Picture {
        pixels,
        orientation,
        format: name,
    })
}

pub fn size_of(file: &[u8]) -> Result<(u32, u32), Refused> {
    let format = image::guess_format(file).map_err(|_| Refused::Type)?;
    ImageReader::with_format(Cursor::new(file), format)
        .into_dimensions()
        .map_err(undecodable)
}

/// The decoder fills what is missing of a JPEG with grey; we look for its end ourselves. Within
/// the picture's data, FF D9 stands for nothing else (ITU-T T.81 §B.1.1.5).
fn is_whole_jpeg(file: &[u8]) -> bool {
    let mut at = 2;
    while let Some([0xff, marker, high, low]) = file.get(at..at + 4) {
        // Any number of FF may stand before a marker.
        if *marker == 0xff {
            at += 1;
            continue;
        }
        at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
        // The start of a scan: its data begins behind this segment.
        if *marker == 0xda {
            let data = file.get(at..).unwrap_or_default();
            return data.windows(2).any(|pair| pair == [0xff, 0xd9]);
        }
    }
    false
}

fn undecodable(error: ImageError) -> Refused {
    match error {
        ImageError::Limits(_) => Refused::Memory(Some(error.into())),
        _ => Refused::Broken(error.into()),
    }
}
