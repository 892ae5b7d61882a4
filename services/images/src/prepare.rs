//! From an upload, which may be anything, to the sizes that are kept. It blocks and needs memory
//! for all pixels: run it apart, one at a time.

use techcommerce_contracts::codes::IMAGE_REFUSED;
use techcommerce_kernel::{Error, Kind};
pub use techcommerce_pixels::MAX_PIXELS;
use techcommerce_pixels::{Picture, Refused};

use crate::variant::Variant;

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
    let picture = Picture::open(upload).map_err(refused)?;
    let size = Variant::Original.fit(picture.size());
    // Scaled first and turned then: the other way round needs all pixels twice.
    let mut largest = picture.scaled(size).map_err(Error::internal)?;
    largest.turn_upright();
    Ok(Prepared {
        format: largest.format(),
        size: largest.size(),
        original: largest.webp(QUALITY).map_err(Error::internal)?,
    })
}

/// The sizes that are smaller than the largest, made from it.
///
/// # Errors
/// `image_refused` if `original` is not what [`prepare`] made.
pub fn smaller(original: &[u8]) -> Result<Vec<(Variant, bytes::Bytes)>, Error> {
    let mut last = Picture::open(original).map_err(refused)?;
    let size = last.size();
    let mut variants = Vec::with_capacity(3);
    for variant in Variant::all().filter(|variant| variant.file(size) == *variant) {
        if variant == Variant::Original {
            continue;
        }
        // From the next larger one, which is quicker and looks the same.
        last = last.scaled(variant.fit(size)).map_err(Error::internal)?;
        variants.push((variant, last.webp(QUALITY).map_err(Error::internal)?));
    }
    Ok(variants)
}

fn refused(why: Refused) -> Error {
    match why {
        Refused::Type => Error::new(
            Kind::UnsupportedMedia,
            IMAGE_REFUSED,
            "The file is no PNG, JPEG, GIF or WebP picture.",
        ),
        Refused::Broken(cause) => Error::invalid(
            IMAGE_REFUSED,
            "The picture is broken or not of the type that it begins as.",
        )
        .caused_by(cause),
        Refused::Pixels { width, height } => Error::invalid(
            IMAGE_REFUSED,
            format!(
                "The picture has {width} × {height} pixels; at most {} million are allowed.",
                MAX_PIXELS / 1_000_000
            ),
        ),
        Refused::Memory(cause) => {
            let error = Error::invalid(
                IMAGE_REFUSED,
                "The picture needs too much memory to be opened: save it with 8 bits a channel, or \
                 smaller.",
            );
            match cause {
                Some(cause) => error.caused_by(cause),
                None => error,
            }
        }
    }
}
