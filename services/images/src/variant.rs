//! The sizes that each picture is kept in.

use techcommerce_contracts::images::{Image, ImageVariant, Uploaded, WIDTHS};
use techcommerce_kernel::Uuid;

/// The width of the box that the largest size fits into.
const ORIGINAL_WIDTH: u32 = 2560;

/// One size. Each fits into a box twice as high as wide, and is never larger than the upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// `w320`, `w640`, `w1280`: that wide, unless the upload was smaller or the picture is very
    /// tall.
    Width(u32),
    /// `original`: as large as it is kept.
    Original,
}

impl Variant {
    /// All, from the largest to the smallest.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Original).chain(WIDTHS.into_iter().rev().map(Self::Width))
    }

    /// The variant of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|variant| variant.name() == name)
    }

    /// The name in addresses.
    pub fn name(self) -> String {
        match self {
            Self::Width(width) => format!("w{width}"),
            Self::Original => "original".into(),
        }
    }

    /// The file that serves this size of a picture whose largest size is `size`: where nothing is
    /// to be made smaller, that of the largest.
    pub fn file(self, size: (u32, u32)) -> Self {
        if self.fit(size) == size {
            return Self::Original;
        }
        self
    }

    /// The size in pixels that a picture of this size gets.
    pub fn fit(self, (width, height): (u32, u32)) -> (u32, u32) {
        let box_width = match self {
            Self::Width(width) => width,
            Self::Original => ORIGINAL_WIDTH,
        };
        let box_height = box_width * 2;
        if width <= box_width && height <= box_height {
            return (width, height);
        }
        let scaled = |side: u32, to: u32, of: u32| {
            let scaled = (u64::from(side) * u64::from(to) + u64::from(of) / 2) / u64::from(of);
            u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
        };
        if u64::from(height) <= u64::from(width) * 2 {
            (box_width, scaled(height, box_width, width))
        } else {
            (scaled(width, box_height, height), box_height)
        }
    }
}

/// The answer that tells of a picture whose largest size is `size`.
pub(crate) fn describe(id: Uuid, size: (u32, u32)) -> Uploaded {
    let variants = Variant::all()
        .map(|variant| {
            let (width, height) = variant.fit(size);
            let name = variant.name();
            ImageVariant {
                url: format!("/images/{id}/{name}"),
                name,
                width,
                height,
            }
        })
        .collect();
    Uploaded {
        id,
        url: Image::url_of(id, WIDTHS[1]),
        width: size.0,
        height: size.1,
        variants,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_the_shape_and_never_grow() {
        let w320 = Variant::Width(320);
        assert_eq!(w320.fit((1280, 960)), (320, 240));
        assert_eq!(w320.fit((200, 100)), (200, 100));
        assert_eq!(
            w320.fit((1000, 20_000)),
            (32, 640),
            "a very tall one fits by its height"
        );
        assert_eq!(w320.fit((40_000, 1)), (320, 1));
        assert_eq!(w320.fit((1, 40_000)), (1, 640));
        assert_eq!(Variant::Original.fit((8000, 5000)), (2560, 1600));
    }

    #[test]
    fn names() {
        let names: Vec<_> = Variant::all().map(Variant::name).collect();
        assert_eq!(names, ["original", "w1280", "w640", "w320"]);
        assert_eq!(Variant::parse("w640"), Some(Variant::Width(640)));
        assert_eq!(Variant::parse("w641"), None);
    }
}
