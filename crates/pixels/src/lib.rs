//! Pictures as pixels: opened within limits, turned upright, scaled, written as WebP.
//!
//! A crate of its own because decoders and the resizer are generic and compiled with what uses
//! them, which takes minutes: here that happens once. Everything blocks and needs memory for all
//! pixels: run it apart, one at a time.

mod decode;
mod encode;
mod resize;

use image::{DynamicImage, metadata::Orientation};

/// The most pixels of a picture that is opened.
pub const MAX_PIXELS: u64 = 40_000_000;

/// An opened picture, with or without alpha, 8 bits a channel.
#[derive(Debug)]
pub struct Picture {
    pixels: DynamicImage,
    orientation: Orientation,
    format: &'static str,
}

/// Why a file is not opened as a picture.
#[derive(Debug)]
pub enum Refused {
    /// It is no PNG, JPEG, GIF or WebP.
    Type,
    /// It is damaged, or not of the type that it begins as.
    Broken(Cause),
    /// It has more than [`MAX_PIXELS`].
    Pixels {
        /// As its header says.
        width: u32,
        /// As its header says.
        height: u32,
    },
    /// Opening it takes more memory than its pixels justify.
    Memory(Option<Cause>),
}

/// What the decoder said.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Type => f.write_str("no PNG, JPEG, GIF or WebP picture"),
            Self::Broken(cause) => write!(f, "a broken picture: {cause}"),
            Self::Pixels { width, height } => write!(f, "{width} × {height} pixels are too many"),
            Self::Memory(_) => f.write_str("a picture that needs too much memory"),
        }
    }
}

impl std::error::Error for Refused {}

/// A mistake of ours, not of the picture.
#[derive(Debug)]
pub struct Mistake(String);

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Mistake {}

impl Mistake {
    fn new(what: impl std::fmt::Display) -> Self {
        Self(what.to_string())
    }
}

/// Width and height as the file's header says, without opening it.
///
/// # Errors
/// It has no header of a picture.
pub fn size_of(file: &[u8]) -> Result<(u32, u32), Refused> {
    decode::size_of(file)
}

impl Picture {
    /// Opens a file: its type by the content alone, its size by the header alone, and only then the
    /// pixels. Of a moving picture the first frame is taken.
    ///
    /// # Errors
    /// It is refused before it costs more than a picture of [`MAX_PIXELS`] may.
    pub fn open(file: &[u8]) -> Result<Self, Refused> {
        decode::decode(file)
    }

    /// What the file was: `png`, `jpeg`, `gif` or `webp`.
    #[must_use]
    pub fn format(&self) -> &'static str {
        self.format
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        (self.pixels.width(), self.pixels.height())
    }

    /// The picture in another size, in the place of this one.
    ///
    /// # Errors
    /// A size without pixels.
    pub fn scaled(self, size: (u32, u32)) -> Result<Self, Mistake> {
        let pixels = resize::scaled(self.pixels, size)?;
        Ok(Self { pixels, ..self })
    }

    /// Turns the pixels as the file said that they are to be shown.
    pub fn turn_upright(&mut self) {
        self.pixels.apply_orientation(self.orientation);
        self.orientation = Orientation::NoTransforms;
    }

    /// The pixels alone as WebP; `quality` is from 0 to 100.
    ///
    /// # Errors
    /// The encoder's.
    pub fn webp(&self, quality: f32) -> Result<bytes::Bytes, Mistake> {
        encode::webp(&self.pixels, quality)
    }
}
